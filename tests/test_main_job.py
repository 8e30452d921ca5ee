"""The main job on real input: recorded webhook bodies through the whole stack, with a bot that counts.

On DynamoDB Local. Every body gets the answer that the rules name, every event is in its conversation's history exactly
once, and the bot is handed each user event once; then again three times, shuffled and with eight in flight.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import replay
from tests.loopback import Loopback, says
from tests.stack import ROOT, Stack, two_free_ports

RECORDED = ROOT.parent / "shared" / "messenger-events.jsonl"
OWN = ROOT / "tests" / "payloads"


@pytest.fixture(scope="module")
def bot() -> Iterator[Loopback]:
    with Loopback(says(200)) as server:
        yield server


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, dynamodb_local_url: str, bot: Loopback) -> Iterator[Stack]:
    state = tmp_path_factory.mktemp("main-job") / "state.json"
    settings = {"HITL_DYNAMODB_ENDPOINT": dynamodb_local_url, "HITL_BOT": bot.url + "/webhook", "HITL_NAME": "main-job"}
    running = Stack(state, two_free_ports(), **settings)
    try:
        running.wait()
        yield running
    finally:
        running.end()


def own(folder: Path) -> Path:
    """The project's own payloads as one recording."""
    bodies = [json.loads(path.read_text("utf-8")) for path in sorted(OWN.glob("*.json"))]
    recording = folder / "own.jsonl"
    recording.write_text("\n".join(map(json.dumps, bodies)), "utf-8")
    return recording


@pytest.mark.parametrize("recording", ["own", "recorded"])
def test_every_body_is_answered_logged_once_and_handed_over_once(
    recording: str,
    stack: Stack,
    bot: Loopback,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if recording == "recorded" and not RECORDED.exists() and not os.environ.get("CI"):
        pytest.skip(f"{RECORDED} is not on this machine")
    file = RECORDED if recording == "recorded" else own(tmp_path)
    monkeypatch.setenv("HITL_STATE_FILE", str(stack.state_file))
    bot.asked.clear()
    assert replay.main([str(file)]) == 0, capsys.readouterr().out
    heard = Counter((asked.headers["X-HITL-Conversation"], asked.headers["X-HITL-Message"]) for asked in bot.asked)
    assert heard
    assert set(heard.values()) == {1}
    assert replay.main([str(file), "--times", "3", "--shuffle", "7", "--in-flight", "8"]) == 0, capsys.readouterr().out
    assert len(bot.asked) == heard.total()
