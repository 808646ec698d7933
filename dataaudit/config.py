"""One frozen configuration, where flags, files and defaults meet. Flags win over the file, the file over defaults."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from dataaudit.errors import ConfigError, UsageError
from dataaudit.records.bindings import CHAT
from dataaudit.records.findings import SEVERITIES
from dataaudit.records.layouts import Overrides
from dataaudit.records.paths import parse as parse_path
from dataaudit.records.types import ROLES
from dataaudit.rules.allow import Allow, read_allow
from dataaudit.sources.dialect import known_encoding

if TYPE_CHECKING:
    from dataaudit.checks.near_settings import NearSettings

CONFIG_NAME = "dataaudit.toml"
"""Looked for in the current folder; else the table [tool.dataaudit] of pyproject.toml there."""


@dataclass(frozen=True)
class Config:
    """Every option of a scan, by the name of its flag. Sizes may be written 512MB; shares 0.1% or 0.001."""

    columns: tuple[str, ...] = ()
    """ROLE=PATH; replaces what is detected for that role."""
    field: str | None = None
    """The key of JSON documents that holds the records; a dotted path for keys within keys."""
    encoding: str | None = None
    """What delimited and plain text without a byte-order mark is written in, such as cp1252; default: UTF-8."""
    split: str | None = None
    """Read only files of this split."""
    subset: str | None = None
    """The subset (configuration) of a Hub repository; the default one where none is named."""
    revision: str | None = None
    """The branch, tag or commit of a dataset of the Hub."""
    limit: int | None = None
    """Read only this many records, in order."""
    sample: str | None = None
    """Evaluate this share of the rows, chosen by hash of the row id."""
    seed: int = 0
    """Changes which rows a sample takes."""
    rules: tuple[str, ...] = ()
    """Further rule packs: files or folders."""
    near_duplicates: tuple[str, ...] = ()
    """KEY=VALUE settings of near-duplicates: words, threshold, bands, rows, keep."""
    benchmarks: tuple[str, ...] = ()
    """Indexes of benchmarks whose items are looked for beside those shipped; `none` leaves those out."""
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    ignore_quoted: bool = False
    """Exempt matches in Markdown code and quotation marks, of rules that text about models often quotes."""
    allow: tuple[Allow, ...] = ()
    """Hits that are meant to be there, with the reason; in a configuration file, tables [[allow]]."""
    min_severity: str = "info"
    max_contamination: str | None = None
    max_rate: tuple[str, ...] = ()
    max_count: tuple[str, ...] = ()
    fail_on: str | None = None
    exit_zero: bool = False
    format: str = "terminal"
    output: tuple[str, ...] = ()
    """FORMAT=PATH; `rows` writes every row-level finding as .parquet or .jsonl."""
    hide_text: bool = False
    """Leave texts of the data out of the report."""
    jobs: int | None = None
    """Worker processes; None: all processors, for inputs that are worth it."""
    batch_rows: int = 8192
    memory: str | None = None
    """Budget for all processes together, such as 2GB; fewer workers and smaller buffers are used to keep it."""
    work_dir: str | None = None
    """Where spilled state goes; default: the system's temporary folder."""
    reference: bool = False
    """Match row by row with `regex` alone."""

    def __post_init__(self) -> None:
        if self.min_severity not in SEVERITIES:
            raise UsageError(f"--min-severity: {self.min_severity!r} is not one of {', '.join(SEVERITIES)}")
        for name, value in (
            ("--limit", self.limit),
            ("--jobs", self.jobs),
            ("--batch-rows", self.batch_rows),
        ):
            if value is not None and value < 1:
                raise UsageError(f"{name} must be at least 1")
        if not 0 <= self.seed < 1 << 63:
            raise UsageError("--seed must be at least 0 and below 2^63")
        if self.encoding is not None:
            try:
                known_encoding(self.encoding)
            except ValueError as error:
                raise UsageError(f"--encoding: {error}") from None
        if self.limit is not None and self.sample is not None:
            raise UsageError("--limit and --sample exclude each other")
        if self.near_duplicates:
            _ = self.near
        if self.memory is not None and (parse_size(self.memory) or 0) < MEMORY_FLOOR:
            raise UsageError(f"--memory must be at least {MEMORY_FLOOR >> 20}MB")

    @property
    def overrides(self) -> Overrides:
        """The (role, path) pairs of `columns`. Raises UsageError."""
        pairs = []
        for one in self.columns:
            role, equals, path = one.partition("=")
            if not equals or not path:
                raise UsageError(
                    f"--columns {one!r}: write it as ROLE=PATH, such as response=messages[*].content"
                )
            if role not in (*ROLES, CHAT):
                known = ", ".join(ROLES)
                raise UsageError(
                    f"--columns {one!r}: {role!r} is not a role; roles are {known}, or {CHAT} for whole chats"
                )
            parse_path(path)
            pairs.append((role, path))
        return tuple(pairs)

    @property
    def near(self) -> NearSettings:
        """The settings of near-duplicates. Raises UsageError."""
        from dataaudit.checks.near_settings import NearSettings, parse

        return parse(self.near_duplicates) if self.near_duplicates else NearSettings()

    @property
    def sample_share(self) -> float | None:
        """The share of rows to evaluate. Raises UsageError."""
        if self.sample is None:
            return None
        text = self.sample.strip()
        try:
            share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
        except ValueError:
            raise UsageError(f"--sample {self.sample!r}: write a share such as 5% or 0.05") from None
        if not 0 < share <= 1:
            raise UsageError(f"--sample {self.sample!r}: the share must be above 0 and at most 100%")
        return share

    @property
    def memory_bytes(self) -> int | None:
        """The memory budget in bytes."""
        return None if self.memory is None else parse_size(self.memory)

    def with_options(self, options: Mapping[str, Any]) -> Config:
        """The configuration with options that are not None in place of its own. Raises UsageError on a name."""
        known = {one.name for one in fields(self)}
        unknown = sorted(set(options) - known)
        if unknown:
            raise UsageError(f"unknown option: {', '.join(unknown)}")
        given = {name: _tupled(value) for name, value in options.items() if value is not None}
        if "allow" in given:
            given["allow"] = read_allow(given["allow"])
        return replace(self, **given)


MEMORY_FLOOR = 256 << 20
"""Smallest budget that the libraries alone leave room in."""

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Bytes of a size such as 512MB or 2GiB (powers of 1024). Raises UsageError."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{text!r} is not a size: write it like 512MB or 2GB")
    power = " kmgt".index(match[2].lower() or " ")
    return int(float(match[1]) * 1024**power)


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def load_config(path: Path | None, *, isolated: bool = False, folder: Path | None = None) -> Config:
    """The configuration of a file, or the one found in `folder` (default: the current one).

    Raises ConfigError for a file that cannot be read, an unknown key, or a value of the wrong type.
    """
    if path is None:
        if isolated:
            return Config()
        path = _find(folder or Path.cwd())
        if path is None:
            return Config()
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
    if path.name == "pyproject.toml":
        table = table.get("tool", {}).get("dataaudit", {})
    return _from_table(path, table)


def _find(folder: Path) -> Path | None:
    own = folder / CONFIG_NAME
    if own.is_file():
        return own
    project = folder / "pyproject.toml"
    if project.is_file() and b"[tool.dataaudit" in project.read_bytes():
        return project
    return None


def _from_table(path: Path, table: Mapping[str, Any]) -> Config:
    hints = get_type_hints(Config)
    values: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in hints or name == "output":
            raise ConfigError(
                f"{path}: unknown key {key!r}; keys are the names of the flags of `dataaudit scan`"
            )
        if name == "allow":
            values[name] = read_allow(value, str(path))
        else:
            values[name] = _typed(path, key, value, str(hints[name]))
    try:
        return Config(**values)
    except UsageError as error:
        raise ConfigError(f"{path}: {error}") from None


def _typed(path: Path, key: str, value: Any, hint: str) -> Any:
    if "tuple" in hint:
        if isinstance(value, str):
            return (value,)
        if key == "near-duplicates" and isinstance(value, dict):  # a table is as good as a list
            value = [f"{name}={one}" for name, one in value.items()]
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return tuple(value)
        raise ConfigError(f"{path}: {key} must be a list of strings")
    if "bool" in hint:
        if isinstance(value, bool):
            return value
        raise ConfigError(f"{path}: {key} must be true or false")
    if "int" in hint:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise ConfigError(f"{path}: {key} must be a whole number")
    if isinstance(value, str):
        return value
    if (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and key in ("sample", "max-contamination")
    ):
        return str(value)
    raise ConfigError(f"{path}: {key} must be a string")
