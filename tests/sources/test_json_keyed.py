"""JSON objects whose values are the records, and those that only look like it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from json_support import files_of, read_file, read_path, write

from dataaudit.errors import UsageError

RECORDS = [{"prompt": f"say {i}", "response": f"it is {i}"} for i in range(100)]


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_records_under_keys_of_their_own(tmp_path: Path, indent: int | None, ending: str) -> None:
    value = {f'id {i}, "{i}"': record for i, record in enumerate(RECORDS)}
    text = json.dumps(value, indent=indent)
    path = write(tmp_path / f"a.json{ending}", text.encode())
    (file,) = files_of(path)
    found = read_file(file)
    assert (file.uri, found.rows, found.malformed) == (path.name, 100, [])
    assert found.strings[7] == [("prompt", "prompt", "say 7"), ("response", "response", "it is 7")]
    with_few = write(tmp_path / "b.json", json.dumps(dict(list(value.items())[:3])).encode())
    assert read_path(with_few).rows == 3
    below = write(tmp_path / "c.json", json.dumps({"version": 1, "data": value}).encode())
    (file,) = files_of(below, field="data")
    assert (file.uri, read_file(file).rows) == ("c.json#data", 100)


def test_a_value_that_is_no_record_is_malformed(tmp_path: Path) -> None:
    members = [f'"{i}": {json.dumps(one)}' for i, one in enumerate(RECORDS)]
    members += ['"s": "text"', '{"prompt": "no key"}', '"t": {"prompt": bad}']
    text = "{\n" + ",\n".join(members) + "\n}"
    found = read_path(write(tmp_path / "a.json", text.encode()))
    assert [one[:2] for one in found.malformed] == [
        (100, "not-an-object"),
        (101, "invalid-json"),
        (102, "invalid-json"),
    ]
    assert found.malformed[0][3] == text.index('"text"')


@pytest.mark.parametrize(
    "value",
    [
        {"chosen": {"role": "a", "text": "b"}, "rejected": {"role": "a", "text": "c"}},
        {"scripts": {"build": "x"}, "dependencies": {"y": "1"}, "devDependencies": {"z": "2"}},
        {"a": {"text": "x"}, "b": {"text": "y"}, "c": 3},
        {"a": {"n": 1}, "b": {"n": 2}, "c": {"n": 3}},
        {"red": {"hue": "x", "n": 1}, "blue": {"hue": "y", "n": 2}, "dark": {"hue": "z", "n": 3}},
    ],
)
def test_an_object_of_a_few_parts_is_one_record(tmp_path: Path, value: Any) -> None:
    assert read_path(write(tmp_path / "a.json", json.dumps(value, indent=1).encode())).rows == 1


def test_a_table_by_columns_is_refused(tmp_path: Path) -> None:
    value = {"text": {"0": "a", "1": "b"}, "label": {"0": 1, "1": 2}}
    with pytest.raises(UsageError, match="column by column"):
        files_of(write(tmp_path / "a.json", json.dumps(value).encode()))


def test_arrays_under_many_keys_are_refused(tmp_path: Path) -> None:
    value = {f"id{i}": [{"text": "a"}] for i in range(100)}
    with pytest.raises(UsageError, match="records under 100 keys"):
        files_of(write(tmp_path / "a.json", json.dumps(value).encode()))


def test_many_keys_take_linear_time(tmp_path: Path) -> None:
    """The keys of an object are compared in a set: with a list 40,000 keys would be 800 million comparisons."""
    path = write(tmp_path / "a.json", json.dumps({f"k{i}": {f"m{i}": i} for i in range(40_000)}).encode())
    (file,) = files_of(path)
    assert file.format in ("json", "jsonl")
