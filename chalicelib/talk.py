"""What a bot written in Python sees: one event at a time as a `Talk`, and a `Bot` that picks the handler for it.

    bot = Bot()

    @bot.hear("opening hours|when .*open.*")
    def hours(talk: Talk) -> None:
        talk.say("Every day from nine to six.")

    @bot.on_resume
    def back(talk: Talk) -> None:
        if talk.handover is not None and not talk.handover.transcript:
            talk.say("I am back.")

A handler may run again for the same event, because the queue delivers at least once. What it says then is matched by
its number within the event and not sent twice, and a pause is not made twice; only what a handler does elsewhere has
to bear a repetition. Say it first, then pause: what a bot says after its own pause is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, Protocol, TypeVar

from chalicelib.messenger import Attachment, Outgoing, Profile


class Delivery(NamedTuple):
    """One event on its way to the bot.

    `event` is the parsed item of Meta's `messaging`, `message_id` the id of its row in the log, `epoch` the
    conversation's when it was handed over, `sent_at` milliseconds. `correlation_id` is that of the webhook's request by
    which the event came; None where it came by none.
    """

    conversation_id: str
    platform: str
    page_id: str
    user_id: str
    epoch: int
    message_id: str
    event: Mapping[str, Any]
    sent_at: int
    correlation_id: str | None = None


class Speaker(Protocol):
    """What a Python bot may do in the conversation of one delivery; running a delivery again repeats nothing."""

    def say(self, message: Outgoing, number: int) -> None:
        """Log and send `message`, the `number`th of this delivery from 0; what Meta refuses is logged, not raised."""

    def pause(self, reason: str | None, minutes: int | None) -> int:
        """Pause the conversation, without an end where `minutes` is None, and return its epoch."""

    def resume(self) -> int:
        """End the conversation's pause, and return the epoch at which this delivery speaks from then on."""

    def profile(self) -> Profile:
        """Who the user is; an empty profile where Meta does not say."""


class Handover(NamedTuple):
    """That the conversation has changed hands: to a person where `to_bot` is false, back to the bot where it is true.

    `by` is who it was (`type`, `id`, `name`), `transcript` what was said since the pause, oldest first: `author`,
    `name`, `text` and `timestamp` (ms) of each. It is the newest part where `is_whole` is false; `history` is the path
    of the API that has all of it. `held_follow`: what the user said meanwhile comes as events of its own too.
    """

    to_bot: bool
    reason: str | None
    by: Mapping[str, str]
    transcript: tuple[Mapping[str, Any], ...] = ()
    is_whole: bool = True
    history: str | None = None
    held_follow: bool = False

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Handover | None:
        """What an event says of it; None where it is another event, or one of Meta's own."""
        for to_bot, kind in ((False, "take_thread_control"), (True, "pass_thread_control")):
            metadata = _text(event, kind, "metadata")
            if metadata is not None:
                try:
                    told = json.loads(metadata)
                    return cls(
                        to_bot,
                        told["reason"],
                        told["by"] or {},
                        tuple(told.get("transcript", ())),
                        told.get("is_whole", True),
                        told.get("history"),
                        told.get("held_follow", False),
                    )
                except (ValueError, TypeError, KeyError):
                    return None
        return None


class User:
    """The person on the other side. Names are asked for at the first use and may be missing."""

    def __init__(self, user_id: str, ask: Callable[[], Profile]) -> None:
        self.id = user_id
        self._ask = ask

    @cached_property
    def _profile(self) -> Profile:
        return self._ask()

    @property
    def first_name(self) -> str | None:
        """The first name; on Instagram the whole name."""
        return self._profile.first_name

    @property
    def last_name(self) -> str | None:
        """The last name."""
        return self._profile.last_name

    @property
    def name(self) -> str | None:
        """First and last name, as far as they are known."""
        return self._profile.name


class Talk:
    """One event of a conversation and the ways to answer it. `release` is the word that ends a pause."""

    def __init__(self, delivery: Delivery, speaker: Speaker, release: str) -> None:
        self.event = delivery.event
        self.epoch = delivery.epoch
        self.user = User(delivery.user_id, speaker.profile)
        self._speaker = speaker
        self._release = release
        self._said = 0

    @property
    def text(self) -> str | None:
        """What the user wrote, or the title of the quick reply they chose."""
        return _text(self.event, "message", "text")

    @property
    def payload(self) -> str | None:
        """The payload of the button or quick reply that the user chose."""
        return _text(self.event, "postback", "payload") or _text(self.event, "message", "quick_reply", "payload")

    @cached_property
    def handover(self) -> Handover | None:
        """How the conversation has changed hands, where the event tells of that."""
        return Handover.of(self.event)

    @property
    def release(self) -> str:
        """The payload of a button that ends the pause which this talk is about to make, and no later one."""
        return f"{self._release}:{self.epoch + 1}"

    def say(
        self,
        text: str | None = None,
        *,
        buttons: Sequence[tuple[str, str]] = (),
        quick_replies: Sequence[tuple[str, str]] = (),
        image: str | None = None,
        template: Mapping[str, Any] | None = None,
    ) -> None:
        """Answer with one of: a text, a text with buttons, the URL of an image, a Graph template payload.

        Buttons and quick replies are pairs of title and payload; quick replies go with each of the four. ValueError
        where it is not one of them, because Meta would refuse it.
        """
        if sum(part is not None for part in (text, image, template)) != 1 or (buttons and text is None):
            raise ValueError("say() takes one of text, image and template; buttons need a text.")
        if buttons:
            taps = [{"type": "postback", "title": title, "payload": payload} for title, payload in buttons]
            template, text = {"template_type": "button", "text": text, "buttons": taps}, None
        replies = tuple({"content_type": "text", "title": title, "payload": data} for title, data in quick_replies)
        picture = None if image is None else Attachment("image", image)
        self._speaker.say(Outgoing(text, picture, template, replies), self._said)
        self._said += 1

    def pause(self, reason: str | None = None, minutes: int | None = None) -> int:
        """Fall silent until a person resumes, or for so many minutes; returns the epoch of the pause."""
        return self._speaker.pause(reason, minutes)

    def resume(self) -> None:
        """Take the conversation back."""
        self.epoch = self._speaker.resume()


Handler = Callable[[Talk], object]
_H = TypeVar("_H", bound=Handler)


class Bot:
    """Handlers by what the user says. Calling it with a talk runs the first one that fits, or none."""

    def __init__(self) -> None:
        self._handlers: list[tuple[re.Pattern[str], Handler]] = []
        self._on_handover: dict[bool, Handler] = {}

    def hear(self, pattern: str) -> Callable[[_H], _H]:
        """Register a handler for what matches the regular expression `pattern` from end to end, newlines included.

        It is held against the payload of a button or quick reply, and where there is none against the text.
        """
        compiled = re.compile(pattern, re.DOTALL)

        def register(handler: _H) -> _H:
            self._handlers.append((compiled, handler))
            return handler

        return register

    def on_pause(self, handler: _H) -> _H:
        """Register the handler for a pause that somebody else has made; what it says is refused."""
        self._on_handover[False] = handler
        return handler

    def on_resume(self, handler: _H) -> _H:
        """Register the handler for the bot's having the conversation again; `talk.handover` has the transcript."""
        self._on_handover[True] = handler
        return handler

    def __call__(self, talk: Talk) -> None:
        """Answer one event; an event without payload and text, such as a picture, has no handler."""
        if talk.handover is not None:
            self._on_handover.get(talk.handover.to_bot, _nothing)(talk)
            return
        said = talk.payload or talk.text
        if said is None:
            return
        for pattern, handler in self._handlers:
            if pattern.fullmatch(said):
                handler(talk)
                return


def _nothing(talk: Talk) -> None:
    """No handler was registered."""


def _text(value: Any, *path: str) -> str | None:
    """The text at `path` of a parsed event, which may have any shape."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else None
