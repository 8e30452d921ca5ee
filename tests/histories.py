"""Prints what the API says of webhook bodies, for the dashboard's tests: a line of JSON for each body.

`python -m tests.histories` reads the project's payload files and, where it is there, the collection of other projects'
bodies beside the repository.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chalicelib.errors import HitlError
from chalicelib.events import Watermark
from chalicelib.routes.shapes import message
from chalicelib.webhook import parse

ROOT = Path(__file__).parent.parent
PAYLOADS = ROOT / "tests" / "payloads"
FOREIGN = ROOT.parent / "shared" / "messenger-events.jsonl"
NOW = 1_790_000_060_000


def bodies() -> Iterator[tuple[str, bytes]]:
    """Every body with a name for it."""
    for path in sorted(PAYLOADS.glob("*.json")):
        yield path.stem, path.read_bytes()
    if FOREIGN.exists():
        for number, line in enumerate(FOREIGN.read_text(encoding="utf-8").splitlines(), start=1):
            entry = json.loads(line)
            yield f"{number} {entry['kind']}", json.dumps(entry["body"]).encode()


def history(body: bytes) -> list[dict[str, Any]]:
    """The messages that a body becomes, as `routes` answers them; none of a body that is refused."""
    try:
        events = parse(body, NOW).events
    except HitlError:
        return []
    return [message(event.row(NOW), NOW, None) for event in events if not isinstance(event, Watermark)]


if __name__ == "__main__":
    for name, body in bodies():
        sys.stdout.write(json.dumps({"name": name, "messages": history(body)}) + "\n")
