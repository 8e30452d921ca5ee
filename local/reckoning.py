"""What became of replayed bodies: which answers they got, and what the API's histories hold of their events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.errors import HitlError
from chalicelib.events import Event, Handover, Policy, Watermark
from chalicelib.webhook import parse
from local.meta import as_meta_writes
from local.recorded import Recorded

History = Callable[[str], Sequence[Mapping[str, Any]] | None]
"""Every row of a conversation's log, as the API shows it; None where there is no such conversation."""


@dataclass(slots=True)
class Tally:
    """The counts of one kind. `rows` are log rows expected; `stored` of them stand in a history exactly once.

    `unlisted` were logged for a conversation that nobody has begun: a handover or a policy does not begin one, and
    the API shows no history without it.
    """

    bodies: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    events: int = 0
    watermarks: int = 0
    rows: int = 0
    stored: int = 0
    unlisted: int = 0
    for_bot: int = 0
    delivered: int = 0
    held: int = 0

    def add(self, other: Tally) -> None:
        """Adds the counts of another kind, for the last line of the table."""
        self.answers.update(other.answers)
        for name in ("bodies", "events", "watermarks", "rows", "stored", "unlisted", "for_bot", "delivered", "held"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True, slots=True)
class Answered:
    """A posted body and the last status it got; None for no answer at all."""

    recorded: Recorded
    status: int | None


def reckon(answers: Sequence[Answered], history: History, now: int) -> tuple[dict[str, Tally], list[str]]:
    """The tallies by kind, and a sentence for each thing that is not as it should be."""
    tallies: dict[str, Tally] = {}
    problems: list[str] = []
    for answer in answers:
        tally = tallies.setdefault(answer.recorded.kind, Tally())
        tally.answers[str(answer.status or "no answer")] += 1
        expected = _expected_status(answer.recorded.body)
        if answer.status != expected:
            problems.append(f"line {answer.recorded.number}: answer {answer.status}, expected {expected}")
    rows = _Rows(history)
    for recorded in {answer.recorded.number: answer.recorded for answer in answers}.values():
        tally = tallies[recorded.kind]
        tally.bodies += 1
        for event in _events(recorded, now):
            problems += [f"line {recorded.number}: {problem}" for problem in _count(event, tally, rows)]
    return dict(sorted(tallies.items())), problems


def table(tallies: Mapping[str, Tally]) -> str:
    """The tallies as lines of text, with their sum at the end."""
    total = Tally()
    for tally in tallies.values():
        total.add(tally)
    head = (
        "kind",
        "bodies",
        "answers",
        "events",
        "marks",
        "rows",
        "stored",
        "unlisted",
        "for bot",
        "delivered",
        "held",
    )
    lines = [head, *(_cells(kind, tally) for kind, tally in tallies.items()), _cells("all", total)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    texts = [" ".join(_aligned(cell, widths[at], at) for at, cell in enumerate(line)).rstrip() for line in lines]
    rule = "─" * max(map(len, texts))
    return "\n".join([texts[0], rule, *texts[1:-1], rule, texts[-1]])


class _Rows:
    """Histories, each asked for once; and the rows counted already, for events that several lines share."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._known: dict[str, dict[str, list[Mapping[str, Any]]] | None] = {}
        self._counted: set[tuple[str, str]] = set()

    def is_new(self, event: Event) -> bool:
        """Whether the event's row was not counted before; counts it."""
        key = (event.address.conversation_id, event.row_id)
        is_new = key not in self._counted
        self._counted.add(key)
        return is_new

    def of(self, event: Event) -> list[Mapping[str, Any]] | None:
        """The rows under the event's id; None where its conversation does not exist."""
        conversation = event.address.conversation_id
        if conversation not in self._known:
            self._known[conversation] = _by_id(self._history(conversation))
        rows = self._known[conversation]
        return None if rows is None else rows.get(event.row_id, [])


def _by_id(rows: Sequence[Mapping[str, Any]] | None) -> dict[str, list[Mapping[str, Any]]] | None:
    if rows is None:
        return None
    by_id: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_id.setdefault(str(row["id"]), []).append(row)
    return by_id


def _count(event: Event, tally: Tally, rows: _Rows) -> list[str]:
    tally.events += 1
    if isinstance(event, Watermark):
        tally.watermarks += 1
        return []
    if not rows.is_new(event):
        return []
    tally.rows += 1
    found = rows.of(event)
    if found is None and isinstance(event, Handover | Policy):
        tally.unlisted += 1
        return []
    if found is None or len(found) != 1:
        return [f"{event.kind} {event.row_id} stands {len(found or ())} times in {event.address.conversation_id}"]
    tally.stored += 1
    if not event.row(0).is_new:
        return []
    state = found[0].get("state")
    tally.for_bot += 1
    tally.delivered += state == "delivered"
    tally.held += state == "held"
    return (
        []
        if state in ("delivered", "held")
        else [f"{event.kind} {event.row_id} is neither delivered nor held: {state}"]
    )


def _events(recorded: Recorded, now: int) -> tuple[Event, ...]:
    try:
        return parse(as_meta_writes(recorded.body), now).events
    except HitlError:
        return ()


def _expected_status(body: Any) -> int:
    if not isinstance(body, Mapping):
        return 400
    return 200 if body.get("object") in ("page", "instagram") else 404


def _cells(kind: str, tally: Tally) -> tuple[str, ...]:
    answers = ", ".join(f"{status} ×{count}" for status, count in sorted(tally.answers.items()))
    rows = (tally.events, tally.watermarks, tally.rows, tally.stored, tally.unlisted)
    return (kind, str(tally.bodies), answers, *map(str, (*rows, tally.for_bot, tally.delivered, tally.held)))


def _aligned(cell: str, width: int, column: int) -> str:
    return f"{cell:<{width}}" if column in (0, 2) else f"{cell:>{width}}"
