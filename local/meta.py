"""What Meta posts to a webhook: bodies as Meta writes them, signed, in order, and again when nobody takes them."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from queue import SimpleQueue

import urllib3

ANSWER_WITHIN_S = 5.0
"""Meta waits this long for a webhook's answer."""
PAUSES_S = (0.3, 1.0, 2.0, 4.0, 8.0)
"""Between the tries. Meta goes on for hours; a person at a laptop wants to know sooner."""
WORKERS = 8
"""How many conversations are posted for at once."""

Post = Callable[[bytes, Mapping[str, str]], int]
"""Posts a body with headers and returns the status; raises OSError where no answer came."""


@dataclass(frozen=True, slots=True)
class Posting:
    """How far a webhook has come. `state`: sending, retrying, taken, failed. `status` is the last answer's, if any."""

    state: str
    tries: int = 0
    status: int | None = None


def new_mid() -> str:
    """A message id of the kind that Messenger uses."""
    return f"m_{secrets.token_urlsafe(60)}"


def conversation_id(platform: str, page: str, user: str) -> str:
    """The id by which the API knows what this customer and this Page say to each other."""
    return f"{platform}:{page}:{user}"


def envelope(platform: str, page: str, now: int, *events: Mapping[str, object]) -> bytes:
    """A webhook body around events, byte for byte in Meta's manner.

    Everything outside ASCII is escaped with lower-case digits and slashes are escaped too, so that a receiver who
    checks the signature over JSON of its own making fails here as it would with Meta.
    """
    body = {
        "object": "instagram" if platform == "instagram" else "page",
        "entry": [{"time": now, "id": page, "messaging": list(events)}],
    }
    return as_meta_writes(body)


def as_meta_writes(value: object) -> bytes:
    """JSON with Meta's escapes."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True).replace("/", "\\/").encode("ascii")


def signature_headers(app_secret: str, body: bytes) -> dict[str, str]:
    """The headers of a webhook: its type and the two signatures over the raw bytes."""
    key = app_secret.encode()
    return {
        "Content-Type": "application/json",
        "User-Agent": "facebookexternalua",
        "X-Hub-Signature": f"sha1={hmac.new(key, body, hashlib.sha1).hexdigest()}",
        "X-Hub-Signature-256": f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}",
    }


def http_post(url: str, timeout: float = ANSWER_WITHIN_S) -> Post:
    """A `Post` over HTTP to one URL."""
    pool = urllib3.PoolManager(maxsize=16, block=False)

    def post(body: bytes, headers: Mapping[str, str]) -> int:
        try:
            answer = pool.request("POST", url, body=body, headers=dict(headers), timeout=timeout, retries=False)
        except urllib3.exceptions.HTTPError as error:
            raise OSError(str(error)) from error
        return int(answer.status)

    return post


class Postman:
    """Posts webhooks, those of one conversation strictly one after the other.

    A 5xx or no answer is tried again with the same bytes, as Meta does; any other answer than 200 is final.
    """

    def __init__(self, app_secret: str, post: Post, pauses: tuple[float, ...] = PAUSES_S) -> None:
        self._secret = app_secret
        self._post = post
        self._pauses = pauses
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Callable[[], None]]] = {}
        self._stopping = threading.Event()
        self._ready: SimpleQueue[str] = SimpleQueue()
        for number in range(WORKERS):
            threading.Thread(target=self._work, name=f"postman-{number}", daemon=True).start()

    def send(self, conversation: str, body: bytes, tell: Callable[[Posting], None] = lambda _: None) -> None:
        """Queues a body; `tell` hears of every step, from another thread."""
        with self._lock:
            idle = conversation not in self._waiting
            self._waiting.setdefault(conversation, deque()).append(lambda: self._deliver(body, tell))
        if idle:
            self._ready.put(conversation)

    def stop(self) -> None:
        """Gives up what is not posted yet."""
        self._stopping.set()
        for _ in range(WORKERS):
            self._ready.put("")

    def _work(self) -> None:
        while conversation := self._ready.get():
            while not self._stopping.is_set():
                with self._lock:
                    if not self._waiting[conversation]:
                        del self._waiting[conversation]
                        break
                    deliver = self._waiting[conversation].popleft()
                deliver()

    def _deliver(self, body: bytes, tell: Callable[[Posting], None]) -> None:
        headers = signature_headers(self._secret, body)
        for tries, pause in enumerate([*self._pauses, None], start=1):
            status = self._status(body, headers)
            if status == 200:
                return tell(Posting("taken", tries, status))
            if pause is None or (status is not None and status < 500):
                return tell(Posting("failed", tries, status))
            tell(Posting("retrying", tries, status))
            if self._stopping.wait(pause):
                return None
        return None

    def _status(self, body: bytes, headers: Mapping[str, str]) -> int | None:
        try:
            return self._post(body, headers)
        except OSError:
            return None
