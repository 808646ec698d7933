"""Near-duplicates: which row of a cluster stays, how similar the others are to it, and what is said of them."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from check_support import scan
from cli_support import RunCli
from hypothesis import given, settings
from hypothesis import strategies as st

import dataaudit
from dataaudit.checks.differences import difference, first_difference
from dataaudit.checks.near_clusters import Labels
from dataaudit.errors import ConfigError, DataauditError, UsageError

NEAR = ("near-duplicates",)
WORDS = [f"{a}{b}" for a in "bcdfghjklmnprst" for b in ("ar", "el", "in", "os", "un", "ate")]


def jaccard(one: str, other: str, size: int = 5) -> float:
    a, b = ({tuple(w[i : i + size]) for i in range(len(w) - size + 1)} for w in (one.split(), other.split()))
    return len(a & b) / len(a | b)


def chain(seed: int = 4) -> list[str]:
    """A, and in each further text one word more replaced: neighbours are alike, the ends are not."""
    words = random.Random(seed).choices(WORDS, k=100)
    texts = [" ".join(words)]
    for number, at in enumerate(range(7, 90, 12)):
        words[at] = f"changed{number}"
        texts.append(" ".join(words))
    return texts


def written(folder: Path, rows: list[dict[str, Any]], name: str = "a.jsonl") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def sidecar(source: Path, **options: Any) -> dict[int, dict[str, Any]]:
    """Row → what the rows output says of it."""
    out = source.with_name("rows.jsonl")
    dataaudit.scan(source, **{"jobs": 1, "select": NEAR, **options}, output=[f"rows={out}"])
    found = {(one := json.loads(line))["row"]: one for line in out.read_text().splitlines()}
    out.unlink()
    return found


def test_every_row_of_a_chain_has_its_similarity_to_the_row_that_stays(tmp_path: Path):
    texts = chain()
    assert jaccard(texts[0], texts[-1]) < 0.6
    assert jaccard(texts[2], texts[3]) >= 0.8
    found = sidecar(written(tmp_path, [{"text": text} for text in [*texts, texts[3].upper()]]))
    assert sorted(found) == list(range(1, len(texts) + 1))
    for row, text in enumerate([*texts[1:], texts[3]], start=1):
        assert found[row]["twin_row"] == 0
        assert found[row]["similarity"] == round(jaccard(texts[0], text), 4)


def test_equal_words_are_of_similarity_one_and_nothing_else_is(tmp_path: Path):
    long = " ".join(f"w{i}" for i in range(30_000))
    found = sidecar(written(tmp_path, [{"text": text} for text in (long, long.upper() + "!", long + " end")]))
    assert {row: one["similarity"] for row, one in found.items()} == {1: 1.0, 2: 0.9999}


@pytest.mark.parametrize(
    ("keep", "stays"), [("first", 0), ("longest", 2), ("best:score", 3), ("best:meta.votes", 1)]
)
def test_the_row_that_stays_follows_the_policy(keep: str, stays: int, tmp_path: Path):
    base = " ".join(random.Random(2).choices(WORDS, k=60))
    rows = [
        {"text": base, "score": 1, "meta": {"votes": None}},
        {"text": base + " x", "score": None, "meta": {"votes": 7}},
        {"text": base + " and two", "score": -5, "meta": {"votes": 2}},
        {"text": base + " x", "score": 2.5, "meta": {}},
        {"text": "something else that is like no other", "score": 9, "meta": {"votes": 9}},
    ]
    source = written(tmp_path, rows)
    found = sidecar(source, near_duplicates=[f"keep={keep}"])
    assert {row: one["twin_row"] for row, one in found.items()} == dict.fromkeys(
        {0, 1, 2, 3} - {stays}, stays
    )
    for row, one in found.items():
        assert one["similarity"] == round(jaccard(rows[row]["text"], rows[stays]["text"]), 4)
    if keep != "best:meta.votes":
        pq.write_table(pa.Table.from_pylist(rows).drop_columns("meta"), tmp_path / "t.parquet")
        assert sidecar(tmp_path / "t.parquet", near_duplicates=[f"keep={keep}"]).keys() == found.keys()


@pytest.mark.parametrize(
    ("given_", "complaint"),
    [
        ("threshold=2", "threshold=2: the threshold is a similarity above 0 and at most 1, such as 0.8"),
        ("threshold=nan", "threshold=nan: the threshold is a similarity"),
        ("words=0", "words=0: words must be a whole number from 1 to 100"),
        ("bands=²", "bands=²: bands must be a whole number"),
        ("rows=99999999999", "rows=99999999999: rows must be a whole number from 1 to 1,024"),
        ("keep=last", "keep=last: keep first, longest, or best:FIELD"),
        ("keep=best:", "keep=best:: keep first, longest, or best:FIELD"),
        (
            "treshold=0.9",
            "'treshold=0.9': write it as KEY=VALUE; keys are words, threshold, bands, rows, keep",
        ),
        ("0.9", "'0.9': write it as KEY=VALUE"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(given_: str, complaint: str, tmp_path: Path):
    source = written(tmp_path, [{"text": "a b c"}])
    with pytest.raises(UsageError) as raised:
        dataaudit.scan(source, near_duplicates=[given_])
    assert str(raised.value).startswith(f"--near-duplicates {complaint}")
    assert "\n" not in str(raised.value)


def test_bands_and_rows_together_are_bounded(tmp_path: Path):
    with pytest.raises(UsageError, match="40 bands of 40 rows are 1,600 permutations, more than 1,024"):
        dataaudit.scan(written(tmp_path, [{"text": "a"}]), near_duplicates=["bands=40", "rows=40"])


def test_a_field_without_a_number_is_said(tmp_path: Path):
    source = written(tmp_path, [{"text": text, "name": "x"} for text in chain()])
    for field in ("name", "nowhere"):
        with pytest.raises(UsageError, match=f"keep=best:{field}: none of the near-duplicates has a number"):
            dataaudit.scan(source, jobs=1, select=NEAR, near_duplicates=[f"keep=best:{field}"])


def test_settings_come_from_a_configuration_file_too(tmp_path: Path):
    texts = chain()[:3]
    source = written(tmp_path, [{"text": text} for text in texts])
    config = tmp_path / "dataaudit.toml"

    def rows(text: str) -> int:
        config.write_text(text)
        report = dataaudit.scan(source, config=dataaudit.config.load_config(config), jobs=1, select=NEAR)
        return sum(one.rows or 0 for one in report.findings)

    assert rows("") == 2
    assert rows('near-duplicates = ["threshold=0.99"]') == 0
    assert rows("[near-duplicates]\nthreshold = 0.99\n") == 0
    assert rows("[near-duplicates]\nthreshold = 0.85\nwords = 3\n") == 2
    with pytest.raises(ConfigError, match=r"dataaudit\.toml: --near-duplicates threshold=9"):
        rows("[near-duplicates]\nthreshold = 9\n")


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9, 1.0])
def test_no_pair_below_the_threshold_is_linked_and_with_one_row_a_band_hardly_one_above_is_missed(
    threshold: float, tmp_path: Path
):
    rng = random.Random(8)
    texts = []
    for _ in range(40):
        words = rng.choices(WORDS, k=60)
        copy = list(words)
        for at in range(5, 50, 5)[: rng.randint(0, 6)]:
            copy[at] = "other" + rng.choice(WORDS)
        texts += [" ".join(words), " ".join(copy)]
    given_ = [f"threshold={threshold}", "bands=60", "rows=1"]
    found = sidecar(written(tmp_path, [{"text": text} for text in texts]), near_duplicates=given_)
    truth = {i + 1 for i in range(0, 80, 2) if jaccard(texts[i], texts[i + 1]) >= threshold}
    assert set(found) == truth
    assert truth


def test_roles_are_compared_alone_where_that_is_asked_for(tmp_path: Path):
    rng = random.Random(3)
    ask, other = (" ".join(rng.choices(WORDS, k=40)) for _ in range(2))
    answers = [" ".join(rng.choices(WORDS, k=40)) for _ in range(3)]
    rows = [
        {"prompt": ask, "response": answers[0]},
        {"prompt": ask + " please", "response": answers[1]},
        {"prompt": other, "response": answers[1] + " so"},
        {"prompt": "a quite different question", "response": answers[2]},
    ]
    files = {"a.jsonl": rows}
    default = scan(tmp_path / "1", files)
    assert not [one.id for one in default.evaluated if one.id.startswith("near-duplicates:")]
    chosen = ("near-duplicates", "near-duplicates:prompt", "near-duplicates:response")
    report = scan(tmp_path / "2", files, select=chosen)
    found = {one.id: one.rows for one in report.evaluated if one.check == "near-duplicates"}
    assert found == dict(zip(chosen, (0, 1, 1), strict=True))
    (example,) = report.finding("near-duplicates:response").examples
    assert (example.row, example.twin, example.role) == (2, ("a.jsonl", 1), "response")
    for asked in ({"max_count": ["near-duplicates:prompt=1"]}, {"max_rate": ["near-duplicates:prompt=1%"]}):
        with pytest.raises(UsageError, match="off unless it is selected: --select default --select near-dup"):
            scan(tmp_path / "2", files, **asked)
    with pytest.raises(UsageError, match="'near-duplicates:prompt' is off unless it is selected"):
        dataaudit.clean(tmp_path / "2/in", tmp_path / "out", drop=["near-duplicates:prompt"])
    with_default = scan(tmp_path / "3", files, select=("default", "near-duplicates:prompt"))
    assert "exact-duplicates" in {one.id for one in with_default.evaluated}
    assert [one.id for one in with_default.evaluated if one.id.startswith("near-dup")] == list(chosen[:2])


def test_sizes_of_clusters_and_bytes_that_go_are_counted(tmp_path: Path):
    texts, one = chain(5), "Ünïcode wörds äre möre bytes than letters"
    report = scan(
        tmp_path, {"a.jsonl": [{"text": text} for text in [*texts, one, one, "alone here"]]}, select=NEAR
    )
    details = report.finding("near-duplicates").details
    assert details["sizes"] == {"2": 1, "6-10": 1}
    assert details["bytes"] == sum(len(text.encode()) for text in [*texts[1:], one])
    (first, second) = details["largest"]
    assert (first["size"], first["row"], first["least"]["row"]) == (len(texts), 0, len(texts) - 1)
    assert first["least"]["similarity"] == round(jaccard(texts[0], texts[-1]), 4)
    assert second["difference"] == []


def test_what_differs_is_shown_and_hidden_with_the_other_texts(tmp_path: Path):
    words = random.Random(6).choices(WORDS, k=60)
    kept, removed = " ".join(words), " ".join([*words[:30], "\x1b[31mSECRET", *words[31:]])
    source = written(tmp_path, [{"text": kept}, {"text": removed}])
    report = dataaudit.scan(source, jobs=1, select=NEAR)
    (finding,) = report.findings
    told = finding.details["largest"][0]["difference"]
    assert {"in": "kept", "text": words[30] + " "} in told
    assert {"in": "removed", "text": "\x1b[31mSECRET "} in told
    (example,) = finding.examples
    assert example.text[slice(*example.mark)] == "\x1b[31mSECRET"
    from dataaudit.report.json_format import hide_text, to_json

    assert b"SECRET" not in to_json(hide_text(report))
    assert b"SECRET" in to_json(report)


def test_clean_says_which_row_a_removed_one_is_like_and_how_much(tmp_path: Path):
    texts = chain()[:3]
    dataaudit.clean(written(tmp_path, [{"text": text} for text in texts]), tmp_path / "out", drop=NEAR)
    lines = (tmp_path / "out/quarantine/a.jsonl.reasons.jsonl").read_text().splitlines()
    reasons = [reason for line in lines for reason in json.loads(line)["reasons"]]
    assert [one["twin"] for one in reasons] == [{"file": "a.jsonl", "row": 0}] * 2
    assert [one["similarity"] for one in reasons] == [round(jaccard(texts[0], one), 4) for one in texts[1:]]


text_words = st.lists(
    st.sampled_from(["a", "b", "Long\u0301", "x\ny", "  ", "é", "\u202e"]), max_size=25
).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(text_words, text_words)
def test_a_difference_holds_the_words_of_both_texts_in_order(kept: str, removed: str):
    told = difference(kept, removed)
    if kept == removed:
        assert told == []
        return
    shown = sum(len(piece.text) for piece in told)
    if shown < 60:
        one = "".join(piece.text for piece in told if piece.where != "removed")
        other = "".join(piece.text for piece in told if piece.where != "kept")
        assert (kept.endswith(one.lstrip("…")), removed.endswith(other.lstrip("…"))) == (True, True)
    place = first_difference(kept, removed)
    if place is not None:
        start, end = place
        assert Counter(removed[start:end]) != Counter() or start == end


def test_differences_of_texts_made_to_be_slow_end_soon():
    """200 words are compared; all equal words, and no space at all, are the worst."""
    for word in ("a ", "a" * 50, "ab" * 20 + " "):
        one, other = word * 200_000, word * 100_000 + "b " + word * 100_000
        told = difference(one, other)
        assert told
        assert sum(len(piece.text) for piece in told) < 500


@pytest.mark.parametrize("target", ["near-sets", "near-bands", "words"])
@pytest.mark.parametrize("call", [dataaudit.scan, dataaudit.clean])
def test_a_full_disk_is_said_in_one_line_and_nothing_is_left_behind(
    target: str, call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    from dataaudit.sketches.workspace import Workspace

    def new_file(self: Workspace, stem: str) -> Path:
        path = real(self, stem)
        if stem == target:
            path.symlink_to("/dev/full")
        return path

    real = Workspace.new_file
    monkeypatch.setattr(Workspace, "new_file", new_file)
    monkeypatch.setattr("dataaudit.sketches.spill.Spill._add", _flushing)
    monkeypatch.setattr("dataaudit.records.record_words.LONG_BYTES", 0)
    source = written(tmp_path, [{"text": text} for text in chain()])
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    work = tmp_path / "work"
    more = {"out": tmp_path / "out", "drop": [NEAR[0]]} if call is dataaudit.clean else {}
    with pytest.raises(DataauditError) as raised:
        call(source, jobs=1, select=NEAR, work_dir=str(work), **more)
    assert raised.value.exit_code == 3
    assert "cannot write to the work directory: the disk is full" in str(raised.value)
    assert "--work-dir" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert list(work.iterdir()) == []
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_work_directory_that_takes_no_more_ends_a_run_in_one_line(jobs: int, tmp_path: Path):
    """A real limit, on the size of any file, met while the words of a long text are written."""
    source = tmp_path / "long.jsonl"
    line = json.dumps({"text": "a b " * 8_500_000})
    with source.open("w") as file:
        file.write(f"{line}\n")
        file.write('{"text": "short"}\n' * (jobs - 1))
    limited = [
        sys.executable,
        "-c",
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (8 << 20, 8 << 20));"
        "from dataaudit.cli.main import main; sys.exit(main(sys.argv[1:]))",
    ]
    work = tmp_path / "work"
    flags = ["--quiet", "--isolated", "--select", NEAR[0], "--work-dir", str(work), "--jobs", str(jobs)]
    done = subprocess.run(
        [*limited, "scan", str(source), *flags], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert "cannot write to the work directory: File too large" in done.stderr
    assert list(work.iterdir()) == []
    assert source.stat().st_size > len(line)


def _flushing(self: Any, piece: Any) -> None:
    """`Spill._add` that writes at once, however little it is."""
    if piece.nbytes:
        self._pieces.append(piece)
        self._flush()


def test_folding_of_words_is_unicode_s(tmp_path: Path):
    words = [f"straße{i} é" for i in range(20)]
    other = [unicodedata.normalize("NFD", word).replace("ß", "ss").upper() for word in words]
    found = sidecar(written(tmp_path, [{"text": " ".join(words)}, {"text": " ".join(other)}]))
    assert found[1]["similarity"] == 1.0


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_a_work_directory_that_cannot_hold_the_keys_is_refused_before_the_work(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import shutil
    from types import SimpleNamespace

    rows = [{"text": f"row {i} of some words that are not many"} for i in range(100)]
    source = written(tmp_path, rows)
    if ending == "parquet":
        source = tmp_path / "a.parquet"
        pq.write_table(pa.Table.from_pylist(rows), source)
    monkeypatch.setattr("dataaudit.api.room.SMALL", 0)
    for room, fine in ((256 * 100, True), (256 * 100 - 300, False)):
        monkeypatch.setattr(shutil, "disk_usage", lambda path, room=room: SimpleNamespace(free=room))
        if fine:
            assert dataaudit.scan(source, jobs=1, select=NEAR, work_dir=str(tmp_path / "w")).rows == 100
            continue
        with pytest.raises(DataauditError) as raised:
            dataaudit.scan(source, jobs=1, select=NEAR, work_dir=str(tmp_path / "w"))
        assert raised.value.exit_code == 3
        assert "the work directory has 0 MB left, and comparing some 100 rows takes 0 MB" in str(raised.value)
    assert list((tmp_path / "w").iterdir()) == []


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_what_a_large_scan_takes_is_said_before_the_work(
    form: str, tmp_path: Path, call_cli: RunCli, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("dataaudit.api.room.SMALL", 0)
    source = tmp_path / f"a.{form}"
    texts = [f"row {row} {'of so many words ' * 20}" for row in range(2000)]
    if form == "parquet":
        pq.write_table(pa.table({"text": texts}), source)
    else:
        written(tmp_path, [{"text": text} for text in texts])
    run = ("scan", source, "--isolated", "--jobs", "1", "--select", NEAR[0])
    said = call_cli(*run).stderr
    assert said.count("\n") == 1
    assert said.startswith(
        "dataaudit: some 2,000 rows, expected to take about 419 MB of memory (1 MB more if every row"
    )
    assert "1 MB of the work directory (1 MB more)" in said
    assert "--memory is" not in said
    assert "; --memory is 300MB" in call_cli(*run, "--memory", "300MB").stderr
    # Four workers would take more than the budget; two fit.
    run_by_four = ("scan", source, "--isolated", "--jobs", "4", "--select", NEAR[0], "--memory", "600MB")
    assert "expected to take about 577 MB of memory (1 MB more" in call_cli(*run_by_four).stderr
    assert call_cli(*run, "--quiet").stderr == ""
    assert "expected" not in call_cli(*run, "--limit", "5").stderr


def test_rows_that_share_a_long_header_are_not_taken_for_each_other(tmp_path: Path):
    """Most of them meet in some band, and none of them reaches the threshold."""
    rng = random.Random(12)
    header = " ".join(rng.choices(WORDS, k=300))
    texts = [f"{header} {' '.join(rng.choices(WORDS, k=60))}" for _ in range(300)]
    found = sidecar(written(tmp_path, [{"text": text} for text in [*texts, texts[7].title()]]))
    assert {row: one["twin_row"] for row, one in found.items()} == {300: 7}


@pytest.mark.parametrize(
    ("first", "last", "separator"),
    [(0x4E00, 0x9FA5, ""), (0x0E01, 0x0E2E, ""), (0x0627, 0x063A, " "), (0x1F600, 0x1F64F, "")],
    ids=["chinese", "thai", "arabic", "emoji"],
)
def test_scripts_are_compared_by_characters_or_words_as_they_are_written(
    first: int, last: int, separator: str, tmp_path: Path
):
    rng = random.Random(5)

    def text() -> str:
        chars = [chr(rng.randint(first, last)) for _ in range(200)]
        return separator.join("".join(chars[i : i + 5]) for i in range(0, 200, 5))

    texts = [text() for _ in range(20)]
    edited = texts[3][:-1] + chr(first)
    found = sidecar(written(tmp_path, [{"text": one} for one in [*texts, texts[0], edited, "", "  "]]))
    emoji = first > 0x10000  # no words: such texts are compared whole
    assert {row: one["twin_row"] for row, one in found.items()} == ({20: 0} if emoji else {20: 0, 21: 3})
    assert found[20]["similarity"] == 1
    if not emoji:
        assert 0.8 <= found[21]["similarity"] < 1


def test_spilled_or_not_in_one_process_or_three_the_rows_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    rng = random.Random(10)
    rows = []
    for _ in range(60):
        words = rng.choices(WORDS, k=rng.randint(1, 60))
        rows += [{"text": " ".join(words)}, {"text": " ".join(words) + rng.choice(["", "!", " end"])}]
    rng.shuffle(rows)
    for part in range(3):
        written(tmp_path / "in", rows[part * 40 : part * 40 + 40], f"{part}.jsonl")

    def found(**options: Any) -> str:
        out = tmp_path / "rows.jsonl"
        dataaudit.scan(tmp_path / "in", **{"jobs": 1, "select": NEAR, **options}, output=[f"rows={out}"])
        return out.read_text()

    whole = found()
    assert whole.count("\n") > 20
    assert found(jobs=3, batch_rows=7) == whole
    monkeypatch.setattr("dataaudit.sketches.spill.Spill._add", _flushing)
    monkeypatch.setattr("dataaudit.checks.near_clusters.REDUCE_ROWS", 5)
    monkeypatch.setattr("dataaudit.checks.near_clusters.KEPT_ROWS", 5)
    assert found(batch_rows=11) == whole


@given(count=st.integers(2, 30), order=st.randoms(use_true_random=False), data=st.data())
def test_linked_rows_have_the_label_of_the_smallest(count: int, order: random.Random, data: st.DataObject):
    row = st.integers(0, count - 1)
    links = data.draw(st.lists(st.tuples(row, row), max_size=40))
    if data.draw(st.booleans()):  # a chain, in any order
        rows = order.sample(range(count), count)
        links += zip(rows[1:], rows, strict=False)
    labels = Labels(count)
    for first in range(0, len(links), 7):
        left, right = np.asarray(links[first : first + 7], np.int64).T
        labels.unite(left, right)
    expected = list(range(count))
    for _ in range(count):
        for one, other in links:
            expected[one] = expected[other] = min(expected[one], expected[other])
    assert labels.at(np.arange(count)[::3]).tolist() == expected[::3]
    assert labels.all().tolist() == expected
