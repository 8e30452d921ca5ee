"""Who is calling. For now one API token from the settings opens every route, and stands for an operator."""

from __future__ import annotations

import hmac

from chalicelib.conversation import Actor
from chalicelib.errors import Unauthenticated
from chalicelib.settings import Settings

HOLDER = Actor("operator", "api-token", "API token")


def caller(authorization: str | None, settings: Settings) -> Actor:
    """Who an Authorization header speaks for; Unauthenticated where it is missing or holds no token of ours."""
    scheme, _, token = (authorization or "").partition(" ")
    known = settings.api_token.encode()
    if scheme.casefold() != "bearer" or not hmac.compare_digest(token.strip().encode("utf-8", "replace"), known):
        raise Unauthenticated("Send an API token in the header: Authorization: Bearer hitl_…")
    return HOLDER
