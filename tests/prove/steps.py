"""A process as a chain of steps, each one call to the outside; interleaved, cut off or made to fail as a plan says.

A step takes effect as a whole. Before each, a process stops and waits until the schedule lets it go on, so that the
schedule alone decides how processes interleave: the same one gives the same run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Trouble = Literal["conflict", "throttled", "repeated", "down"]
"""What can be wrong with a call to DynamoDB: another transaction is at the row; it is asked too much; its answer was
lost, so that botocore has asked again; it does not answer however often it is asked."""
TROUBLES: tuple[Trouble, ...] = ("conflict", "throttled", "repeated", "down")


class Crash(BaseException):
    """The process is gone; nothing in it may catch this."""


@dataclass(frozen=True)
class Plan:
    """What befalls a process: after which step it dies, by number or name, and the troubles of steps, from 1 on."""

    crash_after: int | str | None = None
    troubles: Mapping[int, Trouble] = field(default_factory=dict)


QUIET = Plan()


@dataclass(eq=False)
class Process:
    """One process: what it runs, what befalls it, the steps it has done, and what it ended with."""

    run: Callable[[], None]
    plan: Plan = QUIET
    steps: list[str] = field(default_factory=list)
    error: BaseException | None = None
    over: bool = False
    _begun: int = 0
    _go: threading.Semaphore | None = None
    _stopped: threading.Semaphore | None = None

    def before(self, name: str) -> Trouble | None:
        """A step is to be made; wait for the schedule. The trouble that it meets."""
        if self._go is not None and self._stopped is not None:
            self._stopped.release()
            self._go.acquire()
        self._begun += 1
        return self.plan.troubles.get(self._begun)

    def after(self, name: str) -> None:
        """A step has taken effect."""
        self.steps.append(name)
        if self.plan.crash_after in (len(self.steps), name):
            raise Crash(name)

    def start(self, stopped: threading.Semaphore) -> None:
        """Run in a thread, up to the first step."""
        self._go, self._stopped = threading.Semaphore(0), stopped
        threading.Thread(target=self._perform, daemon=True).start()

    def go_on(self) -> None:
        """Run up to the next step or to the end."""
        assert self._go is not None
        self._go.release()

    def perform(self) -> None:
        """Run, alone, to the end."""
        _here.process = self
        try:
            self.run()
        except BaseException as error:
            self.error = error
            if not isinstance(error, (Exception, Crash)):
                raise
        finally:
            _here.process = None
            self.over = True

    def _perform(self) -> None:
        assert self._go is not None
        assert self._stopped is not None
        self._go.acquire()
        try:
            self.perform()
        finally:
            self._stopped.release()


class _Here(threading.local):
    process: Process | None = None


_here = _Here()


def here() -> Process | None:
    """The process that runs in this thread; None outside of any."""
    return _here.process


def let_loose(processes: list[Process]) -> None:
    """Run the processes all at once, as the machine has it: nothing decides how they interleave."""
    threads = [threading.Thread(target=process.perform) for process in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def interleave(processes: list[Process], schedule: Iterable[int]) -> None:
    """Run the processes to their ends, one step at a time: each number of the schedule says which goes on.

    Where the schedule is at its end, the first that is left goes on, and so on.
    """
    if len(processes) == 1:
        processes[0].perform()
        return
    stopped = threading.Semaphore(0)
    for process in processes:
        process.start(stopped)
    choices = iter(schedule)
    while left := [process for process in processes if not process.over]:
        left[next(choices, 0) % len(left)].go_on()
        stopped.acquire()
