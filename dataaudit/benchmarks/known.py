"""What a training split is known to hold of a benchmark: templates, shared passages, items that stand in both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dataaudit.benchmarks.detect import Detector
from dataaudit.benchmarks.found import Strings
from dataaudit.benchmarks.index import Index
from dataaudit.benchmarks.windows import ALL
from dataaudit.records.words import words_of

CHUNK = 4096
"""Records searched together."""
NEVER = 1000
"""The floor of an item that stands in the training split as a whole: no text holds more of it."""


def floors_of(index: Index, records: Iterable[Sequence[str]]) -> npt.NDArray[np.uint16]:
    """Per item the largest share (per mille) that one record of a training split holds of it; 0 where none is found.

    Records are their strings in order. What is found with that share or less says nothing of a leak.
    """
    floors = np.zeros(len(index), np.uint16)
    detector = Detector([index])
    left = iter(records)
    while chunk := list(islice(left, CHUNK)):
        words = words_of(pa.array([text for one in chunk for text in one], pa.large_string()))
        owners = np.repeat(np.arange(len(chunk)), [len(one) for one in chunk])
        (found,) = detector.find(Strings(words.hashes, words.starts, owners))
        share = np.where(found.share >= ALL, NEVER, found.share).astype(np.uint16)
        np.maximum.at(floors, found.items, share)
    return floors
