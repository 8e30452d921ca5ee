"""What is said: the rows of a conversation's log, where and by whom. Pure: no I/O, and the clock is always passed in.

All times are milliseconds since the epoch. `sent_at` is Meta's word for when something was said and orders the log;
`received_at` and `attempted_at` are ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from chalicelib.errors import BadRequest

AuthorType = Literal["user", "bot", "operator", "page_inbox", "system"]
State = Literal["received", "delivered", "held", "queued", "sent", "read", "failed", "refused", "unconfirmed"]

UNREAD_KINDS = frozenset({"text", "attachment", "postback", "unsupported"})
"""What a user does that a person should look at; reactions, edits, referrals and the like are only logged."""

INBOX_APP_ID = "263902037430900"
"""The Page inbox on Facebook, as Meta names it."""
OWN_METADATA = "hitl:"
"""What our sends carry as `metadata`, before the row's id: by it we know their echoes."""
QUIET_KINDS = frozenset({"handover", "policy"})
"""Logged without moving the conversation in any list."""

PREVIEW_LENGTH = 200
SEND_TIMEOUT = 60_000
"""After so many milliseconds a row that is still queued has outlived the function that was sending it."""

_ID = r"(?:[A-Za-z0-9_-]{1,128}|~[0-9a-f]{32})"
_CONVERSATION_ID = re.compile(rf"(messenger|instagram):({_ID}):({_ID})")
_BARE_USER_ID = re.compile(_ID)


class Address(NamedTuple):
    """Where a conversation takes place: the platform, our Page, and the user as that Page knows them."""

    platform: str
    page_id: str
    user_id: str

    @property
    def conversation_id(self) -> str:
        """`<platform>:<page id>:<user id>`."""
        return f"{self.platform}:{self.page_id}:{self.user_id}"

    @property
    def page(self) -> str:
        """`<platform>:<page id>`."""
        return f"{self.platform}:{self.page_id}"

    @classmethod
    def parse(cls, conversation_id: str) -> Address:
        """Read a full conversation id; BadRequest where it is none."""
        match = _CONVERSATION_ID.fullmatch(conversation_id)
        if match is None:
            raise BadRequest("This is not a conversation id. Write it as messenger:<page id>:<user id>.")
        return cls(match[1], match[2], match[3])

    @staticmethod
    def is_user_id(text: str) -> bool:
        """Whether this could be a user id standing alone."""
        return _BARE_USER_ID.fullmatch(text) is not None


class Actor(NamedTuple):
    """Who did something: a user, the bot, an operator, the Page inbox, or the system itself."""

    type: AuthorType
    id: str
    name: str


class Failure(NamedTuple):
    """Why a send did not go out: a stable code, a sentence for the operator, and whether sending again can help."""

    code: str
    message: str
    can_retry: bool


class Message(NamedTuple):
    """One row of a conversation's log.

    `raw` is the JSON text of what Meta sent (one item of `messaging`), or of what we send. `details` holds what the
    row's kind brings, ready for an answer in JSON. `state` is None where nothing is to happen to the row any more.
    `caused` is the epoch that this row's pause or resume led to: its effect is never repeated. `correlation_id` is that
    of the webhook's request by which the row came.
    """

    conversation_id: str
    id: str
    author: AuthorType
    kind: str
    sent_at: int
    received_at: int
    by: Actor | None = None
    text: str | None = None
    attachments: tuple[Mapping[str, Any], ...] = ()
    details: Mapping[str, Any] | None = None
    raw: str | None = None
    cut: bool = False
    standby: bool = False
    state: State | None = None
    held_under: int | None = None
    caused: int | None = None
    attempt: int = 0
    attempted_at: int | None = None
    mid: str | None = None
    failure: Failure | None = None
    correlation_id: str | None = None

    @property
    def order(self) -> str:
        """The key that orders the log: thirteen digits of `sent_at`, then the id."""
        return f"{self.sent_at:013d}#{self.id}"

    @property
    def is_new(self) -> bool:
        """A user's event that is neither with the bot nor held."""
        return self.state == "received"

    @property
    def given_at(self) -> int:
        """When it was received or, of what we send, last tried; of what the inbox has said, when that was.

        Its echo may come late, and answers nothing that the user has said meanwhile.
        """
        if self.author == "page_inbox":
            return self.sent_at
        return max(self.received_at, self.attempted_at or 0)

    @property
    def by_person(self) -> bool:
        """Whether a person on our side said it."""
        return self.author in ("operator", "page_inbox")

    @property
    def wants_person(self) -> bool:
        """Whether it makes the conversation unread, and waiting where it is paused."""
        return self.author == "user" and self.kind in UNREAD_KINDS

    @property
    def is_answer(self) -> bool:
        """Whether a person has thereby answered the user."""
        return self.author == "page_inbox" or (self.author == "operator" and self.state == "sent")

    def state_for_readers(self, now: int, delivered_at: int | None = None, read_at: int | None = None) -> State | None:
        """The state as readers see it: watermarks applied, and a send that outlived its function is unconfirmed."""
        if self.state == "queued" and now - (self.attempted_at or self.received_at) > SEND_TIMEOUT:
            return "unconfirmed"
        if self.state == "sent":
            last_tried_at = max(self.sent_at, self.attempted_at or 0)
            if read_at is not None and last_tried_at <= read_at:
                return "read"
            if delivered_at is not None and last_tried_at <= delivered_at:
                return "delivered"
        return self.state


class LastMessage(NamedTuple):
    """The newest row of the log, as lists show it. `order` is the row's key."""

    order: str
    author: AuthorType
    by: Actor | None
    text: str
    sent_at: int

    @property
    def id(self) -> str:
        """The row's id."""
        return self.order.partition("#")[2]


def held_key(epoch: int, order: str = "") -> str:
    """The key that orders what is held: ten digits of the epoch it is held under, then the log's order."""
    return f"{epoch:010d}#{order}"


def release_of(payload: str | None, release: str) -> tuple[bool, int | None]:
    """Whether a postback's payload is the user's wish to have the bot back, and the epoch that it names."""
    word, _, epoch = (payload or "").partition(":")
    if word != release or (epoch and not re.fullmatch(r"[0-9]{1,10}", epoch)):
        return False, None
    return True, int(epoch) if epoch else None


def preview(row: Message) -> LastMessage:
    """What a list shows of a row: its text, cut at 200 characters, or its kind in brackets."""
    if row.text:
        text = row.text
    elif row.attachments:
        text = f"[{row.attachments[0].get('type') or 'attachment'}]"
    else:
        text = f"[{row.kind}]"
    return LastMessage(row.order, row.author, row.by, text[:PREVIEW_LENGTH], row.sent_at)
