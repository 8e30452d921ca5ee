"""What the program tells of its work on Lambda: lines of JSON in the log, metrics, traces; all by Powertools.

Metrics go out as lines of the log too (CloudWatch's embedded metric format), one for each invocation, so they cost no
call. Nothing relies on them: a process that dies has not counted what it did, and has done it all the same. X-Ray's SDK
takes longer to load than the rest of Powertools, so only an invocation that is traced loads it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import cached_property
from typing import Any, Literal

from aws_lambda_powertools import Tracer
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from chalicelib.errors import describe
from chalicelib.settings import Settings

Metric = Literal[
    "Received",
    "Duplicate",
    "Quarantined",
    "Delivered",
    "Held",
    "Refused",
    "Failed",
    "BotFailed",
    "DeliveryLatency",
    "BotLatency",
]
"""What is counted or timed; docs/operating.md says what each is. CloudWatch bills each, so there are ten at most."""
LATENCIES = frozenset({"DeliveryLatency", "BotLatency"})
"""Metrics in milliseconds; the others count."""
NAMESPACE = "chalice-hitl"
"""Of our metrics in CloudWatch. Their one dimension, `service`, is HITL_NAME: more would be more metrics to pay for."""

logger = logging.getLogger(__name__)
_NOTHING: Mapping[str, str] = {}
_about: ContextVar[Mapping[str, str]] = ContextVar("about", default=_NOTHING)


class Silence:
    """Telemetry that tells nobody: on a laptop, whose terminal is for people, and in tests."""

    def add(self, metric: Metric, value: int = 1) -> None:
        """Forget it."""

    def about(self, what: str, **keys: str | None) -> AbstractContextManager[None]:
        """Nothing is told of what runs within."""
        return nullcontext()

    def flush(self) -> None:
        """Nothing was kept."""


class Telemetry:
    """Telemetry of a Lambda function. Safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._added: list[tuple[Metric, int]] = []

    def add(self, metric: Metric, value: int = 1) -> None:
        """Count so many, or keep so many milliseconds, until the invocation ends."""
        self._added.append((metric, value))

    @contextmanager
    def about(self, what: str, **keys: str | None) -> Iterator[None]:
        """Let every line of the log within have these keys, and the trace, if there is one, a part of that name."""
        known = {**_about.get(), **{key: value for key, value in keys.items() if value is not None}}
        token = _about.set(known)
        try:
            with self._part(what, known) if self._settings.is_traced else nullcontext():
                yield
        finally:
            _about.reset(token)

    def flush(self) -> None:
        """Print what was added, as one line. It never fails: what was done is done, counted or not."""
        added, self._added = self._added, []
        try:
            self._print(added)
        except Exception as error:
            logger.warning("Metrics were not told: %s", describe(error))

    def _print(self, added: list[tuple[Metric, int]]) -> None:
        if not added:
            return
        metrics = EphemeralMetrics(namespace=NAMESPACE, service=self._settings.name)
        counts: dict[Metric, int] = {}
        for metric, value in added:
            if metric in LATENCIES:
                metrics.add_metric(metric, MetricUnit.Milliseconds, value)
            else:
                counts[metric] = counts.get(metric, 0) + value
        for metric, value in counts.items():
            metrics.add_metric(metric, MetricUnit.Count, value)
        metrics.flush_metrics()

    @cached_property
    def _tracer(self) -> Tracer:
        return Tracer(service=self._settings.name, patch_modules=["botocore"])

    @property
    def _recorder(self) -> Any:
        return self._tracer.provider  # X-Ray's own recorder, for what Tracer does with the texts of exceptions

    @contextmanager
    def _part(self, what: str, keys: Mapping[str, str]) -> Iterator[None]:
        """A part of the trace. An exception is not told to it, since its text may quote a user; only that it failed."""
        part = self._begun(what, keys)
        try:
            yield
        except BaseException:
            if part is not None:
                part.add_fault_flag()
            raise
        finally:
            if part is not None:
                self._recorder.end_subsegment()

    def _begun(self, what: str, keys: Mapping[str, str]) -> Any:
        try:
            part = self._recorder.begin_subsegment(what)
            for key, value in keys.items():
                self._tracer.put_annotation(key, value)
        except Exception as error:
            logger.warning("This is not traced: %s", describe(error))
            return None
        return part


class _Keys(logging.Filter):
    """Adds what a line of the log is about."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the keys that the line does not have itself."""
        for key, value in _about.get().items():
            record.__dict__.setdefault(key, value)
        return True


def start(settings: Settings) -> Telemetry | Silence:
    """The telemetry of this process. On Lambda its log becomes lines of JSON from now on; elsewhere nothing changes."""
    if not settings.is_on_lambda:
        return Silence()
    handler = logging.StreamHandler(sys.stdout)
    short: Any = {"location": None, "xray_trace_id": None}  # the ids lead there, and every byte is paid for
    handler.setFormatter(LambdaPowertoolsFormatter(service=settings.name, utc=True, use_rfc3339=True, **short))
    handler.addFilter(_Keys())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for ours in ("app", "chalicelib"):
        logging.getLogger(ours).setLevel(logging.INFO)
    return Telemetry(settings)
