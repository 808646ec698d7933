"""On real texts the compiled kernels give what the plain ones do."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from real_support import ALPACA

from dataaudit.records import compiling, kernels
from dataaudit.records.hashing import string_keys
from dataaudit.records.normalise import flat_bytes, normalise
from dataaudit.records.normalise_long import normalised_keys
from dataaudit.records.words import plain_words


def texts_of(path: Path) -> list[str]:
    if path.suffix == ".json":
        return [str(text) for record in json.loads(path.read_bytes())[:4000] for text in record.values()]
    with path.open("rb") as lines:
        return [str(text) for line in islice(lines, 2500) for text in json.loads(line).values()]


@pytest.mark.parametrize("name", [ALPACA, "human_text/brown.jsonl", "human_text/lima_train.json"])
def test_words_and_keys_are_those_of_the_plain_way(
    real_data: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = pa.array(texts_of(real_data / name), pa.large_string())
    data, offsets = flat_bytes(values)
    for made, expected in zip(
        kernels.words(data, offsets, True), plain_words(data, offsets, True), strict=True
    ):
        assert np.array_equal(made, expected)
    monkeypatch.setattr(compiling, "COMPILE_BYTES", -1)
    for lane, wanted in zip(normalised_keys(values), string_keys(normalise(values)), strict=True):
        assert np.array_equal(lane, wanted)
