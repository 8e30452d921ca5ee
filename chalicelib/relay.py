"""A bot's own calls of the Graph API, made for it with the Page's token.

What a bot says is a row, is admitted like every send, and then is Meta's to answer; what it asks besides is passed on,
for its own Page and the users who have written to it only. Thread control becomes pause and resume.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chalicelib.admission import Admission
from chalicelib.errors import (
    BadRequest,
    GraphError,
    HitlError,
    Misconfigured,
    NotFound,
    Refused,
    Unconfirmed,
    describe,
)
from chalicelib.handoff import Handoff
from chalicelib.message import Actor, Address
from chalicelib.messenger import Outgoing
from chalicelib.refusals import ADVICE
from chalicelib.replies import Replies

if TYPE_CHECKING:
    from chalicelib.ports import Clock, MessengerPort, StorePort, TelemetryPort

logger = logging.getLogger(__name__)
Fields = Mapping[str, Any]

EDGES = {
    "messenger_profile": ("GET", "POST", "DELETE"),
    "message_attachments": ("POST",),
    "personas": ("GET", "POST"),
}
"""The edges of a Page that are passed on, and by which methods."""
CONTROLS = ("pass_thread_control", "take_thread_control")
SUPPORTED = (
    "Supported are, below me or the Page's id: POST messages, pass_thread_control, take_thread_control, "
    "message_attachments; GET and POST personas; GET, POST and DELETE messenger_profile; and GET of me and of a user."
)
PAGE_FIELDS = frozenset({"id", "name"})
"""What a bot may see of its Page: `access_token` is a field of it, too."""
ACTION_FIELDS = frozenset({"recipient", "sender_action", "persona_id", "payload", "platform"})
"""What of a sender action is passed on: it is neither logged nor admitted, so nothing beside it may say something."""
MAX_REASON = 500

_NAMES = re.compile(r"[a-z_]{1,50}(?:,[a-z_]{1,50})*")
_SECRET = "access_token"  # noqa: S105 the name of a field
_PARAMETERS = frozenset({"fields", "limit", "after", "before", "platform"})
_RESERVED = frozenset({"method", "batch", "ids", "callback", "suppress_http_code", "include_headers"})
"""What would make another call, or several, of a call."""
_NO_CONVERSATION = "(#100) No matching user found: a conversation begins with the user's first message."


class Relay:
    """Makes a bot's calls."""

    def __init__(
        self,
        store: StorePort,
        messenger: MessengerPort,
        admission: Admission,
        handoff: Handoff,
        telemetry: TelemetryPort,
        clock: Clock,
    ) -> None:
        self._store = store
        self._messenger = messenger
        self._admission = admission
        self._handoff = handoff
        self._telemetry = telemetry
        self._clock = clock

    def call(self, page: Address, method: str, node: str, edge: str | None, fields: Fields, by: Actor) -> Any:
        """Meta's answer to a call that is passed on; BadRequest where it is none that a bot may make."""
        _check(method, fields)
        if node not in ("me", page.page_id):
            return self._user(page, method, node, edge, fields)
        if edge is None and method == "GET":
            return self._messenger.pass_on(page, "GET", None, _query(fields, PAGE_FIELDS), None)
        if edge in CONTROLS and method == "POST":
            return self._control(_recipient(page, fields), str(edge), fields, by)
        if edge is None or method not in EDGES.get(edge, ()):
            raise unsupported(method)
        if method == "GET":
            return self._messenger.pass_on(page, "GET", edge, _query(fields), None)
        return self._messenger.pass_on(page, method, edge, {}, fields)

    def say(self, page: Address, fields: Fields, by: Actor, epoch: int | None) -> Any:
        """Meta's answer to what a bot says; Refused where it may not speak now.

        Each call is a send of its own, as at Meta. A sender action is not logged, and while the bot may not speak it is
        answered as if it had been shown.
        """
        _check("POST", fields)
        at = _recipient(page, fields)
        envelope = {key: value for key, value in fields.items() if key != "message"}
        envelope["recipient"] = {"id": at.user_id}
        if fields.get("message") is None:
            return self._act(at, envelope)
        message = _verbatim(fields["message"])
        ear = _Ear(self._messenger, at, envelope)
        replies = Replies(self._store, ear, self._handoff, self._admission, self._telemetry, self._clock)
        try:
            row = replies.send(at.conversation_id, secrets.token_hex(16), message, by, epoch=epoch)
        except HitlError as error:
            if not ear.has_asked:
                raise
            # Meta has decided, and a bot that is told to try again would say it twice. The echo settles the row.
            logger.warning("What became of a bot's send was not written: %s", describe(error))
            return ear.heard()
        if row.state == "refused" and row.failure is not None:
            raise Refused(row.failure.message, row.failure.code, can_retry=row.failure.can_retry)
        return ear.heard()

    def _act(self, at: Address, envelope: Fields) -> Any:
        if "sender_action" not in envelope:
            raise BadRequest("(#100) Give message or sender_action.")
        conversation, stop = self._store.conversation_and_stop(at.conversation_id)
        if conversation is None:
            raise NotFound(_NO_CONVERSATION)
        if stop.paused or conversation.pause_at(self._clock()) is not None:
            return {"recipient_id": at.user_id}
        action = {name: envelope[name] for name in ACTION_FIELDS & envelope.keys()}
        return self._messenger.pass_on(at, "POST", "messages", {}, action)

    def _control(self, at: Address, edge: str, fields: Fields, by: Actor) -> Any:
        if edge == "take_thread_control":
            self._handoff.resume(at.conversation_id, by)
        else:
            metadata = fields.get("metadata")
            reason = metadata[:MAX_REASON] if isinstance(metadata, str) and metadata.strip() else None
            self._handoff.pause(at.conversation_id, by, reason)
        return {"success": True}

    def _user(self, page: Address, method: str, node: str, edge: str | None, fields: Fields) -> Any:
        if edge is not None or method != "GET" or not Address.is_user_id(node):
            raise unsupported(method)
        at = Address(page.platform, page.page_id, node)
        if self._store.conversation(at.conversation_id) is None:
            raise NotFound(_NO_CONVERSATION)
        return self._messenger.pass_on(at, "GET", None, _query(fields), None)


class _Ear:
    """Messenger for one send of a bot's: says what the bot wrote, and keeps what Meta answered."""

    def __init__(self, messenger: MessengerPort, at: Address, envelope: Fields) -> None:
        self._messenger = messenger
        self._at = at
        self._envelope = envelope
        self._answer: Any = None
        self._error: GraphError | Misconfigured | None = None

    @property
    def has_asked(self) -> bool:
        """Whether Meta has been asked."""
        return self._answer is not None or self._error is not None

    def heard(self) -> Any:
        """Meta's answer, or raises its error."""
        if self._error is not None:
            raise self._error
        return self._answer

    def send(self, conversation_id: str, message: Outgoing, metadata: str, *, human_agent: bool = False) -> str:
        """As `Messenger.send`, once, in the bot's own words."""
        body = {**self._envelope, "message": {**message.to_graph(), "metadata": metadata}}
        try:
            self._answer = self._messenger.pass_on(self._at, "POST", "messages", {}, body)
            mid = self._answer.get("message_id")
            if not isinstance(mid, str) or not mid:
                raise Unconfirmed(ADVICE[Unconfirmed])
        except (GraphError, Misconfigured) as error:
            self._error = error
            raise
        return mid


def unsupported(method: str) -> BadRequest:
    """What a bot is told of a call that is not made for it."""
    return BadRequest(f"Unsupported {method.lower()} request. {SUPPORTED}")


def _check(method: str, fields: Fields) -> None:
    # Meta answers a POST with whatever `fields` of the new object it names.
    reserved = sorted((_RESERVED | {"fields"} if method == "POST" else _RESERVED) & fields.keys())
    if reserved:
        raise BadRequest(f"(#100) {', '.join(reserved)} cannot be used here. {SUPPORTED}")


def _recipient(page: Address, fields: Fields) -> Address:
    who = fields.get("recipient")
    user = who.get("id") if isinstance(who, Mapping) else None
    if not isinstance(user, str | int) or not Address.is_user_id(str(user)):
        raise BadRequest(
            "(#100) Param recipient must be an object with a user's id: no other tells who has the thread."
        )
    return Address(page.platform, page.page_id, str(user))


def _verbatim(message: Any) -> Outgoing:
    attachment = message.get("attachment") if isinstance(message, Mapping) else None
    if not isinstance(message, Mapping) or not isinstance(attachment, Mapping | None):
        raise BadRequest("(#100) Param message must be an object, and its attachment too.")
    payload = None if attachment is None else attachment.get("payload")
    text = message.get("text") if isinstance(message.get("text"), str) else None
    return Outgoing(text, template=payload if isinstance(payload, Mapping) else None, verbatim=message)


def _query(fields: Fields, allowed: frozenset[str] | None = None) -> dict[str, str]:
    """The parameters of a GET: names of plain fields, so that nothing is reached through them, and pages."""
    unknown = sorted(fields.keys() - _PARAMETERS)
    if unknown:
        raise BadRequest(f"(#100) These parameters are not passed on: {', '.join(unknown)[:200]}.")
    query = {name: str(value) for name, value in fields.items()}
    wanted = query.get("fields", "id,name" if allowed else "id")
    names = set(wanted.split(","))
    if not _NAMES.fullmatch(wanted) or _SECRET in names or (allowed is not None and not names <= allowed):
        raise BadRequest("(#100) Param fields must be names of plain fields, separated by commas.")
    return query | ({"fields": wanted} if allowed else {})
