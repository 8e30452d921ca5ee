"""The whole stack as `make run` starts it: a conversation in it, and how it begins and ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.stack import ROOT, Stack, environment, two_free_ports


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    state = tmp_path_factory.mktemp("stack") / "state.json"
    running = Stack(state, two_free_ports())
    try:
        running.wait()
        yield running
    finally:
        output = running.end()
    assert running.process.returncode == 0, output
    assert "Traceback" not in output
    assert output.rstrip().endswith("Ended.")
    assert not state.exists()


def customer_of(stack: Stack) -> str:
    page = stack.ask("GET", "/simulator/api/setup")[1]["pages"][0]["key"]
    return str(stack.ask("POST", "/simulator/api/customers", {"page": page})[1]["key"])


def status_of(stack: Stack, customer: str) -> Any:
    return stack.ask("GET", f"/simulator/api/customers/{quote(customer)}/status")[1]["body"]


def test_a_customer_talks_to_the_bot_asks_for_a_person_and_takes_it_back(stack: Stack) -> None:
    customer = customer_of(stack)
    stack.play(customer, "says", text="Grüße 😀")
    stack.until(lambda: [line["side"] for line in stack.lines(customer)] == ["customer", "page"])
    assert stack.lines(customer)[1]["text"] == "Grüße 😀"

    stack.play(customer, "taps", text="Talk to a person", payload="HITL_START")
    stack.until(lambda: status_of(stack, customer)["status"] == "paused")
    button = next(line for line in reversed(stack.lines(customer)) if line["side"] == "page")["buttons"][0]
    count = len(stack.lines(customer))
    stack.play(customer, "says", text="is somebody there?")
    stack.until(lambda: status_of(stack, customer)["held"] == 1)
    assert len(stack.lines(customer)) == count + 1

    stack.play(customer, "taps", text=button["title"], payload=button["payload"])
    stack.until(lambda: status_of(stack, customer)["status"] == "active")
    stack.play(customer, "says", text="hello again")
    stack.until(lambda: stack.lines(customer)[-1]["text"] == "hello again" and len(stack.lines(customer)) == count + 5)


def test_the_page_s_buttons_pause_and_resume(stack: Stack) -> None:
    customer = customer_of(stack)
    stack.play(customer, "says", text="hello")
    stack.until(lambda: len(stack.lines(customer)) == 2)
    stack.play(customer, "pause")
    assert status_of(stack, customer)["status"] == "paused"
    stack.play(customer, "unpause")
    assert status_of(stack, customer)["status"] == "active"


def test_the_summary_s_token_opens_the_api_and_nothing_else_does(stack: Stack) -> None:
    path = "/api/botpress-hitl/sessions"
    token = json.loads(stack.state_file.read_text())["api_token"]
    assert stack.ask("GET", path, Authorization=f"Bearer {token}")[0] == 200
    assert stack.ask("GET", path)[0] == 401
    assert stack.ask("GET", path, Host="evil.example", Authorization=f"Bearer {token}")[0] == 403


def test_secrets_are_readable_by_their_owner_only(stack: Stack) -> None:
    assert stack.state_file.stat().st_mode & 0o777 == 0o600


def test_the_tunnel_s_port_reaches_the_webhook_and_graph_only(stack: Stack) -> None:
    assert stack.ask("POST", "/webhook", {}, stack.port + 1)[0] == 403
    assert stack.ask("POST", "/api/webhook", {}, stack.port + 1)[0] == 403
    assert stack.ask("GET", "/api/health", None, stack.port + 1)[0] == 404


def test_a_port_that_is_taken_is_named_with_the_way_out(stack: Stack, tmp_path: Path) -> None:
    second = Stack(tmp_path / "state.json", stack.port)
    output, _ = second.process.communicate(timeout=20)
    assert second.process.returncode == 1
    assert f"port {stack.port} is taken" in output
    assert "PORT=" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"HITL_PAGE_TOKEN": "nonsense"}, "HITL_PAGE_TOKEN"),
        ({"PORT": "nonsense"}, "PORT"),
        ({"HITL_BOT": "python:nothing_here:bot"}, "HITL_BOT"),
        ({"HITL_DYNAMODB_ENDPOINT": "http://127.0.0.1:9"}, "http://127.0.0.1:9"),
    ],
)
def test_what_cannot_start_is_one_clear_line(settings: dict[str, str], word: str, tmp_path: Path) -> None:
    env = environment(tmp_path / "state.json", **{"PORT": str(two_free_ports()), **settings})
    ended = subprocess.run(
        [sys.executable, "-m", "local"], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert word in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_ctrl_c_while_it_starts_ends_it_too(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "state.json", two_free_ports())
    assert stack.process.stdout is not None
    stack.process.stdout.readline()
    output = stack.end(signal.SIGINT)
    assert stack.process.returncode == 0, output
    assert "Traceback" not in output


def processes() -> dict[int, int]:
    """Every process with its parent."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    return {int(pid): int(parent) for pid, parent in (line.split() for line in listed.stdout.splitlines())}


def test_nothing_outlives_a_stack_that_is_killed(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "state.json", two_free_ports())
    stack.wait()
    children = {pid for pid, parent in processes().items() if parent == stack.process.pid}
    assert len(children) == 2
    stack.process.kill()
    stack.process.communicate(timeout=10)
    stack.until(lambda: not children & processes().keys())


def test_a_child_that_dies_ends_the_run_in_words(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "state.json", two_free_ports())
    stack.wait()
    child = next(pid for pid, parent in processes().items() if parent == stack.process.pid)
    os.kill(child, signal.SIGKILL)
    output, _ = stack.process.communicate(timeout=15)
    assert stack.process.returncode == 1
    assert "has ended by itself" in output
    assert "Traceback" not in output
