"""Our parameters in AWS Systems Manager: secrets, the hashes of tokens, and what is known only after a deployment.

All that stands under `/<HITL_NAME>/` is read at once, at most every half minute. While SSM does not answer, what was
read last stays good: a webhook must not fail because a neighbour of ours does.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from chalicelib import aws
from chalicelib.errors import Unavailable

MAX_AGE = 30.0
"""Seconds after which parameters are read again: a token that was revoked works no longer than that."""
RETRY_AFTER = 5.0
"""Seconds for which SSM is left alone after it did not answer."""

_CLIENT = {"connect_timeout": 1, "read_timeout": 2, "retries": {"mode": "standard", "total_max_attempts": 2}}

logger = logging.getLogger(__name__)
Fetch = Callable[[], Mapping[str, str]]


class Parameters(Mapping[str, str]):
    """The parameters under a path by what follows it in their names, for example `app-secret`.

    Unavailable where they cannot be read and never were. Safe to share between threads: one reads, the others go on
    with what there is.
    """

    def __init__(self, fetch: Fetch, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._values: Mapping[str, str] | None = None
        self._due = float("-inf")
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> str:
        return self._current()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._current())

    def __len__(self) -> int:
        return len(self._current())

    def __repr__(self) -> str:
        return "Parameters(…)"

    def _current(self) -> Mapping[str, str]:
        values = self._values
        if values is not None and self._clock() < self._due:
            return values
        if not self._lock.acquire(blocking=values is None):
            assert values is not None
            return values
        try:
            if self._clock() >= self._due:
                self._refresh()
        finally:
            self._lock.release()
        if self._values is None:
            raise Unavailable("The parameters in SSM cannot be read. Try again; the function's log says why.")
        return self._values

    def _refresh(self) -> None:
        try:
            self._values = self._fetch()
        except Exception as error:  # whatever it is, a stale value is better than none
            cause = error.__cause__ or error.__context__ or error
            code = getattr(cause, "response", {}).get("Error", {}).get("Code", "")
            logger.warning("SSM did not answer (%s %s)", type(cause).__name__, code)
            self._due = self._clock() + RETRY_AFTER
        else:
            self._due = self._clock() + MAX_AGE


class Decrypted:
    """Reads parameters without having each of them decrypted every half minute, which KMS bills.

    As they are stored they are compared with what was stored when they were last decrypted; a change of any has all
    decrypted anew, and once more at the next reading, since SSM may give what was before for a moment. `read` gives all
    of them, decrypted or as they are stored. The first reading, for which a first request waits, is one call.
    """

    def __init__(self, read: Callable[[bool], Mapping[str, str]]) -> None:
        self._read = read
        self._seen: Mapping[str, str] | None = None
        self._settled: Mapping[str, str] | None = None
        self._values: Mapping[str, str] | None = None

    def __call__(self) -> Mapping[str, str]:
        """All parameters, as SSM gives them now."""
        if self._values is None:
            self._values = self._read(True)
        elif (stored := self._read(False)) != self._settled:
            # Noted last: where decrypting fails, the next reading finds the change again.
            self._values = self._read(True)
            self._settled = stored if stored == self._seen else None
            self._seen = stored
        return self._values


def under(path: str, region: str, clock: Callable[[], float] = time.monotonic) -> Parameters:
    """The parameters under a path, read through Powertools."""

    @cache
    def provider() -> Any:
        from aws_lambda_powertools.utilities.parameters import SSMProvider

        return SSMProvider(boto3_client=aws.client("ssm", region, **_CLIENT))

    def read(decrypt: bool) -> Mapping[str, str]:
        found: Mapping[str, str] = provider().get_multiple(path, recursive=True, decrypt=decrypt, force_fetch=True)
        return found

    return Parameters(Decrypted(read), clock)
