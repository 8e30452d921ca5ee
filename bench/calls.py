"""AWS calls and capacity units of one message.

Calls are counted by an event hook of botocore, so that whatever library makes them is seen. Capacity units are those
that DynamoDB Local reports (`ReturnConsumedCapacity`), for a short text: one write unit for each KB written, to the
table and to each index, one read unit for 4 KB read consistently. Each line is the usual case, after the conversation's
first message and with the user's name known unless it says so; a retry, a lost race or a long message takes more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bench.aws import Call
from bench.functions import said, webhook
from bench.harness import Act, Bench, Figure
from chalicelib.mailbox import Letter
from chalicelib.message import OWN_METADATA, Actor
from chalicelib.messenger import Outgoing
from chalicelib.system import System
from chalicelib.webhook import parse

TITLE = "Calls and capacity"
CALLS = 3
"""At most so many for a message that is received, and for one that is delivered."""
USER, ID = 1, "messenger:100:1"
OTHER = "messenger:100:2"
ANA = Actor("operator", "ana", "Ana")


def measure(bench: Bench) -> list[Figure]:
    """Let each kind of message go its way once."""
    system = bench.system("calls")
    figures = []

    def measured(name: str, act: Act, budget: int | None = None) -> None:
        bench.recorder.taken()
        act()
        calls = bench.recorder.taken()
        counts = Counter(call.operation for call in calls)
        made = ", ".join(f"{count} × {operation}" if count > 1 else operation for operation, count in counts.items())
        writes, reads = units(calls)
        detail = f"{made}; {writes:g} write and {reads:g} read units"
        figures.append(Figure(name, len(calls), "calls" if len(calls) > 1 else "call", budget, detail))

    _warm(system)
    measured("A user's message is received", lambda: _receive(system, said(USER, "m1", system.clock())), CALLS)
    measured("It comes again before it is delivered", lambda: _receive(system, said(USER, "m1", system.clock())))
    measured("It is delivered", lambda: system.deliveries.deliver(Letter(ID, "m:m1"), 1), CALLS)
    measured("Its letter comes again", lambda: system.deliveries.deliver(Letter(ID, "m:m1"), 1))
    measured("The first message of a user is received", lambda: _receive(system, said(2, "m2", system.clock())))
    measured("It is delivered, and a name asked for", lambda: system.deliveries.deliver(Letter(OTHER, "m:m2"), 1))
    measured("The name comes, once a day", lambda: system.deliveries.deliver(Letter(OTHER, "@0", "profile"), 1))
    measured("A read mark", lambda: _receive(system, mark(system.clock())))
    measured("A reply is sent", lambda: system.replies.send(ID, "c1", Outgoing(text="At nine."), ANA))
    measured("The echo of it", lambda: _receive(system, echo("sent_1", metadata=f"{OWN_METADATA}s:c1", app_id=1)))
    measured("The echo of another app's send", lambda: _receive(system, echo("x1", app_id=2)))
    measured("A pause", lambda: system.handoff.pause(ID, ANA))
    measured("The first message while paused is received", lambda: _receive(system, said(USER, "m3", system.clock())))
    measured("It is held", lambda: system.deliveries.deliver(Letter(ID, "m:m3"), 1))
    measured("The next one is received", lambda: _receive(system, said(USER, "m4", system.clock())))
    measured("A resume", lambda: system.handoff.resume(ID, ANA))
    return figures


def _warm(system: System) -> None:
    _receive(system, said(USER, "m0", system.clock()))
    system.deliveries.deliver(Letter(ID, "m:m0"), 1)
    system.deliveries.deliver(Letter(ID, "@0", "profile"), 1)


def _receive(system: System, item: dict[str, object]) -> None:
    tally = system.reception.receive(parse(webhook(system.clock(), item), system.clock()).events)
    assert not tally.failed, tally


def units(calls: Sequence[Call]) -> tuple[float, float]:
    """The write and the read units of calls."""
    return sum(call.units for call in calls if not call.is_read), sum(call.units for call in calls if call.is_read)


def mark(at: int) -> dict[str, object]:
    """Meta's word that the user has read all until then."""
    parties = {"sender": {"id": f"{USER}"}, "recipient": {"id": "100"}, "timestamp": 1}
    return {**parties, "read": {"watermark": at}}


def echo(mid: str, **more: object) -> dict[str, object]:
    """Meta's word that the Page has said something."""
    parties = {"sender": {"id": "100"}, "recipient": {"id": f"{USER}"}, "timestamp": 1}
    return {**parties, "message": {"mid": mid, "text": "At nine.", "is_echo": True, **more}}
