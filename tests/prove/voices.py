"""The guards of who may speak, and the program without each of them."""

from __future__ import annotations

from typing import Any

from chalicelib.conversation import Conversation, Stop
from chalicelib.errors import LostRace
from chalicelib.handoff import Handoff
from chalicelib.message import Message
from chalicelib.ports import MailboxPort, StorePort
from tests.prove import scenes
from tests.prove.acts import (
    BotMood,
    BotSpeaking,
    Delivering,
    Pausing,
    Replying,
    ReplyingPast,
    Resuming,
    Saying,
    WritingInInbox,
)
from tests.prove.acts import Stop as SettingStop
from tests.prove.guards import SENDS, TOUCH, Missing, Through, blind, carelessly, without
from tests.prove.world import Guard


class Ungated(Through):
    """What a bot says is touched as anything else."""

    def touch(self, row: Message, now: int, *, active: bool = False, epoch: int | None = None) -> None:
        try:
            self._store.touch(row, now)
        except LostRace:
            if not active:
                raise


class WithoutEpoch(Through):
    """What a bot says is held to no epoch."""

    def touch(self, row: Message, now: int, *, active: bool = False, epoch: int | None = None) -> None:
        self._store.touch(row, now, active=active)


class Unstopped(Through):
    """The global stop is not read before a bot's send is admitted."""

    _is_sending = False

    def append(self, row: Message) -> Message | None:
        self._is_sending = row.id.startswith("s:")
        return self._store.append(row)

    def conversation_and_stop(self, conversation_id: str) -> tuple[Conversation | None, Stop]:
        conversation, stop = self._store.conversation_and_stop(conversation_id)
        if self._is_sending:
            self._is_sending = False
            return conversation, Stop()
        return conversation, stop


class Unmoved(Through):
    """A row is sent again without being moved first."""

    def change(self, old: Message, new: Message) -> None:
        if new.state != "queued":
            self._store.change(old._replace(attempt=max(1, old.attempt - 1)) if new.attempt > 1 else old, new)


class Untaken(Through):
    """An operator's reply does not pause."""

    def transition(self, old: Conversation, new: Conversation, row: Message | None, cause: Any) -> None:
        if cause is not None and cause[1].author == "operator":
            as_before = new._replace(epoch=old.epoch, pause=old.pause, told_epoch=old.told_epoch)
            as_before = as_before._replace(changed_at=old.changed_at, waiting_since=old.waiting_since)
            self._store.transition(old, as_before, None, None)
        else:
            self._store.transition(old, new, row, cause)


class Unsaid(Through):
    """What a person has said is not noted for the next one who answers."""

    def conversation(self, conversation_id: str) -> Conversation | None:
        found = self._store.conversation(conversation_id)
        return None if found is None else found._replace(last_said=None)


class Overtaking(Through):
    """A message does not wait for what is being drained."""

    def conversation_and_stop(self, conversation_id: str) -> tuple[Conversation | None, Stop]:
        found, stop = self._store.conversation_and_stop(conversation_id)
        return found if found is None else found._replace(draining=None), stop


class Unordered(Through):
    """Held rows come in any order."""

    def held(self, conversation_id: str, start: str, limit: int) -> tuple[Message, ...]:
        return self._store.held(conversation_id, start, 100)[::-1][:limit]


class Unlooked(Through):
    """The schedule finds nothing."""

    def due(self, now: int, *, lifted: bool, limit: int) -> tuple[Conversation, ...]:
        return ()


class Untold(Through):
    """That the bot was told is not kept."""

    def save(self, old: Conversation, new: Conversation) -> None:
        if new.told_epoch != old.told_epoch:
            new = new._replace(told_epoch=old.told_epoch)
        self._store.save(old, new)


class Uncalled(Through):
    """The schedule finds nobody who is to be called."""

    def uncalled(self, limit: int) -> tuple[Conversation, ...]:
        return ()


class Unnoted(Through):
    """That the operators were called is not kept."""

    def save(self, old: Conversation, new: Conversation) -> None:
        self._store.save(old, new._replace(called_epoch=old.called_epoch))


class Calling(Through):
    """Operators are called without another look whether they have been."""

    def conversation(self, conversation_id: str) -> Conversation | None:
        found = self._store.conversation(conversation_id)
        return None if found is None else found._replace(called_epoch=None)


class Presumed(Through):
    """The bot is taken to have been told."""

    def conversation_and_stop(self, conversation_id: str) -> tuple[Conversation | None, Stop]:
        found, stop = self._store.conversation_and_stop(conversation_id)
        return found if found is None else found._replace(told_epoch=found.epoch), stop


class Timeless(Through):
    """What somebody wants is not held against the time of the last transition."""

    def conversation(self, conversation_id: str) -> Conversation | None:
        found = self._store.conversation(conversation_id)
        return None if found is None else found._replace(changed_at=0)


class Persisting(Through):
    """A delivery that may speak goes by what it has read once."""

    def __init__(self, store: StorePort, mailbox: MailboxPort) -> None:
        super().__init__(store, mailbox)
        self._known: Conversation | None = None

    def conversation_and_stop(self, conversation_id: str) -> tuple[Conversation | None, Stop]:
        found, stop = self._store.conversation_and_stop(conversation_id)
        if self._known is not None and self._known.id == conversation_id:
            return self._known, stop
        if found is not None and found.pause is None and found.told_epoch == found.epoch:
            self._known = found
        return found, stop


class Clearing(Through):
    """Whoever finds nothing left to drain clears the drain, whatever has become of the conversation meanwhile."""

    _drained: Conversation | None = None
    _now: Conversation | None = None

    def conversation_and_stop(self, conversation_id: str) -> tuple[Conversation | None, Stop]:
        self._read, stop = self._store.conversation_and_stop(conversation_id)
        return self._read, stop

    def held(self, conversation_id: str, start: str, limit: int) -> tuple[Message, ...]:
        rows = self._store.held(conversation_id, start, limit)
        self._drained = None if rows else self._read
        return rows

    def conversation(self, conversation_id: str) -> Conversation | None:
        self._now = self._store.conversation(conversation_id)
        if self._now is None or self._drained is None:
            return self._now
        return self._now._replace(epoch=self._drained.epoch, draining=self._drained.draining)

    def save(self, old: Conversation, new: Conversation) -> None:
        if self._now is not None and self._drained is not None:
            new = self._now._replace(draining=new.draining, version=new.version)
        self._store.save(old, new)


class AnyTurn:
    """A handoff that ends any pause, whichever it was asked to end."""

    def __init__(self, handoff: Handoff) -> None:
        self._handoff = handoff

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handoff, name)

    def resume(self, *given: Any, epoch: int | None = None, **asked: Any) -> Conversation:
        return self._handoff.resume(*given, **asked)


class Cleared(Through):
    """Whoever finds nothing more to drain clears the drain, whatever has come since."""

    def held(self, conversation_id: str, start: str, limit: int) -> tuple[Message, ...]:
        return () if start else self._store.held(conversation_id, start, limit)


VOICE = (Saying, Delivering, BotSpeaking, BotSpeaking, Pausing, Resuming)
ANSWERS = (ReplyingPast, ReplyingPast, Saying, WritingInInbox)
DRAIN = (Saying, Saying, Delivering, Delivering, Delivering, Pausing, Resuming, Resuming)
NOBODY = (Saying, Delivering, Delivering, SettingStop, BotMood)

VOICES = (
    Missing("a bot's send relies on there being no pause", Guard(store=Ungated), VOICE),
    Missing("a bot's send relies on its epoch", Guard(store=WithoutEpoch), VOICE),
    Missing("an admission compares the pause", Guard(ignores=blind(*TOUCH, "paused_since")), VOICE),
    Missing("an admission compares the epoch", Guard(ignores=blind(*TOUCH, "epoch")), VOICE),
    Missing("the stop is read before an admission", Guard(store=Unstopped), (SettingStop, BotSpeaking, Saying)),
    Missing("a reply to an active conversation pauses it", Guard(store=Untaken), (Saying, Replying, Resuming)),
    Missing("a row is moved before it is sent again", Guard(store=Unmoved), SENDS),
    Missing(
        "a row is moved by one of those who send it again",
        Guard(ignores=blind("UpdateItem", "messages", "state", "attempt")),
        scene=scenes.SENT_AGAIN_TWICE,
    ),
    Missing("a reply relies on what others have said", Guard(store=Unsaid), ANSWERS),
    Missing("a message waits for what is drained", Guard(store=Overtaking), DRAIN),
    Missing("what was held is in order", Guard(store=Unordered), DRAIN),
    Missing("what was held is read consistently", Guard(asks=carelessly("Query", "messages")), DRAIN),
    Missing("a drain is cleared only when it is done", Guard(store=Cleared), DRAIN),
    Missing(
        "a drain is cleared only as it was read",
        without(Guard(store=Clearing), Guard(keeps_groups=False)),
        cover="one letter of a group at a time",
        scene=scenes.HELD_WHILE_CLEARED,
    ),
    Missing(
        "a drain reads the conversation before each row",
        Guard(store=Persisting),
        scene=scenes.PAUSED_WHILE_DRAINING,
    ),
    Missing("a handler resumes its own turn only", Guard(handoff=AnyTurn), scene=scenes.CAME_LATE),
    Missing("an inbox echo of the past does not pause", Guard(store=Timeless), scene=scenes.WRITTEN_BEFORE),
    Missing("a release of the past does not resume", Guard(store=Timeless), scene=scenes.RELEASED_BEFORE),
    Missing("the schedule looks after what nobody comes by", Guard(store=Unlooked), NOBODY),
    Missing("that the bot was told is kept", Guard(store=Untold), DRAIN),
    Missing("the bot is told before it is given anything", Guard(store=Presumed), DRAIN),
    Missing(
        "the schedule calls the operators whom nobody has called",
        Guard(store=Uncalled),
        scene=scenes.DIED_BEFORE_CALLING,
    ),
    Missing("that the operators were called is kept", Guard(store=Unnoted), scene=scenes.CALLED_AGAIN),
    Missing("a call is made only if it is still due", Guard(store=Calling), scene=scenes.CALLED_AGAIN),
    Missing(
        "a mark of a Page goes with a later send only",
        Guard(ignores=blind(*TOUCH, "disconnected_since")),
        scene=scenes.WORKED_BEFORE,
    ),
)
