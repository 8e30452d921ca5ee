"""What we send to a user: logged first, then admitted, then given to Meta, then settled by Meta's answer or its echo.

A row is found by the caller's own id, so that a repeated request never sends twice. Where nobody can know whether
Meta took it, the row is unconfirmed; an echo settles it, and only a person may send it again.
"""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from chalicelib.admission import Admission
from chalicelib.conversation import Conversation, Window, answered
from chalicelib.errors import (
    Conflict,
    GraphError,
    HitlError,
    LostRace,
    Misconfigured,
    NotFound,
    Refused,
    Unavailable,
    Unconfirmed,
)
from chalicelib.handoff import RACES, Handoff
from chalicelib.message import OWN_METADATA, SEND_TIMEOUT, Actor, Failure, Message, State, preview
from chalicelib.messenger import Outgoing

if TYPE_CHECKING:
    from chalicelib.ports import Clock, SendPort, StorePort, TelemetryPort

logger = logging.getLogger(__name__)

RETRIABLE = ("failed", "refused")
"""What anybody may send again; a person also what is unconfirmed."""

AGAIN = "-again"
"""What a bot's client id ends in where it says in other words what never went out."""


class Replies:
    """Sends, by operators and by bots, and what becomes of them."""

    def __init__(
        self,
        store: StorePort,
        messenger: SendPort,
        handoff: Handoff,
        admission: Admission,
        telemetry: TelemetryPort,
        clock: Clock,
    ) -> None:
        self._store = store
        self._messenger = messenger
        self._handoff = handoff
        self._admission = admission
        self._telemetry = telemetry
        self._clock = clock

    def send(
        self,
        conversation_id: str,
        client_id: str,
        message: Outgoing,
        by: Actor,
        *,
        epoch: int | None = None,
        seen_id: str | None = None,
        retry: bool = False,
    ) -> Message:
        """Send once, whatever is repeated: the row as it is after Meta's answer, or as an earlier call left it.

        The row's state is `sent`, `failed`, `unconfirmed`, or `refused` where it was not admitted and Meta not asked;
        `failure` says why. A bot's send is held to the `epoch` that it carries. An operator's is refused where another
        person has spoken after the row `seen_id`. With `retry`, a row that failed, was refused or, for a person, is
        unconfirmed is admitted and sent again. Conflict where the client id stands for another message, or where the
        row is still being sent.
        """
        if self._store.conversation(conversation_id) is None:
            raise NotFound("There is no such conversation. It begins with the user's first message.")
        if seen_id is not None and self._store.row(conversation_id, seen_id) is None:
            raise NotFound("There is no message with this seen_id in the conversation.")
        row = self._row(conversation_id, client_id, message, by)
        existing = self._store.append(row)
        may_be_out = False
        if existing is not None:
            if existing.raw != row.raw:
                text = "This client_id stands for another message already. Choose a new one for each message."
                raise Conflict(text, "client_id_reused")
            again = self._again(existing, by, epoch) if retry else None
            if again is None:
                return self._finished(existing, by, epoch)
            row, may_be_out = again, existing.state_for_readers(self._clock()) == "unconfirmed"
        try:
            window = self._admission.admit(row, by, epoch, seen_id)
        except Refused as refusal:
            row = self._refuse(row, refusal, "unconfirmed" if may_be_out else "refused")
        except HitlError:
            self._not_sent(row, "unconfirmed" if may_be_out else "refused")
            raise
        else:
            row = self._send(row, message, window, "unconfirmed" if may_be_out else "failed")
        if row.state != "sent":
            self._note(row)
        self._tell(row)
        return row

    def never_went_out(self, conversation_id: str, client_id: str) -> bool:
        """Whether the message of this client id has failed or was refused."""
        row = self._store.row(conversation_id, f"s:{client_id}")
        return row is not None and row.state in RETRIABLE

    def settle_echo(self, row: Message, mid: str | None) -> None:
        """The user's device has what this row says, whatever we believed; safe to repeat."""
        self._settle(row, row._replace(state="sent", mid=row.mid or mid, failure=None))

    def replace_echo(self, echo: Message) -> None:
        """Show our own row where it has taken this echo's place since that was logged; safe to repeat."""
        row = self._store.row(echo.conversation_id, echo.id)
        if row is not None and row.id != echo.id:
            self._show(row)

    def _row(self, conversation_id: str, client_id: str, message: Outgoing, by: Actor) -> Message:
        now = self._clock()
        graph = message.to_graph()
        attachment = graph.get("attachment")
        return Message(
            conversation_id=conversation_id,
            id=f"s:{client_id}",
            author="operator" if by.type == "operator" else "bot",
            by=by,
            kind="text" if attachment is None else "attachment",
            text=message.text or _template_text(message),
            attachments=() if attachment is None else (attachment,),
            raw=json.dumps(graph, separators=(",", ":"), sort_keys=True),
            sent_at=now,
            received_at=now,
            state="queued",
            attempt=1,
            attempted_at=now,
        )

    def _again(self, existing: Message, by: Actor, epoch: int | None) -> Message | None:
        """The row of another attempt, moved first, so that of two who try again at once only one does."""
        now = self._clock()
        state = existing.state_for_readers(now)
        if state == "queued":
            self._finished(existing, by, epoch)
            raise Conflict("This message is still being sent. Wait a minute before you send it again.", "still_sending")
        if state not in RETRIABLE and (state != "unconfirmed" or by.type == "bot"):
            return None
        if by.type == "bot" and self._store.row(existing.conversation_id, existing.id + AGAIN) is not None:
            raise Conflict("This has been said in other words since.", "client_id_reused")
        row = existing._replace(state="queued", attempt=existing.attempt + 1, attempted_at=now, failure=None)
        try:
            self._store.change(existing, row)
        except LostRace:
            raise Conflict("Somebody else is sending this message again just now.", "still_sending") from None
        return row

    def _finished(self, row: Message, by: Actor, epoch: int | None) -> Message:
        """The row of an earlier call, which may have died before all that follows from it was written.

        Whether it had asked Meta where the row is still queued nobody knows, so that a repeat only lets lists know.
        """
        if row.state == "sent":
            self._follow(row)
        elif row.state == "queued":
            with suppress(Refused):
                self._admission.admit(row._replace(caused=None), by, epoch, None)
        return row

    def _refuse(self, row: Message, refusal: Refused, state: State) -> Message:
        """Write why it was not said, or not again. It is nobody's last message."""
        failure = Failure(refusal.code, refusal.message, refusal.can_retry)
        return self._settle(row, row._replace(state=state, failure=failure))

    def _note(self, row: Message) -> None:
        """Let who asks what has changed hear that this was not said."""
        at = self._clock()

        def noted(conversation: Conversation) -> Conversation:
            return conversation._replace(last_activity_at=max(conversation.last_activity_at, at))

        self._handoff.amend(row.conversation_id, noted)

    def _tell(self, row: Message) -> None:
        if row.state != "sent":
            self._telemetry.add("Refused" if row.state == "refused" else "Failed")
        ids = {"conversation_id": row.conversation_id, "message_id": row.id, "author": row.author}
        logger.info(str(row.state), extra=ids | ({} if row.failure is None else {"code": row.failure.code}))

    def _send(self, row: Message, message: Outgoing, window: Window | None, unsent: State) -> Message:
        if self._clock() - (row.attempted_at or row.received_at) > SEND_TIMEOUT:
            # A process that was frozen after its admission: somebody may have paused, or sent it again, long since.
            return self._not_sent(row, unsent)
        as_person = window is not None and window.type == "human_agent"
        try:
            mid = self._messenger.send(row.conversation_id, message, OWN_METADATA + row.id, human_agent=as_person)
        except (GraphError, Misconfigured) as error:
            state: State = "unconfirmed" if isinstance(error, Unconfirmed) else "failed"
            failure = Failure(error.code, error.message, getattr(error, "can_retry", False))
            return self._settle(row, row._replace(state=state, failure=failure))
        except Unavailable:  # the settings were not to be read
            self._not_sent(row, unsent)
            raise
        return self._settle(row, row._replace(state="sent", mid=mid, failure=None))

    def _not_sent(self, row: Message, state: State) -> Message:
        """Write, if that can be, that Meta was not asked: otherwise nobody could know, and a bot never say it again."""
        failure = Failure("unavailable", "It was not sent. Send it again.", can_retry=True)
        with suppress(HitlError):
            return self._settle(row, row._replace(state=state, failure=failure))
        return row

    def _settle(self, row: Message, outcome: Message) -> Message:
        """Write what became of a send. What was sent stays sent, whoever learns of it first."""
        for _ in range(RACES):
            settled = _settled(row, outcome)
            try:
                if settled != row:
                    self._store.change(row, settled)
            except LostRace:
                row = self._store.row(row.conversation_id, row.id) or row
                continue
            if settled.state == "sent":
                self._follow(settled)
            return settled
        raise Unavailable("This message is changing too fast. Look at it again.")

    def _follow(self, row: Message) -> None:
        if row.mid is not None:
            self._store.alias(row)
        self._show(row)

    def _show(self, row: Message) -> None:
        """Let the conversation know of a row that was sent, and forget the echo that it took the place of."""

        def shown(conversation: Conversation) -> Conversation:
            changed, last, said = conversation, conversation.last_message, conversation.last_said
            if last is not None and last.id == f"m:{row.mid}":
                changed = changed._replace(last_message=preview(self._newest(row)))
            if said is not None and said.id == f"m:{row.mid}":
                changed = changed._replace(last_said=preview(row) if row.by_person else None)
            if row.is_answer:
                changed = answered(changed, row)
            if changed == conversation:
                return conversation
            # Meta's answer, or the echo, may come long after the touch: who asks what has changed must hear of it.
            return changed._replace(last_activity_at=max(changed.last_activity_at, self._clock()))

        self._handoff.amend(row.conversation_id, shown)

    def _newest(self, row: Message) -> Message:
        """What was said last, which may have come after our row and before the echo that the row has replaced."""
        page = self._store.history(row.conversation_id, 20).messages
        return next((each for each in page if each.author != "system" and each.state != "refused"), row)


def _settled(current: Message, outcome: Message) -> Message:
    if current.state == "sent":
        return current._replace(mid=current.mid or outcome.mid)
    if outcome.state != "sent" and current.attempt != outcome.attempt:
        return current
    return current._replace(state=outcome.state, mid=outcome.mid or current.mid, failure=outcome.failure)


def _template_text(message: Outgoing) -> str | None:
    text = None if message.template is None else message.template.get("text")
    return text if isinstance(text, str) else None
