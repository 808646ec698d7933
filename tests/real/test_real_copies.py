"""The same rows in another format, by another route: the same report."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cli_support import compressed, what_it_found
from real_support import ALPACA, LINES, OTHERS, records, scanned


@pytest.mark.parametrize("name", LINES)
def test_copies_give_the_same_report(real_data: Path, tmp_path: Path, name: str) -> None:
    source = real_data / name
    original = scanned(source)
    assert original["rows"] > 0
    for suffix in (".gz", ".zst"):
        copy = scanned(compressed(source, tmp_path / f"{source.name}{suffix}"))
        assert what_it_found(copy) == what_it_found(original)
    table = tmp_path / f"{source.stem}.parquet"
    pq.write_table(pa.Table.from_pylist(records(source)), table, row_group_size=1000, compression="zstd")
    assert what_it_found(scanned(table), lines=False) == what_it_found(original, lines=False)


@pytest.mark.parametrize("name", [*LINES, *OTHERS])
def test_the_fast_path_finds_what_the_reference_finds(real_data: Path, name: str) -> None:
    fast, reference = scanned(real_data / name), scanned(real_data / name, reference=True)
    for part in ("findings", "rates", "evaluated", "sources", "labels", "rows", "malformed"):
        assert fast[part] == reference[part]
    assert any("--reference" in note for note in reference["notes"])


@pytest.mark.parametrize("options", [{"batch_rows": 97}, {"jobs": 1}, {"batch_rows": 20_000}])
def test_the_size_of_batches_changes_nothing(real_data: Path, options: dict[str, int]) -> None:
    plain, other = scanned(real_data / ALPACA), scanned(real_data / ALPACA, **options)
    assert {**other, "timing": None} == {**plain, "timing": None}


def test_workers_change_nothing(real_data: Path) -> None:
    sources = [real_data / "human_text", real_data / "model_text", real_data / "leaks"]
    alone, together = scanned(sources, jobs=1), scanned(sources, jobs=2)
    assert (alone["timing"]["workers"], together["timing"]["workers"]) == (1, 2)
    assert {**together, "timing": None} == {**alone, "timing": None}
