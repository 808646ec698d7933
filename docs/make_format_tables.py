"""Writes docs/formats.md: what becomes of every case of public test suites of file formats.

    python docs/make_format_tables.py FOLDER          write docs/formats.md
    python docs/make_format_tables.py FOLDER --check  exit 1 if it is not what would be written

FOLDER holds JSONTestSuite (github.com/nst/JSONTestSuite, the files of test_parsing) and parquet-testing
(github.com/apache/parquet-testing).
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dataaudit.errors import SourceError, UsageError
from dataaudit.records.types import Batch, FileRef
from dataaudit.sources.base import Damage, ReadOptions
from dataaudit.sources.discover import discover
from dataaudit.sources.readers import reader_for

TARGET = Path(__file__).with_name("formats.md")
SUITE = "JSONTestSuite"
EXPECTED = {"y": "must be accepted", "n": "must be refused", "i": "may be either"}

INTRO = """# What is read, and what is refused

Made by `docs/make_format_tables.py`; a test holds that it is what the script writes.

## JSON

[JSONTestSuite](https://github.com/nst/JSONTestSuite) has {count} files, each one JSON text: `y_` must be accepted by a
parser, `n_` must be refused, `i_` may be either. A record is a JSON object (or an element of a named array of arrays),
so a valid text of another kind is malformed here too, with the reason `not-an-object`. Each case is read twice: as a
`.json` file, and, where it has no line feed, as a line of a `.jsonl` file.

No `n_` case gives a record in either form, and every `y_` case that is an object gives one.

"""

PARQUET = "parquet-testing"
PARQUET_INTRO = """## Parquet

[parquet-testing](https://github.com/apache/parquet-testing) has {count} Parquet files: those of `data` should be read,
those of `bad_data` are damaged. Rows are those of all row groups as the footer has them. What cannot be decoded, or
does not fit its checksum, is lost, and the run is incomplete; everything around it is read.

| file | rows in the footer | read | lost or refused |
| --- | ---: | ---: | --- |
"""
LEFT_OUT = frozenset({"data/large_string_map.brotli.parquet"})
"""A few thousand bytes that unpack to two gigabytes: read in the tests, too slow here."""


@dataclass(frozen=True)
class Outcome:
    """What became of one case."""

    records: int
    reasons: tuple[str, ...] = ()
    """Of malformed records."""
    error: str | None = None

    def __str__(self) -> str:
        parts = [f"{self.records} record" + ("s" if self.records != 1 else "")] if self.records else []
        parts += [f"{name} × {n}" if n > 1 else name for name, n in sorted(Counter(self.reasons).items())]
        if self.error is not None:
            parts.append(f"error: {self.error}")
        return "; ".join(parts) or "no records"


def read_all(path: Path) -> Outcome:
    """What a file gives."""
    try:
        files = discover([str(path)]).files
    except UsageError as error:
        return Outcome(0, error=str(error).removeprefix(f"{path}: "))
    records, reasons, errors = 0, [], []
    for file in files:
        try:
            for batch in _batches(file):
                records += len(batch)
                reasons += [one.reason for one in batch.malformed]
        except SourceError as error:
            errors.append(str(error).removeprefix(f"{file.uri}: "))
    return Outcome(records, tuple(reasons), "; ".join(errors) or None)


def _batches(file: FileRef) -> Iterator[Batch]:
    reader = reader_for(file.format)
    for partition in reader.plan(file, 1 << 62):
        for item in reader.read(partition, ReadOptions()):
            assert isinstance(item, Batch)
            yield item


def outcomes(suite: Path, scratch: Path) -> Iterator[tuple[str, Outcome, Outcome | None]]:
    """Per case its name, and what it gives as a document and as a line."""
    for path in sorted(suite.glob("*.json")):
        data = path.read_bytes()
        line = None
        if b"\n" not in data:
            lines = scratch / "line.jsonl"
            lines.write_bytes(data + b"\n")
            line = read_all(lines)
        yield path.stem, read_all(path), line


def parquet_rows(path: Path) -> int | None:
    """The rows of all row groups, or None where there is no footer that can be read."""
    try:
        meta = pq.ParquetFile(path).metadata
    except (pa.ArrowException, OSError):
        return None
    return sum(meta.row_group(i).num_rows for i in range(meta.num_row_groups))


def read_parquet(path: Path) -> tuple[int, str]:
    """Records read, and what was not: in our words, as those of the library change with its version."""
    (file,) = discover([str(path)]).files
    reader = reader_for(file.format)
    records, lost = 0, []
    try:
        for partition in reader.plan(file, 1 << 62):
            for item in reader.read(partition, ReadOptions()):
                if isinstance(item, Damage):
                    lost.append(item.reason.partition(":")[0])
                else:
                    records += len(item) + len(item.malformed)
    except SourceError as error:
        lost.append(str(error).removeprefix(f"{file.uri}: ").partition(":")[0])
    return records, "; ".join(lost)


def parquet_page(suite: Path) -> str:
    """The table of Parquet files."""
    names = sorted(path.relative_to(suite).as_posix() for path in suite.rglob("*.parquet"))
    text = PARQUET_INTRO.format(count=len(names))
    for name in names:
        rows = parquet_rows(suite / name)
        read, lost = (
            ("", "left out here: unpacks to 2 GB") if name in LEFT_OUT else read_parquet(suite / name)
        )
        text += f"| {name} | {'' if rows is None else rows} | {read} | {lost} |\n"
    return text + "\n"


def page(folder: Path) -> str:
    """The whole page."""
    suite = folder / SUITE
    with tempfile.TemporaryDirectory() as scratch:
        found = list(outcomes(suite, Path(scratch)))
    text = INTRO.format(count=len(found))
    for kind, words in EXPECTED.items():
        mine = [one for one in found if one[0].startswith(f"{kind}_")]
        text += f"### `{kind}_`: {words} ({len(mine)})\n\n"
        text += "| case | as a `.json` file | as a line of a `.jsonl` file |\n| --- | --- | --- |\n"
        for name, document, line in mine:
            cells = [name.removeprefix(f"{kind}_"), str(document), "" if line is None else str(line)]
            text += f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"
        text += "\n"
    return (text + parquet_page(folder / PARQUET)).rstrip() + "\n"


def main() -> int:
    """Write or check the page."""
    text = page(Path(sys.argv[1]))
    if "--check" in sys.argv:
        return int(TARGET.read_text("utf-8") != text)
    TARGET.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
