"""Time the leakage check beside decon and corpus-assay on the same rows, and write the table of docs/leakage.md.

python benchmarks/leakage_peers.py --data FOLDER                 180,000 rows, 200 items, three rounds
python benchmarks/leakage_peers.py --data FOLDER --rows 18000 --repeat 1

Rows are put together from the sentences of model outputs, so that they are no copies of each other. In fifty of them
stands a question of GSM8K test word for word, in fifty one of which every twelfth word was replaced. The peers
(`decontaminate` 0.3.0.post4, the Python bindings of decon, and `corpus-assay` 0.1.0) need Python 3.12 or newer: name
one with --python. Every tool gets the questions without their answers and the same two files, its defaults otherwise;
ours and decon run with two workers and with one, corpus-assay with two. A run is a whole process: start-up, reading,
what it writes. Indexes are built before the clock starts; decon builds its own in every run, in 0.3 seconds.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import measure
from generate import drawn_from
from leakage import PAGE
from pages import fill
from planting import KINDS, Item, items, lines, planted, sampled

HERE = Path(__file__).resolve().parent
SEED = 7
ITEMS, PLANTED = 200, 50
PARTS = 2
PEERS = {"decon": "decontaminate==0.3.0.post4", "corpus-assay": "corpus-assay==0.1.0"}


@dataclass(frozen=True)
class Made:
    """The rows, and in which of them what was planted."""

    rows: Path
    items: Path
    verbatim: frozenset[int]
    edited: frozenset[int]
    nbytes: int


def make(data: Path, work: Path, rows: int) -> Made:
    """Write the rows and the items."""
    mine = sampled([item for item in items(data)["gsm8k-test"] if item.words >= 12], ITEMS)
    kinds = {kind.name: kind for kind in KINDS}
    draw = drawn_from(data / "model_text" / "alpaca_eval_17_models.jsonl")
    rng = random.Random(SEED)
    words = sorted({word for word in draw(rng, 20_000).split() if word.isalpha()})
    places = sorted(random.Random(SEED).sample(range(rows), 2 * PLANTED))
    leaks: dict[int, tuple[Item, str]] = {}
    for number, (row, item) in enumerate(zip(places, mine, strict=False)):
        leaks[row] = item, "every twelfth word replaced" if number % 2 else "question in a page"
    folder = work / "rows"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    nbytes = 0
    for part in range(PARTS):
        with (folder / f"part-{part:02}.jsonl").open("wb") as out:
            for row in range(part * rows // PARTS, (part + 1) * rows // PARTS):
                text = draw(rng, rng.randint(60, 520))
                if row in leaks:
                    item, kind = leaks[row]
                    text = planted(item, kinds[kind], [text], words)
                nbytes += out.write(json.dumps({"id": str(row), "text": text}).encode() + b"\n")
    source = work / "items" / "items.jsonl"
    source.parent.mkdir(exist_ok=True)
    wanted = {item.id for item in mine}
    with source.open("w", encoding="utf-8") as file:
        for path in sorted((data / "benchmarks").glob("gsm8k_test*")):
            for one in lines(path):
                if str(one["eval_instance_index"]) in wanted:
                    file.write(json.dumps({**one, "answer": ""}) + "\n")
    edited = frozenset(row for row, (_, kind) in leaks.items() if kind.startswith("every"))
    return Made(folder, source, frozenset(leaks) - edited, edited, nbytes)


def environment(python: str, name: str) -> Path:
    """The interpreter of a peer's environment, made on first use."""
    folder = HERE / ".venvs" / name
    stamp = folder / ".installed"
    if not stamp.exists() or stamp.read_text() != PEERS[name]:
        subprocess.run([python, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [
            str(folder / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        subprocess.run([*pip, PEERS[name]], check=True)
        stamp.write_text(PEERS[name])
    return folder / "bin" / "python"


@dataclass(frozen=True, eq=False)
class Case:
    """One tool: what is timed, what it wrote, and which rows that names."""

    name: str
    workers: int
    command: list[str]
    out: Path
    found: Callable[[Path], set[int]]


def ours(tool: str, made: Made, work: Path, workers: int) -> Case:
    """Our command, with nothing on but this check; the index is built first."""
    index = work / "items.benchmark"
    build = [tool, "benchmarks", "build", str(made.items), "-o", str(index), "--name", "items"]
    subprocess.run([*build, "--columns", "question=question"], check=True, stdout=subprocess.DEVNULL)
    out = work / f"ours-{workers}.jsonl"
    command = [tool, "scan", str(made.rows), "--isolated", "--quiet", "--output", f"rows={out}"]
    command += ["--benchmarks", "none", "--benchmarks", str(index), "--select", "leakage"]
    command += ["--jobs", str(workers)]
    starts = _starts(made)

    def found(path: Path) -> set[int]:
        return {starts[Path(one["file"]).stem] + one["row"] for one in lines(path)}

    return Case("dataaudit scan --select leakage", workers, command, out, found)


def decon(python: Path, made: Made, work: Path, workers: int) -> Case:
    """decon by its Python bindings."""
    out = work / f"decon-{workers}"
    folders = ", ".join(repr(str(one)) for one in (made.rows, made.items.parent, out))
    code = f"import decon; decon.detect(decon.Config({folders}, worker_threads={workers}))"
    starts = _starts(made)

    def found(folder: Path) -> set[int]:
        return {
            starts[path.name.partition("-simple")[0]] + one["training_line"]
            for path in folder.glob("*.jsonl")
            for one in lines(path)
        }

    return Case("decon 0.3.0 (Python bindings)", workers, [str(python), "-c", code], out, found)


def assay(python: Path, made: Made, work: Path) -> Case:
    """corpus-assay; the index is built first."""
    tool, index, config = str(python.with_name("corpus-assay")), work / "assay.native", work / "assay.yaml"
    config.write_text(
        f"benchmarks:\n- {{name: items, dataset: json, splits: [train], data_files: {made.items}, "
        "fields: [question]}\nngram: 13\nmin_hits: 3\nmin_coverage: 0.001\n"
    )
    build = [tool, "build-index", "--out-index", str(index), "--config", str(config), "--allow-unpinned"]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    out = work / "assay"
    command = [tool, "scan", "--input", f"{made.rows}/*.jsonl", "--index", str(index), "--out-dir", str(out)]
    command += [
        "--id-key",
        "id",
        "--config",
        str(config),
        "--workers",
        str(PARTS),
        "--max-return-records",
        "100000",
    ]

    def found(folder: Path) -> set[int]:
        return {
            int(str(one["doc_id"]).partition("-")[0])
            for path in folder.glob("contaminated_docs/*.ndjson")
            for one in lines(path)
        }

    return Case("corpus-assay 0.1.0", PARTS, command, out, found)


def _starts(made: Made) -> dict[str, int]:
    """The number of the first row of each file."""
    starts, rows = {}, 0
    for path in sorted(made.rows.glob("*.jsonl")):
        starts[path.stem] = rows
        with path.open("rb") as file:
            rows += sum(1 for _ in file)
    return starts


def table(cases: list[Case], costs: dict[Case, list[measure.Cost]], made: Made, rows: int) -> list[str]:
    """What each tool took and found."""
    out = [
        f"{rows:,} rows, {made.nbytes / 1e6:.0f} MB of JSONL; {ITEMS} items; {measure.machine()['processor']}; "
        f"medians of {len(costs[cases[0]])}.",
        "",
        "| tool | workers | wall s | CPU s | wall / ours | CPU / ours | peak MB "
        "| word for word | twelfth replaced | others |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for case in cases:
        cost, found = measure.median(costs[case]), case.found(case.out)
        first = measure.median(next(costs[one] for one in cases if one.workers == case.workers))
        right = f"{len(found & made.verbatim)} of {PLANTED} | {len(found & made.edited)} of {PLANTED}"
        wrong = len(found - made.verbatim - made.edited)
        times = f"{cost.wall / first.wall:.1f} | {cost.cpu / first.cpu:.1f}"
        figures = f"{cost.wall:.1f} | {cost.cpu:.1f} | {times} | {cost.peak_mb:.0f}"
        out.append(f"| {case.name} | {case.workers} | {figures} | {right} | {wrong} |")
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the real data")
    parser.add_argument("--rows", type=int, default=180_000)
    parser.add_argument("--repeat", type=int, default=3, help="rounds; every round runs each tool once")
    parser.add_argument("--python", default="python3.12", help="Python 3.12 or newer, for the peers")
    parser.add_argument(
        "--tool", default=str(Path(sys.executable).with_name("dataaudit")), help="command to measure"
    )
    parser.add_argument(
        "--work", type=Path, default=HERE / ".work" / "leakage", help="folder for inputs and outputs"
    )
    parser.add_argument(
        "--print", action="store_true", help="print the table, and leave docs/leakage.md as it is"
    )
    args = parser.parse_args()
    measure.as_installed()
    made = make(args.data, args.work, args.rows)
    theirs = environment(args.python, "decon")
    cases = [ours(args.tool, made, args.work, PARTS), decon(theirs, made, args.work, PARTS)]
    cases.append(assay(environment(args.python, "corpus-assay"), made, args.work))
    cases += [ours(args.tool, made, args.work, 1), decon(theirs, made, args.work, 1)]
    costs: dict[Case, list[measure.Cost]] = {case: [] for case in cases}
    for _ in range(args.repeat):
        for case in cases:
            shutil.rmtree(case.out, ignore_errors=True)
            case.out.unlink(missing_ok=True)
            cost = measure.run(case.command, args.work / "log.txt")
            if cost.exit_code:
                raise SystemExit(f"{case.name} failed:\n{(args.work / 'log.txt').read_text()[-2000:]}")
            costs[case].append(cost)
    text = "\n".join(table(cases, costs, made, args.rows))
    print(text)
    if not args.print:
        fill(PAGE, "leakage_peers.py", text)


if __name__ == "__main__":
    main()
