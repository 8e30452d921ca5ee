"""The typed events that Meta's webhook brings, and the row of the log that each becomes. Pure.

Shapes and their traps: https://developers.facebook.com/docs/messenger-platform/reference/webhook-events

There are many classes, each of which a cold start pays for. So they are no dataclasses, which compile a constructor for
each: they share one, and type checkers read their fields as a dataclass's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, ClassVar, dataclass_transform

from chalicelib.message import INBOX_APP_ID, OWN_METADATA, Actor, Address, AuthorType, Message

INBOX_APP_IDS = frozenset({INBOX_APP_ID, "1217981644879628"})
"""The Page inbox on Facebook and on Instagram."""

_OWN_ROW = re.compile(re.escape(OWN_METADATA) + r"(s:[A-Za-z0-9_-]{1,128})")


@dataclass_transform(kw_only_default=True)
class _Record:
    """Made of its fields, by their names."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__ |= fields


class Event(_Record):
    """What all events have.

    `sent_at` is in ms and clamped. `from_page`: our own Page is the sender. `raw` is the JSON text as it came, `digest`
    the hash of all of it, and `cut` says that something of it was cut or hashed, in `raw` or in what readers see.
    """

    kind: ClassVar[str] = "unknown"
    author: ClassVar[AuthorType] = "user"
    mailed: ClassVar[bool] = True
    """Whether it is for the bot."""

    address: Address
    sent_at: int
    standby: bool = False
    from_page: bool = False
    raw: str
    digest: str
    cut: bool = False

    @property
    def row_id(self) -> str:
        """The id of its row: by the hash of the whole event, unless Meta gave the message an id of its own."""
        return f"e:{self.digest}"

    def row(self, now: int) -> Message:
        """The row of the log that this event becomes when it is received at `now`.

        What our own Page did is not the user's and not for the bot, which would answer itself.
        """
        author = self._author()
        details = {key: value for key, value in self._details().items() if value is not None}
        return Message(
            conversation_id=self.address.conversation_id,
            id=self.row_id,
            author=author,
            by=self._by(author),
            kind=self._kind(),
            text=self._text(),
            attachments=self._attachments(),
            details=details or None,
            sent_at=self.sent_at,
            received_at=now,
            raw=self.raw,
            cut=self.cut,
            standby=self.standby,
            state="received" if self.mailed and not self.standby and not self.from_page else None,
        )

    def _author(self) -> AuthorType:
        return "system" if self.from_page else self.author

    def _by(self, author: AuthorType) -> Actor | None:
        return Actor("user", self.address.user_id, "") if author == "user" else None

    def _kind(self) -> str:
        return self.kind

    def _text(self) -> str | None:
        return None

    def _attachments(self) -> tuple[Mapping[str, Any], ...]:
        return ()

    def _details(self) -> dict[str, Any]:
        return {}


class _Said(Event):
    mid: str | None = None
    text: str | None = None
    attachments: tuple[Mapping[str, Any], ...] = ()

    @property
    def row_id(self) -> str:
        """`m:<mid>`, so that a repeat with another timestamp is still a repeat."""
        return f"e:{self.digest}" if self.mid is None else f"m:{self.mid}"

    def _kind(self) -> str:
        return "attachment" if self.attachments else "text" if self.text is not None else "unsupported"

    def _text(self) -> str | None:
        return self.text

    def _attachments(self) -> tuple[Mapping[str, Any], ...]:
        return self.attachments


class UserMessage(_Said):
    """What the user wrote or sent: text, attachments, a quick reply; sometimes neither."""

    quick_reply: str | None = None
    reply_to: str | None = None

    def _details(self) -> dict[str, Any]:
        return {"payload": self.quick_reply, "reply_to": self.reply_to}


class Postback(_Said):
    """A tap on a button. `payload` is missing in `standby`, `mid` in older events."""

    payload: str | None = None
    title: str | None = None

    def _kind(self) -> str:
        return "postback"

    def _text(self) -> str | None:
        return self.title

    def _details(self) -> dict[str, Any]:
        return {"payload": self.payload, "title": self.title}


class Echo(_Said):
    """What our Page said: by us, by another app, or by a person in the Page inbox."""

    mailed: ClassVar[bool] = False
    app_id: str | None = None
    metadata: str | None = None
    takeover: bool = False
    """Whether people write in the app that sent it, as a setting says of apps beside the Page inbox."""

    @property
    def own_row_id(self) -> str | None:
        """The id of our own row that this is the echo of, where its metadata says so and it can be one of ours."""
        match = _OWN_ROW.fullmatch(self.metadata or "")
        return None if match is None else match[1]

    @property
    def by_inbox(self) -> bool:
        """Whether a person typed it in the Page inbox or in an app like it.

        Its app id says so, or there is none on Messenger. On Instagram our own echoes have none either.
        """
        if self.takeover or self.app_id in INBOX_APP_IDS:
            return True
        return not self.app_id and self.address.platform == "messenger" and self.own_row_id is None

    def row(self, now: int) -> Message:
        """Its author is the inbox or, where the sender is another app or unknown, the bot."""
        row = super().row(now)
        return row._replace(state="sent", mid=self.mid)

    def _author(self) -> AuthorType:
        return "page_inbox" if self.by_inbox else "bot"

    def _by(self, author: AuthorType) -> Actor:
        return Actor(author, self.app_id or "", "Page inbox" if self.by_inbox else "")


class Deletion(Event):
    """Somebody took a message back; `mid` is that message's. Instagram sends it as a message with the same mid."""

    kind: ClassVar[str] = "deleted"
    mid: str | None

    @property
    def row_id(self) -> str:
        """By the message that is gone, which `m:<mid>` is taken by: so that a repeat with another timestamp is one."""
        if self.mid is None:
            return f"e:{self.digest}"
        return f"e:{hashlib.sha256(f'deleted {self.mid}'.encode()).hexdigest()[:40]}"

    def _details(self) -> dict[str, Any]:
        return {"target": self.mid}


class Edit(Event):
    """The user changed a message; `mid` is the message's, `number` how often it was edited."""

    kind: ClassVar[str] = "edit"
    mid: str | None
    text: str | None
    number: int | None

    def _text(self) -> str | None:
        return self.text

    def _details(self) -> dict[str, Any]:
        return {"target": self.mid, "number": self.number}


class Reaction(Event):
    """The user reacted to a message, or took that back; `mid` is the message's."""

    kind: ClassVar[str] = "reaction"
    mid: str | None
    action: str | None
    emoji: str | None

    def _text(self) -> str | None:
        return self.emoji

    def _details(self) -> dict[str, Any]:
        return {"target": self.mid, "action": self.action, "emoji": self.emoji}


class Watermark(Event):
    """Everything that the Page sent up to `until` was delivered, or read."""

    mailed: ClassVar[bool] = False
    until: int


class Delivery(Watermark):
    """Delivered to the user's device."""

    kind: ClassVar[str] = "delivery"


class Read(Watermark):
    """Read by the user. Instagram names a message instead of a time; the event's own time stands for it."""

    kind: ClassVar[str] = "read"


class Referral(Event):
    """The user came in by a link or an ad."""

    kind: ClassVar[str] = "referral"
    ref: str | None
    source: str | None

    def _details(self) -> dict[str, Any]:
        return {"ref": self.ref, "source": self.source}


class Optin(Event):
    """The user agreed to be written to."""

    kind: ClassVar[str] = "optin"
    ref: str | None

    def _details(self) -> dict[str, Any]:
        return {"ref": self.ref}


class AccountLinking(Event):
    """The user linked or unlinked an account."""

    kind: ClassVar[str] = "account_linking"
    status: str | None

    def _details(self) -> dict[str, Any]:
        return {"status": self.status}


class Policy(Event):
    """Meta warned, blocked or unblocked the Page."""

    kind: ClassVar[str] = "policy"
    author: ClassVar[AuthorType] = "system"
    mailed: ClassVar[bool] = False
    action: str | None
    reason: str | None

    def _text(self) -> str | None:
        return self.reason

    def _details(self) -> dict[str, Any]:
        return {"action": self.action}


class Handover(Event):
    """Meta's own thread control moved between apps."""

    kind: ClassVar[str] = "handover"
    author: ClassVar[AuthorType] = "system"
    mailed: ClassVar[bool] = False
    action: str
    metadata: str | None

    def _details(self) -> dict[str, Any]:
        return {"action": self.action, "metadata": self.metadata}


class Unknown(Event):
    """Anything else, kept raw; `name` is the field that gives it its kind."""

    name: str

    def _details(self) -> dict[str, Any]:
        return {"event": self.name}
