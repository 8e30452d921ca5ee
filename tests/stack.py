"""The whole stack as `make run` starts it, for tests that play in it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN_S = 60
"""Seconds until a stack must answer; a machine that does something else meanwhile needs more than the usual two."""


def two_free_ports() -> int:
    """A port that is free together with the one after it."""
    for _ in range(50):
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
    raise AssertionError("no two free ports beside each other")


def environment(state: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_ENDPOINT", "COV_"))}
    return {**kept, "HITL_STATE_FILE": str(state), **more}


class Stack:
    """A running stack, asked over its origin."""

    def __init__(self, state: Path, port: int, **settings: str) -> None:
        self.port = port
        self.state_file = state
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local"],
            cwd=ROOT,
            env=environment(state, PORT=str(port), **settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait(self) -> None:
        until = time.monotonic() + READY_WITHIN_S
        while not self.state_file.exists():
            assert self.process.poll() is None, self.end()
            assert time.monotonic() < until, f"not ready within {READY_WITHIN_S} s"
            time.sleep(0.05)

    def ask(self, method: str, path: str, body: object = None, port: int = 0, **headers: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=20)
        sent = None if body is None else json.dumps(body)
        connection.request(method, path, sent, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        try:
            return answer.status, json.loads(content)
        except ValueError:
            return answer.status, content

    def play(self, customer: str, action: str, **fields: object) -> None:
        status, answer = self.ask("POST", f"/simulator/api/customers/{quote(customer)}/{action}", fields)
        assert status == 200, answer

    def until(self, what: Callable[[], bool]) -> None:
        until = time.monotonic() + 15
        while not what():
            assert time.monotonic() < until, "it did not happen within 15 s"
            time.sleep(0.05)

    def lines(self, customer: str) -> list[Mapping[str, Any]]:
        _, state = self.ask("GET", f"/simulator/api/state?customer={quote(customer)}")
        lines: list[Mapping[str, Any]] = state["thread"]["lines"]
        return lines

    def end(self, number: int = signal.SIGTERM) -> str:
        self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=15)
        return str(output)
