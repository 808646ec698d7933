"""The fast reader of flat objects against the strict one: whatever it serves, and wherever it stops, is the same."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dataaudit.records.types import Batch
from dataaudit.sources import flat, jsonl
from dataaudit.sources.base import ReadOptions
from dataaudit.sources.discover import discover
from dataaudit.sources.readers import reader_for

NEVER = 1 << 62


def read(path: Path, *, least: int, target: int = 1 << 62, **options: Any) -> dict[str, Any]:
    """All that a file gives, in plain values that do not depend on how it was cut."""
    found: dict[str, Any] = {
        "rows": {},
        "malformed": [],
        "layouts": Counter(),
        "skipped": Counter(),
        "rendered": Counter(),
        "notes": {},
        "nbytes": 0,
        "ends": [],
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flat, "LEAST", least)
        if least == NEVER:  # not even where numba is there already
            patch.setattr(flat, "PATIENCE", 0)
        (file,) = discover([str(path)]).files
        for partition in reader_for("jsonl").plan(file, target):
            for batch in reader_for("jsonl").read(partition, ReadOptions(**options)):
                assert isinstance(batch, Batch)
                _take(found, batch)
    return found


def _take(found: dict[str, Any], batch: Batch) -> None:
    assert batch.rest is not None
    keys = [batch.rest(normalised) for normalised in (False, True)]
    lines = [] if batch.lines is None else batch.lines.tolist()
    texts: dict[int, list[Any]] = {}
    for role, strings in batch.roles.items():
        strings.values.validate(full=True)
        columns = (strings.rows, strings.ordinals, strings.index, strings.starts)
        for i, (row, *place) in enumerate(zip(*(one.tolist() for one in columns), strict=True)):
            texts.setdefault(row, []).append((role, strings.path_of(i), strings.values[i].as_py(), *place))
    turns: dict[int, list[Any]] = {}
    if batch.turns is not None:
        columns = (batch.turns.rows, batch.turns.roles, batch.turns.chats, batch.turns.laden)
        for row, *turn in zip(*(one.tolist() for one in columns), strict=True):
            turns.setdefault(row, []).append(turn)
    for i, row in enumerate(batch.rows.tolist()):
        found["rows"][row] = (
            lines[i], bool(batch.expects_response[i]), bool(batch.readable[i]), sorted(texts.get(i, [])),
            turns.get(i), [(int(one.hi[i]), int(one.lo[i])) for one in keys],
        )  # fmt: skip
    found["skipped"] += dict(batch.skipped)
    found["rendered"] += dict(batch.rendered)
    found["malformed"] += [(m.row, m.reason, m.line, m.offset, m.length) for m in batch.malformed]
    found["malformed"] += [(int(batch.rows[i]), name) for name, at in batch.remarks for i in at.tolist()]
    found["layouts"].update(dict(batch.layouts))
    for note in (
        batch.described if len(batch) else ()
    ):  # joined, as the report does: each batch names what it saw
        notes = found["notes"].setdefault(note.name, set())
        notes |= {*note.roles, *note.unread, *note.notes}
    found["nbytes"] += batch.nbytes
    found["ends"] = [batch.extent[1], batch.first_row + batch.span[0], batch.first_line + batch.span[1]]


def assert_same(path: Path, *, lines: int = 2, **options: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flat, "PATIENCE", 1 << 30)
        patch.setattr(flat, "FEW", 1)
        patch.setattr(jsonl, "STRICT_LINES", lines)
        fast, strict = read(path, least=0, **options), read(path, least=NEVER, **options)
    fast["malformed"].sort(key=str)
    strict["malformed"].sort(key=str)
    assert fast == strict


CHAT = '[{"role": "user", "content": "a"}]'
VALUES = st.one_of(
    st.text(max_size=4),
    st.text(alphabet='"\\/\b\f\n\r\t\x00\x7fé€😀\u2028', max_size=4),
    st.builds(
        "{:a>{}}{:b<{}}".format,
        st.text(alphabet='"\\\n\x7fé😀', max_size=3), st.integers(0, 150), st.text(max_size=2), st.integers(0, 150),
    ),
    st.sampled_from(["true", "[", CHAT, " " + CHAT, "Human: a"]),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
)  # fmt: skip
RAW = st.sampled_from(
    [b'"' + b"a" * 70 + b'\t"', b'"' + b"a" * 70 + b'\\ud800"', b'"' + b"a" * 70,
     b"-0", b"-0.0", b"0", b"00", b"1.", b".1", b"+1", b"1e5", b"1E+05", b"1e400", b"1e-400", b"1e", b"- 1", b"1_0",
     b"123456789012345678", b"1234567890123456789", b"18446744073709551616", b"1" * 70, b"1." + b"0" * 70, b"0.1e99",
     b"tru", b"nul", b"nulll", b"falsee", b"NaN", b"Infinity", b"", b"[]", b"{}", b'[1, "a"]', b'{"k": {}}',
     b'"\\u00e9\\u20AC\\ud83d\\ude00"', b'"\\ud800"', b'"\\ude00"', b'"\\ud83d\\u0041"', b'"\\ud83d"', b'"\\u12"',
     b'"\\u"', b'"\\x"', b'"\\"', b'"\\\\"', b'"\\u0000"', b'"\\ud83d\\ud83d\\ude00"', b'"\t"', b'"\x00"', b'"\xff"',
     b'"\xc3"', b'"\xc3\xa9"', b'"\xed\xa0\x80"', b'"\xf5\x80\x80\x80"', b'"\xc0\x80"', b"'a'", b'"a" "b"', b'"a',
     b'a"']
)  # fmt: skip
SPACES = st.sampled_from([b"", b"", b"", b" ", b"\t \r"])
NAMES = st.sampled_from(["user", "assistant", "system", "tool", "Human", " gpt ", "nobody", ""])


@st.composite
def chats(draw: st.DrawFn) -> bytes:
    """Lists of turns that mostly have the same two keys, each with a string."""
    who, told = draw(st.sampled_from([("role", "content")] * 6 + [("from", "value"), ("Role", "text")]))
    turns = []
    for _ in range(draw(st.integers(0, 4))):
        turn: dict[str, Any] = {who: draw(NAMES), told: draw(st.text(max_size=4))}
        if not draw(st.integers(0, 15)):
            turn = draw(
                st.sampled_from(
                    [{**turn, told: None}, {told: "a", who: "user"}, {**turn, "id": 1}, {}, {"": ""}]
                )
            )
        turns.append(
            draw(SPACES) + json.dumps(turn, ensure_ascii=draw(st.booleans())).encode() + draw(SPACES)
        )
    return draw(SPACES).join((b"[", b",".join(turns), b"]"))


CELLS = st.one_of(*[VALUES.map(lambda one: json.dumps(one, ensure_ascii=False).encode())] * 4, RAW)
CHATS = ("messages", "conversations", "chosen", "rejected", "history", "turns", "a")
ESCAPED = VALUES.map(lambda one: json.dumps(one).encode())
KEYS = st.sampled_from(
    [("text",), ("text", "label"), ("prompt", "response"), ("prompt", "completion", "score"),
     ("instruction", "input", "output", "n"), ("chosen", "rejected"), ("messages", "id"), ("é", "a.b", "text"),
     ('"', "text"), ("", "text"), ("\\", "q"), ("question", "answer"), ("a", "b", "c"), ("text", "extra", "Text"),
     ("role", "content"), ("speaker", "text"), ("messages",), ("id", "conversations"),
     ("messages", "chosen", "rejected"),
     ("prompt", "chosen", "rejected"), ("messages", "text", "label"), ("a", "history", "turns")]
)  # fmt: skip


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Lines that mostly have the same keys, and among them lines that do not."""
    keys = draw(KEYS)
    lines = []
    for _ in range(draw(st.integers(1, 12))):
        mine = (
            keys if draw(st.integers(0, 9)) else tuple(draw(st.permutations([*keys, *keys[:1]])))[: len(keys)]
        )
        pairs = [
            draw(SPACES) + json.dumps(key, ensure_ascii=False).encode() + draw(SPACES) + b":" + draw(SPACES)
            + draw(chats() if key in CHATS and draw(st.integers(0, 4)) else st.one_of(CELLS, ESCAPED)) + draw(SPACES)
            for key in mine
        ]  # fmt: skip
        line = draw(SPACES) + b"{" + b",".join(pairs) + b"}" + draw(SPACES)
        if not draw(st.integers(0, 15)):
            at = draw(st.integers(0, len(line)))
            line = (
                line[:at]
                + draw(st.sampled_from([b"", b'"', b"\\", b"\xc3", b"}", b",", b"\n", b"\n\n"]))
                + line[at + 1 :]
            )
        lines.append(line)
    return (
        draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"]))
        + b"\n".join(lines)
        + draw(st.sampled_from([b"", b"\n", b"\n \n"]))
    )


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    data=files(),
    block=st.integers(1, 300),
    size=st.integers(1, 9),
    strict=st.integers(1, 5),
    shapes=st.sampled_from([(), (("a", "identifiers"), ("b", "text")), (("c", "dates"), ("label", "text"))]),
)
@example(
    data=b'{"text": "a"}\n{"text": "b", "text": "c"}\n{"text": "d"}', block=300, size=9, strict=1, shapes=()
)
@example(
    data=b'{"chosen":"","rejected":""}\n{"chosen":"","rejected":""}\n{"chosen":"","rejected":"Human: a"}\n'
    b'{"chosen":"","rejected":""}',
    block=1, size=1, strict=1, shapes=(),
)  # fmt: skip
def test_flat_is_strict(data: bytes, block: int, size: int, strict: int, shapes: Any) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder) / "data.jsonl"
        path.write_bytes(data)
        assert_same(path, lines=strict, shapes=shapes)
        patch.setattr(jsonl, "BLOCK", block)
        assert_same(path, lines=strict, shapes=shapes, batch_rows=size, target=2 * block)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    cells=st.lists(chats(), min_size=1, max_size=9),
    key=st.sampled_from(CHATS),
    size=st.integers(1, 9),
    columns=st.sampled_from(
        [(), (), (("chat", "messages"),), (("text", "messages"),), (("text", "messages[*].content"),)]
    ),
)
@example(cells=[b"[]", CHAT.encode()], key="messages", size=9, columns=())
@example(cells=[CHAT.encode(), b"[]", b"null", CHAT.encode()], key="messages", size=9, columns=())
@example(
    cells=[CHAT.encode(), CHAT.replace('"a"', '"a", "content": "b"').encode()],
    key="messages",
    size=9,
    columns=(),
)
@example(
    cells=[CHAT.encode(), CHAT.replace("user", "us\\u0065r").encode()], key="messages", size=9, columns=()
)
def test_turns_are_strict(cells: list[bytes], key: str, size: int, columns: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.jsonl"
        path.write_bytes(b"".join(b'{"%s": %s, "n": 1}\n' % (key.encode(), one) for one in cells))
        named = tuple((role, at.replace("messages", key)) for role, at in columns)
        assert_same(path, overrides=named)
        assert_same(path, overrides=named, batch_rows=size)


def test_flat_is_strict_about_columns_that_were_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text(
        "".join(json.dumps({"a": f"id-{i}", "b": f"Text {i}.", "label": "x"}) + "\n" for i in range(9))
    )
    for shapes in ((("a", "identifiers"), ("b", "text")), (("a", "text"), ("label", "text"))):
        assert_same(path, shapes=shapes)
    assert read(path, least=0) != read(path, least=0, shapes=(("a", "identifiers"), ("b", "text")))


@pytest.mark.parametrize(
    "columns",
    [
        (("text", "c"),),
        (("label", "score"),),
        (("chat", "prompt"),),
        (("prompt", "a.b"),),
        (("text", "a\\.b"),),
    ],
)
def test_flat_is_strict_with_columns_named(columns: tuple[tuple[str, str], ...], tmp_path: Path) -> None:
    lines = [{"prompt": f"p{i}", "a.b": "x", "c": i % 3 == 0, "score": i} for i in range(40)]
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    assert_same(path, overrides=columns)


def test_flat_lines_are_served_fast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the tests above compare the strict reader with itself."""
    lines = [
        json.dumps({"prompt": f"é{i}\n", "response": "x" * i, "n": i, "f": i / 2, "b": None})
        for i in range(3000)
    ]
    lines[1000] = lines[1000].replace('"n"', '"m"')
    path = tmp_path / "data.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    asked: list[int] = []
    strict = jsonl._strict_batches

    def watched(taken: list[bytes], *more: Any) -> Any:
        asked.append(taken[0].count(b"\n"))
        return strict(taken, *more)

    monkeypatch.setattr(jsonl, "_strict_batches", watched)
    monkeypatch.setattr(jsonl, "STRICT_LINES", 10)
    found = read(path, least=0)
    assert asked == [10]
    assert len(found["rows"]) == 3000


def test_turns_are_served_fast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        {
            "id": i,
            "messages": [{"role": who, "content": f"é{i}\n"} for who in ("system", "user", "assistant")][
                : 1 + i % 3
            ],
        }
        for i in range(3000)
    ]
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    strict = read(path, least=NEVER)

    def none(*_: Any) -> Any:
        raise AssertionError("not served")

    monkeypatch.setattr(jsonl, "_strict_batches", none)
    assert read(path, least=0) == strict


def test_a_file_that_is_not_flat_is_soon_read_strictly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text(
        '{"messages": [{"role": "user", "content": "a"}], "meta": {"n": 1}}\n' * 100, encoding="utf-8"
    )
    tried: list[int] = []
    once = flat.FlatReader._read

    def watched(self: flat.FlatReader, block: bytes, at: int, lines: int) -> Any:
        tried.append(at)
        return once(self, block, at, lines)

    monkeypatch.setattr(flat.FlatReader, "_read", watched)
    monkeypatch.setattr(jsonl, "STRICT_LINES", 3)
    assert len(read(path, least=0)["rows"]) == 100
    assert len(tried) == flat.PATIENCE


def test_numba_is_not_loaded_for_a_small_file(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text('{"text": "a"}\n' * 1000, encoding="utf-8")
    code = (
        "import sys, dataaudit\n"
        f"report = dataaudit.scan({str(path)!r}, jobs=1, select=('structure',))\n"
        "print(report.rows, 'numba' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1000", "False"]
