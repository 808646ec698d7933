"""Write the sample data and, from the same tables, what a scan of it must find (`expected.json`).

    python sample_data/make.py            # write
    python sample_data/make.py --check    # fail if the files here are not what this script writes

Four sources, one per common layout: `chat.jsonl` (messages), `instruct.parquet` (instruction, input,
output; four row groups), `labelled.jsonl` (text, label) and `assistant_dataset/` (prompt, response; two
shards as `datasets.Dataset.save_to_disk` writes them). All text is drawn from a small grammar, `grammar.py`,
over the words in `topics.py`; everything that is wrong is listed row by row in `planted.py`:

- chat markers, a self-description and a refusal, as five rules name them; one row holds two of them;
- rows equal to an earlier row, and rows that differ from one only in case and white space;
- structure: two user turns in a row, a chat nobody answers, empty responses, an empty text, U+FFFD;
- malformed lines: cut-off JSON, an array in place of an object, a byte that is not UTF-8; and one blank line;
- labels in a ratio of 112 to 1;
- near misses: harmless brackets and mentions of AI that must not be reported.

`expected.json` is written from those tables, never by running the tool, so tests compare two independent
sources; near-duplicates are found by comparing all rows, in `similar.py`. In the file, `files` maps each
file to its `rows` (malformed ones included), `malformed` records (row,
line, reason), `layout`, `roles` (role to path), `findings` (finding id to the sorted row numbers behind it;
for duplicates the rows beyond the kept one, which is the first), `twins` (row to the file and row it
repeats), `near_misses` and `contamination` (`rows` hit by any of the five rules, `of` the parsed rows).
`overall` adds the files up, and `values` holds what is not a set of rows.
"""

from __future__ import annotations

import argparse
import copy
import filecmp
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import planted as p
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset, Features, Value, disable_progress_bars
from grammar import Grammar
from similar import removable

SEED = 20_240_229
HERE = Path(__file__).parent
Record = dict[str, Any]


def _response_field(file: str) -> str:
    return {p.INSTRUCT: "output", p.LABELLED: "text"}.get(file, "response")


def _get(file: str, row: Record) -> tuple[str, str]:
    """The prompt and the response (or the text) of a record."""
    if file == p.CHAT:
        turns = row["messages"]
        return next(t["content"] for t in turns if t["role"] == "user"), turns[-1]["content"]
    return row.get("prompt", row.get("instruction", "")), row[_response_field(file)]


def _set(file: str, row: Record, response: str) -> None:
    if file == p.CHAT:
        row["messages"][-1]["content"] = response
    else:
        row[_response_field(file)] = response


def clean_rows() -> dict[str, list[Record]]:
    """The rows of every file before anything is planted."""
    grammar = Grammar(SEED)
    pairs = [dict(zip(("prompt", "response"), grammar.pair(), strict=True)) for _ in range(150)]
    tasks = [dict(zip(("instruction", "input", "output"), grammar.task(), strict=True)) for _ in range(600)]
    labels = grammar.labels(p.LABEL_COUNTS)
    for row, (_, first) in (p.EXACT[p.LABELLED] | p.NORMALISED[p.LABELLED]).items():
        _swap_label(labels, row, labels[first])
    return {
        p.SHARDS[0]: pairs[:75],
        p.SHARDS[1]: pairs[75:],
        p.CHAT: [{"messages": grammar.chat()} for _ in range(600)],
        p.INSTRUCT: tasks,
        p.LABELLED: [{"text": grammar.ticket(label), "label": label} for label in labels],
    }


def _swap_label(labels: list[str], row: int, wanted: str) -> None:
    """Give a row the label it will repeat, and its own to an unplanted row: the counts stay as they are."""
    planted = set(p.EXACT[p.LABELLED]) | set(p.NORMALISED[p.LABELLED])
    planted |= {first for table in (p.EXACT, p.NORMALISED) for _, first in table[p.LABELLED].values()}
    other = next(i for i, label in enumerate(labels) if label == wanted and i not in planted)
    labels[row], labels[other] = labels[other], labels[row]


def _shouted(value: Any) -> Any:
    """The same record in another case and with other white space; names of roles and labels stay."""
    if isinstance(value, str):
        return "  " + value.upper().replace(". ", ".\t\n ")
    if isinstance(value, list):
        return [turn | {"content": _shouted(turn["content"])} for turn in value]
    return {k: v if k == "label" or v == "" else _shouted(v) for k, v in value.items()}


def plant(rows: dict[str, list[Record]]) -> None:
    """Put in what `planted.py` lists, except malformed lines, which exist only as bytes."""
    for file, table in p.CONTAMINATED.items():
        for row, (_, template) in table.items():
            prompt, response = _get(file, rows[file][row])
            _set(file, rows[file][row], template.format(prompt=prompt, response=response))
    for file, start in p.NEAR_MISS_FROM.items():
        for i, sentence in enumerate(p.NEAR_MISSES):
            record = rows[file][start + i]
            _set(file, record, f"{_get(file, record)[1]} {sentence}")
    _break_structure(rows)
    for file, same in p.EXACT.items():
        for row, (twin_file, twin) in same.items():
            rows[file][row] = copy.deepcopy(rows[twin_file][twin])
    for file, same in p.NORMALISED.items():
        for row, (twin_file, twin) in same.items():
            rows[file][row] = _shouted(rows[twin_file][twin])


def _break_structure(rows: dict[str, list[Record]]) -> None:
    for file, row in (p.EMPTY_RESPONSE | p.EMPTY_TEXT).items():
        if file == p.CHAT:  # one exchange only: a chat with another answer would not be without a response
            turns = rows[file][row]["messages"]
            end = next(i for i, turn in enumerate(turns) if turn["role"] == "assistant")
            rows[file][row]["messages"] = turns[: end + 1]
        _set(file, rows[file][row], "")
    for file, row in p.REPLACEMENT.items():
        response = _get(file, rows[file][row])[1]
        _set(file, rows[file][row], response[:20] + "\ufffd" + response[21:])
    for row in p.TURN_ORDER:
        rows[p.CHAT][row]["messages"].insert(-1, {"role": "user", "content": "It is a gas oven, by the way."})
    for row in p.UNANSWERED:
        turns = rows[p.CHAT][row]["messages"]
        rows[p.CHAT][row]["messages"] = [next(turn for turn in turns if turn["role"] == "user")]


def _line(record: Record) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode()


def _malformed_line(record: Record, reason: str) -> bytes:
    line = _line(record)
    if reason == "invalid-json":
        return line[: len(line) * 2 // 3]
    if reason == "not-an-object":
        return json.dumps(record["messages"], ensure_ascii=False).encode()
    middle = len(line) // 2
    return line[:middle] + b"\xff" + line[middle:]


def write_data(folder: Path, rows: dict[str, list[Record]]) -> None:
    """Write the four sources."""
    lines = [_line(record) for record in rows[p.CHAT]]
    for row, reason in p.MALFORMED.items():
        lines[row] = _malformed_line(rows[p.CHAT][row], reason)
    lines.insert(p.BLANK_LINE_AFTER + 1, b"")
    (folder / p.CHAT).write_bytes(b"\n".join(lines) + b"\n")
    (folder / p.LABELLED).write_bytes(b"".join(_line(record) + b"\n" for record in rows[p.LABELLED]))
    table = pa.Table.from_pylist(rows[p.INSTRUCT])
    pq.write_table(table, folder / p.INSTRUCT, row_group_size=150, compression="zstd")
    write_dataset(folder / "assistant_dataset", [record for shard in p.SHARDS for record in rows[shard]])


def write_dataset(folder: Path, records: list[Record]) -> None:
    """Two shards as `save_to_disk` writes them, with a fixed fingerprint: the library's own varies."""
    disable_progress_bars()
    features = Features({"prompt": Value("string"), "response": Value("string")})
    Dataset.from_list(records, features=features).save_to_disk(str(folder), num_shards=len(p.SHARDS))
    state = folder / "state.json"
    content = json.loads(state.read_text()) | {"_fingerprint": "0123456789abcdef"}
    state.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


_ROLES = {
    p.SHARDS[0]: ("prompt-response", {"prompt": "prompt", "response": "response"}),
    p.SHARDS[1]: ("prompt-response", {"prompt": "prompt", "response": "response"}),
    p.CHAT: ("messages", dict.fromkeys(("system", "prompt", "response"), "messages[*].content")),
    p.INSTRUCT: ("instruction", {"prompt": "instruction, input", "response": "output"}),
    p.LABELLED: ("labelled", {"text": "text", "label": "label"}),
}


def _findings(file: str, alike: list[int]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row, (rules, _) in p.CONTAMINATED[file].items():
        for rule in rules:
            found.setdefault(rule, []).append(row)
    exact = p.EXACT.get(file, {})
    found["exact-duplicates"] = list(exact)
    found["exact-duplicates:normalised"] = [*exact, *p.NORMALISED.get(file, {})]
    found["near-duplicates"] = alike
    unanswered = list(p.UNANSWERED) if file == p.CHAT else []
    found["structure:no-response"] = unanswered + [row for f, row in p.EMPTY_RESPONSE.items() if f == file]
    found["structure:empty-text"] = [row for f, row in p.EMPTY_TEXT.items() if f == file]
    if file in p.REPLACEMENT:
        found["structure:replacement-character"] = [p.REPLACEMENT[file]]
    if file == p.CHAT:
        found["malformed-record"] = list(p.MALFORMED)
        found["structure:turn-order"] = list(p.TURN_ORDER)
    return {rule: sorted(at) for rule, at in sorted(found.items()) if at}


def _strings(record: Record) -> list[str]:
    """The texts of a record in order, without its label."""
    if "messages" in record:
        return [turn["content"] for turn in record["messages"]]
    return [value for name, value in record.items() if name != "label"]


def _alike(rows: dict[str, list[Record]]) -> dict[str, list[int]]:
    """File → rows that are near-duplicates of an earlier one."""
    places = [
        (file, row)
        for file in p.FILES
        for row in range(len(rows[file]))
        if file != p.CHAT or row not in p.MALFORMED
    ]
    found: dict[str, list[int]] = {file: [] for file in p.FILES}
    for i in removable([_strings(rows[file][row]) for file, row in places]):
        found[places[i][0]].append(places[i][1])
    return found


def expected(rows: dict[str, list[Record]]) -> dict[str, Any]:
    """What a scan of the folder must find, from the tables and the rows alone."""
    files: dict[str, Any] = {}
    alike = _alike(rows)
    for file in p.FILES:
        bad = p.MALFORMED if file == p.CHAT else {}
        twins = p.EXACT.get(file, {}) | p.NORMALISED.get(file, {})
        start = p.NEAR_MISS_FROM[file]
        files[file] = {
            "rows": len(rows[file]),
            "malformed": [
                {"row": row, "line": row + 1 + (row > p.BLANK_LINE_AFTER), "reason": reason}
                for row, reason in sorted(bad.items())
            ],
            "layout": _ROLES[file][0],
            "roles": _ROLES[file][1],
            "findings": _findings(file, alike[file]),
            "twins": {str(row): list(twin) for row, twin in sorted(twins.items())},
            "near_misses": list(range(start, start + len(p.NEAR_MISSES))),
            "contamination": {"rows": len(p.CONTAMINATED[file]), "of": len(rows[file]) - len(bad)},
        }
    contamination = {k: sum(f["contamination"][k] for f in files.values()) for k in ("rows", "of")}
    return {
        "files": files,
        "overall": {
            "rows": sum(f["rows"] for f in files.values()),
            "malformed": sum(len(f["malformed"]) for f in files.values()),
            "contamination": contamination,
            "findings": _totals(files),
        },
        "values": {
            "class-imbalance": max(p.LABEL_COUNTS.values()) / min(p.LABEL_COUNTS.values()),
            "labels": p.LABEL_COUNTS,
        },
    }


def _totals(files: dict[str, Any]) -> dict[str, int]:
    ids = sorted({rule for f in files.values() for rule in f["findings"]})
    return {rule: sum(len(f["findings"].get(rule, ())) for f in files.values()) for rule in ids}


def write_all(folder: Path) -> None:
    """Write data and expectations into a folder."""
    rows = clean_rows()
    plant(rows)
    write_data(folder, rows)
    text = json.dumps(expected(rows), indent=1, ensure_ascii=False)
    (folder / "expected.json").write_text(text + "\n")


def _same(a: Path, b: Path) -> bool:
    """Equal bytes; for tables equal rows, since the bytes depend on the version of the writing library."""
    if a.suffix == ".parquet":
        return bool(pq.read_table(a).equals(pq.read_table(b)))
    if a.suffix == ".arrow":
        with pa.OSFile(str(a)) as one, pa.OSFile(str(b)) as two:
            return bool(pa.ipc.open_stream(one).read_all().equals(pa.ipc.open_stream(two).read_all()))
    return filecmp.cmp(a, b, shallow=False)


def main() -> int:
    """Write, or compare."""
    parser = argparse.ArgumentParser(description="Write the sample data.")
    parser.add_argument("--check", action="store_true", help="compare with the files here, write nothing")
    if not parser.parse_args().check:
        shutil.rmtree(HERE / "assistant_dataset", ignore_errors=True)
        write_all(HERE)
        return 0
    with tempfile.TemporaryDirectory() as made:
        write_all(Path(made))
        names = (*p.FILES, "expected.json")
        differ = [n for n in names if not (HERE / n).is_file() or not _same(Path(made) / n, HERE / n)]
    for name in differ:
        print(f"sample_data/{name} is not what make.py writes", file=sys.stderr)
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
