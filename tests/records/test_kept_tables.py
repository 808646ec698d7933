"""Tables over code points are the same whether they are filled block by block, made whole, or read from the cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dataaudit.records import cache, forms, kept_tables
from dataaudit.records.characters import Characters, Filling

BLOCKS = (0x00, 0x03, 0x0F)
CODES = [0x41, 0xBD, 0x391, 0x3042, 0xFB03, 0xFF21, 0x301]


def said(table: Characters, code: int) -> tuple[int, list[int]]:
    fold = int(table.fold[code])
    return int(table.kind[code]), (
        [fold] if fold >= 0 else table.several[table.starts[-fold] : table.starts[1 - fold]].tolist()
    )


def test_characters_by_block_and_from_the_cache_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "cache_dir", lambda: None)
    alone = Filling().having(BLOCKS)
    assert alone.known.sum() == len(BLOCKS)
    monkeypatch.setattr(cache, "cache_dir", lambda: tmp_path / "cache")
    making, reading = Filling(), Filling()
    made = making.having([3])
    assert len(list((tmp_path / "cache").glob("tables-characters-*.bin"))) == 1
    monkeypatch.setattr(Filling, "_all", None)  # nothing is made again
    read = reading.having([3])
    assert made.known.all() and read.known.all()
    codes = [code for block in BLOCKS for code in range(block << 12, block + 1 << 12)]
    for code in codes:
        assert said(alone, code) == said(made, code) == said(read, code)
    assert np.array_equal(made.kind, read.kind) and np.array_equal(made.fold, read.fold)


@pytest.mark.parametrize("kept", [False, True])
def test_tables_that_someone_reads_stay_as_they_are(
    kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "cache_dir", lambda: tmp_path / "cache" if kept else None)
    filling = Filling()
    first = filling.having([0])
    before = [said(first, code) for code in range(1 << 12)]
    known = first.known.tolist()
    more = filling.having([0x0F, 0x01])
    assert more.known[0x0F] and more.known[0x01]
    assert first.known.tolist() == known
    assert [said(first, code) for code in range(1 << 12)] == before
    assert [said(more, code) for code in range(1 << 12)] == before


def test_forms_from_the_cache_are_those_of_their_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fresh() -> None:
        monkeypatch.setattr(forms, "forms", np.zeros(0x110000, np.int32))
        monkeypatch.setattr(forms, "_asked", [])

    codes = np.asarray(CODES, np.uint32)
    monkeypatch.setattr(cache, "cache_dir", lambda: None)
    fresh()
    hard = forms.hard_codes(codes).tolist()
    filled = forms.forms.copy()
    monkeypatch.setattr(cache, "cache_dir", lambda: tmp_path / "cache")
    for _ in range(2):
        fresh()
        assert forms.hard_codes(codes).tolist() == hard
        assert np.array_equal(forms.forms[filled != 0], filled[filled != 0])
        assert (forms.forms[1:] != forms.UNKNOWN).all()
        monkeypatch.setattr(forms, "_all", None)


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"x" + data, lambda data: b""])
def test_a_damaged_file_is_made_again(
    damage: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "cache_dir", lambda: tmp_path)
    like = (np.arange(3, dtype=np.int32),)
    made: list[int] = []

    def make() -> kept_tables.Tables:
        made.append(1)
        return like

    source = str(tmp_path / "module.py")
    Path(source).write_text("")
    for _ in range(2):
        found = kept_tables.tables(source, like, make)
        assert found is not None and found[0].tolist() == [0, 1, 2]
    assert len(made) == 1
    (path,) = tmp_path.glob("tables-module-*.bin")
    path.write_bytes(damage(path.read_bytes()))
    assert kept_tables.tables(source, like, make) is not None
    assert len(made) == 2
