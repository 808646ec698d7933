"""Every error the tool raises on purpose, and the exit code each one means.

    DataauditError                      2
    ├── UsageError                      2   a flag, a path or a combination that cannot be meant
    ├── ConfigError                     2   a configuration file
    ├── RuleError                       2   a rule pack: unknown key, bad pattern, failing example
    ├── BenchmarkError                  2   a benchmark index: not one, damaged, another version or other settings
    ├── IncompleteError                 3   something that should have been read or finished was not
    │   ├── SourceError                 3   a file that cannot be read (wholly or from some point on)
    │   ├── ManifestError               3   a cleaned directory without a finished manifest
    │   └── InputChangedError           3   the input is not what the first pass read
    └── InterruptedRunError           130   Ctrl-C (143 for SIGTERM)

Exit codes, in order of precedence: 130/143 interrupted, 2 usage, 3 incomplete, 4 nothing evaluated,
1 a gate failed (or `verify` found a mismatch), 0.
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_GATE_FAILED = 1
EXIT_USAGE = 2
EXIT_INCOMPLETE = 3
EXIT_NOTHING_EVALUATED = 4
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


class DataauditError(Exception):
    """Base of all errors raised on purpose; its text is one line fit to show a user."""

    exit_code = EXIT_USAGE


class UsageError(DataauditError):
    """A flag, path or combination of them that cannot be meant."""


class ConfigError(DataauditError):
    """A configuration file that cannot be read or holds an unknown key."""


class RuleError(DataauditError):
    """A rule pack that is not valid; the text names the file, the line and the reason."""


class BenchmarkError(DataauditError):
    """A benchmark index that cannot be used, or a benchmark that none can be made of."""


class IncompleteError(DataauditError):
    """Something that should have been read or finished was not."""

    exit_code = EXIT_INCOMPLETE


class SourceError(IncompleteError):
    """A file that cannot be read, wholly or from some point on."""


class ManifestError(IncompleteError):
    """A cleaned directory whose manifest is absent or unfinished."""


class InputChangedError(IncompleteError):
    """The input is not what the first pass read."""


class InterruptedRunError(DataauditError):
    """The run was stopped by a signal before it ended."""

    exit_code = EXIT_INTERRUPTED
