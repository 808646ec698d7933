"""From the bytes of records to a batch: the strict path that JSON Lines and JSON documents share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from dataaudit.records.objects import extract_objects
from dataaudit.records.types import Batch, FileRef, Malformed
from dataaudit.sources.base import Place, ReadOptions, make_batch, sampled
from dataaudit.sources.json_reasons import duplicate_keys, why_malformed

Text = bytes | memoryview
"""The bytes of a record; a view where a record is so long that a copy would count."""

Parsed = tuple[list[dict[str, Any]], list[tuple[int, str]], list[int]]
"""The objects of the good texts, (index, reason) of the bad ones, the objects (by place) that name a key twice."""


def parse(texts: Sequence[Text], *, arrays: bool = False) -> Parsed:
    """Parse the texts of records. `arrays`: an array is a record too, its columns are `0`, `1`, …"""
    try:
        values = [orjson.loads(text) for text in texts]
        kinds = set(map(type, values))
        if kinds <= {dict}:
            return values, [], duplicate_keys(texts, values)
        if arrays and kinds <= {dict, list}:
            twice = duplicate_keys(texts, values)
            return list(map(_record, values)), [], twice
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        pass  # some text is not as it should be: look at each
    good_values: list[Any] = []
    good: list[Text] = []
    bad: list[tuple[int, str]] = []
    for i, text in enumerate(texts):
        reason = why_malformed(text, arrays=arrays)
        if reason is None:
            good_values.append(orjson.loads(text))
            good.append(text)
        else:
            bad.append((i, reason))
    return list(map(_record, good_values)), bad, duplicate_keys(good, good_values)


def _record(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {str(i): item for i, item in enumerate(value)}
    return value  # type: ignore[no-any-return]  # the callers pass objects and arrays only


def text_batch(
    file: FileRef,
    texts: list[Text],
    numbers: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    place: Place,
    starts: Callable[[], npt.NDArray[np.int64]],
    options: ReadOptions,
) -> Batch:
    """The batch of records with these texts. `numbers`: their rows and lines; `starts`: their byte offsets.

    The texts are taken out of their list, so that a long one need not lie beside what is made of it.
    """
    rows, lines = numbers
    chosen = sampled(file.id, rows, options)
    picked: list[int] | range = range(len(texts))
    if chosen is not None:
        at = np.flatnonzero(chosen)
        picked = at.tolist()
        texts[:] = [texts[i] for i in picked]
        rows, lines = rows[at], lines[at]
    objects, bad, twice = parse(texts, arrays=file.part is not None and file.part.arrays)
    malformed: tuple[Malformed, ...] = ()
    if bad:
        offsets = starts()
        malformed = tuple(
            Malformed(int(rows[i]), reason, int(lines[i]), int(offsets[picked[i]]), len(texts[i]))
            for i, reason in bad
        )
        good = np.ones(len(texts), np.bool_)
        good[[i for i, _ in bad]] = False
        rows, lines = rows[good], lines[good]
    texts.clear()
    remarks = (("duplicate-key", np.asarray(twice, np.int64)),) if twice else ()
    found = extract_objects(objects, options.overrides, options.shapes)
    return make_batch(file, rows, lines, found, place, malformed, remarks)
