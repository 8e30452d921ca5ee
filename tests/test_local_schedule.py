"""The schedule does what EventBridge does."""

from __future__ import annotations

import threading
from typing import Any

import app
from chalicelib import system
from local.schedule import Schedule, event
from tests.service import SESSION, Service


def test_it_calls_again_and_again_whatever_the_function_raises_until_it_is_stopped() -> None:
    calls: list[tuple[Any, Any]] = []
    enough = threading.Event()

    def function(event: object, context: object) -> None:
        calls.append((event, context))
        if len(calls) == 3:
            enough.set()
        raise RuntimeError

    schedule = Schedule("look_after", function, region="us-east-1", seconds=0.01)
    schedule.start()
    assert enough.wait(5)
    schedule.stop()
    after = len(calls)
    assert not threading.Event().wait(0.05)
    assert len(calls) == after
    assert calls[0][0]["detail-type"] == "Scheduled Event"
    assert calls[0][1].function_name == "look_after"


def test_one_that_has_not_started_can_be_stopped() -> None:
    Schedule("look_after", lambda event, context: None, region="us-east-1").stop()


def test_the_handler_takes_its_event() -> None:
    service = Service()
    service.receive(service.said("m1"))
    service.post(f"{SESSION}/pause", {"minutes": 1})
    service.clock.tick(60_000)
    system.install(service.system)
    app.look_after(event("us-east-1"), None)
    assert service.get(SESSION).json["epoch"] == 2
