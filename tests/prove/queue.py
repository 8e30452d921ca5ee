"""SQS FIFO in memory, beneath boto3: one letter of a group at a time, in order, and repeats dropped for a while.

A letter that is not deleted comes again: whoever plays SQS says when, by `release`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

MEMORY = 300_000
"""Milliseconds for which SQS drops a repeat."""


@dataclass(eq=False)
class Post:
    """What is in the queue."""

    body: str
    group: str
    tries: int = 0
    in_flight: bool = False


@dataclass
class FakeQueue:
    """One queue. `drops_repeats` and `keeps_groups` can be taken from it, to see what relies on them."""

    clock: Callable[[], int]
    drops_repeats: bool = True
    keeps_groups: bool = True
    posts: list[Post] = field(default_factory=list)
    _known: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Perform an operation of `chalicelib.mailbox`."""
        if operation == "GetQueueUrl":
            return 200, {"QueueUrl": "http://queue"}
        assert operation == "SendMessage", operation
        with self._lock:
            now, repeat = self.clock(), self._known.get(request["MessageDeduplicationId"])
            if repeat is None or repeat + MEMORY < now or not self.drops_repeats:
                self._known[request["MessageDeduplicationId"]] = now
                self.posts.append(Post(request["MessageBody"], request["MessageGroupId"]))
        return 200, {"MessageId": "1"}

    def receive(self, which: int = 0) -> Post | None:
        """Hand out the first letter of a group that has none in flight, of the `which`-th such group; None: nothing."""
        firsts: dict[object, Post] = {}
        with self._lock:
            for post in self.posts:
                firsts.setdefault(post.group if self.keeps_groups else id(post), post)
            ready = [post for post in firsts.values() if not post.in_flight]
            if not ready:
                return None
            post = ready[which % len(ready)]
            post.tries += 1
            post.in_flight = True
            return post

    def delete(self, post: Post) -> None:
        """The handler has returned."""
        self.posts.remove(post)

    def release(self, post: Post) -> None:
        """The letter's visibility has timed out."""
        post.in_flight = False
