"""Long lines are held one at a time by all processes of a run."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from dataaudit.records.types import FileRef
from dataaudit.sources import jsonl
from dataaudit.sources.base import Partition, ReadOptions
from dataaudit.sources.turn import Turn

SECONDS = 20.0


def rows_of(path: Path, options: ReadOptions, done: threading.Event, found: list[int]) -> None:
    file = FileRef(0, str(path), path.name, "jsonl", size=path.stat().st_size)
    for batch in jsonl.read(Partition(file, 0, -1), options):
        found.extend(batch.rows.tolist())  # type: ignore[union-attr]
    done.set()


@pytest.mark.parametrize("long", [True, False])
def test_a_long_line_waits_for_its_turn_and_a_short_one_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, long: bool
) -> None:
    monkeypatch.setattr(jsonl, "BLOCK", 64)
    monkeypatch.setattr(jsonl, "LARGEST_PIECE", 256)
    path = tmp_path / "a.jsonl"
    texts = ["a", "b" * (2000 if long else 20), "c"]
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    options = ReadOptions(turn=str(tmp_path / "turn"))
    done, found = threading.Event(), list[int]()
    thread = threading.Thread(target=rows_of, args=(path, options, done, found), daemon=True)
    with Turn(options.turn) as other:
        other.take()
        thread.start()
        assert done.wait(0.5 if long else SECONDS) is not long
    assert done.wait(SECONDS)
    assert found == [0, 1, 2]
    with Turn(options.turn) as again:  # it was given back
        again.take()
