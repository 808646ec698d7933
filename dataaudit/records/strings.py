"""Arrow arrays of Python strings, long ones made without the copies that Arrow would keep beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

LONG = 16 << 20
"""Code points of an array from which on copies count."""


def string_array(values: Sequence[object]) -> pa.LargeStringArray:
    """The array of these strings, nulls or Arrow scalars.

    Of a string that is not ASCII Arrow leaves the encoded form in the string as well, and the buffer it fills doubles
    as it grows: of long strings that would be three copies. Here one is encoded at a time.
    """
    texts = [one for one in values if isinstance(one, str)]
    if len(texts) < len(values) or sum(map(len, texts)) < LONG:
        return pa.array(values, pa.large_string())
    if len(texts) == 1:
        whole = texts[0].encode("utf-8")
        offsets = np.asarray([0, len(whole)])
        return pa.LargeStringArray.from_buffers(1, pa.py_buffer(offsets), pa.py_buffer(whole))
    # Memory that is not written to is not taken, so room for the worst case costs nothing.
    data = np.empty(sum(len(one) * (1 if one.isascii() else 4) for one in texts), np.uint8)
    offsets = np.zeros(len(texts) + 1, np.int64)
    for i, text in enumerate(texts):
        encoded = np.frombuffer(text.encode("utf-8"), np.uint8)
        offsets[i + 1] = offsets[i] + len(encoded)
        data[offsets[i] : offsets[i + 1]] = encoded
    return pa.LargeStringArray.from_buffers(
        len(texts), pa.py_buffer(offsets), pa.py_buffer(data[: int(offsets[-1])])
    )
