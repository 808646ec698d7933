"""The checks: one file each, found by walking this folder. A module with a `build` function is a check."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from functools import cache
from types import ModuleType
from typing import Any

from dataaudit.checks.base import Check, CheckOptions, Costs, FindingKind


@cache
def modules() -> dict[str, ModuleType]:
    """The check modules by the name of their check, in alphabetical order of the file names."""
    found = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        if hasattr(module, "build"):
            found[module.NAME] = module
    return found


def finding_kinds(options: CheckOptions | None = None) -> tuple[FindingKind, ...]:
    """Everything the checks can say, rules aside; under options also what depends on them, a finding per benchmark."""
    kinds = [kind for module in modules().values() for kind in module.FINDINGS]
    if options is not None:
        for module in modules().values():
            kinds += module.more_findings(options) if hasattr(module, "more_findings") else ()
    return tuple(kinds)


def spilled_per_row(options: CheckOptions) -> int:
    """Bytes that the checks write to the work directory per row of text, as far as that is known beforehand."""
    return sum(
        module.spilled_per_row(options) for module in modules().values() if hasattr(module, "spilled_per_row")
    )


def costs_of_candidates(options: CheckOptions) -> Costs:
    """What the checks take where every row has to be compared with another one."""
    each = [
        one.costs_of_candidates(options) for one in modules().values() if hasattr(one, "costs_of_candidates")
    ]
    return Costs(sum(one.per_byte for one in each), sum(one.per_row for one in each))


LITTLE = 0.03


def effort_of(names: Iterable[str]) -> float:
    """The share of these checks in the time that all of them take while data is read; a module of more than `LITTLE`
    says so."""
    return sum(getattr(modules()[name], "EFFORT", LITTLE) for name in names)


def build_all(options: CheckOptions) -> dict[str, Check[Any]]:
    """The checks that have something to do under these options."""
    built = {name: module.build(options) for name, module in modules().items()}
    return {name: check for name, check in built.items() if check is not None}
