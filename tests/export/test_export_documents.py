"""JSON documents: removed elements are cut out, the rest is untouched, and the input can be put together again."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from export_support import COMPRESS, reasons, store
from hypothesis import given, settings
from hypothesis import strategies as st

from dataaudit import clean
from dataaudit.errors import InputChangedError
from dataaudit.export import elements
from dataaudit.export.clean import CleanJob, InputFile, InputPart, InputStat, RuleRef, write_clean
from dataaudit.export.manifest import Manifest
from dataaudit.export.verify import verify
from dataaudit.records.types import FileRef
from dataaudit.sketches.workspace import Workspace
from dataaudit.sources import json_choice, json_keyed
from dataaudit.sources.compression import open_plain
from dataaudit.sources.discover import discover

SPACES = st.text(st.sampled_from(" \t\r\n"), max_size=3)
GOOD = st.sampled_from(
    ['{"t":"a [x] b"}', '{"t": "\\u00e9\\"", "n": [1, {"a": "}"}]}', "{}", '{\n "t": "yy"\n}']
)
BAD = st.sampled_from(["NaN", "1", '"a, b"', "", "{'t'}", '{"t": "a"} {"t": "b"}', "[1, 2]"])


@st.composite
def listed(draw: st.DrawFn, elements: list[str]) -> str:
    """The elements of an array, written in some way."""
    return ",".join(draw(SPACES) + one + draw(SPACES) for one in elements)


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, list[list[str]]]:
    """A document, and the elements of its parts."""
    form = draw(st.sampled_from(["array", "splits", "values", "keyed"]))
    if form == "values":
        values = draw(
            st.lists(st.sampled_from(['{\n"t": "a"}', '{\n"t":"[x]", "b": 1\n}']), min_size=1, max_size=5)
        )
        return draw(SPACES) + "\n".join(one + draw(SPACES) for one in values), [values]
    element = st.one_of(GOOD, BAD)
    if form == "keyed":
        values = [*['{"text": "a", "t": "b"}'] * 3, *draw(st.lists(element, max_size=5))]
        members = [
            f'"k,{i}\\""{draw(SPACES)}:{draw(SPACES)}{one}' if one else "" for i, one in enumerate(values)
        ]
        return "{" + draw(listed(members)) + "}" + draw(SPACES), [members]
    if form == "array":
        parts = [draw(st.lists(element, max_size=6))]
        if parts == [[""]]:
            parts = [["1"]]  # an array of nothing has no element
        text = f"[{draw(listed(parts[0]))}]"
        return draw(st.sampled_from(["", "\ufeff"])) + draw(SPACES) + text + draw(SPACES), parts
    parts = [[draw(GOOD), *draw(st.lists(element, max_size=4))] for _ in range(draw(st.integers(1, 3)))]
    names = ["train", "val", "oos_x"][: len(parts)]
    members = [
        f'"{name}"{draw(SPACES)}:[{draw(listed(part))}]' for name, part in zip(names, parts, strict=True)
    ]
    members.insert(draw(st.integers(0, len(members))), '"version": "[1]"')
    return "{" + draw(listed(members)) + "}", parts


def _clean(folder: Path, name: str, parts: list[list[str]], drops: list[set[int]], redact: bool) -> Manifest:
    files = discover([str(folder / "in" / name)]).files
    if files[0].format == "jsonl":  # a document of one line, which other tests are about
        files = (FileRef(0, files[0].path, name, "json", size=files[0].size),)
    assert len(files) == len(parts)
    whole = FileRef(0, files[0].path, name, "json")
    rows = [InputPart(file, len(part)) for file, part in zip(files, parts, strict=True)]
    source = InputFile(
        whole,
        sum(one.rows for one in rows),
        InputStat.of(whole.path),
        parts=tuple(rows) if files[0].part is not None else (),
    )
    redactions = []
    for file, part, gone in zip(files, parts, drops, strict=True):
        redactions += [
            (file.id, row, "t", (0, 1))
            for row, one in enumerate(part)
            if redact and one.endswith("}") and '"t":' in one and "} {" not in one and row not in gone
        ]
    with Workspace(folder / "work") as work:
        verdicts = store(
            work, {file.id: sorted(gone) for file, gone in zip(files, drops, strict=True)}, redactions
        )
        job = CleanJob(
            inputs=(source,),
            arguments=(str(folder / "in"),),
            verdicts=verdicts,
            out=folder / "out",
            tool_version="1",
            rules=(RuleRef("dropped", "1"),),
        )
        return write_clean(job)


def _plain(out: Path, path: str | None) -> bytes:
    if path is None:
        return b""
    with open_plain(out / path) as file:
        return file.read()


@settings(max_examples=250, deadline=None)
@given(documents(), st.data(), st.sampled_from([1, 5, 1 << 20]), st.booleans())
def test_what_is_left_and_what_was_removed(
    document: tuple[str, list[list[str]]], data: st.DataObject, block: int, redact: bool
) -> None:
    text, parts = document
    raw = text.encode()
    drops = [data.draw(st.sets(st.integers(0, max(len(part) - 1, 0)))) if part else set() for part in parts]
    for part, gone in zip(parts, drops, strict=True):
        gone |= {row for row, one in enumerate(part) if one == ""}  # as all malformed records are
    codec = data.draw(st.sampled_from([None, "gzip"]))
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(elements, "BLOCK", block)
        for one in (json_choice, json_keyed):
            patch.setattr(one, "MANY", 3)  # the first three members say what the document is
        folder = Path(name)
        (folder / "in").mkdir()
        (folder / "in/a.json").write_bytes(COMPRESS[codec](raw))
        entry = _clean(folder, "a.json", parts, drops, redact).inputs[0]
        out = folder / "out"
        assert verify(out).problems == ()
        stays = [
            [one for row, one in enumerate(part) if row not in gone]
            for part, gone in zip(parts, drops, strict=True)
        ]
        assert entry.quarantined == sum(map(len, drops))
        assert entry.kept + entry.redacted == sum(map(len, stays))
        removed = _plain(out, entry.quarantine_path)
        kept = _plain(out, entry.kept_path)
        if not any(stays):
            assert (kept, removed) == (b"", raw)
            return
        if not any(drops) and not entry.redacted:
            assert (kept, removed) == (raw, b"")
        lines = reasons(out, "a.json")
        taken = [raw[line["offset"] : line["offset"] + line["length"]] for line in lines]
        if lines:
            opening, closing = (b"{\n", b"\n}\n") if '"k,0' in text else (b"[\n", b"\n]\n")
            assert removed == opening + b",\n".join(taken) + closing
            assert [line["line"] for line in lines] == [
                raw[: line["offset"]].count(b"\n") + 1 for line in lines
            ]
        everything = [one.encode() for part in parts for one in part]
        if not entry.redacted:
            gone = [
                one.encode()
                for part, g in zip(parts, drops, strict=True)
                for row, one in enumerate(part)
                if row in g
            ]
            assert taken == gone
            # What is left differs from the input by elements and separators only.
            at = 0
            for one in (one.encode() for part in stays for one in part):
                at = kept.index(one, at) + len(one)
        assert len(everything) == entry.rows
        valid = all(
            one and not one.endswith(("NaN", "{'t'}")) and "} {" not in one for part in stays for one in part
        )
        if valid and text.lstrip("\ufeff \t\r\n").startswith("["):
            assert len(json.loads(kept.decode("utf-8-sig"))) == len(stays[0])
        if valid and '"k,0' in text:
            assert list(json.loads(kept)) == [json.loads("{" + one + "}").popitem()[0] for one in stays[0]]
        (folder / "in/a.json").unlink()
        assert verify(out).ok


ROWS = [{"text": f"row {i} [INST] do [/INST]" if i % 3 == 0 else f"row {i}"} for i in range(10)]


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_kept_documents_load(
    tmp_path: Path, indent: int | None, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    import datasets

    codec = "gzip" if name.endswith("gz") else None
    (tmp_path / name).write_bytes(COMPRESS[codec](json.dumps(ROWS, indent=indent).encode()))
    _, manifest = clean(tmp_path / name, tmp_path / "out", drop=["contamination"])
    assert (manifest.totals.kept, manifest.totals.quarantined) == (6, 4)
    kept = datasets.load_dataset(
        "json", data_files=str(tmp_path / "out/kept" / name), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert kept["text"][:] == [row["text"] for i, row in enumerate(ROWS) if i % 3]
    removed = json.loads(_plain(tmp_path / "out", f"quarantine/{name}"))
    assert removed == ROWS[::3]
    assert verify(tmp_path / "out").problems == ()


def test_splits_come_back_in_one_document(tmp_path: Path) -> None:
    value: dict[str, Any] = {
        "info": {"by": "us"},
        "train": ROWS,
        "test": [["x [INST] a [/INST]", "l"], ["y", "m"]],
    }
    text = json.dumps(value, indent=2)
    (tmp_path / "a.json").write_text(text)
    _, manifest = clean(tmp_path / "a.json", tmp_path / "out", drop=["contamination"])
    entry = manifest.inputs[0]
    assert [(part.file, part.rows) for part in entry.parts] == [("a.json#train", 10), ("a.json#test", 2)]
    assert (entry.rows, entry.kept, entry.quarantined) == (12, 7, 5)
    kept = (tmp_path / "out/kept/a.json").read_text()
    assert json.loads(kept) == {
        "info": {"by": "us"},
        "train": [r for i, r in enumerate(ROWS) if i % 3],
        "test": [["y", "m"]],
    }
    assert kept == json.dumps(json.loads(kept), indent=2)
    assert [(line["file"], line["row"]) for line in reasons(tmp_path / "out", "a.json")] == [
        *(("a.json#train", row) for row in (0, 3, 6, 9)),
        ("a.json#test", 0),
    ]
    assert verify(tmp_path / "out").problems == ()


def test_redaction_of_a_row_without_names(tmp_path: Path) -> None:
    pack = tmp_path / "pack.yaml"
    pack.write_text(PACK)
    (tmp_path / "a.json").write_text(
        '{"train": [["my SESAME now", "x"], ["none", "y"]],\n "test": [["b", "z"]]}'
    )
    _, manifest = clean(tmp_path / "a.json", tmp_path / "out", rules=(str(pack),))
    assert manifest.totals.redacted == 1
    kept = (tmp_path / "out/kept/a.json").read_text()
    assert kept == '{"train": [["my [REDACTED] now", "x"], ["none", "y"]],\n "test": [["b", "z"]]}'
    assert verify(tmp_path / "out").problems == ()


PACK = """
pack: own
version: 1
licence: Apache-2.0
description: One rule.
rules:
  - id: own-sesame
    version: 1
    name: A password
    message: A password stands in the text.
    why: It must not be learned.
    category: secret
    severity: high
    confidence: high
    action: redact
    patterns: ["SESAME"]
    hits: ["SESAME", "open SESAME"]
    misses: ["sesame oil", "sesam", "open"]
"""


@pytest.mark.parametrize("where", ["kept", "quarantine", "reasons"])
def test_verify_sees_every_change(tmp_path: Path, where: str) -> None:
    from msgspec.structs import replace

    from dataaudit.export.manifest import MANIFEST_NAME, digest_of, encode, load

    (tmp_path / "a.json").write_text(json.dumps(ROWS, indent=1))
    clean(tmp_path / "a.json", tmp_path / "out", drop=["contamination"])
    path = {
        "kept": "kept/a.json",
        "quarantine": "quarantine/a.json",
        "reasons": "quarantine/a.json.reasons.jsonl",
    }[where]
    out = tmp_path / "out"
    good = (out / path).read_bytes()
    manifest = load(out)
    changes = {
        "kept": [(b'row 1"', b'row 8"'), (b'row 2"\n },', b'row 2"\n }')],
        "quarantine": [(b"row 3", b"row 4"), (b",\n{", b"\n,{")],
        "reasons": [(b'"row":3', b'"row":4'), (b'"offset":3', b'"offset":4'), (b'"cut":["', b'"cut":["x')],
    }[where]
    for old, new in changes:
        assert old in good
        bad = good.replace(old, new, 1)
        (out / path).write_bytes(bad)
        assert not verify(out).ok
        # Even one who writes the hash of the change into the manifest is found out.
        import hashlib

        outputs = tuple(
            replace(one, sha256=hashlib.sha256(bad).hexdigest(), bytes=len(bad)) if one.path == path else one
            for one in manifest.outputs
        )
        forged = replace(manifest, outputs=outputs)
        (out / MANIFEST_NAME).write_bytes(encode(replace(forged, digest=digest_of(forged))))
        assert not verify(out).ok, (old, new)
        (out / MANIFEST_NAME).write_bytes(encode(manifest))


def test_another_number_of_rows_than_scanned(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.json").write_text("[{},{},{}]")
    for rows in (2, 4):
        with pytest.raises(InputChangedError):
            _clean(tmp_path, "a.json", [["{}"] * rows], [{1}], False)


def test_a_broken_document_is_set_aside_whole(tmp_path: Path) -> None:
    text = '{"train": [{"text": "a"}], "test": [{"text": "b"}'
    (tmp_path / "a.json").write_text(text)
    report, manifest = clean(tmp_path / "a.json", tmp_path / "out")
    assert report.status == "incomplete"
    assert (manifest.inputs, len(manifest.unreadable)) == ((), 1)
    assert (tmp_path / "out/quarantine/unreadable/a.json").read_text() == text
    assert verify(tmp_path / "out").ok
