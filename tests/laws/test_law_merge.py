"""The laws of states, over every check that exists: splits, orders and trips through bytes change nothing."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from law_records import QUESTION, Dataset, benchmark_index, datasets, soft_rules, some_rules
from law_support import again, batches_of, files_of, merged, outcome, rows_of, state_of

import dataaudit.checks
from dataaudit.checks import build_all, finding_kinds, modules
from dataaudit.checks.base import CheckOptions, Selection
from dataaudit.records.findings import CheckResult
from dataaudit.records.types import Batch, FileRef
from dataaudit.rules.allow import Allow
from dataaudit.rules.model import Exemption
from dataaudit.sketches.counter import SpillCounter
from dataaudit.sketches.spill import Spill
from dataaudit.sketches.workspace import Workspace
from dataaudit.sources.base import ReadOptions

NAMES = sorted(modules())
ALLOW = (
    Allow(rule="chat-marker", reason="markers of one file", source="train*"),
    Allow(rule="model-output", reason="in one field", field="messages"),
    Allow(rule="default", reason="beside a text", text=Exemption("o", ("ignorecase",), within=3)),
    Allow(rule="quality", reason="no longer", expired=True),
)
TIMES = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def checks() -> dict[str, Any]:
    built = build_all(options())
    # Judged whatever the number of rows, so that small data has findings, too.
    built["synthetic-share"] = msgspec.structs.replace(built["synthetic-share"], least_rows=1)
    return built


def options() -> CheckOptions:
    off = tuple(kind.id for kind in finding_kinds() if not kind.default)
    return CheckOptions(
        rules=some_rules(),
        selection=Selection(("default", *off)),
        soft=soft_rules(),
        record=("*",),
        reference=True,
        allow=ALLOW,
        benchmarks=(benchmark_index(),),
    )


@contextmanager
def written(dataset: Dataset) -> Iterator[tuple[tuple[FileRef, ...], Workspace]]:
    with tempfile.TemporaryDirectory() as folder, Workspace(Path(folder) / "work") as work:
        data = Path(folder) / "data"
        data.mkdir()
        yield files_of(dataset.write(data)), work


def split_law(check: Any, files: tuple[FileRef, ...], work: Workspace, data: st.DataObject) -> None:
    """Batches of any size, dealt to any number of states in any order, say what one pass says."""
    whole = list(batches_of(files, ReadOptions()))
    expected = outcome(check, state_of(check, whole, work), rows_of(files, whole))
    small = list(batches_of(files, ReadOptions(batch_rows=data.draw(st.sampled_from((1, 2, 7))))))
    order = data.draw(st.permutations(small))
    owners = data.draw(st.lists(st.integers(0, 3), min_size=len(order), max_size=len(order)))
    states = [
        state_of(check, [b for b, o in zip(order, owners, strict=True) if o == n], work) for n in range(4)
    ]
    together = merged(check, data.draw(st.permutations(states)), work)
    assert outcome(check, together, rows_of(files, order)) == expected


@pytest.mark.parametrize("name", NAMES)
@TIMES
@given(dataset=datasets(), data=st.data())
def test_any_split_of_the_data_gives_the_result_of_one_pass(name: str, dataset: Dataset, data: st.DataObject):
    with written(dataset) as (files, work):
        split_law(checks()[name], files, work, data)


@pytest.mark.parametrize("name", NAMES)
@settings(TIMES, max_examples=12)
@given(dataset=datasets(), data=st.data())
def test_merge_has_an_identity_commutes_and_associates(name: str, dataset: Dataset, data: st.DataObject):
    check = checks()[name]
    with written(dataset) as (files, work):
        batches = list(batches_of(files, ReadOptions(batch_rows=2)))
        rows = rows_of(files, batches)
        owners = data.draw(st.lists(st.integers(0, 2), min_size=len(batches), max_size=len(batches)))
        a, b, c = (
            state_of(check, [x for x, o in zip(batches, owners, strict=True) if o == n], work)
            for n in range(3)
        )

        def said(*states: Any) -> bytes:
            return outcome(check, merged(check, states, work), rows)

        def start() -> Any:
            return check.start(work)

        alone = outcome(check, again(check, a, work), rows)
        assert said(start(), a) == alone
        assert said(a, start()) == alone
        assert said(a, b) == said(b, a)
        assert said(merged(check, [a, b], work), c) == said(a, merged(check, [b, c], work))
        empty = start()
        empty.merge(start())
        assert outcome(check, empty, rows) == outcome(check, start(), rows)


def _declaring(path: Path, classes: list[str], values: list[int | None]) -> None:
    """A table whose schema declares the classes of a label, as the `datasets` library does."""
    feature = {"y": {"names": classes, "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": feature}})}
    schema = pa.schema([("text", pa.string()), ("y", pa.int64())], metadata=metadata)
    records = [{"text": f"{path.stem} {i % 3}", "y": value} for i, value in enumerate(values)]
    pq.write_table(pa.Table.from_pylist(records, schema=schema), path, row_group_size=2)


@pytest.mark.parametrize("name", NAMES)
@settings(TIMES, max_examples=8)
@given(data=st.data())
def test_tables_that_declare_classes_obey_the_law(name: str, data: st.DataObject):
    with tempfile.TemporaryDirectory() as folder, Workspace(Path(folder) / "work") as work:
        (Path(folder) / "data").mkdir()
        _declaring(Path(folder) / "data/train.parquet", ["no", "yes", "never"], [0, 1, None, 1, 7])
        _declaring(Path(folder) / "data/test.parquet", ["no", "other", "nor"], [0, 0, 1])
        split_law(checks()[name], files_of(Path(folder) / "data"), work, data)


@pytest.fixture
def tiny_spills(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every spill and counter goes to disk at once; the list grows with every file written."""
    for function in (Spill.__init__, Spill.from_bytes.__func__):
        monkeypatch.setitem(function.__kwdefaults__, "flush_bytes", 24)
    for function in (SpillCounter.__init__, SpillCounter.from_bytes.__func__):
        monkeypatch.setitem(function.__kwdefaults__, "distinct", 1)
    made: list[str] = []
    new_file = Workspace.new_file

    def counted(self: Workspace, stem: str) -> Path:
        made.append(stem)
        return new_file(self, stem)

    monkeypatch.setattr(Workspace, "new_file", counted)
    return made


LEAK = f'{{"text": "{QUESTION} Seven of them."}}\n'.encode()
FIXED = Dataset(
    (
        (
            "test.jsonl",
            b'{"text": "a\\u0007", "label": "x"}\n{"text": "a\\u0007", "label": "y"}\n[INST]\n{"text": " "}\n'
            + LEAK * 8
            + b'{"text": "[INST] b [/INST] As an AI assistant", "label": "z"}\n{"text": "a\\u0007", "label": "x"}\n{\n',
        ),
        ("train.jsonl", b'{"text": "a\\u0007", "label": "x"}\n{"text": "A\\u0007 ", "label": "w"}\n[]\n' * 3),
    )
)


BOUNDED = ("synthetic-share",)
"""Checks whose states are a few counts, which never spill."""


@pytest.mark.parametrize("name", [name for name in NAMES if name not in BOUNDED])
def test_spilling_changes_nothing(name: str, tiny_spills: list[str], request: pytest.FixtureRequest):
    check = checks()[name]
    with written(FIXED) as (files, work):
        batches = list(batches_of(files, ReadOptions(batch_rows=2)))
        rows = rows_of(files, batches)
        spilled = outcome(check, state_of(check, batches, work), rows)
        halves = [state_of(check, batches[::2], work), state_of(check, batches[1::2], work)]
        spilled_halves = outcome(check, merged(check, halves, work), rows)
        assert tiny_spills, "nothing was spilled: the test tests nothing"
        request.getfixturevalue("monkeypatch").undo()
        tiny_spills.clear()
        in_memory = outcome(check, state_of(check, batches, work), rows)
        assert not tiny_spills
        assert spilled == in_memory
        assert spilled_halves == in_memory


class _FirstKept(msgspec.Struct):
    """A state that breaks the law: what it says depends on the order."""

    rows: list[int] = []

    def to_bytes(self) -> bytes:
        return msgspec.msgpack.encode(self)

    def merge(self, other: _FirstKept) -> None:
        self.rows = self.rows or other.rows


class _FirstCheck:
    name = "first"

    def start(self, work: Workspace) -> _FirstKept:
        return _FirstKept()

    def load(self, data: bytes, work: Workspace) -> _FirstKept:
        return msgspec.msgpack.decode(data, type=_FirstKept)

    def update(self, state: _FirstKept, batch: Batch) -> None:
        state.rows = state.rows or batch.rows.tolist()

    def finalize(self, state: _FirstKept, rows: Any) -> CheckResult:
        return CheckResult(rates={"first": (state.rows[0] if state.rows else -1, 0)})

    def entries(self, state: _FirstKept, rows: Any) -> Iterator[Any]:
        return iter(())


def test_a_check_that_keeps_the_first_row_it_sees_breaks_the_law():
    @settings(TIMES, database=None, phases=(Phase.generate,))
    @given(data=st.data())
    def law(data: st.DataObject) -> None:
        with written(FIXED) as (files, work):
            split_law(_FirstCheck(), files, work, data)

    with pytest.raises(AssertionError):
        law()


def _check_modules() -> Iterator[tuple[str, Any]]:
    for info in pkgutil.iter_modules(dataaudit.checks.__path__):
        module = importlib.import_module(f"dataaudit.checks.{info.name}")
        own = [c for _, c in inspect.getmembers(module, inspect.isclass) if c.__module__ == module.__name__]
        judges = any(hasattr(c, "finalize") and not getattr(c, "_is_protocol", False) for c in own)
        if judges or hasattr(module, "build") or hasattr(module, "NAME") or hasattr(module, "FINDINGS"):
            yield info.name, module


@pytest.mark.parametrize(
    ("file", "module"), list(_check_modules()), ids=lambda one: one if isinstance(one, str) else ""
)
def test_every_check_module_has_the_whole_protocol(file: str, module: Any):
    for attribute in ("NAME", "FINDINGS", "build"):
        assert hasattr(module, attribute), f"checks/{file}.py has no {attribute}"
    assert modules()[module.NAME] is module, "two modules claim one name"
    assert all(kind.check and kind.id.startswith(kind.check) for kind in module.FINDINGS)
    check = checks()[module.NAME]
    assert check.name == module.NAME
    for verb in ("start", "update", "load", "finalize", "entries"):
        assert callable(getattr(check, verb, None)), f"{file}: no {verb}"
    with Workspace() as work:
        state = check.start(work)
        assert isinstance(state.to_bytes(), bytes)
        assert callable(state.merge)


def test_every_module_that_judges_is_found():
    assert {module.NAME for _, module in _check_modules()} == set(modules())
    assert len(NAMES) >= 5


def test_ids_are_unique_and_everything_said_was_declared():
    kinds = [kind.id for kind in finding_kinds(options())]
    assert len(kinds) == len(set(kinds))
    known = {*kinds, *(rule.id for rule in some_rules())}
    with written(FIXED) as (files, work):
        batches = list(batches_of(files, ReadOptions()))
        rows = rows_of(files, batches)
        for check in checks().values():
            result = check.finalize(state_of(check, batches, work), rows)
            evaluated = {one.id for one in result.evaluated}
            assert evaluated <= known
            assert {finding.id for finding in result.findings} <= evaluated
            for one in result.findings:
                assert one.rows is None or 0 < one.rows <= one.of
