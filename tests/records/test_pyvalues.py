"""Times of nanoseconds with and without pandas, which an own process does without."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

CODE = """
import sys
from dataaudit.records.pyvalues import forgo_pandas, python_values
forgo_pandas()
import pyarrow as pa
for kind in (pa.timestamp("ns"), pa.timestamp("ns", "UTC"), pa.duration("ns"), pa.time64("ns")):
    times = pa.array([1, None, 3], kind)
    held = pa.StructArray.from_arrays([times, pa.array(["a", "b", "c"])], ["at", "said"])
    for values in (
        held, pa.ListArray.from_arrays([0, 2, 3], held), pa.LargeListArray.from_arrays([0, 2, 3], held),
        pa.FixedSizeListArray.from_arrays(times, 3), times.dictionary_encode(),
    ):
        print(python_values(values))
assert python_values(pa.array([None, "x"])) == [None, "x"]
assert "pandas" not in sys.modules
import pandas
assert pandas.Series([1]).sum() == 1
"""


def test_without_pandas() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        "[{'at': 1, 'said': 'a'}, {'at': None, 'said': 'b'}, {'at': 3, 'said': 'c'}]"
    )


def test_turns_with_times_of_nanoseconds_are_scanned(tmp_path: Path) -> None:
    turn = {"role": "user", "content": "[INST] Hi [/INST]", "at": 1}
    kind = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string()), ("at", pa.timestamp("ns"))]))
    table = pa.table(
        {"messages": pa.array([[turn], [turn, turn]], kind), "when": pa.array([1, 2], pa.timestamp("ns"))}
    )
    pq.write_table(table, tmp_path / "data.parquet")
    command = [
        sys.executable,
        "-c",
        "from dataaudit.cli.main import run; run()",
        "scan",
        str(tmp_path),
        "--isolated",
    ]
    done = subprocess.run([*command, "-q", "--format", "json"], capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert (report["rows"], report["rates"]["chat-marker"]["rows"]) == (2, 2), done.stderr
