"""Benchmark items as hashes: what an index holds, what is found in texts, what is refused."""

from __future__ import annotations

import errno
import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from dataaudit.benchmarks.build import Item, columns_of, distinct
from dataaudit.benchmarks.detect import Detector
from dataaudit.benchmarks.found import Found, Strings
from dataaudit.benchmarks.index import UNSEEN, Index, from_batch, open_index, to_batch, write_index
from dataaudit.benchmarks.manifest import VERSION, Manifest, settings
from dataaudit.errors import BenchmarkError, IncompleteError
from dataaudit.records.words import words_of

LONG = (
    "Mira stacks eleven crates of plums on a cart that can bear ninety kilos, and every crate weighs four kilos more "
    "than the empty cart. If the brakes fail above one hundred and twenty kilos, how many crates must she unload?"
)
ITEMS = (
    Item("long", LONG, (), "Three crates must go, since eight of them weigh less than the brakes can hold."),
    Item("short", "Colour of ripe cobalt plums?", ("green", "deep violet"), "deep violet"),
    Item("tiny", "Fastest river otter", (), "Bartholomew"),
    Item("digits", "4 + 3 =", (), "7"),
    Item("chinese", "一辆马车装着十一箱李子每箱比空车重四公斤她必须卸下多少箱", (), "三箱"),
    Item("thai", "รถเข็นบรรทุกลูกพลัมสิบเอ็ดลังแต่ละลังหนักกว่ารถเปล่าสี่กิโลกรัม", (), "สาม"),
)  # fmt: skip


SUM = "What does the sum 1 + 2 (3 + 4) * 2 - 1 + 3 come to in this plum shop?"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    manifest = Manifest(VERSION, settings(), "plums", "test", "CC0-1.0", "written for this test", {}, "0")
    target = tmp_path / "plums.benchmark"
    write_index(target, to_batch(manifest, columns_of(ITEMS)))
    return target


def found(index: Index, *records: tuple[str, ...]) -> list[tuple[int, str, int]]:
    """(record, item, is the answer near) of everything found."""
    texts = [text for record in records for text in record]
    words = words_of(pa.array(texts, pa.large_string()))
    owners = np.repeat(np.arange(len(records)), [len(record) for record in records])
    hits: Found = Detector([index]).find(Strings(words.hashes, words.starts, owners))[0]
    return sorted(
        {
            (int(owners[s]), index.id_of(i), int(a))
            for s, i, a in zip(hits.strings, hits.items, hits.answers, strict=True)
        }
    )


def test_items_are_found_in_a_page_with_and_without_their_answers(path: Path):
    index = open_index(path)
    page = "Some words before it, and quite a few of them. {} And a few more words behind it."
    assert found(index, (page.format(LONG),)) == [(0, "long", 0)]
    assert found(index, (LONG.upper().replace(",", " –"), ITEMS[0].answer)) == [(0, "long", 1)]
    assert found(index, (ITEMS[4].question,), ("x " + ITEMS[5].question,)) == [
        (0, "chinese", 0),
        (1, "thai", 0),
    ]


def test_one_word_in_twelve_replaced_is_found_and_half_of_the_item_is_not(path: Path):
    index = open_index(path)
    words = LONG.split()
    edited = [f"zq{i}" if i % 12 == 11 else word for i, word in enumerate(words)]
    assert found(index, (" ".join(edited),)) == [(0, "long", 0)]
    assert found(index, (" ".join(words[: len(words) // 2]),)) == []


def test_a_short_question_needs_its_answer_near_it(path: Path):
    index = open_index(path)
    assert found(index, ("Fastest river otter",), ("Colour of ripe cobalt plums?",)) == []
    assert found(index, ("Fastest river otter: Bartholomew.",)) == [(0, "tiny", 1)]
    assert found(index, ("Colour of ripe cobalt plums?", "They are deep violet.")) == [(0, "short", 1)]
    assert found(index, ("Fastest river otter",), ("Bartholomew",)) == [], "an answer in another record"


def test_shingles_cross_no_strings(path: Path):
    words = LONG.split()
    pieces = tuple(" ".join(words[i : i + 4]) for i in range(0, len(words), 4))
    assert found(open_index(path), pieces) == []


def test_digits_alone_are_no_question(path: Path):
    index = open_index(path)
    assert index.flags[3] & UNSEEN
    assert found(index, ("4 3 7",)) == []


def test_a_table_of_digits_is_no_question(tmp_path: Path):
    manifest = Manifest(VERSION, settings(), "sums", "", "", "", {}, "0")
    write_index(tmp_path / "x", to_batch(manifest, columns_of([Item("sum", SUM, (), "18")])))
    index = open_index(tmp_path / "x")
    assert found(index, ("the sum: 1 2 3 4 2 1 3",), ("(1, 2), (3, 4), (2, 1), (3, 4)",)) == []
    assert found(index, (f"Now then. {SUM}",)) == [(0, "sum", 0)]


def test_what_is_found_does_not_depend_on_how_many_hits_are_looked_at_together(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    from dataaudit.benchmarks import answers, detect, windows

    index, rng = open_index(path), random.Random(5)
    pool = [
        *LONG.split(),
        *LONG.split(),
        *ITEMS[2].question.split(),
        "Bartholomew",
        "otter",
        "deep",
        "violet",
    ]
    texts = [" ".join(rng.choices(pool, k=90)) for _ in range(3)]
    for text in (
        LONG,
        ITEMS[0].answer,
        ITEMS[1].question,
        "Fastest river otter Bartholomew",
        ITEMS[4].question,
    ):
        texts += [f"{text} {' '.join(rng.choices(pool, k=rng.randrange(9)))} " * 40]
    rng.shuffle(texts)
    words = words_of(pa.array([*texts, " ".join(texts)], pa.large_string()))
    strings = Strings(words.hashes, words.starts, np.asarray([0, 0, 0, 1, 1, 2, 3, 4, 5]))
    (whole,) = Detector([index]).find(strings)
    assert {index.id_of(item) for item in whole.items} >= {"long", "tiny", "chinese"}
    assert len({*zip(whole.strings.tolist(), whole.items.tolist(), strict=True)}) == len(whole)
    for hits, several, shorts in ((1, 1, 1), (500, 100, 7), (1 << 20, 3000, 50)):
        monkeypatch.setattr(windows, "HITS", hits)
        monkeypatch.setattr(answers, "WORDS", several)
        monkeypatch.setattr(detect, "SHORTS", shorts)
        (parts,) = Detector([index]).find(strings)
        for name in Found.__dataclass_fields__:
            assert np.array_equal(getattr(parts, name), getattr(whole, name)), name


def test_places_are_found_in_pieces_of_a_long_text(monkeypatch: pytest.MonkeyPatch):
    from dataaudit.checks import leak_places

    text = "ein Schöner 😀 Tag an der Straße\n日本語 ภาษา " * 4 + "wordwithoutanyspace" * 9
    words = words_of(pa.array([text], pa.large_string()), spans=True)
    wanted = np.arange(len(words.hashes))[::-1]
    for size in (1, 7, 64):
        monkeypatch.setattr(leak_places, "PIECE", size)
        begins, ends = leak_places.words_at(np.frombuffer(text.encode(), np.uint8), wanted)
        assert np.array_equal(begins, words.begins[wanted])
        assert np.array_equal(ends, words.ends[wanted])
    data = np.frombuffer(text.encode(), np.uint8)
    points = leak_places.code_points(data, words.begins)
    assert points.tolist() == [len(text.encode()[:at].decode()) for at in words.begins.tolist()]


def test_an_index_holds_no_text(path: Path):
    data = path.read_bytes().lower()
    assert not any(word in data for word in (b"crates", b"violet", b"bartholomew"))


def test_empty_and_repeated_items_are_counted():
    kept, empty, repeated = distinct([*ITEMS, ITEMS[0], Item("x", " \n")])
    assert (len(kept), empty, repeated) == (len(ITEMS), 1, 1)


def test_what_is_no_index_or_damaged_is_refused_in_one_line(path: Path, tmp_path: Path):
    data = path.read_bytes()
    for cut in (0, 7, len(data) // 2, len(data) - 3):
        path.write_bytes(data[:cut])
        with pytest.raises(BenchmarkError, match=r"^[^\n]*(cut short|damaged|index)[^\n]*$"):
            open_index(path)
    changed = bytearray(data)
    middle = slice(len(data) // 2, len(data) // 2 + 200)  # longer than the padding between columns
    changed[middle] = bytes(byte ^ 0xFF for byte in changed[middle])
    path.write_bytes(changed)
    with pytest.raises(BenchmarkError, match=r"^[^\n]*damaged[^\n]*$"):
        open_index(path)
    with pytest.raises(BenchmarkError, match="no such benchmark index"):
        open_index(tmp_path / "none")


@pytest.mark.parametrize(
    ("change", "said"),
    [({"version": VERSION + 1}, "version"), ({"settings": {**settings(), "shingle": 13}}, r"settings \(shingle\)")],
)  # fmt: skip
def test_another_version_or_other_settings_are_refused(tmp_path: Path, change: dict[str, object], said: str):
    fields: dict[str, object] = {"version": VERSION, "settings": settings(), **change}
    manifest = Manifest(**fields, name="a", split="", licence="", source="", counts={}, tool_version="0")  # type: ignore[arg-type]
    target = tmp_path / "a.benchmark"
    write_index(target, to_batch(manifest, columns_of(ITEMS)))
    with pytest.raises(BenchmarkError, match=said):
        open_index(target)


def test_nothing_but_an_index_is_written_over(path: Path, tmp_path: Path):
    batch = to_batch(open_index(path).manifest, columns_of(ITEMS))
    write_index(path, batch)
    data = tmp_path / "items.jsonl"
    data.write_text("{}")
    for target in (data, tmp_path, Path("/dev/null")):
        with pytest.raises(BenchmarkError, match=r"^[^\n]*not written over$"):
            write_index(target, batch)
    assert data.read_text() == "{}"
    with pytest.raises(BenchmarkError, match=r"^[^\n]*none/x: cannot be written: No such file or directory$"):
        write_index(tmp_path / "none" / "x", batch)


def test_a_full_disk_leaves_the_old_index_and_nothing_else(path: Path, monkeypatch: pytest.MonkeyPatch):
    batch, before = to_batch(open_index(path).manifest, columns_of(ITEMS)), path.read_bytes()

    class Full(io.FileIO):
        def write(self, data: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    def full(self: Path, mode: str) -> Full:
        return Full(self, mode)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(
        IncompleteError, match=r"^[^\n]*cannot be written: No space left on device$"
    ) as caught:
        write_index(path, batch)
    assert caught.value.exit_code == 3
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def index_of(*items: Item) -> Index:
    manifest = Manifest(VERSION, settings(), "made", "", "", "", {}, "0")
    return from_batch(to_batch(manifest, columns_of(items)))


def test_eight_words_of_a_question_of_ten_are_a_chance_phrase():
    """A page on myths has them too; ten words in a row, all of them, or the answer are no chance."""
    index = index_of(Item("myth", "In Umbrian mythology, what is the name of otter spirits?", (), "Velunia"))
    opening = "In Umbrian mythology, what is the name of"
    assert found(index, (f"{opening} the first queen? Nobody knows.",)) == []
    assert found(index, (f"{opening} the first spirits? Velunia.",)) == [(0, "myth", 1)]
    assert found(index, (f"{opening} otter spirits?",)) == [(0, "myth", 0)]
    longer = index_of(Item("myth", "In old Umbrian mythology, what is the usual name of otter spirits?"))
    words = ["In", "old", "Umbrian", "mythology,", "what", "is", "the", "usual", "name", "of"]
    assert found(longer, (" ".join([*words, "otter ghosts"]),)) == [(0, "myth", 0)]
    assert found(longer, (" ".join([*words[:-1], "for otter ghosts"]),)) == []


def test_what_many_items_have_as_a_choice_is_no_evidence():
    """ "Neural networks" and, some words on, "none of the above" stand in ordinary pages."""
    others = [
        Item(f"o{i}", f"Which boat of kind {i} is green?", ("none of the above", "yes")) for i in range(5)
    ]
    mine = Item(
        "nets", "Knotted networks:", ("hold herring well", "none of the above", "tear in storms"), "yes"
    )
    index = index_of(mine, *others)
    page = "Knotted networks are old. {} are words in a page on fishing that is longer than a few of them. {}"
    assert found(index, (page.format("These", "None of the above is new."),)) == []
    assert found(index, (page.format("These", "Yes, it is."),)) == [], (
        "an answer of many items, far behind it"
    )
    assert found(index, ("Knotted networks? Yes!",)) == [(0, "nets", 1)]
    assert found(index, (page.format("These", "They hold herring well."),)) == [], (
        "one choice, and not the answer"
    )
    assert found(index, (page.format("Hold herring well", "Tear in storms."),)) == [(0, "nets", 0)]


def test_a_template_that_items_share_is_none_of_them():
    template = "Draw the full table of tides for the harbour below, then say on which of the days a barge may leave it"
    ends = (
        "if Mondays are foggy and Sundays are not",
        "when nine ferries wait behind the grey pontoon",
        "at noon",
    )
    index = index_of(*(Item(f"t{i}", f"{template} {end}.") for i, end in enumerate(ends)))
    assert found(index, (f"{template} before the seals return to their rocks.",)) == []
    for i, end in enumerate(ends):
        assert (0, f"t{i}", 0) in found(index, (f"{template} {end}.",))
    assert found(index, (f"{template} {ends[1]}.",)) == [(0, "t1", 0)]


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("gram_items", lambda x: x + 99),
        ("gram_items", lambda x: x[:-1]),
        ("grams", lambda x: x[::-1]),
        ("ids", lambda x: x[1:]),
        ("short_items", lambda x: x + 99),
        ("answer_starts", lambda x: x[::-1]),
        ("answer_starts", lambda x: x + 1),
        ("answer_starts", lambda x: x[:0]),
        ("answer_sizes", lambda x: x * 0),
        ("floors", lambda x: x[:1]),
    ],
)
def test_columns_that_do_not_fit_are_refused(column: str, change: Callable[[Any], Any]):
    """The checksum says that a file is as it was written, not by whom."""
    columns = columns_of(ITEMS)
    columns[column] = change(columns[column])
    manifest = Manifest(VERSION, settings(), "plums", "", "", "", {}, "0")
    with pytest.raises(
        BenchmarkError, match=r"^x: the index is damaged \(its columns do not fit\); build it again$"
    ):
        from_batch(to_batch(manifest, columns), "x")


def test_a_manifest_without_a_name_is_refused():
    for name, split in (("o\n\x1b[2m", ""), ("", ""), ("a:b", ""), ("a", "x y")):
        manifest = Manifest(VERSION, settings(), name, split, "", "", {}, "0")
        with pytest.raises(BenchmarkError, match=r"^x: the manifest of the index is damaged: [^\n\x1b]*$"):
            from_batch(to_batch(manifest, columns_of(ITEMS)), "x")


def test_columns_of_other_types_are_refused():
    manifest = Manifest(VERSION, settings(), "plums", "", "", "", {}, "0")
    batch = to_batch(manifest, columns_of(ITEMS))
    at = batch.schema.get_field_index("grams")
    wide = pa.LargeListArray.from_arrays(pa.array([0, 2], pa.int64()), pa.array([1, 2], pa.uint64()))
    for column in (
        wide,
        pa.array([[]], pa.list_(pa.string())),
        pa.array([None], pa.large_list(pa.uint32())),
        pa.array([1]),
    ):
        arrays = [*batch.columns[:at], column, *batch.columns[at + 1 :]]
        fields = [pa.field(name, one.type) for name, one in zip(batch.schema.names, arrays, strict=True)]
        other = pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields, metadata=batch.schema.metadata))
        with pytest.raises(BenchmarkError, match=r"^x: the index is damaged \([^\n]*\); build it again$"):
            from_batch(other, "x")
