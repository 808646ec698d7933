"""Words of long texts: cut into windows and kept in a file, they are the same words."""

from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataaudit.records import record_words as module
from dataaudit.records.normalise import flat_bytes, from_flat
from dataaudit.records.objects import extract_objects
from dataaudit.records.strings import string_array
from dataaudit.records.types import FileRef
from dataaudit.records.word_windows import windows
from dataaudit.records.words import words_of
from dataaudit.sketches.workspace import Workspace
from dataaudit.sources.base import Place, make_batch

TEXTS = st.text(alphabet="aBc  \t1_é\u0301\u200b字か。😀สวั\uff9e½", max_size=30)


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.integers(1, 9))
def test_a_text_can_be_cut_where_windows_end(text: str, size: int):
    data = flat_bytes(pa.array([text], pa.large_string()))[0]
    parts = list(windows(data, size))
    assert b"".join(part.tobytes() for part in parts) == text.encode()
    found = [words_of(from_flat(part, np.asarray([0, len(part)]))).hashes.tolist() for part in parts]
    assert list(itertools.chain(*found)) == words_of(pa.array([text], pa.large_string())).hashes.tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5), st.data())
def test_words_in_a_file_are_those_in_memory(
    tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[str, str]], data: st.DataObject
):
    folder = tmp_path_factory.mktemp("words")
    work = Workspace(root=folder)
    n = len(texts)
    rows = np.arange(n)
    records = [{"prompt": a, "response": b} for a, b in texts]
    batch = make_batch(
        FileRef(0, "x", "x", "jsonl"),
        rows,
        rows + 1,
        extract_objects(records, ()),
        Place(0, 1, (n, n), (0, 0), 0),
    )
    held = module.record_words(batch, work)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("LONG_BYTES", 0), ("WINDOW", 7), ("BLOCK", 3)):
            patch.setattr(module, name, value)
        stored = module.record_words(batch, work)
        assert held is not None
        assert stored is not None
        assert isinstance(stored.words, module.StoredWords)
        assert stored.words[: len(stored.words)].tolist() == held.words[: len(held.words)].tolist()
        for name in ("starts", "records", "roles", "at"):
            assert getattr(stored, name).tolist() == getattr(held, name).tolist()
        if len(held.words):
            places = np.asarray(
                data.draw(st.lists(st.integers(0, len(held.words) - 1), max_size=9)), np.int64
            )
            assert stored.words[places].tolist() == held.words[places].tolist()
    assert list(folder.iterdir()) == []  # the file goes with the words


@given(st.lists(st.text(max_size=5), max_size=4))
def test_long_strings_make_the_array_that_arrow_makes(texts: list[str]):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dataaudit.records.strings.LONG", 0)
        assert string_array(texts).equals(pa.array(texts, pa.large_string()))


def test_a_place_to_cut_is_looked_for_in_little_memory():
    text = np.full(12 << 20, ord("7"), np.uint8)
    assert [len(one) for one in windows(text, 1 << 20)] == [len(text)]  # one word
    text[5 << 20] = ord(" ")
    tracemalloc.start()
    parts = [len(one) for one in windows(text, 1 << 20)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert parts == [(5 << 20) + 1, len(text) - (5 << 20) - 1]
    assert peak < len(text)
