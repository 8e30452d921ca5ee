"""Every error that this project raises on purpose, in one tree.

They are plain exceptions: nothing here knows of HTTP or AWS. `routes` maps them to status codes once; their text
tells a person what to do and never holds a secret or the words of a message.

    HitlError
    ├── Misconfigured            a setting is missing or unreadable
    ├── BadRequest               what the caller sent cannot be used; `faults` names each fault
    ├── Unauthenticated          no token, or not one of ours
    ├── Forbidden                a wrong verify token or signature
    ├── NotFound                 no such conversation or message
    ├── Conflict                 true elsewhere by now: the caller must look again
    │   └── Refused              we do not let this be said, and why
    ├── TooLarge                 over a stated limit
    ├── Unavailable              AWS did not answer; the same request may succeed later
    ├── LostRace                 a conditional write found another state than was read (never leaves the use cases)
    ├── Unstorable               the store refuses the value itself; a retry cannot help
    ├── BotFailed                the bot took an event badly; `retry` says whether to try again
    └── GraphError               Meta refused a call
        ├── WindowClosed         outside the messaging window
        ├── PersonUnavailable    the person blocked the Page or cannot be reached
        ├── NoSuchUser           no person with this id
        ├── NotThreadOwner       another app owns the thread
        ├── TokenInvalid         the Page's access token does not work any more
        ├── PermissionMissing    the app lacks a permission
        ├── ProfileUnavailable   the person's profile may not be read
        ├── RateLimited          too many calls; back off
        ├── Transient            Meta's own trouble; a limited retry may help
        └── Unconfirmed          no clear answer: the call may or may not have taken effect
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from typing import Any


class HitlError(Exception):
    """Any error of this project; `code` is its stable name in answers and logs."""

    code = "error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Misconfigured(HitlError):
    """A setting is missing or cannot be read; the text names it and shows the form it should have."""

    code = "misconfigured"


class BadRequest(HitlError):
    """What the caller sent cannot be used. `faults` holds one sentence for each fault found."""

    code = "bad_request"

    def __init__(self, message: str, faults: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.faults = tuple(faults)


class Unauthenticated(HitlError):
    """The call carries no token, or none that we know."""

    code = "unauthenticated"


class Forbidden(HitlError):
    """The verify token or the signature is wrong."""

    code = "forbidden"


class NotFound(HitlError):
    """There is no such thing under that id; asking never creates it."""

    code = "not_found"


class Conflict(HitlError):
    """The request was fine but the state is another one by now. `code` may be made more precise."""

    code = "conflict"

    def __init__(self, message: str, code: str = "conflict") -> None:
        super().__init__(message)
        self.code = code


class Refused(Conflict):
    """Not admitted: Meta was never asked. `can_retry`: the same may be admitted later."""

    def __init__(self, message: str, code: str, *, can_retry: bool) -> None:
        super().__init__(message, code)
        self.can_retry = can_retry


class TooLarge(HitlError):
    """Over a stated limit; the text names it."""

    code = "too_large"


class Unavailable(HitlError):
    """DynamoDB, SQS or another part did not answer; nothing is wrong with the request and a retry may succeed."""

    code = "unavailable"


class LostRace(HitlError):
    """A conditional write found another state than the one that was read: read again and decide again."""

    code = "lost_race"


class Unstorable(HitlError):
    """The store refuses the value itself, however often it is tried."""

    code = "unstorable"


class BotFailed(HitlError):
    """The bot did not take an event. `retry`: a later try may succeed (timeout, 429, 5xx)."""

    code = "bot_failed"

    def __init__(self, message: str, *, retry: bool) -> None:
        super().__init__(message)
        self.retry = retry


class GraphError(HitlError):
    """Meta refused a call, or did not answer it.

    `graph_code` and `subcode` are Meta's numbers, None where there was no answer. `can_retry`: the same call, made
    again later by a person, may succeed. `said` is Meta's own error object without any secret of ours, for a bot that
    made the call itself, and `status` the HTTP status that came with it.
    """

    code = "graph_error"
    can_retry = False
    said: Mapping[str, Any] | None = None
    status: int | None = None

    def __init__(self, message: str, graph_code: int | None = None, subcode: int | None = None) -> None:
        super().__init__(message)
        self.graph_code = graph_code
        self.subcode = subcode


class WindowClosed(GraphError):
    """Outside the time in which Meta lets a Page write to this person."""

    code = "window_closed"


class PersonUnavailable(GraphError):
    """The person blocked the Page, left Messenger or cannot be reached."""

    code = "person_unavailable"


class NoSuchUser(GraphError):
    """Meta knows no person with this id for this Page."""

    code = "no_such_user"


class NotThreadOwner(GraphError):
    """Another app owns the thread."""

    code = "not_thread_owner"


class TokenInvalid(GraphError):
    """The Page's access token has expired or was revoked."""

    code = "token_invalid"


class PermissionMissing(GraphError):
    """The app lacks a permission that this call needs."""

    code = "permission_missing"


class ProfileUnavailable(GraphError):
    """The person's profile may not be read."""

    code = "profile_unavailable"


class RateLimited(GraphError):
    """Too many calls for this Page."""

    code = "rate_limited"
    can_retry = True


class Transient(GraphError):
    """Meta's own trouble, said clearly: the call took no effect."""

    code = "transient"
    can_retry = True


class Unconfirmed(GraphError):
    """No clear answer came, so the call may have taken effect. Only a person may make it again."""

    code = "unconfirmed"
    can_retry = True


def describe(error: BaseException) -> str:
    """An error for the log: our own by their text, others by type and place only, since their text may quote a user."""
    if isinstance(error, HitlError):
        return f"{type(error).__name__}: {error.message}"
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} at " + " > ".join(f"{frame.name}:{frame.lineno}" for frame in frames)
