"""From a configuration to a plan: which rules and checks are on, which gates are asked for, what is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import msgspec

from dataaudit.benchmarks.shipped import chosen
from dataaudit.checks import build_all, finding_kinds
from dataaudit.checks.base import CheckOptions, FindingKind, Selection
from dataaudit.checks.share_findings import SHARE
from dataaudit.config import Config
from dataaudit.errors import ConfigError, UsageError
from dataaudit.report.gates import (
    GateSpec,
    parse_count,
    parse_rate,
    parse_severity,
    parse_share,
    require_known,
    require_sampleable,
)
from dataaudit.rules import select as rule_selection
from dataaudit.rules.allow import at_date, unknown_rules
from dataaudit.rules.load import load_packs
from dataaudit.rules.model import CONTAMINATION, Rule


class Asked(msgspec.Struct, frozen=True):
    """What a configuration asks for, names resolved."""

    rules: tuple[Rule, ...]
    options: CheckOptions
    gates: tuple[GateSpec, ...]
    drop: tuple[str, ...] = ()
    """Findings (rules included) whose rows `clean` drops beyond those that drop by themselves."""


def ask(
    config: Config, *, drop: Sequence[str] = (), record: Sequence[str] = (), cleaning: bool = False
) -> Asked:
    """Resolve a configuration. Raises UsageError or RuleError before any data is read."""
    benchmarks = chosen(config.benchmarks)
    kinds = finding_kinds(CheckOptions(benchmarks=benchmarks))
    gates = _gates(config)
    loaded = load_packs(config.rules) if _asks_for_rules(config, drop, gates, kinds) else ()
    require_distinct([kind.id for kind in kinds])
    require_known_names({"--select": config.select, "--ignore": config.ignore, "--drop": drop}, loaded, kinds)
    for complaint in unknown_rules(config.allow, loaded):
        raise ConfigError(complaint)
    rules = rule_selection.select(loaded, config.select, config.ignore, config.min_severity)
    selection = Selection(config.select, config.ignore, config.min_severity)
    on = tuple(kind for kind in kinds if selection.takes(kind))
    _require_on([*drop, *(spec.name for spec in gates)], kinds, on)
    dropped = _dropped(drop, rules, on)
    if cleaning:
        acting = [rule.id for rule in rules if rule.action != "flag"]
        record = (*record, "malformed-record", *acting, *dropped)
    options = CheckOptions(
        rules,
        selection,
        tuple(dict.fromkeys(record)),
        config.reference,
        config.ignore_quoted,
        allow=at_date(config.allow, today()),
        near=config.near,
        benchmarks=benchmarks,
        soft=tuple(rule for rule in loaded if rule.soft is not None),
    )
    _check_gates(config, gates, rules, on)
    if not build_all(options).keys() - {"malformed-record"} and not any(
        k.id == "malformed-record" for k in on
    ):
        raise UsageError("the selection leaves no rule and no check on")
    return Asked(rules, options, gates, dropped)


def _asks_for_rules(
    config: Config, drop: Sequence[str], gates: Sequence[GateSpec], kinds: Sequence[FindingKind]
) -> bool:
    """Could a rule be on, or named? Not where checks alone are selected that need none: reading packs takes a while."""
    plain = {name for kind in kinds for name in (kind.id, kind.check) if kind.check != SHARE.check}
    named = {*config.select, *config.ignore, *drop, *(spec.name for spec in gates)}
    return not config.select or bool(config.rules or config.allow) or not named <= plain


def today() -> date:
    """The day, in UTC, by which entries of `allow` expire."""
    return datetime.now(UTC).date()


def require_distinct(ids: Sequence[str]) -> None:
    """Refuse two benchmarks of one name. Raises UsageError."""
    for one in ids:
        if ids.count(one) > 1:
            raise UsageError(
                f"--benchmarks: two indexes are of {one.partition(':')[2]}; build one with another --name"
            )


def require_known_names(
    flags: Mapping[str, Sequence[str]], rules: Sequence[Rule], kinds: Sequence[FindingKind] | None = None
) -> None:
    """Refuse selectors, by the flag they were given with, that name no rule and no finding. Raises UsageError."""
    kinds = finding_kinds() if kinds is None else kinds
    for flag, selectors in flags.items():
        for one in selectors:
            if not rule_selection.known(one, rules) and not any(kind.matches(one) for kind in kinds):
                raise UsageError(
                    f"{flag}: nothing is named {one!r}; `dataaudit rules list` shows what there is"
                )


def _require_on(names: Sequence[str], kinds: Sequence[FindingKind], on: Sequence[FindingKind]) -> None:
    """Refuse to act on a finding that is off by default and was not selected. Raises UsageError."""
    off = {kind.id for kind in kinds if not kind.default} - {kind.id for kind in on}
    for name in names:
        if name in off:
            raise UsageError(f"{name!r} is off unless it is selected: --select default --select {name}")


def _dropped(drop: Sequence[str], rules: Sequence[Rule], on: Sequence[FindingKind]) -> tuple[str, ...]:
    """The findings that `--drop` names: a check name means the finding of that very name, not its variants."""
    found: list[str] = []
    for one in drop:
        exact = [kind.id for kind in on if kind.id == one and not kind.whole]
        mine = [rule.id for rule in rules if rule_selection.matches(one, rule)]
        mine += exact or [kind.id for kind in on if kind.matches(one) and not kind.whole]
        if not mine:
            what = (
                "is about the whole dataset, not about rows"
                if any(kind.whole and kind.matches(one) for kind in on)
                else "is not on"
            )
            raise UsageError(f"--drop: {one!r} {what}")
        found += mine
    return tuple(dict.fromkeys(found))


def _gates(config: Config) -> tuple[GateSpec, ...]:
    gates: list[GateSpec] = []
    if config.max_contamination is not None:
        gates.append(
            GateSpec(CONTAMINATION, "rate", parse_share(config.max_contamination, "--max-contamination"))
        )
    gates += [parse_rate(one) for one in config.max_rate]
    gates += [parse_count(one) for one in config.max_count]
    if config.fail_on is not None:
        gates.append(parse_severity(config.fail_on))
    return tuple(gates)


def _check_gates(
    config: Config, gates: Sequence[GateSpec], rules: Sequence[Rule], on: Sequence[FindingKind]
) -> None:
    exact = {rule.id for rule in rules} | {rule.category for rule in rules} | {kind.id for kind in on}
    if any(rule.counts_as_contamination for rule in rules):
        exact.add(CONTAMINATION)
    groups = (
        {tag for rule in rules for tag in rule.tags}
        | {kind.check for kind in on}
        | {kind.category for kind in on}
    )
    require_known(gates, exact, groups - exact)
    whole = {kind.id for kind in on if kind.whole and not kind.rated}
    for spec in gates:
        if spec.kind == "rate" and spec.name in whole:
            raise UsageError(
                f"--max-rate {spec.name}: it is a value of the whole dataset, not a share of rows; use --max-count"
            )
    require_sampleable(gates, sampled=config.sample is not None, limited=config.limit is not None)
