"""Versions of libraries, told without importing them."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

from dataaudit.records.versions import version_of


@pytest.mark.parametrize("name", ["numba", "llvmlite", "hyperscan", "pyarrow", "regex"])
def test_they_are_what_the_standard_library_says(name: str) -> None:
    assert version_of(name) == version(name)


def test_neither_the_library_nor_what_reads_metadata_is_imported() -> None:
    program = (
        "import sys\nfrom dataaudit.records.versions import version_of\nversion_of('numba')\n"
        "print('numba' in sys.modules or 'importlib.metadata' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_what_is_not_installed_has_none() -> None:
    with pytest.raises(ModuleNotFoundError):
        version_of("no_such_library")
