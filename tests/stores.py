"""Stores on the engines that `tests.engines` starts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from chalicelib.ports import StorePort
from chalicelib.settings import Settings
from chalicelib.store import Store, create_tables
from tests.dynamo import FakeDynamo
from tests.wire import WiredStore

NewStore = Callable[[], StorePort]
"""Opens an empty store."""


def own_settings(**more: str) -> Settings:
    """Settings under a name of their own, so that their tables are."""
    return Settings({"HITL_NAME": f"test-{uuid4().hex}", **more})


def opened(url: str, settings: Settings | None = None) -> Store:
    """An empty store on the engine at `url`, which botocore reads from the environment when it makes the client."""
    settings = settings or own_settings()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        create_tables(settings)
        return Store(settings)


class _Answering:
    """Lets the fake answer whatever the store asks."""

    def __init__(self) -> None:
        self._dynamo = FakeDynamo()

    def asked(self, service: str, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return self._dynamo.answer(operation, request)

    def answered(self, service: str, operation: str) -> None:
        pass


def on_fake_dynamo() -> Store:
    """An empty store on DynamoDB in memory."""
    return WiredStore(own_settings(), _Answering(), time.sleep)
