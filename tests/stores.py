"""Stores on the engines that `tests.engines` starts."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from chalicelib.ports import StorePort
from chalicelib.settings import Settings
from chalicelib.store import Store, create_tables

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
