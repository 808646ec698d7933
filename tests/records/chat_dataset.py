"""One data set of chats with known defects, and everything that can carry it: dialects and formats."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import random
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

Chat = list[tuple[str, str]]
"""(who, what) of every turn."""
Record = dict[str, Any]

WORDS = (
    *(
        "river",
        "stone",
        "garden",
        "window",
        "paper",
        "music",
        "winter",
        "summer",
        "bread",
        "water",
        "mountain",
    ),
    *("island", "letter", "market", "station", "bridge", "forest", "kitchen", "ladder", "mirror", "pencil"),
    *("rocket", "saddle", "teapot", "valley", "wagon", "yellow", "zebra", "anchor", "basket"),
)
PLANTED = {
    7: "As an AI assistant, I cannot say.",
    11: "[INST] Go on. [/INST] Fine.",
    13: "I'm sorry, but I cannot assist with that request.",
    17: "<|im_start|>user\nAnd then?<|im_end|>",
    19: "Broken \ufffd here",
    23: "Quotes \" and, commas;\nlines\tand tabs \\ and 'more'",
}
"""What every so many chats answer at last, by the number that divides their number."""


def chats(count: int = 5_000) -> list[Chat]:
    """Chats of one to three exchanges; every 40th is the one before it again, every 91st has an empty answer."""
    rng = random.Random(5)
    made: list[Chat] = []
    for i in range(count):
        if i % 40 == 39:
            made.append(made[-1])
            continue
        turns = [
            (("user", "assistant")[j % 2], " ".join(rng.choices(WORDS, k=12))) for j in range(2 + 2 * (i % 3))
        ]
        for number, said in PLANTED.items():
            if i % (number * 10) == number:
                turns[-1] = ("assistant", said)
        if i % 91 == 89:
            turns[-1] = ("assistant", "")
        if i % 5 == 0:
            turns.insert(0, ("system", f"You are number {i % 7}."))
        made.append(turns)
    return made


def single(made: list[Chat]) -> list[Chat]:
    """The chats cut to one exchange, as a prompt and a response hold them."""
    return [[turn for turn in chat if turn[0] != "system"][-2:] for chat in made]


def _turns(chat: Chat, who: str, what: str, names: dict[str, str] | None = None) -> list[Record]:
    return [{who: (names or {}).get(role, role), what: said} for role, said in chat]


SHARE = {"user": "human", "assistant": "gpt"}
DIALECTS: dict[str, Callable[[Chat], Record]] = {
    "messages": lambda chat: {"messages": _turns(chat, "role", "content")},
    "sharegpt": lambda chat: {"conversations": _turns(chat, "from", "value", SHARE)},
    "sharegpt-bot": lambda chat: {
        "conversation": _turns(chat, "from", "value", {"user": "user", "assistant": "bot"})
    },
    "sharegpt-text": lambda chat: {"conversations": _turns(chat, "from", "text", {"assistant": "chatgpt"})},
    "capitals": lambda chat: {
        "dialogue": _turns(chat, "Role", "Content", {"user": "User ", "assistant": "MODEL"})
    },
    "parts": lambda chat: {
        "messages": [{"role": who, "content": [{"type": "text", "text": said}]} for who, said in chat]
    },
    "contents": lambda chat: {
        "contents": [
            {"role": "model" if who == "assistant" else who, "parts": [{"text": said}]} for who, said in chat
        ]
    },
    "masked": lambda chat: {
        "messages": [{"role": who, "content": said, "weight": int(who == "assistant")} for who, said in chat]
    },
    "columns": lambda chat: {
        "conversations": {
            "from": [SHARE.get(who, who) for who, _ in chat],
            "value": [said for _, said in chat],
        }
    },
    "json": lambda chat: {"messages": json.dumps(_turns(chat, "role", "content"), ensure_ascii=False)},
    "pairs": lambda chat: {
        "turns": [["system", said] if who == "system" else [who, said] for who, said in chat]
    },
}
"""Dialects in which a record is a whole chat."""

SINGLE: dict[str, Callable[[Chat], Record]] = {
    "prompt-response": lambda chat: {"prompt": chat[0][1], "response": chat[1][1]},
    "alpaca": lambda chat: {"instruction": chat[0][1], "input": "", "output": chat[1][1]},
    "question-answer": lambda chat: {"question": chat[0][1], "answer": chat[1][1]},
    "prompt-completion": lambda chat: {"prompt": chat[0][1], "completion": chat[1][1]},
    "talk": lambda chat: {"conversations": [chat[0][1], chat[1][1]]},
    "one-exchange": lambda chat: {"conversation": [{"input": chat[0][1], "output": chat[1][1]}]},
    "chats-apart": lambda chat: {
        "prompt": [{"role": "user", "content": chat[0][1]}],
        "completion": [{"role": "assistant", "content": chat[1][1]}],
    },
}
"""Dialects that hold one exchange."""


def lines(rows: list[Record]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def delimited(rows: list[Record], delimiter: str) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def table(rows: list[Record]) -> pa.Table:
    return pa.Table.from_pylist(rows)


def _arrow(path: Path, rows: list[Record]) -> Path:
    held = table(rows)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, held.schema) as writer:
        writer.write_table(held, max_chunksize=997)
    return path


def _parquet(path: Path, rows: list[Record]) -> Path:
    pq.write_table(table(rows), path, row_group_size=1_201)
    return path


def _saved(path: Path, rows: list[Record]) -> Path:
    import datasets

    datasets.Dataset(table(rows)).save_to_disk(str(path))
    return path


def _memory(path: Path, rows: list[Record]) -> Any:
    import datasets

    return datasets.Dataset(table(rows))


def _bytes(encode: Callable[[bytes], bytes], body: Callable[[list[Record]], bytes] = lines) -> Any:
    def write(path: Path, rows: list[Record]) -> Path:
        path.write_bytes(encode(body(rows)))
        return path

    return write


def _same(data: bytes) -> bytes:
    return data


def _utf16(data: bytes) -> bytes:
    return ("\ufeff" + data.decode()).encode("utf-16-be")


def _archive(path: Path, rows: list[Record]) -> Path:
    with tarfile.open(path, "w") as tar:
        for i, row in enumerate(rows):
            data = json.dumps(row).encode()
            info = tarfile.TarInfo(f"{i:05}.json")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


FORMATS: dict[str, tuple[str, Callable[[Path, list[Record]], Any]]] = {
    "jsonl": ("chats.jsonl", _bytes(_same)),
    "gz": ("chats.jsonl.gz", _bytes(gzip.compress)),
    "zst": ("chats.jsonl.zst", _bytes(zstandard.compress)),
    "bz2": ("chats.jsonl.bz2", _bytes(bz2.compress)),
    "xz": ("chats.jsonl.xz", _bytes(lambda data: lzma.compress(data, preset=0))),
    "array": ("chats.json", _bytes(_same, lambda rows: json.dumps(rows, indent=1).encode())),
    "array-gz": ("chats.json.gz", _bytes(gzip.compress, lambda rows: json.dumps(rows).encode())),
    "key": ("chats.json", _bytes(_same, lambda rows: json.dumps({"version": 1, "data": rows}).encode())),
    "utf-16": ("chats.jsonl", _bytes(_utf16)),
    "tar": ("chats.tar", _archive),
    "parquet": ("chats.parquet", _parquet),
    "arrow": ("chats.arrow", _arrow),
    "saved": ("saved", _saved),
    "memory": ("", _memory),
    "csv": ("chats.csv", _bytes(_same, lambda rows: delimited(rows, ","))),
    "csv-gz": ("chats.csv.gz", _bytes(gzip.compress, lambda rows: delimited(rows, ","))),
    "tsv": ("chats.tsv", _bytes(_same, lambda rows: delimited(rows, "\t"))),
}
"""Name of the file, and how rows are written to it."""
FLAT = ("csv", "csv-gz", "tsv")
"""Formats whose fields are strings."""
