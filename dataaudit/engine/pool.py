"""Worker processes: copies of this one where that is safe, else started as a module of this package (never through the
caller's program), and fed over pipes.

A worker pulls the next partition when it is done with one, so a large file does not leave the others idle; only its
states come back. The process that started them works along: it has imported everything, and reads while they do.
"""

from __future__ import annotations

import os
import queue
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO

import msgspec

from dataaudit.engine.forking import Forked, may_fork
from dataaudit.engine.job import Job, Progress, Session, States
from dataaudit.errors import IncompleteError
from dataaudit.records.compiling import beside_others
from dataaudit.sources.base import Partition

_LENGTH = struct.Struct("<Q")

GRACE = 5.0
"""Seconds that a process whose pipe is closed has to end."""


class Failure(msgspec.Struct, frozen=True, tag=True):
    """A worker met an error that is not the data's."""

    text: str


class Step(msgspec.Struct, frozen=True, tag=True):
    """Progress of a worker."""

    rows: int
    nbytes: int


class Done(msgspec.Struct, frozen=True, tag=True):
    """A partition is read."""


class Result(msgspec.Struct, frozen=True, tag=True):
    """The states of a worker that has no more work."""

    states: States


Reply = Failure | Step | Done | Result


def send(stream: IO[bytes], message: object) -> None:
    """Write one message: its length, then MessagePack."""
    data = msgspec.msgpack.encode(message)
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """Read one message, or None where the stream ended."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    data = stream.read(length)
    return data if len(data) == length else None


def _started() -> subprocess.Popen[bytes]:
    one = dict.fromkeys(("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return subprocess.Popen(
        [sys.executable, "-m", "dataaudit.engine"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # Ctrl-C is for the parent, which then ends its workers. Reaching a worker while it still imports, it would
        # print a traceback.
        process_group=0,
        # One thread a worker: the workers are as many as the processors already.
        env={**os.environ, **one},
    )


def _copied(others: Sequence[_Worker]) -> Forked:
    from dataaudit.engine.worker import answer

    return Forked(answer, [pipe for other in others for pipe in (other.out, other.back)])


class _Worker:
    def __init__(self, job: Job, others: Sequence[_Worker] = ()) -> None:
        self.process = _copied(others) if may_fork() else _started()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.out, self.back = self.process.stdin, self.process.stdout
        self.job = job
        self._stopped = False

    def work(self, todo: queue.SimpleQueue[Partition | None], replies: queue.SimpleQueue[Reply]) -> None:
        """Feed the process until there is no work left; runs in a thread of its own."""
        try:
            send(self.out, self.job)
            while True:
                partition = todo.get()
                send(self.out, partition)
                while True:
                    data = receive(self.back)
                    if data is None:
                        code = self.process.wait()
                        where = "" if partition is None else f" while reading {partition.file.uri}"
                        replies.put(Failure(f"a worker process ended with status {code}{where}"))
                        return
                    reply = msgspec.msgpack.decode(data, type=Reply)
                    replies.put(reply)
                    if isinstance(reply, Failure | Result):
                        return
                    if isinstance(reply, Done):
                        break
        except OSError as error:
            with suppress(subprocess.TimeoutExpired):  # it may have ended before it took its work
                replies.put(Failure(f"a worker process ended with status {self.process.wait(GRACE)}"))
                return
            replies.put(Failure(f"a worker process cannot be reached: {error}"))
        except ValueError:  # the pipes are closed: nobody waits for this worker any more
            if not self._stopped:
                raise

    def stop(self) -> None:
        """End the process whatever it is doing."""
        self._stopped = True
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.out, self.back):
            with suppress(OSError):  # a broken pipe has nothing left to flush
                stream.close()


class Pool:
    """Worker processes beside this one, which start at once, to have imported what they need when the work is known."""

    def __init__(self, job: Job, count: int) -> None:
        self._todo: queue.SimpleQueue[Partition | None] = queue.SimpleQueue()
        self._replies: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        self._workers: list[_Worker] = []
        for _ in range(count):  # before any thread is started: beside threads no process is copied
            self._workers.append(_Worker(job, self._workers))
        for worker in self._workers:
            threading.Thread(target=worker.work, args=(self._todo, self._replies), daemon=True).start()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *error: object) -> None:
        """End all processes, whatever they are doing."""
        beside_others(False)
        for worker in self._workers:
            worker.stop()
            self._todo.put(None)  # its thread, if it still waits for work, finds it gone

    def run(
        self, session: Session, partitions: list[Partition], progress: Callable[[Progress], None]
    ) -> None:
        """Read the partitions, here too, and merge the states of all workers into the session. Only once.

        Raises IncompleteError where a worker dies: its part of the data has not been evaluated.
        """
        results: list[Result] = []
        beside_others(bool(self._workers))
        for partition in sorted(partitions, key=lambda one: -one.nbytes):
            self._todo.put(partition)
        for _worker in self._workers:
            self._todo.put(None)
        while (mine := self._next()) is not None:
            for step in session.read(mine):
                progress(step)
                self._heard(results, progress)
        while len(results) < len(self._workers):
            self._heard(results, progress, wait=True)
        for result in results:
            session.merge(result.states)

    def _next(self) -> Partition | None:
        with suppress(queue.Empty):
            if (partition := self._todo.get_nowait()) is not None:
                return partition
            self._todo.put(None)  # that one is for a worker
        return None

    def _heard(
        self, results: list[Result], progress: Callable[[Progress], None], *, wait: bool = False
    ) -> None:
        """Take what workers have said by now; `wait`: at least one reply."""
        while wait or not self._replies.empty():
            reply, wait = self._replies.get(), False
            if isinstance(reply, Step):
                progress(Progress(reply.rows, reply.nbytes))
            elif isinstance(reply, Failure):
                raise IncompleteError(reply.text)
            elif isinstance(reply, Result):
                results.append(reply)
