"""Labelled corpora: text that people wrote, and text that models wrote, read batch by batch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from dataaudit.api.columns import shapes_of
from dataaudit.api.inputs import open_input
from dataaudit.config import Config
from dataaudit.errors import IncompleteError, SourceError, UsageError
from dataaudit.records.types import TEXT_ROLES, Batch
from dataaudit.sketches.workspace import Workspace
from dataaudit.sources.base import Damage, ReadOptions
from dataaudit.sources.readers import reader_for

Label = Literal["human", "model"]
Flags = npt.NDArray[np.bool_]

WRITTEN: dict[Label, tuple[str, ...]] = {"human": TEXT_ROLES, "model": ("response", "text")}
"""The roles that hold what is labelled: a person wrote the prompts of a model corpus, too, or may have."""

_CORPUS = re.compile(r"(human|model):([A-Za-z0-9][A-Za-z0-9._+-]*)=(.+)", re.DOTALL)


class Corpus(msgspec.Struct, frozen=True):
    """A source whose authors are known."""

    label: Label
    name: str
    path: str
    columns: tuple[str, ...] = ()
    """ROLE=PATH, as for a scan."""
    group: str | None = None
    """The column that names the model of each row."""


@dataclass(frozen=True)
class Part:
    """A batch of a corpus."""

    batch: Batch
    groups: list[str]
    """Names of corpora or models."""
    of: npt.NDArray[np.int64]
    """Per record: index into `groups`, -1 where it is to be left out."""


def parse_corpora(
    named: Sequence[str], columns: Sequence[str] = (), group: Sequence[str] = ()
) -> list[Corpus]:
    """Corpora from LABEL:NAME=PATH; `columns` from [NAME:]ROLE=PATH, `group` from [NAME:]COLUMN. Raises UsageError."""
    corpora: dict[str, Corpus] = {}
    for one in named:
        match = _CORPUS.fullmatch(one)
        if match is None:
            raise UsageError(f"{one!r}: write a corpus as human:NAME=PATH or model:NAME=PATH")
        label: Label = "human" if match[1] == "human" else "model"
        name = match[2]
        if name in corpora:
            raise UsageError(f"two corpora are named {name!r}")
        mine = tuple(_mine(columns, name))
        by = list(_mine(group, name)) if label == "model" else []
        corpora[name] = Corpus(label, name, match[3], mine, by[-1] if by else None)
    for flag, values in (("--columns", columns), ("--group", group)):
        for one in values:
            before, colon, _ = one.partition(":")
            if colon and before not in corpora:
                raise UsageError(f"{flag} {one!r}: no corpus is named {before!r}")
    return list(corpora.values())


def _mine(values: Sequence[str], name: str) -> Iterator[str]:
    for one in values:
        before, colon, rest = one.partition(":")
        if not colon:
            yield one
        elif before == name:
            yield rest


def read_corpus(corpus: Corpus, without: Sequence[str] = ()) -> Iterator[Part]:
    """The batches of a corpus, each record with the corpus or the model it belongs to.

    Raises:
        UsageError: The column of `group` is not there.
        IncompleteError: A part of the corpus cannot be read; figures about the rest would be taken for the whole.
    """
    columns = corpus.columns if corpus.group is None else (*corpus.columns, f"label={corpus.group}")
    config = Config(columns=columns)
    for batch in batches(corpus.path, config):
        written = batch.has_role(WRITTEN[corpus.label])
        if corpus.group is None:
            yield Part(batch, [corpus.name], np.where(written, 0, -1))
            continue
        labels = batch.roles.get("label")
        found: dict[int, str] = {}
        if labels is not None:
            found = dict(zip(labels.rows.tolist(), labels.values.to_pylist(), strict=True))
        if len(found) < len(batch):
            raise UsageError(f"{corpus.name}: a row has nothing in the column {corpus.group!r}")
        names = sorted(set(found.values()) - set(without))
        index = {name: i for i, name in enumerate(names)}
        of = np.asarray([index.get(found[i], -1) for i in range(len(batch))], np.int64)
        yield Part(batch, names, np.where(written, of, -1))


def batches(path: str, config: Config) -> Iterator[Batch]:
    """All batches of a source, in order. Raises IncompleteError where a part cannot be read."""
    options = ReadOptions(batch_rows=config.batch_rows, overrides=config.overrides, need_rest=False)
    with Workspace(None) as work, open_input(path, config, work, again=True) as found:
        options = msgspec.structs.replace(options, shapes=shapes_of(found, options))
        for file in found.files:
            reader = reader_for(file.format)
            try:
                for partition in reader.plan(file, 1 << 62):
                    for item in reader.read(partition, options):
                        if isinstance(item, Damage):
                            raise IncompleteError(f"{file.uri}: {item.reason}")
                        yield item
            except SourceError as error:
                raise IncompleteError(str(error)) from error
