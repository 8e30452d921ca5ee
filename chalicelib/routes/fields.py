"""The fields of what came in, checked: every fault is named, not only the first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.errors import BadRequest

MAX_URL = 2000
_URL = re.compile(r"https?://[^\s/?#]+\S*")


class Fields:
    """Reads the fields of a JSON object and collects what is wrong with them.

    `name` is how faults call the object itself, `""` for the body.
    """

    def __init__(self, content: Mapping[str, Any], known: tuple[str, ...], name: str = "") -> None:
        self._content = content
        self._prefix = f"{name}." if name else ""
        self.faults = [f"{self._prefix}{field[:50]} is not a field here" for field in content if field not in known]

    def fault(self, field: str, text: str) -> None:
        """Note what is wrong with a field."""
        self.faults.append(f"{self._prefix}{field} {text}")

    def text(self, field: str, limit: int, *, required: bool = False) -> str | None:
        """A text of 1 to `limit` characters; None where it is missing or null."""
        value = self._content.get(field)
        if value is None:
            if required:
                self.fault(field, "is missing")
            return None
        if not isinstance(value, str) or not value.strip():
            self.fault(field, "must be a text that is not empty")
        elif len(value) > limit:
            self.fault(field, f"has {len(value)} characters; {limit} are allowed")
        elif not _encodable(value):
            self.fault(field, "holds half of a surrogate pair")
        else:
            return value
        return None

    def word(self, field: str, words: tuple[str, ...]) -> str | None:
        """One of a few words, which may not be missing."""
        value = self.text(field, 100, required=True)
        if value is not None and value not in words:
            self.fault(field, f"must be one of {', '.join(words)}")
        return value

    def url(self, field: str, *, required: bool = False) -> str | None:
        """An address on the web."""
        value = self.text(field, MAX_URL, required=required)
        if value is not None and not _URL.fullmatch(value):
            self.fault(field, "must be an address that begins with https://")
        return value

    def number(self, field: str, low: int, high: int) -> int | None:
        """A whole number within limits; None where it is missing or null."""
        value = self._content.get(field)
        if value is None:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # as JSON they are the same number
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.fault(field, f"must be a whole number from {low} to {high}")
            return None
        return value

    def truth(self, field: str, *, required: bool = False) -> bool:
        """True or false; false where it is missing."""
        value = self._content.get(field)
        if value is None and not required:
            return False
        if not isinstance(value, bool):
            self.fault(field, "must be true or false")
        return value is True

    def object(self, field: str) -> Mapping[str, Any] | None:
        """A JSON object; None where it is missing or null."""
        value = self._content.get(field)
        if value is not None and not isinstance(value, dict):
            self.fault(field, "must be an object")
            return None
        return value

    def objects(self, field: str, limit: int) -> tuple[Mapping[str, Any], ...]:
        """A list of at most `limit` JSON objects; empty where it is missing or null."""
        value = self._content.get(field)
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > limit or not all(isinstance(item, dict) for item in value):
            self.fault(field, f"must be a list of at most {limit} objects")
            return ()
        return tuple(value)

    def check(self) -> None:
        """BadRequest with every fault found so far."""
        check(self.faults)


def check(faults: list[str]) -> None:
    """BadRequest where there are faults."""
    if faults:
        raise BadRequest(f"The request cannot be used: {'; '.join(faults)}.", faults)


def moment(text: str | None, faults: list[str], name: str = "since") -> int | None:
    """Milliseconds from an RFC 3339 time; None where there is none."""
    if not text:
        return None
    try:
        parsed = datetime.fromisoformat(text)
        if parsed.tzinfo is None:
            raise ValueError(text)
        at = round(parsed.timestamp() * 1000)
    except ValueError:
        at = -1
    if not 0 <= at < 10**13:
        faults.append(f"{name} must be a time like 2026-01-31T12:00:00.000Z")
        return None
    return at


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
