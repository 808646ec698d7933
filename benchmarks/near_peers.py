"""Tools that remove near-duplicates, each in an environment of its own, on the same JSON Lines.

    setup(peer, folder)     create the environment (once)
    command(peer, …)        what is timed
    kept(peer, …)           ids of the rows it kept, from what it wrote; not timed

The rows have an `id`, their number, and a `text`; they lie in one file, and cut into one file per core for datatrove,
of which a task reads whole files. Every peer compares the texts by words in fives, at similarity 0.8 where it has such
a setting, and is left at its defaults otherwise. Run as a script inside its environment, this file is the peer's whole
program.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REQUIREMENTS = {
    # The tokenizer of its default language, English, is spaCy's.
    "datatrove": ["datatrove[io,processing]==0.10.1", "spacy"],
    "text-dedup": ["text-dedup==0.4.0"],
    "rensa": ["rensa==0.5.0"],
}


@dataclass(frozen=True)
class Rows:
    """The rows that everyone reads."""

    whole: Path
    """All of them in one JSON Lines file."""
    parts: Path
    """A folder with the same, in one file per core."""
    cores: int


def setup(peer: str, folder: Path) -> Path:
    """The interpreter of a peer's environment, created on first use."""
    python = folder / peer / "bin" / "python"
    stamp = folder / peer / ".installed"
    wanted = "\n".join(REQUIREMENTS[peer])
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder / peer)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *REQUIREMENTS[peer]], check=True)
        stamp.write_text(wanted)
    return python


def command(peer: str, python: Path, rows: Rows, out: Path) -> list[str]:
    """The command that is timed. It makes the folder `out`, which must not be there yet."""
    if peer == "rensa":
        return [str(python), __file__, peer, str(rows.whole), str(out)]
    if peer == "datatrove":
        return [str(python), __file__, peer, str(rows.parts), str(out), str(rows.cores)]
    reading = [
        "--path",
        "json",
        "--data_files",
        str(rows.whole),
        "--split",
        "train",
        "--cache_dir",
        f"{out}-cache",
    ]
    settings = ["--ngram", "5", "--threshold", "0.8", "--num_perm", "256", "--min_length", "1"]
    running = ["--column", "text", "--output", str(out), "--num_proc", str(rows.cores)]
    return [str(python), "-m", "text_dedup.minhash", *reading, *settings, *running]


def kept(peer: str, python: Path, out: Path) -> set[int]:
    """The ids of the rows that a peer kept."""
    script = [str(python), __file__, "kept", peer, str(out)]
    done = subprocess.run(script, check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout))


def run_rensa(rows: Path, out: Path) -> None:
    """What a script with rensa looks like: 128 permutations in 16 bands, a pair verified by its signatures."""
    import re
    from collections import defaultdict

    from rensa import RMinHash

    signatures: list[RMinHash] = []
    digests: list[list[int]] = []
    with rows.open("rb") as lines:
        for line in lines:
            words = re.findall(r"\w+", json.loads(line)["text"].lower())
            minhash = RMinHash(num_perm=128, seed=42)
            minhash.update([" ".join(words[i : i + 5]) for i in range(max(1, len(words) - 4))])
            signatures.append(minhash)
            digests.append(minhash.digest())
    gone: set[int] = set()
    for band in range(16):
        buckets: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for row, digest in enumerate(digests):
            if row not in gone:
                buckets[tuple(digest[band * 8 : band * 8 + 8])].append(row)
        for first, *others in buckets.values():
            gone.update(row for row in others if signatures[first].jaccard(signatures[row]) >= 0.8)
    out.mkdir()
    (out / "kept.json").write_text(json.dumps([row for row in range(len(digests)) if row not in gone]))


def run_datatrove(parts: Path, out: Path, cores: int, text: str = "text") -> None:
    """Its four stages with its defaults: 5-grams, 14 buckets of 8 hashes. `text` is the field that holds it."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import (
        MinhashConfig,
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
    )
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    config = MinhashConfig()
    read = JsonlReader(str(parts), text_key=text, id_key="id", compression=None)

    def run(stage: str, pipeline: list[object], tasks: int, workers: int) -> None:
        LocalPipelineExecutor(
            pipeline=pipeline,
            tasks=tasks,
            workers=workers,
            logging_dir=str(out / "logs" / stage),
            start_method="fork",
        ).run()

    signatures, buckets, gone = (str(out / name) for name in ("signatures", "buckets", "gone"))
    run("1", [read, MinhashDedupSignature(output_folder=signatures, config=config)], cores, cores)
    run(
        "2",
        [MinhashDedupBuckets(input_folder=signatures, output_folder=buckets, config=config)],
        config.num_buckets,
        cores,
    )
    run("3", [MinhashDedupCluster(input_folder=buckets, output_folder=gone, config=config)], 1, 1)
    write = JsonlWriter(str(out / "kept"), compression=None)
    run("4", [read, MinhashDedupFilter(input_folder=gone), write], cores, cores)


def read_kept(peer: str, out: Path) -> list[int]:
    """The ids of the rows kept, read in the peer's own environment."""
    if peer == "rensa":
        found: list[int] = json.loads((out / "kept.json").read_text())
        return found
    if peer == "datatrove":
        # It leaves out an id that is 0.
        files = (out / "kept").rglob("*.jsonl")
        return [
            int(json.loads(line).get("id", 0)) for path in files for line in path.read_bytes().splitlines()
        ]
    from datasets import load_from_disk

    return [int(one) for one in load_from_disk(str(out))["id"]]


if __name__ == "__main__":
    verb, *rest = sys.argv[1:]
    if verb == "kept":
        print(json.dumps(read_kept(rest[0], Path(rest[1]))))
    elif verb == "rensa":
        run_rensa(Path(rest[0]), Path(rest[1]))
    else:
        run_datatrove(Path(rest[0]), Path(rest[1]), int(rest[2]), *rest[3:])
