"""`make run`: the whole stack on this machine, until Ctrl-C."""

from __future__ import annotations

import logging
import signal
import sys
import threading

from chalicelib.errors import Misconfigured
from local.environment import environment, plan
from local.running import CannotStart, Running
from local.stack import start, summary

_PRINTING = threading.Lock()


def main() -> int:
    """Runs until it is told to end; 0 when it was, 1 when something could not start or ended by itself."""
    running = Running(_say)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: running.ended.set())
    logging.basicConfig(format="%(name)s │ %(message)s", stream=sys.stdout, level=logging.WARNING)
    try:
        run = plan(environment())
        _say(f"Starting on {run.url} …")
        world = start(run, running)
        _say(summary(run, world.first_key()))
        running.ended.wait()
    except (Misconfigured, CannotStart) as error:
        if not (running.ended.is_set() and running.failure is None):
            running.failure = str(error)
    finally:
        running.stop()
    if running.failure is not None:
        print(running.failure, file=sys.stderr, flush=True)
        return 1
    _say("\nEnded.")
    return 0


def _say(line: str) -> None:
    with _PRINTING:
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
