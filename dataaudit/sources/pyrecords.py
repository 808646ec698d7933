"""Records that a Python program hands over one by one, as JSON Lines: one line an item, whatever the item is.

Nothing is coerced: what JSON has no form for becomes an object that names its type, so that it equals only its like
and is not taken for text. An item that is no mapping becomes a line that is no object: the reader counts it malformed.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_JSON = (str, int, float, list, tuple, type(None))


def lines_of(items: Iterable[Any]) -> Iterator[bytes]:
    """One line of JSON per item. What iterating raises goes through."""
    encode = json.JSONEncoder(
        ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain
    ).encode
    for item in items:
        value = item if isinstance(item, dict) else dict(item) if isinstance(item, Mapping) else item
        if value is not item or isinstance(value, (dict, *_JSON)):
            try:
                yield encode(value).encode() + b"\n"
                continue
            except UnicodeEncodeError:  # a lone surrogate: escaped, it stays what it is
                yield json.dumps(value, separators=(",", ":"), default=_plain).encode() + b"\n"
                continue
            except (ValueError, TypeError, RecursionError):
                pass
        yield _odd(value)


def _odd(value: Any) -> bytes:
    """The line of a value that JSON does not take as it is."""
    try:
        if isinstance(value, dict):
            return json.dumps(_finite(value), separators=(",", ":")).encode() + b"\n"
        return json.dumps(repr(value)).encode() + b"\n"
    except Exception:  # whatever the parts of a foreign object do; it is no record
        return json.dumps(f"a {type(value).__name__} that has no form in JSON").encode() + b"\n"


def _finite(value: Any) -> Any:
    """The value with all in it that JSON has no form for replaced. Raises TypeError, RecursionError."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    if isinstance(value, (str, int, float, type(None))):
        return value
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return _finite(_plain(value))


def _plain(value: Any) -> Any:
    """An object that JSON has no form for."""
    kind = type(value)
    if isinstance(value, Mapping):
        return dict(value)
    if kind.__module__.split(".")[0] == "numpy":
        found = value.tolist()  # arrays and scalars alike
        if type(found) is not kind:
            return found
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, (set, frozenset)):
        return {kind.__name__: sorted(map(repr, value))}
    return {f"{kind.__module__}.{kind.__qualname__}": str(value)}
