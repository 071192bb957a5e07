"""Worker processes, and the signals that end a run.

A ``pebble`` pool: a crash or a hang costs the job at hand and no other, and every job has a time limit.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pebble import ProcessExpired, ProcessPool

from kinescribe.errors import KinescribeError
from kinescribe.runs import worker

MAX_NEW_POOLS = 3
"""How often a pool that breaks as a whole is replaced: an idle worker that is killed breaks one, too."""


class Pool:
    """Worker processes, started when the first job comes.

    Args:
        workers: how many.
        log: file for what they print.
    """

    def __init__(self, workers: int, log: Path) -> None:
        self.workers, self.log = workers, log
        self._pool: ProcessPool | None = None
        self._renewed = 0

    @property
    def broken(self) -> bool:
        """Whether no job will come back any more; ``renew`` mends that."""
        return self._pool is not None and not self._pool.active

    def schedule(self, function: Callable[..., Any], args: Sequence[Any], timeout: float) -> Future[Any]:
        """Queue a job; its time, in seconds, counts from when a worker takes it."""
        if self._pool is None:
            self._pool = _started(self.workers, self.log)
        try:
            future: Future[Any] = self._pool.schedule(function, args=args, timeout=timeout)
        except RuntimeError as error:  # it has broken since one looked
            future = Future()
            future.set_exception(BrokenProcessPool(str(error)))
        return future

    def renew(self) -> None:
        """Give up a broken pool; the next job starts a new one.

        Raises:
            KinescribeError: that has happened too often.
        """
        self._renewed += 1
        self.close()
        if self._renewed > MAX_NEW_POOLS:
            raise KinescribeError(
                f"worker processes die before they begin to work; {self.log} holds what they said; try fewer --workers"
            )

    def close(self) -> None:
        """End all workers, at once: what they have finished lies in the spool."""
        if self._pool is not None:
            self._pool.stop()  # type: ignore[no-untyped-call]
            self._pool.join()
            self._pool = None


def death_words(error: ProcessExpired) -> str:
    """Say how a worker ended, and what may help."""
    code = error.exitcode
    if code is None or -code not in set(signal.Signals):
        return f"the worker process died (exit code {code})"
    name = signal.Signals(-code).name
    memory = "; the system may have run out of memory: try fewer --workers or a smaller ingest.max_side"
    return f"the worker process died ({name}){memory if name == 'SIGKILL' else ''}"


@contextmanager
def signals() -> Iterator[threading.Event]:
    """Turn the first SIGINT or SIGTERM into an event; the second does what it always does."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # only the main thread may have handlers
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(number: int, frame: object) -> None:
        stop.set()
        restore()

    for number in before:
        signal.signal(number, handle)
    try:
        yield stop
    finally:
        restore()


def _started(workers: int, log: Path) -> ProcessPool:
    """Start worker processes.

    They are forked from a clean server process that has imported what they need: fork alone would copy locks
    that the driver's threads hold (Lance has threads), spawn would pay the imports for every worker.
    """
    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload([worker.__name__])
    before = {name: os.environ.get(name) for name in worker.ONE_THREAD}
    os.environ.update(worker.ONE_THREAD)
    try:
        pool = ProcessPool(
            workers, initializer=worker.start, initargs=[os.getpid(), str(log)], context=context
        )
        assert pool.active  # asking starts it, while the environment is the workers'
        return pool
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
