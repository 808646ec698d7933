"""Run a command as a whole process and say what it cost: wall time, CPU time, peak memory of its tree."""

from __future__ import annotations

import compileall
import os
import platform
import statistics
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.05
"""How often the memory of the process tree is read; a peak shorter than this may be missed."""


@dataclass(frozen=True)
class Cost:
    """What one run took."""

    wall: float
    """Seconds from start to exit."""
    cpu: float
    """User and system seconds of the process and of all children it waited for."""
    peak_mb: float
    """Largest memory of the tree, in MB (10^6 bytes)."""
    exit_code: int


def _children() -> dict[int, list[int]]:
    """Parent → children over all processes, from /proc."""
    tree: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # The command name may hold spaces and parentheses; the fields after it do not.
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            continue  # it ended meanwhile
        tree.setdefault(parent, []).append(int(entry.name))
    return tree


def _proportional_kb(pid: int) -> int:
    """Memory of a process in KB, shared pages divided among their users so that sums count them once."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def _tree_kb(root: int) -> int:
    children = _children()
    total, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        total += _proportional_kb(pid)
        waiting.extend(children.get(pid, ()))
    return total


class _Sampler(threading.Thread):
    """Reads the memory of a process tree until told to stop. Without /proc it reads nothing."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self.root = root
        self.peak_kb = 0
        self.stop = threading.Event()

    def run(self) -> None:
        while Path("/proc/self/smaps_rollup").exists() and not self.stop.wait(SAMPLE_SECONDS):
            self.peak_kb = max(self.peak_kb, _tree_kb(self.root))


def _environment() -> dict[str, str]:
    """The caller's, but byte code is kept, as where a package is installed: to make it takes tenths of a second."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def run(command: Sequence[str], log: Path, env: dict[str, str] | None = None) -> Cost:
    """Run to the end; standard output and error go to `log`.

    The peak is the larger of two figures: the sampled sum over the tree, and the peak that the kernel
    recorded for the largest single process of it, which no sampling can miss. The kernel's
    figure starts at the size of the process that forked it: keep the measuring process small.
    """
    with log.open("wb") as out:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env=_environment() | (env or {})
        )
        sampler = _Sampler(process.pid)
        sampler.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)  # reaped here, so Popen must not wait for it again
    sampler.stop.set()
    sampler.join()
    unit = 1 if platform.system() == "Darwin" else 1024  # ru_maxrss: bytes on macOS, KB elsewhere
    peak = max(usage.ru_maxrss * unit, sampler.peak_kb * 1024)
    return Cost(wall, usage.ru_utime + usage.ru_stime, peak / 1e6, process.returncode)


def median(costs: Sequence[Cost]) -> Cost:
    """The median of each figure on its own."""
    return Cost(
        statistics.median(c.wall for c in costs),
        statistics.median(c.cpu for c in costs),
        statistics.median(c.peak_mb for c in costs),
        costs[0].exit_code,
    )


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    model = platform.processor() or "unknown"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
        model = names[0] if names else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": f"{model}, {cores()} cores usable",
        "memory": f"{memory:.1f} GiB",
        "load": f"load {os.getloadavg()[0]:.1f} from this and other work when it ended",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
    }


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def as_installed() -> None:
    """Compile our modules to byte code, as an installation does: the peers are installed."""
    compileall.compile_dir(Path(__file__).resolve().parent.parent / "dataaudit", quiet=1)
