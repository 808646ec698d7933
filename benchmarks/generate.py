"""Instruction data of a wanted size, of random words or of sentences drawn from given texts; the same bytes for the
same seed, size and texts on every machine."""

from __future__ import annotations

import itertools
import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

SEED = 7
HIT_SHARE = 0.02
"""Share of rows that get one of `MARKED` put into the response."""
DUPLICATE_SHARE = 0.02
"""Share of rows that repeat one of the last thousand rows."""
ROW_GROUP = 16_384
"""Rows per Parquet row group."""

MARKED = (
    "[INST] {} [/INST]",
    "<|im_start|>assistant\n{}<|im_end|>",
    "<|start_header_id|>assistant<|end_header_id|>\n\n{}",
    "As an AI assistant, {}",
    "{} I cannot and will not continue.",
)

# Function words come first in the file: like real text, a few words make up most of what is drawn.
_WORDS = (Path(__file__).parent / "words.txt").read_text(encoding="utf-8").split()
_CUMULATIVE = tuple(itertools.accumulate(1 / (rank + 2) for rank in range(len(_WORDS))))


@dataclass(frozen=True)
class Made:
    """One generated data set."""

    jsonl: Path
    """Folder of JSONL files, one per core, so that a tool that shares out whole files can use all cores."""
    parquet: Path
    rows: int
    nbytes: int
    """Size of the JSONL files together."""

    @property
    def megabytes(self) -> float:
        """Millions of bytes."""
        return self.nbytes / 1e6


Draw = Callable[[random.Random, int], str]
"""Makes a text of about so many words."""


def drawn_from(texts: Path) -> Draw:
    """Texts put together from the sentences of the `output` fields of a JSONL file: real words in real order, in rows

    that are no copies of each other.
    """
    with texts.open("rb") as lines:
        found = (re.split(r"(?<=[.!?\n])(?=\s)", json.loads(line)["output"]) for line in lines)
        pool = [sentence for text in found for sentence in text if sentence.strip()]

    def draw(rng: random.Random, words: int) -> str:
        taken: list[str] = []
        while words > 0:
            taken.append(rng.choice(pool))
            words -= taken[-1].count(" ") + 1
        return "".join(taken).lstrip()

    return draw


def sentences(rng: random.Random, words: int) -> str:
    """A text of so many random words, cut into sentences of twelve."""
    drawn = rng.choices(_WORDS, cum_weights=_CUMULATIVE, k=words)
    for start in range(0, words, 12):
        drawn[start] = drawn[start].capitalize()
        last = min(start + 11, words - 1)
        drawn[last] += "." if start % 48 else ".\n"
    return " ".join(drawn)


Words = tuple[tuple[int, int], tuple[int, int]]
"""Least and most words of a prompt, and of a response."""

SHAPES: dict[str, Words] = {
    "usual": ((8, 40), (60, 520)),  # some 2 kB
    "short": ((2, 5), (6, 12)),  # some 100 bytes
    "long": ((8, 40), (1200, 2400)),  # some 10 kB
}


def rows(seed: int, draw: Draw, words: Words = SHAPES["usual"]) -> Iterator[dict[str, str]]:
    """Rows without end: by default a prompt of some twenty words, a response of a few hundred."""
    rng = random.Random(seed)
    recent: list[dict[str, str]] = []
    while True:
        if recent and rng.random() < DUPLICATE_SHARE:
            yield rng.choice(recent)
            continue
        response = draw(rng, rng.randint(*words[1]))
        if rng.random() < HIT_SHARE:
            response = rng.choice(MARKED).format(response)
        row = {"prompt": draw(rng, rng.randint(*words[0])), "response": response}
        recent.append(row)
        if len(recent) > 1000:
            recent.pop(rng.randrange(1000))
        yield row


def _write_jsonl(folder: Path, megabytes: float, files: int, source: Iterator[dict[str, str]]) -> None:
    folder.mkdir(parents=True)
    for part in range(files):
        written = 0
        with (folder / f"part-{part:02}.jsonl").open("wb") as out:
            while written < megabytes * 1e6 / files:
                written += out.write(json.dumps(next(source), ensure_ascii=False).encode() + b"\n")


def _write_parquet(jsonl: Path, folder: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir()
    for path in sorted(jsonl.glob("*.jsonl")):
        out = folder / f"{path.stem}.parquet"
        schema = pa.schema([("prompt", pa.string()), ("response", pa.string())])
        with path.open("rb") as lines, pq.ParquetWriter(out, schema, compression="zstd") as writer:
            while chunk := [json.loads(line) for line in itertools.islice(lines, ROW_GROUP)]:
                writer.write_table(pa.Table.from_pylist(chunk, schema), row_group_size=ROW_GROUP)


def make(
    work: Path,
    megabytes: float,
    files: int,
    texts: Path | None = None,
    shape: str = "usual",
    seed: int = SEED,
) -> Made:
    """Generate into `work`, or take what an earlier run with the same numbers left there.

    `texts` is a file to draw sentences from; without it words are random. `shape` is one of `SHAPES`.

    Runs in a process of its own: the kernel's record of a child's peak memory starts at the size its parent
    had when it forked, so the process that measures must stay small.
    """
    kind = "words" if texts is None else f"{texts.stem}-{texts.stat().st_size}"
    folder = work / f"{megabytes:g}mb-{files}files-seed{seed}-{kind}{'' if shape == 'usual' else f'-{shape}'}"
    done = folder / "rows"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        command = [
            sys.executable,
            __file__,
            str(folder),
            str(megabytes),
            str(files),
            str(seed),
            str(texts or ""),
            shape,
        ]
        subprocess.run(command, check=True)
    nbytes = sum(path.stat().st_size for path in (folder / "jsonl").glob("*.jsonl"))
    return Made(folder / "jsonl", folder / "parquet", int(done.read_text()), nbytes)


def repeated(work: Path, made: Made, times: int) -> Made:
    """The same files several times over, as hard links: more rows without more disk."""
    folder = work / f"{made.jsonl.parent.name}-x{times}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number in range(times):
        for path in made.jsonl.glob("*.jsonl"):
            (folder / f"{number:02d}-{path.name}").hardlink_to(path)
    return Made(folder, made.parquet, made.rows * times, made.nbytes * times)


def main() -> None:
    """Write one data set; the file `rows` comes last and marks it complete."""
    folder = Path(sys.argv[1])
    draw = drawn_from(Path(sys.argv[5])) if sys.argv[5] else sentences
    _write_jsonl(
        folder / "jsonl",
        float(sys.argv[2]),
        int(sys.argv[3]),
        rows(int(sys.argv[4]), draw, SHAPES[sys.argv[6]]),
    )
    _write_parquet(folder / "jsonl", folder / "parquet")
    count = 0
    for path in (folder / "jsonl").glob("*.jsonl"):
        with path.open("rb") as lines:
            count += sum(1 for _ in lines)
    (folder / "rows").write_text(str(count))


if __name__ == "__main__":
    main()
