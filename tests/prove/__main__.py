"""Everything at full size, and one table of what was found: `make prove`.

make prove                               all of it
make prove ARGS='machine races'          some of it: machine, races, local, guards, webhook
make prove ARGS='--share 0.1'            a tenth of it
make prove ARGS='replay 17'              one race again, with all that happened; --local: on DynamoDB Local
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import count

from tests.engines import dynamodb_local
from tests.prove.workers import LOT, Row, guard, lot, quiet, side_by_side

EXAMPLES = 2_000
"""Of the state machine, on the fake."""
LOCAL_EXAMPLES = 100
"""Of the state machine, on DynamoDB Local."""
INTERLEAVINGS = 10_000
"""Of the races, on the fake and again on DynamoDB Local."""
CROWDS = 20
RACES_PER_GUARD = 1_500
"""Races after which a guard that nothing misses counts as not proved."""

BODIES = 100_000
"""Signed bodies that the webhook is sent."""

PARTS = ("machine", "races", "local", "guards", "webhook")


def _races(least: int, url: str | None) -> str:
    done = lots = 0
    refused: Counter[str] = Counter()
    for interleavings, why in side_by_side(partial(lot, url), count(0, LOT)):
        done, lots, refused = done + interleavings, lots + 1, refused + why
        if done >= least:
            break
    told = ", ".join(f"{times:,} {code}" for code, times in sorted(refused.items()))
    return f"{done:,} interleavings, seeds 0 to {lots * LOT - 1}; sends refused: {told}"


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
    from tests.prove.guards import GUARDS
    from tests.prove.voices import VOICES

    rows = []
    for row in side_by_side(partial(guard, races), range(len(GUARDS) + len(VOICES))):
        rows.append(row)
        _say(row)
    return rows


def _webhook(bodies: int) -> str:
    """The fuzz test at its full size, in several processes with other seeds."""
    workers = os.cpu_count() or 1
    environment = {**os.environ, "SIGNED_BODIES": str(-(-bodies // workers))}
    command = [sys.executable, "-m", "pytest", "-q", "tests/test_fuzz.py"]
    running = [
        subprocess.Popen([*command, f"--hypothesis-seed={seed}"], env=environment, stdout=subprocess.PIPE, text=True)
        for seed in range(workers)
    ]
    told = [process.communicate()[0] for process in running]
    if any(process.returncode for process in running):
        raise AssertionError("\n".join(text[-2000:] for text in told))
    return f"{bodies:,} signed bodies"


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
    quiet()
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
    if "webhook" in asked.parts:
        rows.append(_row("webhook", lambda: _webhook(of(BODIES))))
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
