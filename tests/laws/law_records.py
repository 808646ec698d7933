"""Generated datasets: every layout, nulls and blanks, rule hits, duplicates, several files and splits, bad lines."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from dataaudit.rules.load import load_packs
from dataaudit.rules.model import Rule


@cache
def some_rules() -> tuple[Rule, ...]:
    """A few shipped rules of every category: enough for each branch, few enough to be fast."""
    taken: list[Rule] = []
    for rule in load_packs(()):
        if sum(one.category == rule.category for one in taken) < 2:
            taken.append(rule)
    return tuple(taken)


@cache
def soft_rules() -> tuple[Rule, ...]:
    """One rule of every kind of soft marks, and those that name a maker."""
    taken: dict[str, Rule] = {}
    for rule in load_packs(()):
        if rule.soft is not None:
            taken.setdefault("maker" if rule.id == "self-vendor-model" else rule.soft, rule)
    return tuple(taken.values())


def _hits() -> list[str]:
    found = [hit for rule in some_rules() for hit in rule.hits if isinstance(hit, str)]
    opens, closes, names = "Sure! Here is a list.", "I hope this helps!", "I am Claude, made by Anthropic."
    return [*found, *[hit for rule in soft_rules() for hit in rule.hits if isinstance(hit, str)],
            f"{opens}\n\n{closes}", f"{opens} {names}"]  # fmt: skip


QUESTION = "How many slow green otters fit into the third narrow boat on the lake?"


@cache
def benchmark_index() -> str:
    """An index of a benchmark of two items, which the generated texts hold."""
    from dataaudit.benchmarks.build import Item, columns_of
    from dataaudit.benchmarks.index import to_batch, write_index
    from dataaudit.benchmarks.manifest import VERSION, Manifest, settings

    items = [Item("a", QUESTION, (), "Seven of them"), Item("b", "Colour of the boat?", (), "deep violet")]
    manifest = Manifest(VERSION, settings(), "otters", "", "CC0-1.0", "here", {"items": 2}, "0")
    path = Path(tempfile.mkdtemp()) / "otters.benchmark"
    write_index(path, to_batch(manifest, columns_of(items)))
    return str(path)


def _awkward() -> list[str]:
    said = "\n\nHuman: Hello\n\nAssistant: As an AI assistant I\n\nHuman: "
    return [
        said,
        "Assistant:",
        "",
        " ",
        "\u00a0\t",
        "x",
        "X ",
        "ß",
        "İi",
        "e\u0301",
        "\ufffd",
        "\x07",
        "a\u2028b",
        "日本語",
        "😀",
        QUESTION,
        f"x {QUESTION} Seven of them.",
        "Colour of the boat? Deep violet",
        "[INST] a [/INST]",
    ]


def texts() -> st.SearchStrategy[str]:
    """Strings: awkward ones, ones that rules hit, and anything else."""
    return st.one_of(st.sampled_from(_awkward()), st.sampled_from(_hits()), st.text(max_size=6))


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value or null; mostly a value."""
    return st.one_of(values, values, values, st.none())


NAMES = ("system", "user", "assistant", "tool", "human", "gpt", "narrator", "Assistant ", None)


def contents() -> st.SearchStrategy[Any]:
    """What a turn may say: text, nothing, or parts."""
    part = st.fixed_dictionaries({"type": st.sampled_from(("text", "image")), "text": maybe(texts())})
    return st.one_of(texts(), texts(), texts(), st.none(), st.lists(st.one_of(part, texts()), max_size=2))


def chats(role: str = "role", content: str = "content") -> st.SearchStrategy[list[dict[str, Any]]]:
    """Lists of turns, in and out of order."""
    call = st.sampled_from(
        (None, [], [{"id": "1", "function": {"arguments": "[INST] a [/INST]", "name": "f"}}])
    )
    turn = st.fixed_dictionaries(
        {role: st.sampled_from(NAMES), content: contents()}, optional={"tool_calls": call}
    )
    good = st.lists(texts(), min_size=1, max_size=4).map(
        lambda said: [{role: ("user", "assistant")[i % 2], content: text} for i, text in enumerate(said)]
    )
    return st.one_of(good, st.lists(turn, max_size=4))


def labels() -> st.SearchStrategy[Any]:
    """Label values as they come."""
    return st.one_of(
        st.integers(-1, 3), st.sampled_from(["spam", "ham", "Ham", ""]), st.booleans(), st.none()
    )


def records() -> st.SearchStrategy[dict[str, Any]]:
    """JSON objects of every layout."""
    text = texts()
    fixed = st.fixed_dictionaries
    return st.one_of(
        fixed({"text": maybe(text)}),
        fixed({"text": text, "label": labels()}),
        fixed({"text": text, "meta": fixed({"url": text, "n": st.integers(0, 2)}), "label": labels()}),
        fixed({"messages": chats()}),
        fixed({"system": maybe(text), "messages": chats(), "id": st.integers(0, 3)}),
        fixed({"conversations": chats("from", "value")}),
        fixed({"instruction": text, "input": maybe(text), "output": maybe(text)}),
        fixed({"prompt": maybe(text), "completion": maybe(text)}),
        fixed({"question": text, "choices": st.lists(text, max_size=3), "answer": text, "source": text}),
        fixed({"prompt": text, "chosen": text, "rejected": maybe(text)}),
        fixed({"chosen": chats(), "rejected": chats()}),
        fixed({"prompt": chats(), "completion": chats()}),
        fixed({"foo": text, "bar": maybe(text), "num": st.floats(-2, 2)}),
        fixed({"num": st.integers(0, 2), "flag": st.booleans()}),
        fixed({"messages": st.just([])}),
        fixed({}),
    )


BAD_LINES = (
    b"{", b"[1, 2]", b'"text"', b"null", b'{"text": "\xff"}', b'{"text": NaN}', b'{"text": "\\ud800"}', b"\x00",
    b'{"text": "a"} x', b"\xef\xbb\xbf{}",
)  # fmt: skip
ODD_LINES = (b'{"text": "a", "text": "b"}', b'{"a": {"k": 1, "k": 1}}', b"", b"  \t", b'{"text": "crlf"}\r')


def lines() -> st.SearchStrategy[list[bytes]]:
    """The lines of a file; few different ones, so that there are duplicates."""

    def of(pool: list[bytes]) -> st.SearchStrategy[list[bytes]]:
        return st.lists(st.sampled_from(pool), max_size=14)

    good = records().map(lambda record: json.dumps(record, ensure_ascii=False).encode())
    line = st.one_of(good, good, good, good, st.sampled_from(BAD_LINES), st.sampled_from(ODD_LINES))
    return st.lists(line, min_size=1, max_size=8).flatmap(of)


@dataclass(frozen=True)
class Dataset:
    """Names and bytes of files."""

    files: tuple[tuple[str, bytes], ...]

    def write(self, folder: Path) -> Path:
        """Write the files into a folder."""
        for name, data in self.files:
            (folder / name).write_bytes(data)
        return folder


FILE_NAMES = ("data.jsonl", "test.jsonl", "train-00000-of-00001.jsonl", "validation.jsonl")


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    """One to three files of different splits that share their lines."""
    names = draw(st.lists(st.sampled_from(FILE_NAMES), min_size=1, max_size=3, unique=True))
    shared = draw(lines())
    files = []
    for name in sorted(names):
        own = draw(st.permutations(shared)) + draw(lines())
        end = draw(st.sampled_from((b"\n", b"")))
        start = draw(st.sampled_from((b"", b"", b"\xef\xbb\xbf")))
        files.append((name, start + b"\n".join(own) + end))
    return Dataset(tuple(files))
