"""`make replay FILE=…`: posts recorded webhook bodies to the running stack and prints what became of them."""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

from local.environment import environment, state_file
from local.meta import PAUSES_S, Post, as_meta_writes, http_post, signature_headers
from local.reckoning import Answered, History, reckon, table
from local.recorded import Recorded, Unreadable, read
from local.stack import now

EMPTY_WITHIN_S = 300
POST_TIMEOUT_S = 30
"""Longer than Meta waits: what a busy laptop answers late is still an answer."""


class CannotReplay(Exception):
    """Nothing can be posted, or nothing learned of it; the text says what to do."""


def _tell_nobody(_done: int, _of: int) -> None:
    """For who does not want to watch."""


def replay(
    recorded: Sequence[Recorded],
    post: Post,
    app_secret: str,
    *,
    times: int = 1,
    shuffle: int | None = None,
    in_flight: int = 1,
    pauses: Sequence[float] = PAUSES_S,
    tell: Callable[[int, int], None] = _tell_nobody,
) -> list[Answered]:
    """Posts every body `times` times, `in_flight` at once; with `shuffle` (a seed) in another order each time.

    A 5xx or no answer is tried again with the same bytes. `tell` hears how many are done, of how many.
    """
    order: list[Recorded] = []
    chance = random.Random(shuffle)
    for _ in range(times):
        once = list(recorded)
        if shuffle is not None:
            chance.shuffle(once)
        order += once

    def posted(each: Recorded) -> Answered:
        body = as_meta_writes(each.body)
        return Answered(each, _insist(post, body, signature_headers(app_secret, body), pauses))

    answers: list[Answered] = []
    with ThreadPoolExecutor(in_flight) as workers:
        for answer in workers.map(posted, order):
            answers.append(answer)
            tell(len(answers), len(order))
    return answers


def _insist(post: Post, body: bytes, headers: Mapping[str, str], pauses: Sequence[float]) -> int | None:
    status: int | None = None
    for pause in (*pauses, None):
        try:
            status = post(body, headers)
        except OSError:
            status = None
        if pause is None or (status is not None and status < 500):
            break
        time.sleep(pause)
    return status


class RunningStack:
    """The stack that is replayed to, over its one origin."""

    def __init__(self, url: str, api_token: str) -> None:
        self.url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_token}"}
        self._pool = urllib3.PoolManager(retries=False, timeout=30)

    def history(self, conversation: str) -> list[Mapping[str, Any]] | None:
        """Every row of a conversation, newest first; None where there is no such conversation."""
        rows: list[Mapping[str, Any]] = []
        cursor: str | None = None
        while True:
            query = urlencode({"limit": 100, **({"cursor": cursor} if cursor else {})})
            path = f"/api/botpress-hitl/sessions/{quote(conversation, safe='')}/messages?{query}"
            status, page = self._get(path)
            if status == 404:
                return None
            if status != 200:
                raise CannotReplay(f"The API answered {status} for the history of {conversation}.")
            rows += page["messages"]
            cursor = page["cursor"]
            if cursor is None:
                return rows

    def wait_until_empty(self, tell: Callable[[int], None], seconds: float = EMPTY_WITHIN_S) -> int:
        """Returns when the mailbox is empty, or after `seconds`; says how many letters are left then."""
        until = time.monotonic() + seconds
        while True:
            status, counts = self._get("/simulator/api/mailbox")
            if status != 200:
                raise CannotReplay(f"{self.url} does not tell what is in its mailbox (answer {status}).")
            left = int(counts["waiting"]) + int(counts["in_flight"])
            tell(left)
            if left == 0 or time.monotonic() > until:
                return left
            time.sleep(0.2)

    def _get(self, path: str) -> tuple[int, Any]:
        try:
            answer = self._pool.request("GET", self.url + path, headers=self._headers)
            return answer.status, answer.json() if answer.status == 200 else None
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise CannotReplay(f"{self.url} gives no readable answer. Does `make run` run there?") from error


class Progress:
    """One line on the terminal that is written over; silent where the output is no terminal."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._began = time.monotonic()

    def posted(self, done: int, of: int) -> None:
        """Draws the bar."""
        width = 30
        full = width * done // max(of, 1)
        rate = done / max(time.monotonic() - self._began, 0.001)
        self._draw(f"posting {'█' * full}{'░' * (width - full)} {done}/{of}  {rate:.0f}/s")

    def waiting(self, left: int) -> None:
        """Says how many letters the bot has not been given yet."""
        self._draw(f"waiting for the mailbox: {left} left")

    def clear(self) -> None:
        """Leaves an empty line."""
        self._draw("")

    def _draw(self, text: str) -> None:
        if self._is_terminal:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def report(answers: Sequence[Answered], history: History) -> tuple[str, bool]:
    """The table with what is wrong below it, and whether nothing is."""
    tallies, problems = reckon(answers, history, now())
    shown = [f"  {problem}" for problem in problems[:20]]
    if len(problems) > len(shown):
        shown.append(f"  … and {len(problems) - len(shown)} more")
    verdict = (
        ["", "Not as it should be:", *shown] if problems else ["", "Every answer and every row is as it should be."]
    )
    return "\n".join([table(tallies), *verdict]), not problems


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every body got its answer and every event its one row, 1 otherwise."""
    options = _options(arguments)
    try:
        recorded = read(options.file.read_text("utf-8"))
        stack, secret = _stack(options)
        print(f"{len(recorded)} bodies, {options.times} time(s), {options.in_flight} in flight, to {stack.url}")
        progress, began = Progress(), time.monotonic()
        answers = replay(
            recorded,
            http_post(f"{stack.url}/api/webhook", POST_TIMEOUT_S),
            secret,
            times=options.times,
            shuffle=options.shuffle,
            in_flight=options.in_flight,
            tell=progress.posted,
        )
        seconds = time.monotonic() - began
        left = stack.wait_until_empty(progress.waiting)
        progress.clear()
        text, is_right = report(answers, stack.history)
    except (CannotReplay, Unreadable, OSError, UnicodeDecodeError) as error:
        print(f"Cannot replay: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    print(f"{len(answers)} posted in {seconds:.1f} s ({len(answers) / max(seconds, 0.001):.0f}/s).\n\n{text}")
    if left:
        print(f"{left} letters are still in the mailbox after {EMPTY_WITHIN_S} s.")
    return 0 if is_right and not left else 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make replay FILE=…", description=__doc__)
    parser.add_argument("file", type=Path, help="JSON lines: webhook bodies, or {kind, body} around them")
    parser.add_argument("--times", type=_positive, default=environment().get("TIMES") or 1, help="how often (TIMES=)")
    parser.add_argument("--shuffle", type=int, default=environment().get("SHUFFLE") or None, help="a seed (SHUFFLE=)")
    parser.add_argument(
        "--in-flight", type=_positive, default=environment().get("INFLIGHT") or 1, help="how many at once (INFLIGHT=)"
    )
    parser.add_argument("--url", help="the stack's origin; else that of the stack which runs here")
    parser.add_argument("--app-secret", help="else HITL_APP_SECRET, or that of the stack which runs here")
    parser.add_argument("--api-token", help="else HITL_API_TOKEN, or that of the stack which runs here")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 1000:
        raise argparse.ArgumentTypeError("a number from 1 to 1000 is needed")
    return number


def _stack(options: argparse.Namespace) -> tuple[RunningStack, str]:
    """Where to post and with which secret: flags first, then the stack that runs here, then the environment."""
    try:
        state = json.loads(state_file(environment()).read_text("utf-8"))
    except (OSError, ValueError):
        state = {}
    url = options.url or state.get("url")
    secret = options.app_secret or state.get("app_secret") or environment().get("HITL_APP_SECRET")
    token = options.api_token or state.get("api_token") or environment().get("HITL_API_TOKEN")
    if not (url and secret and token):
        raise CannotReplay("no stack runs here. Start `make run`, or give --url, --app-secret and --api-token.")
    return RunningStack(url, token), secret


if __name__ == "__main__":
    sys.exit(main())
