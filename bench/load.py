"""Processes that repeat one act at the same time: a process for each actor, so that no interpreter lock slows them."""

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from typing import Any

from bench.connection import Connection
from bench.rows import Row

_FORK = multiprocessing.get_context("fork")
_PATIENCE = 60  # seconds until every actor is ready, or done after the time is over


class Failed(Exception):
    """An actor met something that it did not expect; the message says what."""


@dataclass(frozen=True)
class Load:
    """What the actors saw: seconds from first to last act, and each act's milliseconds, sorted."""

    seconds: float
    latencies: list[float]

    @property
    def acts(self) -> int:
        """How many acts there were."""
        return len(self.latencies)

    def percentile(self, share: float) -> float:
        """The latency that `share` of the acts did not exceed, in milliseconds."""
        return self.latencies[min(int(self.acts * share), self.acts - 1)]


def drive(
    row: Row, address: tuple[str, int], actors: int, warm_up: float, seconds: float, mark: Callable[[], None]
) -> Load:
    """Prepare and warm up all actors, then let them act together for `seconds`; `mark` is called just before and after.

    Raises:
        Failed: an actor stopped.
    """
    start = _FORK.Event()
    started = [_actor(row, address, number, warm_up, seconds, start) for number in range(actors)]
    try:
        for pipe, _ in started:
            _received(pipe)
        mark()
        begun = time.perf_counter()
        start.set()
        latencies = [latency for pipe, _ in started for latency in _received(pipe, seconds)]
        passed = time.perf_counter() - begun
        mark()
    finally:
        for _, process in started:
            process.terminate()
            process.join()
    return Load(passed, sorted(latencies))


def _actor(
    row: Row, address: tuple[str, int], number: int, warm_up: float, seconds: float, start: Any
) -> tuple[Pipe, Any]:
    ours, theirs = _FORK.Pipe()
    process = _FORK.Process(target=_act, args=(row, address, number, warm_up, seconds, start, theirs), daemon=True)
    process.start()
    theirs.close()
    return ours, process


def _act(
    row: Row, address: tuple[str, int], number: int, warm_up: float, seconds: float, start: Any, pipe: Pipe
) -> None:
    """The life of an actor: ready, wait for the others, act, report."""
    try:
        with Connection(*address) as connection:
            act = row.prepare(connection, f"person{number}")
            _repeat(act, warm_up)
            pipe.send([])
            start.wait()
            pipe.send(_repeat(act, seconds))
    except Exception as error:
        pipe.send(Failed(f"{row.name}: {type(error).__name__}: {error}"))


def _repeat(act: Callable[[], None], seconds: float) -> list[float]:
    latencies: list[float] = []
    end = now = time.perf_counter()
    end += seconds
    while now < end:
        before = now
        act()
        now = time.perf_counter()
        latencies.append((now - before) * 1000)
    return latencies


def _received(pipe: Pipe, seconds: float = 0) -> list[float]:
    if not pipe.poll(_PATIENCE + seconds):
        raise Failed("an actor does not answer")
    found: list[float] | Failed = pipe.recv()
    if isinstance(found, Failed):
        raise found
    return found
