"""Pages: the first of each list, `since` with nothing new, and the newest of a history.

The whole API function is called as API Gateway calls it, for a page of 100: the query of each shard, how many wait, and
the JSON. In every size of table 200 conversations wait for a person and 200 more are paused, so that all sizes answer
the same. The sizes are asked in turns; a ratio is the median of the rounds' ratios of time, a time the median.

No page grows with its table. What one takes is processor time: mostly botocore asking eight queries and reading their
answers. A shard is asked for what it probably has of the page, and for more only where that was too little; no models
are made of the rows, and who waits is counted while the page is read. Where the same queries by bare botocore need most
of the 40 ms, the page of all misses them, the more so while others use the processors.
"""

from __future__ import annotations

import json
import statistics

from bench import functions, stock
from bench.harness import Act, Bench, Figure, cpu, in_turns, ratio, wall
from chalicelib import system as _system
from chalicelib.system import System

TITLE = "Pages"
SIZES = (1_000, 10_000, 100_000)
HISTORIES = (100, 100_000)
RATIO = 1.3
"""How much longer the largest may take than the smallest."""
ALL_MS = 40
ROUNDS = 15
SINCE = "2026-12-24T00:00:00.000Z"


def measure(bench: Bench) -> list[Figure]:
    """Fill the tables, then ask."""
    systems = {size: bench.system(f"pages{size}") for size in SIZES}
    for size, system in systems.items():
        stock.conversations(system.settings, size, waiting=200, answered=200)
    figures = []
    for status in ("all", "active", "waiting", "paused"):
        acts = [_asking(system, f"status={status}&limit=100", 100) for system in systems.values()]
        budget = ALL_MS if status == "all" else None
        figures += _figures(f"First page of {status}", acts, "conversations", SIZES, budget)
    figures.append(_cost(bench, systems[SIZES[-1]]))
    acts = [_asking(system, f"since={SINCE}&limit=100", 0) for system in systems.values()]
    figures += _figures("`since` with nothing new", acts, "conversations", SIZES)
    return figures + _histories(bench)


def _histories(bench: Bench) -> list[Figure]:
    system = bench.system("histories")
    acts = []
    for size in HISTORIES:
        conversation_id = f"messenger:100:{size}"
        stock.history(system.settings, conversation_id, size)
        acts.append(_reading(system, conversation_id))
    return _figures("Newest page of a history", acts, "messages", HISTORIES)


def _cost(bench: Bench, system: System) -> Figure:
    """What the page of all costs this process, against the same queries by bare botocore."""
    ours = _asking(system, "status=all&limit=100", 100)
    bench.recorder.taken()
    ours()
    acts = [ours, bench.bare()(bench.recorder.taken())]
    taken = in_turns(ROUNDS, acts, cpu)
    ms = [statistics.median(times) * 1000 for times in taken]
    detail = f"{ms[0]:.0f} ms of processor time, bare {ms[1]:.0f} ms"
    return Figure("First page of all against bare botocore", ratio(*taken), "×", None, detail)


def _asking(system: System, query: str, expected: int) -> Act:
    event = functions.get_sessions(query)

    def ask() -> None:
        _system.install(system)
        found = json.loads(functions.api(event))
        assert len(found["sessions"]) == expected, len(found["sessions"])

    return ask


def _reading(system: System, conversation_id: str) -> Act:
    event = functions.get_history(conversation_id, "limit=100")

    def read() -> None:
        _system.install(system)
        assert len(json.loads(functions.api(event))["messages"]) == 100

    return read


def _figures(
    name: str, acts: list[Act], noun: str, sizes: tuple[int, ...], budget: float | None = None
) -> list[Figure]:
    in_turns(2, acts, wall)
    taken = in_turns(ROUNDS, acts, wall)
    ms = [statistics.median(times) * 1000 for times in taken]
    among = ", ".join(f"{value:.0f} ms of {size:,}" for value, size in zip(ms, sizes, strict=True))
    least = min(taken[-1]) * 1000
    figures = [
        Figure(f"{name}, {sizes[-1]:,} {noun} against {sizes[0]:,}", ratio(taken[-1], taken[0]), "×", RATIO, among)
    ]
    if budget is not None:
        figures.append(Figure(f"{name}, {sizes[-1]:,} {noun}", ms[-1], "ms", budget, f"the quickest {least:.0f} ms"))
    return figures
