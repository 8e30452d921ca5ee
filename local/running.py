"""The parts of a run that have to be ended again: servers, children, threads. Each failure is said in one sentence."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from typing import Protocol, TypeVar

from local.processes import Child
from local.serving import LOOPBACK, CannotServe, Handler, Server

START_WITHIN_S = 60
_ACCESS_LINE = re.compile(r'\S+ - - \[[^]]*\] "(?P<method>\w+) (?P<path>[^\s?]+)\S* [^"]*" (?P<status>\d+)')


class CannotStart(Exception):
    """Something cannot start; the text is the line to print."""


class Stoppable(Protocol):
    """A part that can be ended."""

    def stop(self) -> None:
        """End it."""


Part = TypeVar("Part", bound=Stoppable)


class Running:
    """Everything that was started. `ended` is set when the run is over; `failure` says why, if nobody asked for it."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.ended = threading.Event()
        self.failure: str | None = None
        self.say = say
        self._parts = ExitStack()

    def stop(self) -> None:
        """Ends every part, the last one first."""
        self.ended.set()
        self._parts.close()

    def keep(self, part: Part) -> Part:
        """Remembers a part that `stop` has to end."""
        self._parts.callback(part.stop)
        return part

    def take_port(self, handler: Handler, port: int = 0, hint: str = "") -> Server:
        """A server that holds its port and does not answer yet; CannotStart with the hint where it is taken."""
        try:
            return self.keep(Server(handler, port))
        except CannotServe as error:
            raise CannotStart(f"Cannot start: {error}. {hint}".rstrip()) from error

    def serve(self, handler: Handler) -> str:
        """The URL of a server on any free port."""
        server = self.take_port(handler)
        server.start()
        return server.url

    def child(self, name: str, arguments: list[str], hear: Callable[[str], None] = lambda _: None) -> Child:
        """A child whose early end ends the run."""
        return self.keep(Child(name, arguments, died=self._died, hear=hear))

    def wait_for(self, name: str, port: int, path: str) -> None:
        """Returns once a server answers at all; CannotStart where it does not in time, or the run has ended."""
        until = time.monotonic() + START_WITHIN_S
        while not _answers(port, path):
            if self.ended.wait(0.1):
                raise CannotStart(self.failure or "Stopped before everything had started.")
            if time.monotonic() > until:
                raise CannotStart(f"Cannot start: {name} does not answer within {START_WITHIN_S} s.")

    def hear_api(self, line: str) -> None:
        """Passes on what the API prints, except its notes of requests that went well."""
        access = _ACCESS_LINE.match(line)
        if access is None and not line.startswith("Serving on "):
            self.say(f"api  │ {line}")
        elif access is not None and int(access["status"]) >= 400:
            self.say(f"api  │ {access['status']} {access['method']} {access['path']}")

    def _died(self, child: Child) -> None:
        if self.ended.is_set():
            return
        last = "".join(f"\n    {line}" for line in child.last_lines if " - - [" not in line)
        words = f" Its last lines:{last}" if last else ""
        self.failure = f"{child.name} has ended by itself with exit code {child.exit_code}.{words}"
        self.ended.set()


def _answers(port: int, path: str) -> bool:
    connection = HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", path)
        connection.getresponse().read()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return True
