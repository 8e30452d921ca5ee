"""What `make prove` runs in several processes side by side: lots of races, and the guards."""

from __future__ import annotations

import logging
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from typing import TypeVar

from tests import conftest

LOT = 20
"""Races that a process runs before it says what it found."""
Row = tuple[str, str, str, float]
"""What was run, how much of it, what it found, in how many seconds."""
T = TypeVar("T")
U = TypeVar("U")


def quiet() -> None:
    """As in the tests, and without what is logged of troubles that were made on purpose."""
    conftest.pytest_configure()
    logging.getLogger("chalicelib").setLevel(logging.CRITICAL)


def side_by_side(run: Callable[[T], U], lots: Iterable[T]) -> Iterator[U]:
    """Each lot in one of as many processes as there are processors; results in order, and no more run than is asked."""
    workers, left = os.cpu_count() or 1, iter(lots)
    with ProcessPoolExecutor(workers, get_context("spawn"), quiet) as pool:
        waiting = deque(pool.submit(run, each) for each in islice(left, 2 * workers))
        try:
            while waiting:
                yield waiting.popleft().result()
                waiting.extend(pool.submit(run, each) for each in islice(left, 1))
        finally:
            pool.shutdown(cancel_futures=True)


def lot(url: str | None, first: int) -> tuple[int, Counter[str]]:
    """So many races from a seed on: their interleavings, and why sends were refused."""
    from tests.prove.races import race

    worlds = [race(seed, url=url) for seed in range(first, first + LOT)]
    refused = sum((world.witness.refused for world in worlds), Counter[str]())
    return sum(world.interleavings for world in worlds), refused


def guard(races: int, number: int) -> Row:
    """Take one guard away, and say what misses it."""
    from tests.prove.guards import GUARDS, caught_by
    from tests.prove.voices import VOICES

    missing = (*GUARDS, *VOICES)[number]
    began = time.monotonic()
    found = caught_by(missing, races)
    together = f", together with: {missing.cover}" if missing.cover else ""
    verdict = "NOT CAUGHT" if found is None else f"{found[1]} ({found[0]}){together}"
    return f"without: {missing.name}", "", verdict, time.monotonic() - began
