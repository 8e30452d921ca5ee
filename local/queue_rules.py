"""What SQS refuses, in its own words and codes."""

from __future__ import annotations

import hashlib
import re

MAXIMUM_BYTES = 1_048_576
"""The largest body that SQS takes."""
LONGEST_VISIBILITY_S = 43_200
_ID = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class QueueError(Exception):
    """A request that SQS would refuse. `code` is the code that AWS answers with."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def md5(body: str) -> str:
    """The checksum by which SDKs check a body on its way."""
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


def check_id(name: str, value: str) -> None:
    """Refuses a group or deduplication id that SQS refuses."""
    if not value:
        raise QueueError("MissingParameter", f"The request must contain the parameter {name}.")
    if _ID.fullmatch(value) is None:
        reason = f"{name} can only include alphanumeric and punctuation characters. 1 to 128 in length."
        raise invalid(value, name, reason)


def check_body(body: str, maximum: int) -> None:
    """Refuses a body that is empty, too large, or holds a character outside those that SQS takes.

    AWS's pages disagree on such characters (refused, or replaced by U+FFFD); the refusal is the one that is noticed.
    """
    if not body:
        raise QueueError("MissingParameter", "The request must contain the parameter MessageBody.")
    if _FORBIDDEN.search(body):
        allowed = "#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
        raise QueueError("InvalidMessageContents", f"Invalid characters found. Valid unicode characters are {allowed}")
    if len(body.encode()) > maximum:
        reason = f"One or more parameters are invalid. Reason: Message must be shorter than {maximum + 1} bytes."
        raise QueueError("InvalidParameterValue", reason)


def check_visibility(seconds: int) -> int:
    """Refuses a time that SQS does not hide a message for."""
    if not 0 <= seconds <= LONGEST_VISIBILITY_S:
        reason = f"Must be between 0 and {LONGEST_VISIBILITY_S}, if provided."
        raise invalid(seconds, "VisibilityTimeout", reason)
    return seconds


def invalid(value: object, name: str, reason: str) -> QueueError:
    """SQS's words for a parameter that it refuses."""
    return QueueError("InvalidParameterValue", f"Value {value} for parameter {name} is invalid. Reason: {reason}")
