"""Bills: what each act uses, as `bench/cost.py` has measured it, times AWS's price list.

Pure, so that a test can write the tables anew from what `docs/performance.md` recorded. What is not measured is a
constant here, with its reason; what the project itself says (memory, alarms, how often the dashboard polls) is read
where it says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from bench.use import Use
from tests.engines import ROOT

VCPU_MB = 1769
"""Megabytes of memory for which Lambda gives one whole processor; less memory, that much less of it."""
WAIT_MS = 8
"""Milliseconds until DynamoDB or SQS answers, within a region."""
BOT_MS, META_MS = 100, 300
"""Milliseconds until a bot has taken an event, which it is to answer later, and until Meta has taken a call of ours."""
OUT_BYTES = 1500
"""Bytes that go out to either."""
COLD, COLD_MS = 0.005, 1000
"""One invocation in two hundred starts a new process first, which is billed too."""
SECRETS = 4
"""Secrets in SSM: each new process has them decrypted by KMS twice, and then only when one of them changes."""
PLATFORM_BYTES = 350
"""Bytes of Lambda's own lines in the log, for each invocation: START, END and REPORT."""
HEADER_BYTES = 500
"""Bytes of an answer's headers; those of HTTP/2 are mostly less."""
PROFILES = 0.1
"""A user writes ten messages a day, the first of which asks Meta for the user's name."""
EMPTY_RECEIVES = 5 * 3
"""A minute: Lambda keeps five requests for letters open, each for 20 seconds."""
METRICS = 10
"""Metrics of our own, billed for the hours in which something was counted."""
KEY_REQUESTS = 12
"""An hour: DynamoDB asks KMS for a table's key every five minutes while the table is used."""

OPERATORS, DAYS, HOURS = 10, 22, 8
MONTH_HOURS = 730
HANDLED = 50
"""Conversations that an operator answers in a day, one in ten minutes."""
FOCUSED = 12
"""Times an hour that an operator comes back to the dashboard's window, which reads the list again."""
LOT = 100_000


@dataclass(frozen=True, slots=True)
class Bill:
    """How much is used of what has a price, by the names of the price list."""

    amounts: Mapping[str, float] = field(default_factory=dict)

    def __add__(self, other: Bill) -> Bill:
        names = {*self.amounts, *other.amounts}
        return Bill({name: self.amounts.get(name, 0) + other.amounts.get(name, 0) for name in names})

    def __mul__(self, times: float) -> Bill:
        return Bill({name: amount * times for name, amount in self.amounts.items()})

    def dollars(self, *, free: bool = False) -> float:
        """What it comes to, at the list's prices or after what is free each month."""
        return sum(_dollars(name, amount, free=free) for name, amount in self.amounts.items())


@dataclass(frozen=True, slots=True)
class Act:
    """What one invocation does: in which function, through which door, and how long it waits for the bot or Meta."""

    function: str
    door: str | None = None
    out_ms: int = 0


MESSAGE, DELIVERY, PROFILE = "A user's message is received", "It is delivered", "The user's name is asked for"
ECHO, MARK = "The echo of the bot's own send", "A delivery or read mark"
ANSWERED, OWN_ECHO = "It is delivered, and the bot answers through us", "The echo of that answer"
ROUND = "A round of the schedule"
POLL, PAGE, HISTORY, ONE, SEEN = "A poll", "A page of the list", "A history", "One conversation", "It is marked as seen"
REPLY, RESUME, STOP, PAGES = "An operator's reply", "A resume", "The global stop", "The Pages' connections"

ACTS = {
    **dict.fromkeys((MESSAGE, ECHO, OWN_ECHO, MARK), Act("api_handler", "http_api")),
    DELIVERY: Act("deliver", out_ms=BOT_MS),
    **dict.fromkeys((ANSWERED, PROFILE), Act("deliver", out_ms=META_MS)),
    ROUND: Act("look_after"),
    **dict.fromkeys((POLL, PAGE, HISTORY, ONE, SEEN, RESUME, STOP, PAGES), Act("api_handler", "rest_api")),
    REPLY: Act("api_handler", "rest_api", META_MS),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A bill with a name, and what it has to stay below after what is free each month: what AWS then asks for."""

    name: str
    bill: Bill
    goal: float

    @property
    def verdict(self) -> str:
        """Whether it does, and whether it would at list price too."""
        if self.bill.dollars(free=True) >= self.goal:
            return "**missed**"
        return "met" if self.bill.dollars() < self.goal else "met; not at list price"


Uses = Mapping[str, Use]


def columns(uses: Uses) -> list[Column]:
    """The bills of the table."""
    received = {MESSAGE: LOT, DELIVERY: LOT, PROFILE: LOT * PROFILES}
    marked = {MARK: 2 * LOT}
    answered = {MESSAGE: LOT, ANSWERED: LOT, PROFILE: LOT * PROFILES, OWN_ECHO: LOT}
    return [
        Column("100,000 messages", _all(uses, received), 1),
        Column("100,000 exchanges", _all(uses, {**received, ECHO: LOT, **marked}), 2),
        Column("… answered through us", _all(uses, {**answered, **marked}), 2),
        Column("Idle for a month", _all(uses, {ROUND: MONTH_HOURS * 60}) + _standing(), 1),
        Column("Ten operators for a month", _all(uses, working()) + _at_work(), 10),
    ]


def table(uses: Uses) -> str:
    """All bills side by side, in Markdown."""
    found = columns(uses)
    lines = [f"| | {' | '.join(column.name for column in found)} |", f"|---|{'---:|' * len(found)}"]
    for name, price in _list().items():
        amounts = [column.bill.amounts.get(name, 0) for column in found]
        if any(amounts):
            cells = [_cell(_dollars(name, amount)) if amount else "" for amount in amounts]
            lines.append(f"| {price['what']} | {' | '.join(cells)} |")
    for words, free in (("**At list price**", False), ("**After what is free each month**", True)):
        cells = [f"**{_cell(column.bill.dollars(free=free))}**" for column in found]
        lines.append(f"| {words} | {' | '.join(cells)} |")
    goals = [f"< {_cell(column.goal)}: {column.verdict}" for column in found]
    return "\n".join([*lines, f"| Goal | {' | '.join(goals)} |"])


def once(name: str, use: Use) -> Bill:
    """What one act uses of what has a price."""
    act = ACTS[name]
    memory, traced = _configured(act.function)
    ms = use.ms / min(1, memory / VCPU_MB) + use.waits * WAIT_MS + COLD * COLD_MS + act.out_ms
    sent = (use.answered + HEADER_BYTES if act.door else 0) / 2**30
    through = {
        None: {},
        "http_api": {"http_api": 1, "transfer_gb": sent},
        "rest_api": {"rest_api": 1, "cloudfront": 1, "cloudfront_gb": sent},
    }[act.door]
    work = {
        "lambda_requests": 1,
        "lambda_gb_s": ms / 1000 * memory / 1024,
        "dynamodb_writes": use.writes,
        "dynamodb_reads": use.reads,
        "dynamodb_gb": use.kept / 2**30,
        "dynamodb_backup_gb": use.kept / 2**30,
        "sqs": 3 * use.letters,  # sent, received, deleted
        "logs_gb": (use.logged + PLATFORM_BYTES) / 2**30,
        "traces": traced,
        "kms": 0 if act.function == "look_after" else COLD * 2 * SECRETS,
    }
    return Bill(work) + Bill(through) + Bill({"transfer_gb": OUT_BYTES / 2**30 if act.out_ms else 0})


def asked_by_itself() -> tuple[float, float, float, float, float]:
    """How often ten dashboards ask in a month: for changes, looked at and hidden; the stop; the Pages; the list."""
    pace, reload = _constants("pace.ts"), _constants("poll.ts")["RELOAD_EVERY"]
    hours = OPERATORS * DAYS * HOURS
    looked, hidden = hours * 3600_000, (OPERATORS * MONTH_HOURS - hours) * 3600_000
    return (
        looked / pace["VISIBLE"],
        hidden / pace["HIDDEN"],
        looked / pace["STOP_EVERY"],
        looked / pace["PAGES_EVERY"],
        looked / reload + hours * FOCUSED,
    )


def working() -> dict[str, float]:
    """How often in a month ten operators, or their dashboards by themselves, do what."""
    looked, hidden, stop, pages, lists = asked_by_itself()
    handled = OPERATORS * DAYS * HANDLED
    return {
        POLL: looked + hidden,
        STOP: stop,
        PAGES: pages,
        PAGE: lists,
        # Opening one reads it and the next one in line. Then come three messages and three replies, after each of
        # which the newest are read again, and a few looks for their marks.
        HISTORY: 9 * handled,
        ONE: 9 * handled,
        SEEN: 4 * handled,
        REPLY: 3 * handled,
        RESUME: 2 * handled,  # and its pause, which costs the same
    }


def _all(uses: Uses, counts: Mapping[str, float]) -> Bill:
    return sum((once(name, uses[name]) * count for name, count in counts.items()), Bill())


def _standing() -> Bill:
    """What a stage costs that nobody uses, beside the rounds of its schedule."""
    templates = "".join((ROOT / "infra" / name).read_text(encoding="utf-8") for name in ("data.yaml", "site.yaml"))
    return Bill(
        {
            "sqs": EMPTY_RECEIVES * MONTH_HOURS * 60,
            "kms": KEY_REQUESTS * MONTH_HOURS,
            "alarms": templates.count("Type: AWS::CloudWatch::Alarm"),
            "dashboards": templates.count("Type: AWS::CloudWatch::Dashboard"),
        }
    )


def _at_work() -> Bill:
    """What comes on top where people work."""
    hours = DAYS * HOURS
    return Bill({"cognito": OPERATORS, "kms": 2 * KEY_REQUESTS * hours, "metrics": METRICS * hours / MONTH_HOURS})


def _dollars(name: str, amount: float, *, free: bool = False) -> float:
    price = _list()[name]
    billed = max(0.0, amount - price["free"]) if free else amount
    return float(billed * price["dollars"] / price["per"])


def _cell(dollars: float) -> str:
    return f"${dollars:.2f}"


@cache
def _list() -> dict[str, dict[str, Any]]:
    prices: dict[str, dict[str, Any]] = json.loads((ROOT / "bench" / "prices.json").read_text(encoding="utf-8"))[
        "prices"
    ]
    return prices


@cache
def _config() -> dict[str, Any]:
    config: dict[str, Any] = json.loads((ROOT / ".chalice" / "config.json").read_text(encoding="utf-8"))
    return config


def compressed_from() -> int:
    """Bytes from which on API Gateway compresses an answer."""
    return int(_config()["minimum_compression_size"])


def _configured(function: str) -> tuple[int, int]:
    """A function's memory in MB, and whether Lambda traces each call of it in production, which few a second are."""
    config = _config()
    traced = config["stages"]["prod"].get("xray", config.get("xray", False))
    return config["lambda_functions"][function]["lambda_memory_size"], int(traced)


@cache
def _constants(file: str) -> dict[str, int]:
    """The numbers that a file of the dashboard's polling names, in milliseconds."""
    source = (ROOT / "frontend" / "src" / "live" / file).read_text(encoding="utf-8")
    found: Iterable[tuple[str, str]] = re.findall(r"const ([A-Z_]+) = ([\d_ *]+);", source)
    values = {}
    for name, text in found:
        value = 1
        for factor in text.split("*"):
            value *= int(factor)
        values[name] = value
    return values
