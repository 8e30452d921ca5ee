"""The people of the simulator: who they are, what stands in their threads, and the trouble ordered for the next sends.

Only state, guarded by one lock; what happens with it is in `play`. `World.version` grows with every change, so that a
page can wait for the next one.
"""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from local.meta import Posting, conversation_id
from local.names import invented_name
from local.trouble import TROUBLES, Trouble

LONGEST_THREAD = 500
"""Older lines of a thread leave the page, never the log of the API."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing in a thread. `side`: customer, page or inbox. `buttons` and `quick_replies` are Graph objects."""

    key: int
    mid: str
    side: str
    at: int
    text: str | None = None
    image: str | None = None
    note: str | None = None
    buttons: tuple[Mapping[str, Any], ...] = ()
    quick_replies: tuple[Mapping[str, Any], ...] = ()
    posting: Posting | None = None


@dataclass(slots=True)
class Customer:
    """A person who writes to one Page. `guest`: known only because somebody sent to that id."""

    platform: str
    page: str
    id: str
    first_name: str
    last_name: str
    guest: bool = False
    is_open: bool = False
    page_types: bool = False
    seen_at: int = 0
    last_at: int = 0
    unread: int = 0
    lines: deque[Line] = field(default_factory=lambda: deque(maxlen=LONGEST_THREAD))

    @property
    def key(self) -> str:
        """The id of the conversation."""
        return conversation_id(self.platform, self.page, self.id)

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"


class World:
    """Every customer, and what the next sends will meet."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._changed = threading.Condition(threading.RLock())
        self._customers: dict[str, Customer] = {}
        self._troubles: deque[Trouble] = deque()
        self._key = 0
        self.version = 0

    def add(self, platform: str, page: str, user: str | None = None, *, guest: bool = False) -> Customer:
        """A new person with an invented name; the id decides the name, so that it is the same every time."""
        user = user or str(secrets.randbelow(9 * 10**15) + 10**15)
        first, last = invented_name(user)
        with self._changed:
            customer = Customer(platform, page, user, first, last, guest)
            self._customers.setdefault(customer.key, customer)
            self._change()
            return self._customers[customer.key]

    def first_key(self) -> str:
        """The conversation of the first person, as an example."""
        with self._changed:
            return next(iter(self._customers), "")

    def find(self, key: str) -> Customer | None:
        """The person of a conversation, if there is one."""
        with self._changed:
            return self._customers.get(key)

    def now(self, customer: Customer) -> int:
        """The present, later than everything in the thread, so that its order is never in doubt."""
        with self._changed:
            customer.last_at = max(self._clock(), customer.last_at + 1)
            return customer.last_at

    def write(self, customer: Customer, **what: Any) -> Line:
        """Adds a line to a thread."""
        with self._changed:
            self._key += 1
            line = Line(key=self._key, **what)
            customer.lines.append(line)
            if line.side != "customer":
                customer.page_types = False
                customer.unread += not customer.is_open
            self._change()
            return line

    def posted(self, customer: Customer, key: int, posting: Posting) -> None:
        """Notes how far the webhook of a line has come."""
        with self._changed:
            for at, line in enumerate(customer.lines):
                if line.key == key:
                    customer.lines[at] = replace(line, posting=posting)
            self._change()

    def mark(self, customer: Customer, **fields: Any) -> None:
        """Sets plain facts about a person: `is_open`, `page_types`, `seen_at`, `unread`."""
        with self._changed:
            for name, value in fields.items():
                setattr(customer, name, value)
            self._change()

    def order(self, name: str, times: int) -> bool:
        """The next `times` sends meet this trouble, after those already ordered; 0 calls all of them off."""
        with self._changed:
            if times <= 0:
                self._troubles.clear()
            elif name in TROUBLES:
                self._troubles.extend([TROUBLES[name]] * times)
            else:
                return False
            self._change()
            return True

    def meet(self) -> Trouble | None:
        """The trouble of the send that comes now, if any is ordered."""
        with self._changed:
            if not self._troubles:
                return None
            self._change()
            return self._troubles.popleft()

    def wait(self, version: int, seconds: float) -> int:
        """The version once it differs from `version`, or after `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: self.version != version, seconds)
            return self.version

    def snapshot(self, key: str | None) -> dict[str, object]:
        """Everything that the page shows: the people, the thread of one of them, the trouble ordered."""
        with self._changed:
            people = sorted(self._customers.values(), key=lambda each: (each.guest, -each.last_at))
            shown = self._customers.get(key or "")
            return {
                "version": self.version,
                "customers": [_summary(each) for each in people],
                "thread": None if shown is None else _thread(shown),
                "troubles": [trouble.label for trouble in self._troubles],
            }

    def _change(self) -> None:
        self.version += 1
        self._changed.notify_all()


def _summary(customer: Customer) -> dict[str, object]:
    last = customer.lines[-1] if customer.lines else None
    failed = any(line.posting is not None and line.posting.state == "failed" for line in customer.lines)
    return {
        "key": customer.key,
        "id": customer.id,
        "page": customer.page,
        "name": customer.name,
        "guest": customer.guest,
        "unread": customer.unread,
        "failed": failed,
        "last": None if last is None else {"side": last.side, "text": last.text or last.note or "", "at": last.at},
    }


def _thread(customer: Customer) -> dict[str, object]:
    lines = [asdict(line) for line in customer.lines]
    return {**_summary(customer), "typing": customer.page_types, "seen_at": customer.seen_at, "lines": lines}
