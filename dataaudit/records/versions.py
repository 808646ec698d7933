"""The version of an installed library, without importing it or what reads all that is said about it."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def version_of(name: str) -> str:
    """The version of a library that is installed, called the same as its package.

    It is in the name of the folder beside the package that says how it was installed (PEP 376); where that cannot be
    told, the standard library looks for it, which takes ten times as long to import.

    Raises:
        ModuleNotFoundError: It is not installed.
    """
    spec = find_spec(name)
    if spec is not None and spec.origin is not None:
        beside = Path(spec.origin).parent.parent
        found = [one.name for one in beside.glob(f"{name}-*.dist-info")]
        if len(found) == 1:
            return found[0].removeprefix(f"{name}-").removesuffix(".dist-info")
    from importlib.metadata import version

    return version(name)
