"""From what is named to files: order, names, splits, what is skipped and what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from dataaudit.errors import SourceError, UsageError
from dataaudit.sources.discover import discover
from dataaudit.sources.splits import split_of

LINE = b'{"text": "a"}\n'


def make(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(LINE)
    return folder


def uris(*arguments: object, split: str | None = None) -> list[str]:
    return [file.uri for file in discover([str(one) for one in arguments], split).files]


SPLITS = [
    ("train-00000-of-00008.parquet", (), "train"),
    ("train.jsonl", (), "train"),
    ("my_train_file.jsonl", (), "train"),
    ("TRAIN.jsonl.gz", (), "train"),
    ("data-training.json", (), "train"),
    ("test.jsonl", (), "test"),
    ("en.test.00.jsonl", (), "test"),
    ("evaluation.jsonl", (), "test"),
    ("validation-00000-of-00001.parquet", (), "validation"),
    ("dev.jsonl", (), "validation"),
    ("valid_1.jsonl", (), "validation"),
    ("my val file.jsonl", (), "validation"),
    ("00.jsonl", ("data", "test"), "test"),
    ("00.jsonl", ("train", "deep", "er"), "train"),
    ("00.jsonl", ("test", "train"), "train"),
    ("train.jsonl", ("test",), "train"),
    ("00.jsonl", ("Validation",), "validation"),
    ("latest.jsonl", (), None),
    ("constraint.jsonl", (), None),
    ("trainset.jsonl", (), None),
    ("developer.jsonl", (), None),
    ("attest.jsonl", ("contest",), None),
    ("data.jsonl", (), None),
]


@pytest.mark.parametrize(("name", "folders", "split"), SPLITS)
def test_splits_from_names(name: str, folders: tuple[str, ...], split: str | None):
    assert split_of(name, folders) == split


def test_splits_of_files_found_below_a_folder(tmp_path: Path):
    make(tmp_path, "data/test/0.jsonl", "data/train/0.jsonl", "data/dev-0.jsonl", "data/other.jsonl")
    found = {file.uri: file.split for file in discover([str(tmp_path)]).files}
    assert found == {
        "data/dev-0.jsonl": "validation",
        "data/other.jsonl": None,
        "data/test/0.jsonl": "test",
        "data/train/0.jsonl": "train",
    }


def test_a_split_named_by_the_folder_of_the_argument_counts_and_what_lies_above_does_not(tmp_path: Path):
    make(
        tmp_path, "test_it0/data.jsonl", "train/data.jsonl", "train/more/data.jsonl", "test/inner/data.jsonl"
    )
    assert discover([str(tmp_path / "train/data.jsonl")]).files[0].split == "train"
    assert discover([str(tmp_path / "test_it0")]).files[0].split is None
    assert discover([str(tmp_path / "test_it0/data.jsonl")]).files[0].split is None
    assert discover([str(tmp_path / "test/inner/data.jsonl")]).files[0].split is None


def test_only_files_of_a_split(tmp_path: Path):
    make(tmp_path, "train.jsonl", "test.jsonl", "other.jsonl")
    assert uris(tmp_path, split="test") == ["test.jsonl"]
    with pytest.raises(UsageError, match="no file belongs to the split 'validation'"):
        uris(tmp_path, split="validation")


def test_order_is_by_argument_then_by_path_bytes(tmp_path: Path):
    make(
        tmp_path, "b/2.jsonl", "b/10.jsonl", "b/a/z.jsonl", "b/B.jsonl", "b/é.jsonl", "a/1.jsonl", "b/a.jsonl"
    )
    assert uris(tmp_path / "b", tmp_path / "a") == [
        "10.jsonl", "2.jsonl", "B.jsonl", "a.jsonl", "a/z.jsonl", "é.jsonl", "1.jsonl"
    ]  # fmt: skip
    files = discover([str(tmp_path / "b"), str(tmp_path / "a")]).files
    assert [file.id for file in files] == list(range(7))


def test_a_file_reached_twice_is_read_once(tmp_path: Path):
    make(tmp_path, "a.jsonl", "b/c.jsonl")
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "a.jsonl")
    found = uris(
        tmp_path / "a.jsonl",
        tmp_path,
        tmp_path / "*.jsonl",
        tmp_path / "b" / ".." / "a.jsonl",
        tmp_path / "b",
    )
    assert found == ["a.jsonl", "b/c.jsonl"]


def test_names_are_relative_to_the_argument(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make(tmp_path, "x/y/a.jsonl", "x/z/b.jsonl")
    assert uris(tmp_path) == ["x/y/a.jsonl", "x/z/b.jsonl"]
    assert uris(tmp_path / "x") == ["y/a.jsonl", "z/b.jsonl"]
    assert uris(tmp_path / "x/y/a.jsonl") == ["a.jsonl"]
    assert uris(tmp_path / "x/*/*.jsonl") == ["y/a.jsonl", "z/b.jsonl"]
    assert uris(str(tmp_path / "**/*.jsonl")) == ["x/y/a.jsonl", "x/z/b.jsonl"]
    monkeypatch.chdir(tmp_path)
    assert uris("x") == ["y/a.jsonl", "z/b.jsonl"]
    assert uris("x/*") == ["y/a.jsonl", "z/b.jsonl"]


def test_names_that_clash_are_told_apart(tmp_path: Path):
    make(tmp_path, "one/a.jsonl", "two/a.jsonl", "two/b.jsonl")
    found = uris(tmp_path / "one", tmp_path / "two")
    assert len(set(found)) == 3
    assert found[0].endswith("one/a.jsonl")
    assert found[1].endswith("two/a.jsonl")
    assert found[2] == "b.jsonl"


def test_what_is_no_data_is_skipped_and_said(tmp_path: Path):
    make(
        tmp_path,
        "a.jsonl",
        "README.md",
        ".hidden.jsonl",
        ".git/x.jsonl",
        "__pycache__/x.jsonl",
        "x.xml",
        "noend",
    )
    (tmp_path / "doc.json").write_text('{\n  "lr": 0.1\n}\n')
    (tmp_path / "array.json").write_text('[{"text": "a"}]\n')
    (tmp_path / "lines.json").write_bytes(LINE * 2)
    found = discover([str(tmp_path)])
    assert [file.uri for file in found.files] == ["a.jsonl", "array.json", "lines.json"]
    reasons = {one.uri: one.reason for one in found.skipped}
    assert reasons.pop(".hidden.jsonl") == "hidden"
    assert set(reasons) == {"README.md", "x.xml", "noend", "doc.json"}
    assert "JSON document" in reasons["doc.json"]


def test_a_hidden_file_that_is_named_is_read(tmp_path: Path):
    make(tmp_path, ".hidden.jsonl")
    assert uris(tmp_path / ".hidden.jsonl") == [".hidden.jsonl"]


@pytest.mark.parametrize("name", ["missing.jsonl", "missing", "*.jsonl"])
def test_a_name_for_nothing_is_refused(tmp_path: Path, name: str):
    with pytest.raises(UsageError):
        uris(tmp_path / name)


@pytest.mark.parametrize("content", [b"just text\n", b"a,b\n1,2\n", b""])
def test_a_named_file_of_no_known_format_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "data.xml").write_bytes(content)
    with pytest.raises(UsageError, match="not a format"):
        uris(tmp_path / "data.xml")


def test_formats_by_ending_and_by_first_bytes(tmp_path: Path):
    make(tmp_path, "a.jsonl", "b.ndjson", "c.jsonl.gz", "d.JSONL.zst", "e.json.bz2", "f.jsonl.xz")
    (tmp_path / "g.parquet").write_bytes(b"PAR1")
    (tmp_path / "h").write_bytes(b"PAR1rest")
    found = {file.uri: file.format for file in discover([str(tmp_path)]).files}
    lines = ("a.jsonl", "b.ndjson", "c.jsonl.gz", "d.JSONL.zst", "e.json.bz2", "f.jsonl.xz")
    assert found == dict.fromkeys(lines, "jsonl") | {"g.parquet": "parquet", "h": "parquet"}


def _saved(folder: Path, shards: tuple[str, ...]) -> None:
    folder.mkdir(parents=True)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in shards]}))
    (folder / "dataset_info.json").write_text("{}")
    for name in shards:
        (folder / name).write_bytes(b"")


def test_a_saved_dataset_is_one_source_with_the_shards_of_its_state(tmp_path: Path):
    shards = ("data-00000-of-00002.arrow", "data-00001-of-00002.arrow")
    _saved(tmp_path / "deep/saved", shards)
    (tmp_path / "deep/saved/cache-1.arrow").write_bytes(b"stale")
    (tmp_path / "deep/saved/notes.jsonl").write_bytes(LINE)
    files = discover([str(tmp_path)]).files
    assert [(file.uri, file.format) for file in files] == [(f"deep/saved/{name}", "arrow") for name in shards]


def test_a_saved_dataset_dict_has_the_splits_of_its_index(tmp_path: Path):
    (tmp_path / "all").mkdir()
    (tmp_path / "all/dataset_dict.json").write_text('{"splits": ["test", "extra"]}')
    for split in ("test", "extra"):
        _saved(tmp_path / "all" / split, ("data-00000-of-00001.arrow",))
    files = discover([str(tmp_path / "all")]).files
    assert sorted((file.uri, file.split) for file in files) == [
        ("extra/data-00000-of-00001.arrow", "extra"), ("test/data-00000-of-00001.arrow", "test")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "state", ["", "[]", '{"_data_files": 1}', '{"_data_files": [{"filename": "../../x.arrow"}]}']
)
def test_a_broken_state_is_an_error_and_reaches_no_other_folder(tmp_path: Path, state: str):
    _saved(tmp_path / "saved", ())
    (tmp_path / "saved/state.json").write_text(state)
    with pytest.raises(SourceError):
        uris(tmp_path / "saved")


def test_a_dangling_link_is_a_file_and_not_passed_over(tmp_path: Path):
    (tmp_path / "gone.jsonl").symlink_to(tmp_path / "nowhere.jsonl")
    assert uris(tmp_path) == ["gone.jsonl"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path: Path):
    make(tmp_path, "shut/a.jsonl")
    (tmp_path / "shut").chmod(0)
    try:
        with pytest.raises(SourceError):
            uris(tmp_path)
    finally:
        (tmp_path / "shut").chmod(0o700)


def test_names_that_are_not_utf8_are_read(tmp_path: Path):
    path = os.fsencode(tmp_path) + b"/caf\xe9.jsonl"
    try:
        with open(path, "wb") as file:
            file.write(LINE)
    except OSError:
        pytest.skip("the file system takes only UTF-8 names")
    (file,) = discover([str(tmp_path)]).files
    assert os.fsencode(file.path) == path
