"""A worker process: a job and partitions come over standard input, progress and at last the states go back."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from pathlib import Path
from typing import IO

import msgspec
import pyarrow as pa

from dataaudit.engine.job import Job, Session
from dataaudit.engine.pool import Done, Failure, Result, Step, receive, send
from dataaudit.errors import IncompleteError
from dataaudit.records.compiling import beside_others
from dataaudit.records.garbage import keep_freed
from dataaudit.records.pyvalues import forgo_pandas
from dataaudit.sketches.workspace import Workspace
from dataaudit.sources.base import Partition


def serve(inbox: IO[bytes], outbox: IO[bytes]) -> None:
    """Work until there is none left or the other side is gone."""
    data = receive(inbox)
    if data is None:
        return
    forgo_pandas()
    keep_freed()
    job = msgspec.msgpack.decode(data, type=Job)
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    session = Session(job, Workspace(root=Path(job.workspace)))
    while (data := receive(inbox)) is not None:
        partition = msgspec.msgpack.decode(data, type=Partition | None)
        if partition is None:
            send(outbox, Result(session.dump()))
            return
        for step in session.read(partition):
            send(outbox, Step(step.rows, step.nbytes))
        send(outbox, Done())


def answer(inbox: IO[bytes], outbox: IO[bytes]) -> int:
    """Serve and say what went wrong, if something did; returns the exit code."""
    beside_others(True)
    try:
        serve(inbox, outbox)
    except BrokenPipeError:
        os._exit(1)  # the parent is gone, there is nobody to tell
    except (
        IncompleteError
    ) as error:  # a full work directory, for example: said as it would be without workers
        send(outbox, Failure(str(error)))
        return 1
    except BaseException as error:
        traceback.print_exc()
        send(outbox, Failure(f"internal error in a worker: {type(error).__name__}: {error}"))
        return 1
    return 0


def main() -> None:
    """Answer over the standard streams; what libraries print goes to standard error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides; it closes our input
    outbox = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    raise SystemExit(answer(sys.stdin.buffer, outbox))
