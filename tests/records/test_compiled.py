"""Compiled loops: machine code that is kept does what numba's does, and whatever is wrong with it is noticed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest

from dataaudit.benchmarks import answers_kernel, likely_kernel, probe, probe_kernel
from dataaudit.benchmarks.build import Item, columns_of
from dataaudit.benchmarks.found import Found, Strings
from dataaudit.benchmarks.index import from_batch, to_batch
from dataaudit.benchmarks.likely import Likely
from dataaudit.benchmarks.manifest import VERSION, Manifest, salted, upper
from dataaudit.benchmarks.manifest import settings as manifest_settings
from dataaudit.benchmarks.probe import Hits
from dataaudit.records import kernels, machine_code, normalise_kernel
from dataaudit.records.compiled import Kernel, WideKernel
from dataaudit.records.normalise import flat_bytes
from dataaudit.records.words import plain_shingles, words_of
from dataaudit.sketches import group_kernels, minhash, minhash_kernels, row_kernels, row_set
from dataaudit.sources import flat, flat_kernel, flat_strings, line_picking

FACTOR = np.uint64(3)
TABLE = np.asarray([5, 7], np.int64)


class Pair(NamedTuple):
    numbers: Any
    out: Any


def _times(x: Any) -> Any:
    return x * FACTOR


times = Kernel(_times)


def _sums(pair: Pair, first: Any, count: Any, double: Any) -> Any:
    total = np.uint64(0)
    for i in range(count):
        total += times(np.uint64(pair.numbers[i]))
    if double:
        total += total
    pair.out[0, 0] = total + first + np.uint64(TABLE[1])
    return count, count + 1


def _asks_for_memory(numbers: Any, out: Any) -> None:
    held = np.empty(len(numbers), np.int64)
    for i in range(len(numbers)):
        held[i] = numbers[-1 - i]
    out[:] = held


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DATAAUDIT_CACHE_DIR", str(tmp_path))
    return tmp_path / machine_code.FOLDER


def call(kernel: Kernel, *, double: bool = True) -> tuple[Any, int]:
    numbers = np.arange(10, dtype=np.uint16)
    numbers.flags.writeable = False
    out = np.zeros((1, 2), np.uint64)
    given = kernel(Pair(numbers, out), np.uint64(2**63), 10, double)
    return given, int(out[0, 0])


EXPECTED = ((10, 11), 2**63 + 2 * 45 * 3 + 7)
needs_support = pytest.mark.skipif(not machine_code.supported(), reason="not tried on this platform")


@needs_support
def test_code_is_kept_and_runs_without_numba(folder: Path, monkeypatch: pytest.MonkeyPatch):
    first = Kernel(_sums)
    assert not first.at_hand
    assert call(first) == EXPECTED
    assert len(list(folder.iterdir())) == 1
    monkeypatch.setattr(Kernel, "_dispatcher", None)  # numba is not to be asked from here on
    again = Kernel(_sums)
    assert again.at_hand
    assert call(again) == EXPECTED
    assert call(again, double=False) == ((10, 11), 2**63 + 45 * 3 + 7)


@needs_support
def test_arguments_that_code_does_not_take_do_not_keep_it_from_being_kept(folder: Path):
    kernel = Kernel(_sums)
    out = np.zeros((1, 2), np.uint64)
    assert kernel(Pair(np.arange(20, dtype=np.uint16)[::2], out), np.uint64(0), 10, False) == (10, 11)
    assert not folder.exists() or not list(folder.iterdir())
    assert call(kernel) == EXPECTED
    assert Kernel(_sums).at_hand


@needs_support
def test_code_over_wide_vectors_is_kept_apart_and_does_the_same(folder: Path):
    from numba.core import config

    before = config.OPT
    assert call(WideKernel(_sums)) == EXPECTED
    assert len(list(folder.iterdir())) == 1
    assert not Kernel(_sums).at_hand
    assert before == config.OPT
    assert call(Kernel(_sums)) == EXPECTED
    assert len(list(folder.iterdir())) == 2


@needs_support
def test_threads_wait_for_the_code_that_one_of_them_puts_in_place(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    call(Kernel(_sums))
    read = machine_code.read

    def slowly(path: Path | None) -> Any:
        time.sleep(0.1)
        return read(path)

    monkeypatch.setattr(machine_code, "read", slowly)
    monkeypatch.setattr(Kernel, "_dispatcher", None)  # numba is not to be asked from here on
    again = Kernel(_sums)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(call, [again] * 4)) == {EXPECTED}


PROGRAM = """
import os, sys, time
import numpy as np
from dataaudit.records import exporting
from dataaudit.sketches import spill_order

def slowly(*given, exported=exporting.exported, **options):
    print("compiled")
    time.sleep(1)
    return exported(*given, **options)

exporting.exported = slowly
counts = np.zeros(1 << 16, np.int64)
spill_order.count(np.asarray([3, 3, 1]), counts)
assert counts[:4].tolist() == [0, 1, 0, 2]
"""


@needs_support
def test_one_process_compiles_for_all(folder: Path):
    command = [sys.executable, "-c", PROGRAM]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert "".join(said).split() == ["compiled"]


@needs_support
def test_code_that_another_process_makes_is_not_waited_for_where_numpy_serves(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    from dataaudit.records import cache, compiling

    monkeypatch.setattr(compiling._Seen, "total", 0)
    monkeypatch.setattr(compiling._Seen, "beside", True)
    kernel = Kernel(_sums)
    assert not kernel.made_elsewhere, "nobody makes it"
    program = f"""
import sys
from pathlib import Path
from dataaudit.records import cache
with cache.turn(Path({str(kernel._path)!r})):
    print("taken", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None and other.stdin is not None
        assert other.stdout.readline() == "taken\n"
        assert kernel.made_elsewhere
        assert not compiling.compiled(1 << 40, kernel)
        compiling.beside_others(False)
        assert compiling.compiled(0, kernel), "a process by itself compiles what it needs"
        other.stdin.close()
    assert not kernel.made_elsewhere
    assert call(kernel) == EXPECTED
    assert kernel.at_hand and not kernel.made_elsewhere
    assert not cache.taken(Path(str(kernel._path)))


@needs_support
def test_other_arguments_than_were_compiled_for_go_to_numba(folder: Path):
    kernel = Kernel(_sums)
    assert call(kernel) == EXPECTED
    out = np.zeros((1, 2), np.uint64)
    every_second = np.arange(20, dtype=np.int32)[::2]
    assert kernel(Pair(every_second, out), np.uint64(0), 10, False) == (10, 11)
    assert int(out[0, 0]) == 90 * 3 + 7


@needs_support
@pytest.mark.parametrize("damage", ["cut", "changed", "writable"])
def test_code_that_is_not_as_it_was_kept_is_not_run(folder: Path, damage: str):
    assert call(Kernel(_sums)) == EXPECTED
    (path,) = folder.iterdir()
    data = path.read_bytes()
    if damage == "writable":
        path.chmod(0o666)
    else:
        path.write_bytes({"cut": data[:-5], "changed": data[:-9] + b"\x90" + data[-8:]}[damage])
    again = Kernel(_sums)
    assert not again.at_hand
    assert call(again) == EXPECTED


@needs_support
def test_a_function_that_needs_more_than_itself_stays_with_numba(folder: Path):
    for _ in range(2):
        kernel, out = Kernel(_asks_for_memory), np.zeros(3, np.int64)
        kernel(np.arange(3), out)
        assert out.tolist() == [2, 1, 0]
        assert not kernel.at_hand
    (path,) = folder.iterdir()
    assert machine_code.read(path) == machine_code.NONE


@pytest.mark.parametrize("where", ["a file", "nowhere"])
def test_without_a_cache_numba_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str):
    (tmp_path / "a file").write_bytes(b"")
    monkeypatch.setenv("DATAAUDIT_CACHE_DIR", str(tmp_path / "a file" / "below") if where == "a file" else "")
    if where == "nowhere":
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError))
    kernel = Kernel(_sums)
    assert not kernel.at_hand
    assert call(kernel) == EXPECTED


def test_what_a_kernel_refers_to_is_part_of_it(monkeypatch: pytest.MonkeyPatch):
    def other(x: Any) -> Any:
        return x * FACTOR + FACTOR

    before = Kernel(_sums).fingerprint
    assert Kernel(_sums).fingerprint == before
    with monkeypatch.context() as patch:
        patch.setitem(_sums.__globals__, "TABLE", TABLE + 1)
        assert Kernel(_sums).fingerprint != before
    with monkeypatch.context() as patch:
        patch.setitem(_sums.__globals__, "times", Kernel(other))
        assert Kernel(_sums).fingerprint != before


def _search_an_index() -> None:
    made = words_of(pa.array(["one two three four five six", "seven"], pa.large_string()))
    manifest = Manifest(VERSION, manifest_settings(), "made", "", "", "", {}, "0")
    item = Item("i", "one two three four five six", (), "seven")
    index = from_batch(to_batch(manifest, columns_of([item])))
    strings = Strings(made.hashes, made.starts, np.zeros(2, np.int64))
    likely = Likely(index)
    places = np.arange(2)
    keys = upper(salted(plain_shingles(made.hashes, made.starts, 5).hashes))
    assert len(likely_kernel.take(likely, strings, Hits(places, keys, places))[0]) == 2
    found = Found(*np.zeros((10, 1), np.int64))
    assert answers_kernel.any_near(index, strings, made.hashes, found).tolist() == [True]


@needs_support
def test_every_loop_that_is_called_can_be_kept():
    """Uses the cache of whoever runs the tests, where they mostly are already."""
    values = pa.array(["A text of some words, naïve ones too.", "", "Another"] * 50, pa.large_string())
    made = kernels.words(*flat_bytes(values), True)
    shingles = kernels.shingles(made.hashes, made.starts, 1)
    sets, starts = minhash.as_sets(shingles.hashes[:14], np.asarray([0, 7, 14]))
    minhash_kernels.band_keys(sets, starts, minhash.Banding(2, 2))
    minhash_kernels.sequence_keys(sets, starts)
    minhash_kernels.shared(sets, starts, np.asarray([0]), np.asarray([1]))
    minhash_kernels.lower(sets, 0, 7, *minhash.Banding(2, 2).permutations, np.zeros(4, np.uint32))
    probe_kernel.run(made.hashes, probe.Filter([], *np.zeros((2, 0), np.uint64)))
    _search_an_index()
    normalise_kernel.normalised(values)
    reader = flat.FlatReader(flat.LEAST, (), ())
    assert reader.read(b'{"text": "some text"}\n' * flat.FEW, 0, flat.FEW) is not None
    called = [kernels.split, kernels.shingle, normalise_kernel.write_all, probe_kernel.passing]
    called += [likely_kernel.promising, answers_kernel.seen]
    called += [
        minhash_kernels.bands,
        minhash_kernels.sequences,
        minhash_kernels.common,
        minhash_kernels.lower,
    ]
    called += [flat_kernel.objects, flat_strings.gather]
    assert line_picking.find(np.zeros(9, np.uint8), 0, *np.zeros((3, 1), np.int64)) == (1, 1)
    assert (
        group_kernels.candidates(sets[:14].reshape(7, 2), *np.zeros((2, 1), np.uint64), starts.repeat(3)) >= 0
    )
    ids = np.arange(9, dtype=np.uint64)
    assert row_kernels.others(ids, row_set.bits_of(ids[:4]), np.empty(9, np.int64)) == 5
    called += [line_picking.find, group_kernels.candidates, row_kernels.mark, row_kernels.others]
    assert [one.function.__name__ for one in called if not one.at_hand] == []


@pytest.mark.slow
@needs_support
def test_a_scan_with_kept_code_loads_neither_compiler_nor_polars(tmp_path: Path):
    data = tmp_path / "data.jsonl"
    text = " ".join(f"word{i}" for i in range(100))
    data.write_text("".join(f'{{"short": "{i}", "text": "{i} {text}"}}\n' for i in range(9000)))
    program = (
        f"import sys, dataaudit; dataaudit.scan({str(data)!r}); "
        "print('numba' in sys.modules or 'polars' in sys.modules)"
    )
    env = {**os.environ, "DATAAUDIT_CACHE_DIR": str(tmp_path / "cache")}
    said = [
        subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert [one.stdout.strip() for one in said] == ["True", "False"]
