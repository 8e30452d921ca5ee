"""What EventBridge does for a schedule: it calls the function once a minute."""

from __future__ import annotations

import logging
import threading
import uuid
from datetime import UTC, datetime

from local.pump import Context, Function

EVERY_S = 60.0
_LOG = logging.getLogger("local.schedule")


def event(region: str) -> dict[str, object]:
    """The event that a schedule brings."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [f"arn:aws:events:{region}:000000000000:rule/local"],
        "detail": {},
    }


class Schedule:
    """Calls a function every `seconds`, one call after the other; what it raises is left to the next call."""

    def __init__(self, name: str, function: Function, *, region: str, seconds: float = EVERY_S) -> None:
        self._name = name
        self._function = function
        self._region = region
        self._seconds = seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"schedule-{name}", daemon=True)

    def start(self) -> None:
        """Calls for the first time after one interval."""
        self._thread.start()

    def stop(self, seconds: float = 3) -> None:
        """Calls no more, and waits up to `seconds` for a call under way."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _work(self) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                self._function(event(self._region), Context(self._name, self._region))
            except Exception as error:  # as in Lambda, the next call is made all the same
                _LOG.warning("%s failed: %s", self._name, type(error).__name__)
