"""The guards of who may speak, and the program without each of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chalicelib.conversation import Conversation, Message, Stop
from chalicelib.errors import LostRace
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
from tests.prove.guards import SENDS, TOUCH, Missing, Through, blind, carelessly
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
            self._store.change(replace(old, attempt=max(1, old.attempt - 1)) if new.attempt > 1 else old, new)


class Untaken(Through):
    """An operator's reply does not pause."""

    def transition(self, old: Conversation, new: Conversation, row: Message | None, cause: Any) -> None:
        if cause is not None and cause[1].author == "operator":
            as_before = replace(new, epoch=old.epoch, pause=old.pause, told_epoch=old.told_epoch)
            as_before = replace(as_before, changed_at=old.changed_at, waiting_since=old.waiting_since)
            self._store.transition(old, as_before, None, None)
        else:
            self._store.transition(old, new, row, cause)


class Unsaid(Through):
    """What a person has said is not noted for the next one who answers."""

    def conversation(self, conversation_id: str) -> Conversation | None:
        found = self._store.conversation(conversation_id)
        return None if found is None else replace(found, last_said=None)


class Overtaking(Through):
    """A message does not wait for what is being drained."""

    def conversation_and_stop(self, conversation_id: str) -> tuple[Conversation | None, Stop]:
        found, stop = self._store.conversation_and_stop(conversation_id)
        return found if found is None else replace(found, draining=None), stop


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
            new = replace(new, told_epoch=old.told_epoch)
        self._store.save(old, new)


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
    Missing("a reply relies on what others have said", Guard(store=Unsaid), ANSWERS),
    Missing("a message waits for what is drained", Guard(store=Overtaking), DRAIN),
    Missing("what was held is in order", Guard(store=Unordered), DRAIN),
    Missing("what was held is read consistently", Guard(asks=carelessly("Query", "messages")), DRAIN),
    Missing("a drain is cleared only when it is done", Guard(store=Cleared), DRAIN),
    Missing("the schedule looks after what nobody comes by", Guard(store=Unlooked), NOBODY),
    Missing("that the bot was told is kept", Guard(store=Untold), DRAIN),
)
