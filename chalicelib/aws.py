"""Clients of AWS, all of one session.

Each session loads botocore's data about endpoints for itself, which takes longer than the rest of making a client; a
cold start should pay for it once. boto3 would only be loaded in addition.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.config import Config
from botocore.session import Session, get_session


@cache
def session() -> Session:
    """The session of this process; its credentials and endpoints are those that the environment names."""
    return get_session()


def client(service: str, region: str, **options: Any) -> Any:
    """A new client of a service, set up by botocore's `Config` options. Clients may be shared between threads."""
    return session().create_client(service, region_name=region, config=Config(**options))
