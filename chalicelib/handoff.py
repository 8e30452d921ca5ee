"""Pause, resume, the end of a pause, the global stop: who holds a conversation, and how that changes.

Every change reads consistently, decides by the pure functions of `conversation`, and writes conditioned on what it
read; where it lost a race it reads and decides again. A transition, its row in the log and the mark on the row that
caused it are one transaction, so that dying between them is impossible and doing it twice changes nothing more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from chalicelib.conversation import STOP, SYSTEM, Conversation, Pause, Stop, releases, repaused, touched
from chalicelib.errors import LostRace, NotFound, Unavailable
from chalicelib.mailbox import NUDGE, Letter
from chalicelib.message import Actor, Address, Message, held_key
from chalicelib.turns import Change, has_paused, is_due, marked, pausing, renewed, resuming, taking

if TYPE_CHECKING:
    from chalicelib.ports import Clock, StorePort

logger = logging.getLogger(__name__)

RACES = 25
"""How often a change is decided anew after losing a race before the caller is told to try again."""
LIFT_TIME = 15_000
"""Milliseconds that lifting the global stop may spend on ending its pauses."""
MINUTE = 60_000
HELD_PAGE = 100
"""Held rows that are read at once."""


class Handoff:
    """Who holds a conversation: the bot or a person."""

    def __init__(
        self,
        store: StorePort,
        clock: Clock,
        release: str,
        length: int | None = None,
        post: Callable[[Letter], None] = lambda letter: None,  # noqa: ARG005 a queue that nobody reads
        call: Callable[[Conversation], None] = lambda conversation: None,  # noqa: ARG005 nobody to call
    ) -> None:
        """`length`, in ms, is how long a pause lasts whose maker names no end; None: until somebody resumes.

        `post` queues a letter, by which the bot is told of each transition; `call` lets the
        operators be called to what it led to, if they have to be.
        """
        self._store = store
        self._clock = clock
        self._release = release
        self._length = length
        self._post = post
        self._call = call

    def pause(
        self,
        conversation_id: str,
        by: Actor,
        reason: str | None = None,
        minutes: int | None = None,
        cause_id: str | None = None,
    ) -> Conversation:
        """Silence the bot at once. A second pause changes the end and reason only, a repeated cause nothing.

        `cause_id` is the row by which the bot was asked: it counts as delivered in the same transaction.
        """

        def decide(conversation: Conversation, now: int) -> Change | None:
            cause = self._cause(conversation_id, cause_id)
            if cause is not None and has_paused(cause):
                return None
            length = self._length if minutes is None else minutes * MINUTE
            until = None if length is None else self._clock() + length
            if conversation.pause is None:
                return pausing(conversation, Pause(now, until, by, reason, length), cause, "delivered")
            if minutes is None and conversation.pause.by != STOP:
                until = None  # its end stays as it is
            new = repaused(conversation, until, reason, by, length)
            if new == conversation and cause is None:
                return None
            if new != conversation:
                new = new._replace(last_activity_at=max(new.last_activity_at, self._clock()))
            return new, None, None if cause is None else (cause, marked(cause, new, "delivered"))

        return self._change(conversation_id, decide)

    def resume(
        self,
        conversation_id: str,
        by: Actor,
        reason: str | None = None,
        *,
        deliver_held: bool = False,
        epoch: int | None = None,
    ) -> Conversation:
        """Give the conversation back to the bot, with what was held or without; of an active one, nothing changes.

        Where an `epoch` is given, only the pause of that epoch is ended.
        """

        def decide(conversation: Conversation, now: int) -> Change | None:
            if epoch is not None and epoch != conversation.epoch:
                return None
            start = held_key(conversation.epoch) if deliver_held else None
            return resuming(conversation, by, reason, now, start)

        return self._change(conversation_id, decide)

    def release(self, row: Message) -> tuple[Conversation, Message]:
        """Resume for the user who asked for the bot by this row, where it still ends the pause. Row as it is then."""
        mark = row

        def decide(conversation: Conversation, now: int) -> Change | None:
            nonlocal mark
            current = self._store.row(row.conversation_id, row.id) or row
            if not releases(conversation, current, self._release):
                mark = current
                return None
            mark = current._replace(caused=conversation.epoch + 1)
            change = resuming(conversation, Actor("user", Address.parse(row.conversation_id).user_id, ""), None, now)
            return None if change is None else (change[0], change[1], (current, mark))

        return self._change(row.conversation_id, decide), mark

    def give_up(self, row: Message, reason: str) -> Conversation:
        """Pause because the bot does not take this row, and hold the row under that pause. A pause stays."""

        def decide(conversation: Conversation, now: int) -> Change | None:
            if conversation.pause is not None:
                return None
            current = self._store.row(row.conversation_id, row.id) or row
            until = None if self._length is None else now + self._length
            return pausing(conversation, Pause(now, until, SYSTEM, reason, self._length), current, "held")

        return self._change(row.conversation_id, decide)

    def take(
        self, row: Message, by: Actor, reason: str, check: Callable[[Conversation], None] | None = None
    ) -> Conversation:
        """A person speaks by this row: in an active conversation that pauses it, in a paused one it moves the end.

        The touch is part of the same write. A row that has paused before, other than as the caller has read it, does
        not pause again; nor does an echo of what was said before the last transition. `check` may raise.
        """

        def decide(conversation: Conversation, now: int) -> Change | None:
            if check is not None:
                check(conversation)
            is_past = row.author == "page_inbox" and row.sent_at <= conversation.changed_at
            if conversation.pause is not None:
                new = conversation if is_past else renewed(conversation, row, by, self._length)
                return touched(new, row, self._clock()), None, None
            current = self._store.row(row.conversation_id, row.id) or row
            if is_past or current.caused != row.caused:
                return touched(conversation, row, self._clock()), None, None
            until = None if self._length is None else row.given_at + self._length
            return taking(conversation, current, Pause(now, until, by, reason, self._length), self._clock())

        return self._change(row.conversation_id, decide, or_new=True)

    def settled(self, conversation: Conversation, stop: Stop) -> Conversation:
        """The conversation after what is due now has been done: a pause that ended, the global stop set or lifted."""
        ended = conversation.pause is not None and conversation.pause_at(self._clock()) is None
        if not ended and not is_due(conversation, stop):
            return conversation

        def decide(current: Conversation, now: int) -> Change | None:
            if not is_due(current, stop):
                return None
            if current.pause is None:
                return pausing(current, Pause(now, None, STOP, stop.reason), None, "held")
            return resuming(current, STOP, "the global stop was lifted", now, held_key(current.epoch))

        return self._change(conversation.id, decide)

    def admit(self, row: Message, check: Callable[[Conversation], None], epoch: int | None) -> None:
        """Touch for what a bot says, conditioned on the conversation being active, and at `epoch` where one is given.

        Where that fails, `check` says by raising why the conversation as it is read then does not admit it; where it
        does not raise, only a time was in the way.
        """
        now = self._clock()

        def change(conversation: Conversation) -> Conversation:
            check(conversation)
            return touched(conversation, row, now)

        try:
            self._store.touch(row, now, active=True, epoch=epoch)
        except LostRace:
            self.amend(row.conversation_id, change)

    def touch(self, row: Message) -> None:
        """Let the conversation know of a row that was logged: in one write in the usual case, else by reading first."""
        now = self._clock()
        try:
            self._store.touch(row, now)
        except LostRace:
            self.amend(row.conversation_id, lambda conversation: touched(conversation, row, now))

    def amend(self, conversation_id: str, change: Callable[[Conversation], Conversation]) -> Conversation:
        """Change a conversation by a pure function; made new where there is none yet."""
        for _ in range(RACES):
            old = self._store.conversation(conversation_id) or Conversation(id=conversation_id)
            new = change(old)
            if new == old:
                return old
            new = new._replace(version=old.version + 1)
            try:
                self._store.save(old, new)
            except LostRace:
                continue
            return new
        raise Unavailable("This conversation is changing too fast. Try again.")

    def set_stop(self, is_paused: bool, by: Actor, reason: str | None) -> Stop:
        """Set or lift the global stop; to set it again changes its reason only."""
        for _ in range(RACES):
            old = self._store.stop()
            since = old.since if old.paused else self._clock()
            new = Stop(is_paused, reason if is_paused else None, by, since if is_paused else None, old.version + 1)
            if (old.paused, old.reason) == (new.paused, new.reason):
                return old
            try:
                self._store.set_stop(old, new)
            except LostRace:
                continue
            return new
        raise Unavailable("The global stop is changing too fast. Try again.")

    def end_stop_pauses(self) -> None:
        """End the pauses of the lifted global stop, as many as time allows; whoever meets the others ends them."""
        deadline = self._clock() + LIFT_TIME
        cursor = None
        while self._clock() < deadline:
            page = self._store.list("paused", self._clock(), 100, cursor)
            for conversation in page.conversations:
                self.settled(conversation, Stop())
            cursor = page.cursor
            if cursor is None:
                return

    def _cause(self, conversation_id: str, cause_id: str | None) -> Message | None:
        if cause_id is None:
            return None
        cause = self._store.row(conversation_id, cause_id)
        if cause is None:
            raise NotFound("There is no message with this message_id in the conversation.")
        return cause

    def _change(
        self, conversation_id: str, decide: Callable[[Conversation, int], Change | None], *, or_new: bool = False
    ) -> Conversation:
        for _ in range(RACES):
            old = self._store.conversation(conversation_id)
            if old is None:
                if not or_new:
                    raise NotFound("There is no such conversation. It begins with the user's first message.")
                old = Conversation(id=conversation_id)
            # Behind what it follows, whatever the clock says: an answer that is noted again ends no later wait.
            now = max(self._clock(), old.changed_at + 1, (old.last_answer_at or 0) + 1)
            ended = old.pause is not None and old.pause_at(now) is None
            change = self._ending(old, now) if ended else decide(old, now)
            if change is None:
                self._nudge(old)
                return old
            new, row, cause = change
            new = new._replace(version=old.version + 1)
            try:
                self._store.transition(old, new, row, cause)
            except LostRace:
                continue
            if new.epoch != old.epoch and row is not None and row.by is not None:
                # Who it was by kind only, and why not at all: names and reasons are people's words.
                ids = {"conversation_id": new.id, "epoch": new.epoch, "by": row.by.type}
                logger.info(row.kind, extra=ids)
            if not ended:
                self._nudge(new)
                return new
        raise Unavailable("This conversation is changing too fast. Try again.")

    def _ending(self, old: Conversation, now: int) -> Change | None:
        """A pause ends by itself, at its time: the bot is given what no person has answered."""
        start, answered_at = held_key(old.epoch), old.last_answer_at or 0
        start = min(start, old.draining or start)
        while answered_at > 0:
            rows = self._store.held(old.id, start, HELD_PAGE)
            unanswered = next((row for row in rows if row.received_at > answered_at), None)
            if unanswered is not None:
                start = held_key(unanswered.held_under or 0, unanswered.order)
            elif rows:
                start = held_key(rows[-1].held_under or 0, rows[-1].order) + "!"  # right behind it
            if unanswered is not None or len(rows) < HELD_PAGE:
                break
        # It has ended at its time, whoever comes by later: what a person has said since then is newer.
        until = (old.pause and old.pause.until) or now
        ended_at = max(min(now, until), old.changed_at + 1, answered_at + 1)
        change = resuming(old._replace(draining=None), SYSTEM, "the pause ended", ended_at, start)
        return change and (change[0]._replace(last_activity_at=max(old.last_activity_at, now)), *change[1:])

    def _nudge(self, conversation: Conversation) -> None:
        """Let the mailbox tell the bot of the transition and give it what was held, and the operators be called.

        Where the queue does not answer, the schedule or the next delivery does it: the transition stands.
        """
        self._call(conversation)
        if conversation.has_news:
            try:
                self._post(Letter(conversation.id, f"t:{conversation.epoch}", NUDGE))
            except Unavailable as error:
                logger.warning("The bot will hear of a transition later: %s", error.message)
