"""A webhook of a thousand events, as Meta sends after an outage: a text each from a thousand users.

The API function takes it in whole, against bare botocore making the same 3,000 calls in as many threads. Processor time
is that of all threads; wall time is the least of the rounds, since neighbours only ever add to it.

Threads share one interpreter, so wall time is never below processor time, and most of that is botocore's: where the
bare calls alone miss the budget, so do we. The one large saving left is to send letters to SQS ten at a time, which
would spare 900 of the 3,000 calls. It is not done: a letter is queued as soon as its row is durable, and one that SQS
refuses fails its own conversation only.
"""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from bench import functions
from bench.harness import Act, Bench, Figure, cpu, ratio, renamed
from chalicelib import system as _system
from chalicelib.reception import WORKERS
from chalicelib.store import create_tables

TITLE = "A webhook of 1,000 events"
EVENTS = 1000
RATIO = 1.4
WALL = 2.5
"""Seconds."""
ROUNDS = 4


def measure(bench: Bench) -> list[Figure]:
    """Each round a webhook of new users, then its calls."""
    system = bench.system("burst")
    _system.install(system)
    create_tables(bench.settings("flood"))
    replay = bench.bare()
    ours, theirs = list[tuple[float, float]](), list[tuple[float, float]]()
    for number in range(ROUNDS):
        now = system.clock()
        users = range(number * EVENTS, (number + 1) * EVENTS)
        event = functions.post_webhook(
            functions.webhook(now, *(functions.said(user, f"m{user}", now) for user in users))
        )
        bench.recorder.taken()
        ours.append(_taken(partial(functions.api, event)))
        calls = renamed(bench.recorder.taken(), "burst", "flood")
        theirs.append(_taken(partial(_side_by_side, [replay(calls[lot::WORKERS]) for lot in range(WORKERS)])))
    cpus = [[pair[0] for pair in taken] for taken in (ours, theirs)]
    walls = [min(pair[1] for pair in taken) for taken in (ours, theirs)]
    detail = f"{statistics.median(cpus[0]):.2f} s, bare {statistics.median(cpus[1]):.2f} s"
    return [
        Figure("Processor time against bare botocore", ratio(*cpus), "×", RATIO, detail),
        Figure("Wall time", walls[0], "s", WALL, f"bare {walls[1]:.2f} s"),
    ]


def _taken(act: Act) -> tuple[float, float]:
    """Seconds of processor and of wall time."""
    start = time.perf_counter()
    return cpu(act), time.perf_counter() - start


def _side_by_side(acts: list[Act]) -> None:
    with ThreadPoolExecutor(len(acts)) as pool:
        for _ in pool.map(lambda act: act(), acts):
            pass
