"""Everything at full size, and one table of what was found: `make prove`.

make prove                               all of it
make prove ARGS='machine races'          some of it: machine, races, local, guards
make prove ARGS='--share 0.1'            a tenth of it
make prove ARGS='replay 17'              one race again, with all that happened; --local: on DynamoDB Local
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable

from tests import conftest
from tests.engines import dynamodb_local

EXAMPLES = 2_000
"""Of the state machine, on the fake."""
LOCAL_EXAMPLES = 100
"""Of the state machine, on DynamoDB Local."""
INTERLEAVINGS = 10_000
"""Of the races, on the fake and again on DynamoDB Local."""
CROWDS = 20
RACES_PER_GUARD = 1_500
"""Races after which a guard that nothing misses counts as not proved."""

PARTS = ("machine", "races", "local", "guards")
Row = tuple[str, str, str, float]
"""What was run, how much of it, what it found, in how many seconds."""


def _races(least: int, url: str | None) -> str:
    from tests.prove.races import race

    done = seed = 0
    refused: Counter[str] = Counter()
    while done < least:
        world = race(seed, url=url)
        done += world.interleavings
        refused += world.witness.refused
        seed += 1
    told = ", ".join(f"{count:,} {code}" for code, count in sorted(refused.items()))
    return f"{done:,} interleavings, seeds 0 to {seed - 1}; sends refused: {told}"


def _machine(examples: int) -> str:
    from tests.prove.machine import run_machine
    from tests.prove.races import fake_world

    run_machine(lambda pace, lag, ages: fake_world(pace=pace, lag=lag, seed=ages), examples, 0)
    return f"{examples:,} examples"


def _local_machine(examples: int, url: str) -> str:
    from tests.prove.machine import run_machine
    from tests.prove.races import local_world

    run_machine(lambda pace, lag, ages: local_world(url, pace=pace), examples, 0)
    return f"{examples:,} examples"


def _crowds(times: int, url: str) -> str:
    from tests.prove.races import crowd, local_world

    for _ in range(times):
        crowd(local_world(url))
    return f"{times} times 20"


def _guards(races: int) -> list[Row]:
    from tests.prove.guards import GUARDS, caught_by
    from tests.prove.voices import VOICES

    rows = []
    for missing in (*GUARDS, *VOICES):
        began = time.monotonic()
        found = caught_by(missing, races)
        together = f", together with: {missing.cover}" if missing.cover else ""
        verdict = "NOT CAUGHT" if found is None else f"{found[1]} ({found[0]}){together}"
        rows.append((f"without: {missing.name}", "", verdict, time.monotonic() - began))
        _say(rows[-1])
    return rows


def _row(name: str, run: Callable[[], str]) -> Row:
    began = time.monotonic()
    try:
        size, verdict = run(), "0 violations"
    except Exception as error:
        traceback.print_exc()
        size, verdict = "", f"BROKEN: {error}"
    row = (name, size, verdict, time.monotonic() - began)
    _say(row)
    return row


def _say(row: Row) -> None:
    print("  ".join((row[0], row[1], row[2], f"{row[3]:.0f} s")), file=sys.stderr, flush=True)


def main() -> int:
    """Run what was asked for; 1 where something does not hold or a guard is not missed."""
    parser = argparse.ArgumentParser(prog="make prove")
    parser.add_argument("parts", nargs="*", default=list(PARTS))
    parser.add_argument("--share", type=float, default=1.0, help="how much of the full size")
    parser.add_argument("--local", action="store_true", help="replay on DynamoDB Local")
    asked = parser.parse_args()
    conftest.pytest_configure()
    logging.getLogger("chalicelib").setLevel(logging.CRITICAL)
    if asked.parts[0] == "replay":
        return _replay([int(seed) for seed in asked.parts[1:]], asked.local)

    def of(size: int) -> int:
        return max(1, int(size * asked.share))

    rows = []
    if "machine" in asked.parts:
        rows.append(_row("state machine, fake DynamoDB", lambda: _machine(of(EXAMPLES))))
    if "races" in asked.parts:
        rows.append(_row("races, fake DynamoDB", lambda: _races(of(INTERLEAVINGS), None)))
    if "local" in asked.parts:
        with dynamodb_local() as url:
            rows.append(_row("first messages at once, DynamoDB Local", lambda: _crowds(of(CROWDS), url)))
            rows.append(_row("state machine, DynamoDB Local", lambda: _local_machine(of(LOCAL_EXAMPLES), url)))
            rows.append(_row("races, DynamoDB Local", lambda: _races(of(INTERLEAVINGS), url)))
    if "guards" in asked.parts:
        rows += _guards(of(RACES_PER_GUARD))
    print("\n| What | Size | Found | Seconds |\n|---|---|---|---|")
    for name, size, verdict, seconds in rows:
        print(f"| {name} | {size} | {verdict} | {seconds:.0f} |")
    return 1 if any(verdict.startswith(("BROKEN", "NOT")) for _, _, verdict, _ in rows) else 0


def _replay(seeds: list[int], local: bool) -> int:
    from tests.prove.races import race
    from tests.prove.witness import Violation

    for seed in seeds:
        try:
            if local:
                with dynamodb_local() as url:
                    world = race(seed, url=url)
            else:
                world = race(seed)
        except Violation as violation:
            print(*violation.__notes__, violation, sep="\n")
            return 1
        print(*world.story, "0 violations", sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
