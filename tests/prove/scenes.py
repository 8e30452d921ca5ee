"""Scenes: acts that meet in one certain way, for guards whose absence chance would show too rarely.

A scene is played on the fake of DynamoDB. With every guard in place nothing breaks in it; without its guard it breaks
what it `expects`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.prove.acts import (
    ArrivingLate,
    BotMood,
    ComingLate,
    Delivering,
    Echoing,
    GoingRound,
    MetaMood,
    Pausing,
    Repeating,
    Replying,
    ReplyingAgain,
    Resuming,
    Saying,
    SayingUnheard,
    Stop,
    Waiting,
    WritingInInbox,
    rest,
)
from tests.prove.invariants import check
from tests.prove.races import fake_world
from tests.prove.steps import Plan, Process, here
from tests.prove.world import WHOLE, Act, Guard, World

END = "the end"
"""No step has this name, so that whoever goes on until then goes on to the end."""
PAUSED = "dynamodb.TransactWriteItems"
"""The step by which a conversation changes hands."""
Cue = tuple[int, str]
"""Which act goes on, and up to which of its steps."""


@dataclass(frozen=True)
class Part:
    """Acts that happen at once, each with what chooses what it is about; `cues` say in which order they go on.

    After the cues, each goes on to its end, the first one first. `dies_after`: so many steps are all that the first
    act takes, or those up to one of this name. `age`: so many versions old is what a read shows that does not ask to
    be consistent.
    """

    acts: tuple[tuple[type[Act], int], ...]
    cues: tuple[Cue, ...] = ()
    dies_after: int | str | None = None
    age: int = 0


@dataclass(frozen=True)
class Scene:
    """Parts, one after the other; `expects`: how the violation begins."""

    expects: str
    parts: tuple[Part, ...]


def play(scene: Scene, guard: Guard = WHOLE) -> World:
    """Play a scene; Violation where something does not hold."""
    world = fake_world(guard)
    assert world.dynamo is not None
    for part in scene.parts:
        world.dynamo.age = lambda age=part.age: age if here() is not None else 0  # type: ignore[misc]
        acts = [act(world, 0, n) for act, n in part.acts]
        world.begin(acts, [Plan(part.dies_after)], _cued(part.cues))
        check(world)
        world.clock.tick(1000)
    world.dynamo.age = lambda: 0
    rest(world)
    check(world, at_rest=True)
    return world


def _cued(cues: tuple[Cue, ...]) -> Callable[[list[Process]], Iterator[int]]:
    def schedule(processes: list[Process]) -> Iterator[int]:
        for which, step in cues:
            process = processes[which]
            before = process.steps.count(step)
            while not process.over and process.steps.count(step) == before:
                yield [each for each in processes if not each.over].index(process)

    return schedule


def _alone(act: type[Act], n: int = 0, dies_after: int | str | None = None, age: int = 0) -> Part:
    return Part(((act, n),), dies_after=dies_after, age=age)


def _all_delivered(letters: int = 2) -> tuple[Part, ...]:
    return tuple(_alone(Delivering) for _ in range(letters))


ASKED_FOR = (
    _alone(Saying),
    *_all_delivered(),
    _alone(Pausing, 1),
    _alone(Saying),
    _alone(Saying),
    *_all_delivered(3),
    _alone(Resuming, 3),
)
"""Two messages were held, and whoever resumes asks for them."""

ECHO_BEFORE_ANSWER = Scene(
    "sends",
    (
        _alone(Saying),
        _alone(MetaMood, 1),
        Part(((Replying, 0), (Echoing, 0)), ((0, "meta.answers"), (1, END))),
    ),
)
"""The echo of a send settles it before its sender knows that Meta's answer is lost."""

ANSWER_OF_AN_EARLIER_ATTEMPT = Scene(
    "doubled",
    (
        _alone(Saying),
        _alone(MetaMood, 2),
        Part(
            ((Replying, 0), (Waiting, 1), (ReplyingAgain, 1)),
            ((0, "meta.answers"), (1, END), (2, "dynamodb.UpdateItem"), (0, END)),
        ),
    ),
)
"""A send is tried again, and only then does the first attempt end."""

SENT_WHILE_ITS_REPEAT_PAUSES = Scene(
    "sends",
    (
        _alone(Saying),
        _alone(Pausing, 1),
        Part(
            ((Replying, 0), (Resuming, 1), (ReplyingAgain, 0)),
            (
                (0, "meta.answers"),
                (1, END),
                (2, "dynamodb.BatchGetItem"),
                (2, "dynamodb.GetItem"),
                (2, "dynamodb.GetItem"),
                (0, "dynamodb.UpdateItem"),
                (2, "dynamodb.TransactWriteItems"),
            ),
        ),
    ),
)
"""A reply goes out, while its request comes again after a resume and is about to pause by it."""

BOTH_BEGIN = Scene("follows", (Part(((WritingInInbox, 0), (Saying, 0)), ((0, "dynamodb.GetItem"), (1, END))),))
"""A user's first message, while a person who writes to that user finds no conversation."""

STOPPED_TWICE = Scene(
    "backwards",
    (_alone(Stop), Part(((Stop, 2), (Stop, 4)), ((0, "dynamodb.GetItem"), (1, END)))),
)
"""Two operators give the global stop another reason at once."""

STOPPED_AGAIN = Scene(
    "barrier",
    (_alone(Stop), _alone(Stop, 1), _alone(Stop, age=1), _alone(Saying), _alone(Delivering)),
)
"""The global stop is set, lifted and set again, by somebody who reads what it was."""

LATE_TOUCH = Scene(
    "follows: last_received_at",
    (_alone(Saying), _alone(SayingUnheard), _alone(Saying, dies_after=1), _alone(ArrivingLate)),
)
"""A message is noted only after another one, which was said before it and received after it."""

REACTED_BEFORE = Scene(
    "follows: last_message",
    (
        _alone(SayingUnheard, 6),
        _alone(Saying),
        _alone(Delivering),
        _alone(ArrivingLate),
    ),
)
"""A reaction, to which the bot says nothing, arrives behind what was said later."""

TOUCHED_LATE = Scene(
    "follows: last_activity_at",
    (
        _alone(SayingUnheard, 6),
        _alone(Saying),
        _alone(Delivering),
        Part(
            ((Saying, 6), (Waiting, 0), (ArrivingLate, 0)),
            ((0, "dynamodb.PutItem"), (1, END), (2, END)),
        ),
    ),
)
"""What was said last is noted after what came in later."""

SAID_BEFORE = Scene(
    "backwards: last_user_message_at",
    (_alone(Saying), _alone(SayingUnheard), _alone(Saying), _alone(ArrivingLate)),
)
"""A message arrives behind one that was said later."""

RESUMED_WHILE_NOTED = Scene(
    "transitions",
    (
        _alone(Saying),
        _alone(Pausing, 1),
        Part(
            ((Replying, 0), (Resuming, 1)),
            (
                (0, "meta.answers"),
                (0, "dynamodb.UpdateItem"),
                (0, "dynamodb.PutItem"),
                (0, "dynamodb.GetItem"),
                (1, END),
            ),
        ),
    ),
)
"""A reply that went out is noted on its conversation, which somebody resumes meanwhile."""

ASKED_TWICE = Scene(
    "doubled",
    (_alone(Saying), *_all_delivered(), _alone(Pausing, 3, dies_after=PAUSED), _alone(Resuming, 1)),
)
"""A bot asks for a pause by a message; its request comes again after that pause is over."""

SENT_AGAIN_TWICE = Scene(
    "doubled",
    (
        _alone(Saying),
        _alone(MetaMood, 0),
        _alone(Replying),
        Part(((ReplyingAgain, 1), (ReplyingAgain, 1)), ((0, "dynamodb.PutItem"), (0, "dynamodb.GetItem"), (1, END))),
    ),
)
"""Two requests at once ask to send again what was refused."""

PAUSED_WHILE_DRAINING = Scene(
    "barrier",
    (
        *ASKED_FOR,
        Part(((Delivering, 0), (Pausing, 1)), ((0, "bot.hears"), (0, "bot.hears"), (1, END))),
    ),
)
"""A person pauses while the bot has the first of two messages that were held."""

HELD_WHILE_CLEARED = Scene(
    "lost",
    (
        *ASKED_FOR,
        Part(
            ((Delivering, 0), (Pausing, 1), (Saying, 0), (Delivering, 1), (Resuming, 3)),
            (*((0, "bot.hears"),) * 3, (0, "dynamodb.Query"), (1, END), (2, END), (3, END), (4, END)),
        ),
    ),
)
"""Nothing is left to drain; before that is noted a person pauses, a message is held, and they ask for it."""

CAME_LATE = Scene(
    "turn",
    (_alone(Saying), _alone(BotMood, 3), _alone(Delivering), _alone(Pausing, 1), _alone(ComingLate)),
)
"""A handler hangs and is given up, a person pauses, and it goes on."""

WRITTEN_BEFORE = Scene(
    "past",
    (_alone(Saying), _alone(WritingInInbox, dies_after=1), _alone(Pausing, 1), _alone(Resuming, 1)),
)
"""Somebody has written in the inbox; that is noted only after others have paused and resumed."""

RELEASED_BEFORE = Scene("past", (_alone(Saying), _alone(SayingUnheard, 3), _alone(Pausing, 1), _alone(ArrivingLate)))
"""The user wants the bot back; that arrives behind a later pause."""

DIED_BEFORE_CALLING = Scene("called", (_alone(Saying, 2), _alone(Delivering, dies_after=PAUSED)))
"""The bot asks for a person, and the process dies before it has called the operators."""

CALLED_AGAIN = Scene(
    "called",
    (_alone(Saying, 2), _alone(Delivering), _alone(Waiting, 1), _alone(GoingRound)),
)
"""The schedule finds a pause to which the operators are about to be called."""

WORKED_BEFORE = Scene(
    "page",
    (
        _alone(Saying),
        _alone(MetaMood, 3),
        _alone(Replying),
        Part(
            ((Replying, 0), (Replying, 0), (MetaMood, 3), (Replying, 0)),
            ((0, "meta.answers"), (1, END), (2, END), (3, END)),
        ),
    ),
)
"""A send that began before Meta stopped to take our token ends after that was noted."""

REPEATED_BEFORE_DELIVERY = Scene(
    "doubled",
    (_alone(Saying), _alone(Repeating), _alone(Delivering), _alone(Delivering)),
)
"""Meta repeats a message that is still in the queue."""
