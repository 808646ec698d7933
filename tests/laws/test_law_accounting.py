"""Every row is accounted for: dropped rows are those of the verdicts and those in quarantine, and nothing is lost."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dataaudit

PACK = """
pack: accounting
version: 1
licence: Apache-2.0
rules:
  - id: acc-drop
    version: 1
    name: Drop me
    message: The text asks to be dropped.
    why: It is a test.
    category: quality
    severity: low
    confidence: high
    patterns: ['DROPME']
    action: drop
    hits: ['a DROPME b', 'DROPME']
    misses: ['drop me', 'DROP ME']
  - id: acc-redact
    version: 1
    name: Redact me
    message: The text asks to be redacted.
    why: It is a test.
    category: secret
    severity: low
    confidence: high
    patterns: ['K-[0-9]{4}']
    action: redact
    hits: ['key K-1234.', 'K-0000']
    misses: ['K-12', 'k-1234']
  - id: acc-flag
    version: 1
    name: Flag me
    message: The text asks to be flagged.
    why: It is a test.
    category: quality
    severity: low
    confidence: high
    patterns: ['FLAGME']
    hits: ['a FLAGME b', 'FLAGME']
    misses: ['flag me', 'FLAG ME']
"""

PARTS = ("DROPME", "K-1234", "K-9999 and K-0001", "FLAGME", "plain", "é", "", " ", "\\n", "K-12", "😀", "ß")


def texts() -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(PARTS), max_size=3).map(" ".join)


def objects() -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        st.fixed_dictionaries({"text": texts(), "id": st.integers(0, 9)}),
        st.fixed_dictionaries({"prompt": texts(), "response": st.one_of(texts(), st.none())}),
        st.fixed_dictionaries(
            {
                "messages": st.lists(
                    st.fixed_dictionaries(
                        {"role": st.sampled_from(("user", "assistant")), "content": texts()}
                    ),
                    min_size=1,
                    max_size=3,
                )
            }
        ),
        st.fixed_dictionaries({"number": st.integers(0, 3)}),
    )


BAD = (b"{", b"[]", b'{"text": "DROPME \xff"}', b"NaN", b'{"text": "K-1234"')


def _strings(record: dict[str, Any]) -> list[str]:
    found = [one for one in record.values() if isinstance(one, str)]
    return found + [turn["content"] for turn in record.get("messages", ())]


def expected(line: bytes) -> str:
    """What must become of a line, by the plainest reading of the definition."""
    try:
        record = json.loads(line.decode("utf-8"))
    except ValueError:
        return "quarantined"
    if not isinstance(record, dict) or any("DROPME" in text for text in _strings(record)):
        return "quarantined"
    redact = any(key in text for text in _strings(record) for key in ("K-1234", "K-9999", "K-0001"))
    return "redacted" if redact else "kept"


def _lines(path: Path) -> list[bytes]:
    return [one for one in path.read_bytes().split(b"\n") if one.strip()] if path.exists() else []


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("pack") / "accounting.yaml"
    path.write_text(PACK, encoding="utf-8")
    return str(path)


RULES = ("acc-drop", "acc-redact", "acc-flag")


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    files=st.lists(
        st.lists(
            st.one_of(
                *[objects().map(lambda one: json.dumps(one, ensure_ascii=False).encode())] * 4,
                st.sampled_from(BAD),
            ),
            max_size=8,
        ),
        min_size=1,
        max_size=3,
    ),
    blank=st.sampled_from((b"\n", b"\n\n", b"\r\n", b"\n \t\n")),
)
def test_every_row_of_lines_is_kept_redacted_or_quarantined(
    pack: str, files: list[list[bytes]], blank: bytes
):
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "data", Path(folder) / "out"
        data.mkdir()
        for i, lines in enumerate(files):
            (data / f"{i}.jsonl").write_bytes(blank.join(lines))
        report, manifest = dataaudit.clean(data, out, rules=(pack,), select=RULES, jobs=1, reference=True)
        assert dataaudit.verify(out).ok
        fates = [Counter(expected(line) for line in lines) for lines in files]
        total = sum(fates, Counter())
        sums = manifest.totals
        assert (sums.kept, sums.redacted, sums.quarantined) == (
            total["kept"], total["redacted"], total["quarantined"]
        )  # fmt: skip
        assert sums.rows == report.rows == sums.kept + sums.redacted + sums.quarantined
        for i, lines in enumerate(files):
            name = f"{i}.jsonl"
            kept, aside = _lines(out / "kept" / name), _lines(out / "quarantine" / name)
            reasons = [json.loads(one) for one in _lines(out / "quarantine" / f"{name}.reasons.jsonl")]
            assert len(kept) == fates[i]["kept"] + fates[i]["redacted"]
            assert len(aside) == len(reasons) == fates[i]["quarantined"] + fates[i]["redacted"]
            unhurt = [line.rstrip(b"\r") for line in lines if expected(line) == "kept"]
            assert [one.rstrip(b"\r") for one in kept if one.rstrip(b"\r") in unhurt] == unhurt
            hurt = [line for line in lines if expected(line) != "kept"]
            assert [one.rstrip(b"\r") for one in aside] == hurt
            assert [one["row"] for one in reasons] == [
                row for row, line in enumerate(lines) if expected(line) != "kept"
            ]
            assert not any(b"K-1234" in one or b"K-0001" in one for one in kept)


def _row_fates(records: list[dict[str, Any]]) -> Counter[str]:
    return Counter(expected(json.dumps(one).encode()) for one in records)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    records=st.lists(
        st.fixed_dictionaries({"prompt": texts(), "response": st.one_of(texts(), st.none())}),
        min_size=1,
        max_size=12,
    ),
    group=st.integers(1, 5),
)
def test_every_row_of_a_table_is_kept_redacted_or_quarantined(
    pack: str, records: list[dict[str, Any]], group: int
):
    schema = pa.schema([("prompt", pa.string()), ("response", pa.string())])
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "data.parquet", Path(folder) / "out"
        pq.write_table(pa.Table.from_pylist(records, schema=schema), path, row_group_size=group)
        _, manifest = dataaudit.clean(path, out, rules=(pack,), select=RULES, jobs=1, reference=True)
        assert dataaudit.verify(out).ok
        fates, sums = _row_fates(records), manifest.totals
        assert (sums.kept, sums.redacted, sums.quarantined) == (
            fates["kept"], fates["redacted"], fates["quarantined"]
        )  # fmt: skip
        assert sums.rows == len(records) == sums.kept + sums.redacted + sums.quarantined


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(names=st.lists(st.lists(st.sampled_from("abcde"), max_size=8), min_size=1, max_size=2))
def test_dropped_duplicates_are_the_rows_of_the_finding(names: list[list[str]]):
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "data", Path(folder) / "out"
        data.mkdir()
        for i, texts_of in enumerate(names):
            lines = [json.dumps({"text": one, "n": n}) for n, one in enumerate(texts_of)]
            (data / f"{i}.jsonl").write_text("".join(line + "\n" for line in lines))
        report, manifest = dataaudit.clean(
            data, out, drop=("exact-duplicates",), select=("exact-duplicates",), jobs=1
        )
        finding = report.finding("exact-duplicates")
        flat = [one for texts_of in names for one in texts_of]
        extra = len(flat) - len(set(flat))
        assert (finding.rows if finding else 0) == extra == manifest.totals.quarantined
        assert manifest.totals.rows == len(flat) == manifest.totals.kept + manifest.totals.quarantined
        kept = [
            json.loads(line)["text"]
            for i in range(len(names))
            for line in _lines(out / "kept" / f"{i}.jsonl")
        ]
        assert kept == list(dict.fromkeys(flat)), "the first of each is kept, in order"
