"""Measure the leakage check on real data, and write the tables of docs/leakage.md.

python benchmarks/leakage.py --data FOLDER             all items of GSM8K test and HumanEval, 3,000 of MMLU test
python benchmarks/leakage.py --data FOLDER --items 200 a short run

FOLDER holds what is read, as in the tests: `benchmarks/` (the benchmarks of the shipped indexes), `leaks/` (rows known
to be leaks), and text of none; items are planted in `model_text/alpaca_eval_17_models.jsonl`. All rows go through
`dataaudit clean --drop leakage`; what is counted stands in the reasons beside its quarantine.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from pages import fill
from planting import KINDS, Item, hosts, items, lines, planted, sampled

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "leakage.md"
OTHER = (
    "human_text/brown.jsonl",
    "human_text/dolly_train.json",
    "human_text/lima_train.json",
    "human_text/gsm8k_train.jsonl",
    "labelled/sms.tsv",
    "preference/hh_harmless_base_test.jsonl.gz",
    "preference/llmbar_natural.json",
    "generations/novelty_bench_gemini_1.5_pro.jsonl",
    "model_text/alpaca_eval_17_models.jsonl",
)
"""Text of people first, then of models."""
FOUND = re.compile(r"item (.+) of (\S+): (\d+) % of the question")

Hits = list[tuple[int, str, str, int]]
"""Row, benchmark, item, percent of the question."""


class Tool:
    """The command line of the tool, and a folder to work in."""

    def __init__(self, command: str, work: Path) -> None:
        self.command = command
        self.work = work
        self.runs = 0
        self.rows = 0
        """Rows of the last source."""

    def hits(self, source: Path, *options: str) -> Hits:
        """What is found in a source."""
        self.runs += 1
        out = self.work / f"out-{self.runs}"
        command = [
            self.command,
            "clean",
            str(source),
            "-o",
            str(out),
            "--drop",
            "leakage",
            "--isolated",
            "--quiet",
        ]
        subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL)
        manifest = json.loads((out / "manifest.json").read_text("utf-8"))
        self.rows = sum(one["rows"] for one in manifest["inputs"])
        return [
            (entry["row"], match[2], match[1], int(match[3]))
            for path in sorted(out.rglob("*.reasons.jsonl"))
            for entry in lines(path)
            for reason in entry["reasons"]
            if (match := FOUND.match(reason.get("note") or ""))
        ]

    def hits_in(self, texts: Sequence[str]) -> Hits:
        """What is found in texts."""
        source = self.work / f"in-{self.runs}.jsonl"
        source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
        return self.hits(source)


def recalls(tool: Tool, data: Path, most: int) -> list[str]:
    """Recall per kind of leak and benchmark, as a table."""
    benchmarks = {name: sampled(all_of, most) for name, all_of in items(data).items()}
    pages = hosts(data)
    words = sorted({word for page in pages for word in page.split() if word.isalpha()})
    unplanted = tool.hits_in(pages)
    table = [f"| planted | {' | '.join(benchmarks)} |", "|---|" + "---:|" * len(benchmarks)]
    for kind in KINDS:
        mine = [item for all_of in benchmarks.values() for item in all_of if kind.takes(item)]
        found = {
            (row, benchmark, item)
            for row, benchmark, item, _ in tool.hits_in([planted(item, kind, pages, words) for item in mine])
        }
        cells = [_recall(mine, found, name) for name in benchmarks]
        table.append(f"| {kind.name} | {' | '.join(cells)} |")
    sizes = ", ".join(f"{len(all_of):,} of {name}" for name, all_of in benchmarks.items())
    return [
        f"Items: {sizes}. Pages: {len(pages):,} outputs of models; {len(unplanted)} hold an item by themselves.",
        "",
        *table,
    ]


def _recall(mine: Sequence[Item], found: set[tuple[int, str, str]], name: str) -> str:
    there = [(row, item) for row, item in enumerate(mine) if item.benchmark == name]
    right = sum((row, name, item.id) in found for row, item in there)
    return f"{right / len(there):.3f} ({right:,} of {len(there):,})" if there else "–"


def elsewhere(tool: Tool, data: Path, prose: Path | None) -> list[str]:
    """Rows hit in text that is of no benchmark, and each of them."""
    table = ["| text | rows | rows hit | which |", "|---|---:|---:|---|"]
    for name in OTHER:
        table.append(_row(name, tool.hits(data / name), tool.rows))
    if prose is not None:
        table.append(_row("what human_prose.py collects", tool.hits(prose), tool.rows))
    return table


def _row(name: str, hits: Hits, rows: int) -> str:
    which = "; ".join(
        f"row {row}: {percent} % of item {item} of {label}" for row, label, item, percent in hits
    )
    return f"| {name} | {rows:,} | {len({hit[0] for hit in hits})} | {which} |"


def known(tool: Tool, data: Path) -> list[str]:
    """Recall on rows that are known to be leaks, word for word and rephrased: of the item that a row stands for."""
    all_items = items(data)
    table = ["| rows | items | rows with text | found |", "|---|---|---:|---:|"]
    for name, benchmark in (
        ("wizardmath_gsm8k_test", "gsm8k-test"),
        ("rephrase_gsm8k", "gsm8k-test"),
        ("humaneval_python", "humaneval"),
        ("humaneval_js", "humaneval"),
    ):
        path = data / "leaks" / f"{name}.jsonl"
        found = {(row, item) for row, label, item, _ in tool.hits(path) if label == benchmark}
        rows = [
            row for row, record in enumerate(lines(path)) if any(str(one).strip() for one in record.values())
        ]
        right = sum((row, all_items[benchmark][row].id) in found for row in rows)
        table.append(
            f"| {name} | {benchmark} | {len(rows):,} | {right:,} ({100 * right / len(rows):.1f} %) |"
        )
    return table


def codealpaca(tool: Tool, data: Path) -> list[str]:
    """Nearest rows of CodeAlpaca to the tasks of HumanEval: the judge's answer beside ours."""
    tasks = list(lines(data / "leaks" / "codealpaca_nearest_to_humaneval.jsonl"))
    rows = [(number, text) for number, task in enumerate(tasks) for text in task["train"]]
    hits = tool.hits_in([text for _, text in rows])
    ours = {rows[row][0] for row, label, item, _ in hits if label == "humaneval"}
    judged = {number for number, task in enumerate(tasks) if any(task["results"])}
    return [
        "| | judged rephrased | judged not rephrased |",
        "|---|---:|---:|",
        f"| found | {len(ours & judged)} | {len(ours - judged)} |",
        f"| not found | {len(judged - ours)} | {len(tasks) - len(judged | ours)} |",
    ]


def other_splits(tool: Tool, data: Path) -> list[str]:
    """Questions of MMLU outside its test split that are hit: repeated in it, or templates that both use."""
    table = ["| split | questions | hit | of these 95 % of an item and more |", "|---|---:|---:|---:|"]
    for split in ("dev", "validation"):
        rows = (row for path in sorted((data / "benchmarks").glob(f"mmlu_{split}*")) for row in lines(path))
        questions = sorted({row["question"] for row in rows})
        hits = tool.hits_in(questions)
        most = {row: max(hit[3] for hit in hits if hit[0] == row) for row in {hit[0] for hit in hits}}
        whole = sum(percent >= 95 for percent in most.values())
        table.append(f"| {split} | {len(questions):,} | {len(most)} | {whole} |")
    return table


def sections(tool: Tool, data: Path, most: int, prose: Path | None) -> Iterable[str]:
    yield from ("### Planted in real rows", "", *recalls(tool, data, most), "")
    yield from ("### Text of no benchmark", "", *elsewhere(tool, data, prose), "")
    yield from ("### Other splits of MMLU", "", *other_splits(tool, data), "")
    yield from ("### Known leaks, word for word and rephrased", "", *known(tool, data), "")
    yield from ("### CodeAlpaca beside HumanEval", "", *codealpaca(tool, data))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the real data")
    parser.add_argument("--items", type=int, default=3_000, help="items planted of each benchmark at most")
    parser.add_argument("--prose", type=Path, help="folder that human_prose.py wrote: more text of people")
    parser.add_argument(
        "--tool", default=str(Path(sys.executable).with_name("dataaudit")), help="command to measure"
    )
    parser.add_argument(
        "--print", action="store_true", help="print the tables, and leave docs/leakage.md as it is"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        made = "\n".join(sections(Tool(args.tool, Path(work)), args.data, args.items, args.prose))
    if args.print:
        print(made)
        return
    fill(PAGE, "leakage.py", made)


if __name__ == "__main__":
    main()
