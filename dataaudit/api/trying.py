"""`rules try`: what a pattern hits in a source, before there is a rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dataaudit.api.plan import Asked
from dataaudit.api.scan import Watch, scanning_for
from dataaudit.checks.base import CheckOptions, Selection
from dataaudit.config import Config
from dataaudit.report.model import Report
from dataaudit.rules.model import ANY_ROLE, Pattern, Rule

TRIED = "tried"
"""Id and category of the rule that a pattern is tried as."""
SHOWN = 10
"""Examples shown."""


def rule_of(pattern: Pattern, roles: Sequence[str] = ()) -> Rule:
    """A rule that finds a pattern in some roles, by default in all but labels."""
    return Rule(
        TRIED,
        1,
        TRIED,
        "It matches.",
        "",
        TRIED,
        "info",
        "low",
        (pattern,),
        (),
        (),
        tuple(roles) or (ANY_ROLE,),
    )


def try_rule(
    rule: Rule,
    source: Any,
    config: Config | None = None,
    *,
    examples: int = SHOWN,
    progress: Watch | None = None,
) -> Report:
    """The report of a scan for one rule and nothing else: at most one finding, `TRIED`.

    Raises what `scan` raises.
    """
    options = CheckOptions((rule,), Selection((rule.id,)), examples=examples)
    asked = Asked((rule,), options, ())
    with scanning_for(asked, source, config or Config(), progress=progress) as done:
        return done.report
