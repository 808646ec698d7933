"""Shards of one folder whose columns differ: read with the same roles, and the difference said."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import dataaudit

TEXTS = [f"text number {i}, which is said once" for i in range(30)]
SAID = pa.array(TEXTS)
NUMBERS = pa.array(range(30), pa.int64())


def shards(folder: Path, ending: str, other: dict[str, pa.Array]) -> tuple[dataaudit.Report, tuple[str, ...]]:
    """A first shard of texts and numbers, and another one."""
    for name, columns in (("a", {"text": SAID, "n": NUMBERS}), ("b", other)):
        path = str(folder / f"{name}.{ending}")
        if ending == "parquet":
            pq.write_table(pa.table(columns), path)
        else:
            with pa.ipc.new_file(path, pa.table(columns).schema) as writer:
                writer.write_table(pa.table(columns))
    report = dataaudit.scan(folder, jobs=1, reference=True)
    first, second = report.sources
    assert first.notes == ()
    return report, second.notes


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"text": SAID, "n": NUMBERS.cast(pa.int32())}, "n is int32, not int64"),
        ({"text": SAID}, "no column n"),
        ({"text": SAID, "n": NUMBERS, "more": NUMBERS}, "another column more"),
        ({"text": SAID.dictionary_encode(), "n": NUMBERS}, "text is dictionary<values=string"),
        (
            {"text": pa.array([[text] for text in TEXTS]), "n": NUMBERS},
            "text is list<item: string>, not string",
        ),
    ],
)
def test_what_differs_is_said_and_the_texts_are_read(ending: str, other: dict, said: str, tmp_path: Path):
    report, notes = shards(tmp_path, ending, other)
    (note,) = [one for one in notes if "differ" in one]
    assert note.startswith(f"columns differ from those of a.{ending}: ")
    assert said in note
    assert [(one.rows, [*one.roles], one.error) for one in report.sources] == [(30, ["text"], None)] * 2
    assert report.status == "no-gate"


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_the_same_values_laid_out_otherwise_are_no_difference(ending: str, tmp_path: Path):
    wide = SAID.cast(pa.large_string() if ending == "parquet" else pa.string_view())
    assert shards(tmp_path, ending, {"n": NUMBERS, "text": wide})[1] == ()


def test_folders_and_headers_are_compared_on_their_own(tmp_path: Path):
    for name, text in (
        ("one/a.csv", "id,text\n1,yes\n"),
        ("one/b.csv", "id,body\n2,no\n"),
        ("two/a.csv", "label,text\nx,yes\n"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    notes = {one.uri: one.notes for one in dataaudit.scan(tmp_path, jobs=1, reference=True).sources}
    assert (
        notes["one/b.csv"][0] == "columns differ from those of one/a.csv: no column text; another column body"
    )
    assert not any("differ" in note for name in ("one/a.csv", "two/a.csv") for note in notes[name])


@pytest.mark.parametrize(
    ("names", "columns", "compared"),
    [
        (("train-00000-of-00002", "train-00001-of-00002"), ({"text": SAID}, {"body": SAID}), True),
        (("train", "validation"), ({"text": SAID}, {"body": SAID}), True),
        (("a", "b"), ({"text": SAID, "n": NUMBERS}, {"text": SAID, "m": NUMBERS}), True),
        (
            ("users", "orders"),
            ({"text": SAID, "n": NUMBERS, "o": NUMBERS}, {"q": SAID, "n": NUMBERS, "r": SAID}),
            False,
        ),
        (("reviews", "news"), ({"text": SAID}, {"body": SAID}), False),
    ],
)
def test_only_shards_of_one_data_set_are_compared(
    names: tuple[str, str], columns: tuple[dict, dict], compared: bool, tmp_path: Path
):
    for name, one in zip(names, columns, strict=True):
        pq.write_table(pa.table(one), str(tmp_path / f"{name}.parquet"))
    report = dataaudit.scan(tmp_path, jobs=1, reference=True)
    assert any("differ" in note for one in report.sources for note in one.notes) == compared
