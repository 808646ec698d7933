"""Folders that are Hub repositories: which files, splits and subsets README.md gives; as `datasets` reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_support import call, parsed
from hypothesis import given
from hypothesis import strategies as st

import dataaudit
from dataaudit.errors import UsageError
from dataaudit.records.globbing import matches

OPTIONS: dict[str, Any] = {"jobs": 1, "reference": True}


def repository(folder: Path, configs: str | None, *names: str) -> Path:
    """A folder with a README and files whose only row holds their name."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"text": f"the text of {name}"}) + "\n")
    if configs is not None:
        (folder / "README.md").write_text(f"---\nlicense: mit\nmade: 2024-01-02\n{configs}\n---\n# Data\n")
    return folder


def found(folder: Path, **options: Any) -> dict[str, list[str]]:
    """Split → files."""
    by_split: dict[str, list[str]] = {}
    for one in dataaudit.scan(folder, **OPTIONS, **options).sources:
        by_split.setdefault(one.split or "", []).append(one.uri)
    return {split: sorted(names) for split, names in by_split.items()}


NAMES = (
    "data/train-00000-of-00002.jsonl", "data/train-00001-of-00002.jsonl", "data/test-00000-of-00001.jsonl",
    "data/rare-00000-of-00001.jsonl", "en/train.jsonl", "en/dev.jsonl", "fr/a.jsonl", "fr/deep/b.jsonl",
    "fr/.hidden/c.jsonl", "fr/__odd/d.jsonl", "all.jsonl",
)  # fmt: skip

CONFIGS = {
    "a pattern": ("configs:\n- config_name: default\n  data_files: all.jsonl", None),
    "a wildcard": ("configs:\n- config_name: default\n  data_files: 'fr/*.jsonl'", None),
    "all below": ("configs:\n- config_name: default\n  data_files: 'fr/**'", None),
    "any depth": ("configs:\n- config_name: default\n  data_files: '**/b.jsonl'", None),
    "a hidden one": ("configs:\n- config_name: default\n  data_files: 'fr/.hidden/*'", None),
    "a special one": ("configs:\n- config_name: default\n  data_files: 'fr/__odd/*'", None),
    "a class": ("configs:\n- config_name: default\n  data_files: 'data/t[er]*-0000[!1]-of-*.jsonl'", None),
    "a list": ("configs:\n- config_name: default\n  data_files: [all.jsonl, './en/*.jsonl']", None),
    "splits": (
        "configs:\n- config_name: default\n  data_files:\n  - split: train\n    path: data/train-*\n"
        "  - split: odd\n    path: [fr/a.jsonl, fr/deep/*]",
        None,
    ),
    "a folder": ("configs:\n- config_name: default\n  data_dir: en", None),
    "a folder and patterns": (
        "configs:\n- config_name: default\n  data_dir: fr\n  data_files: '*.jsonl'",
        None,
    ),
    "shards": ("configs:\n- config_name: default", None),
    "a default": (
        "configs:\n- config_name: one\n  data_files: all.jsonl\n- config_name: two\n  default: true\n  data_dir: en",
        None,
    ),
    "a named one": (
        "configs:\n- config_name: one\n  data_files: all.jsonl\n- config_name: two\n  data_files: 'fr/?.jsonl'",
        "two",
    ),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_files_and_splits_are_those_of_datasets(case: str, tmp_path: Path) -> None:
    import datasets

    configs, subset = CONFIGS[case]
    folder = repository(tmp_path / "repo", configs, *NAMES)
    loaded = datasets.load_dataset(str(folder), subset, cache_dir=str(tmp_path / "cache"))
    theirs = {
        str(split): sorted(text.removeprefix("the text of ") for text in part["text"])
        for split, part in loaded.items()
    }
    assert found(folder, **({"subset": subset} if subset else {})) == theirs


def test_without_configs_all_files_are_read(tmp_path: Path) -> None:
    folder = repository(tmp_path, "tags: [a]", "train.jsonl", "b.jsonl", "data/test-00000-of-00001.jsonl")
    assert found(folder) == {
        "train": ["train.jsonl"],
        "": ["b.jsonl"],
        "test": ["data/test-00000-of-00001.jsonl"],
    }


WRONG = [
    ("configs: 5", "configs must be a list"),
    ("configs: [5]", "needs a config_name"),
    ("configs: [{data_files: a}]", "needs a config_name"),
    ("configs: [{config_name: a, data_files: 5}]", "config 'a': data_files must be"),
    ("configs: [{config_name: a, data_files: []}]", "data_files must be"),
    ("configs: [{config_name: a, data_files: [{path: x}]}]", "data_files must be"),
    ("configs: [{config_name: a, data_files: [{split: x, path: 5}]}]", "data_files must be"),
    ("configs: [{config_name: a, data_files: [{split: x, path: a}, {split: x, path: b}]}]", "comes twice"),
    ("configs: [{config_name: a, data_files: none.jsonl}]", "split 'train': no file matches 'none.jsonl'"),
    ("configs: [{config_name: a, data_files: ../x}]", "leads out of the repository"),
    ("configs: [{config_name: a, data_files: /etc/passwd}]", "leads out of the repository"),
    ("configs: [{config_name: a, data_files: 'https://example.org/x'}]", "leads out of the repository"),
    ("configs: [{config_name: a, data_dir: 5}]", "data_dir must be a string"),
    ("configs: [{config_name: a, data_dir: nowhere}]", "no data file in nowhere"),
    ("configs: [{config_name: a}, {config_name: a}]", "several configs are named 'a'"),
    ("configs: [{config_name: a}, {config_name: b}]", "several subsets (a, b); name one with --subset"),
    ("configs: [", "README.md:5: the front matter is not YAML"),
    ("configs: &a [*a]", "YAML aliases are not read"),
    ("configs: !!python/object/apply:os.system [id]", "the front matter is not YAML"),
    ("configs: " + "[" * 100 + "]" * 100, "nest"),
]


@pytest.mark.parametrize(("configs", "said"), WRONG)
def test_what_is_wrong_with_a_readme_is_one_line(configs: str, said: str, tmp_path: Path) -> None:
    folder = repository(tmp_path, configs, "a.jsonl")
    done = call("scan", folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert (said in done.stderr and "README.md" in done.stderr) or "several subsets" in said
    assert done.stderr.count("\n") == 1


def test_unknown_names_are_answered_with_those_there_are(tmp_path: Path) -> None:
    folder = repository(tmp_path, CONFIGS["a named one"][0], *NAMES)
    assert "it has one, two" in call("scan", folder, "--subset", "x").stderr
    done = call("scan", folder, "--subset", "one", "--split", "test")
    assert (done.returncode, "there is train" in done.stderr) == (2, True)
    report = parsed(call("scan", folder, "--subset", "one", "--format", "json").stdout)
    assert report["options"]["subset"] == "one"
    assert any("not in the subset one" in note for note in report["notes"])
    with pytest.raises(UsageError, match="has no subsets"):
        dataaudit.scan(repository(tmp_path / "fr", None), subset="x", **OPTIONS)


PATTERNS = [
    ("*.jsonl", "a.jsonl", True), ("*.jsonl", "d/a.jsonl", False), ("**/*.jsonl", "a.jsonl", True),
    ("**/*.jsonl", "d/e/a.jsonl", True), ("**", "d/a", True), ("d/**", "d/e/f", True), ("d/**", "d", False),
    ("d/**/f", "d/f", True), ("**.jsonl", "d/a.jsonl", False), ("a[0-9].x", "a5.x", True), ("a[!0-9].x", "a5.x", False),
    ("a[.x", "a[.x", True), ("?.x", "é.x", True), ("?.x", ".x", False), ("", "a", False),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "path", "expected"), PATTERNS)
def test_patterns(pattern: str, path: str, expected: bool) -> None:
    assert matches(pattern, path) is expected


@given(st.text("a*/", max_size=60), st.text("a/", min_size=1, max_size=60))
def test_no_pattern_hangs(pattern: str, path: str) -> None:
    matches(pattern, path)
    matches("*a" * 40 + "b", "a" * 200)
    matches("**/" * 40 + "b", "a/" * 60 + "c")


def test_what_a_readme_says_of_reading_files_is_named(tmp_path: Path) -> None:
    configs = "configs:\n- config_name: default\n  data_files: all.jsonl\n  sep: ';'\n  header: null"
    folder = repository(tmp_path / "options", configs, "all.jsonl")
    (source,) = dataaudit.scan(folder, **OPTIONS).sources
    assert any(note.startswith("README.md sets sep, header: not followed") for note in source.notes)
    plain = repository(tmp_path / "plain", configs.partition("\n  sep")[0], "all.jsonl")
    assert dataaudit.scan(plain, **OPTIONS).sources[0].notes == ()
