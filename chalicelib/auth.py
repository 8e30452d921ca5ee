"""Who is calling, and what each route needs: the one place where access is decided.

Operators come with a token of the OpenID provider, bots with an API token of ours. An API token is `hitl_` and 256
random bits; we keep its hash only, in a parameter of its own, so that making and revoking one touches no other.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from chalicelib.errors import Forbidden, NotFound, Unauthenticated
from chalicelib.message import Actor
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from chalicelib.identity import Issuer

Permission = Literal["read", "pause", "send", "operator"]
Need = Permission | Literal["public"]

PERMISSIONS: tuple[Permission, ...] = get_args(Permission)
_SESSIONS = "/botpress-hitl/sessions"
GRAPH_METHODS = ("GET", "POST", "DELETE")
GRAPH_PATHS = ("/graph/{version}", "/graph/{version}/{node}", "/graph/{version}/{node}/{edge}")
"""What `routes.graph` serves: it asks for the token itself, because bots send it in Meta's ways."""
NEEDS: Mapping[tuple[str, str], Need] = {
    ("GET", "/webhook"): "public",  # Meta's verify token
    ("POST", "/webhook"): "public",  # Meta's signature
    ("GET", "/health"): "public",
    **{(method, path): "public" for method in GRAPH_METHODS for path in GRAPH_PATHS},  # a bot token, as Meta takes one
    ("GET", _SESSIONS): "read",
    ("GET", _SESSIONS + "/{session}"): "read",
    ("POST", _SESSIONS + "/{session}/pause"): "pause",
    ("POST", _SESSIONS + "/{session}/unpause"): "pause",
    ("GET", _SESSIONS + "/{session}/messages"): "read",
    ("POST", _SESSIONS + "/{session}/messages"): "send",
    ("POST", _SESSIONS + "/{session}/seen"): "read",
    ("GET", "/botpress-hitl/pages"): "read",
    ("GET", "/botpress-hitl/bot"): "read",
    ("PUT", "/botpress-hitl/bot"): "operator",
}
"""What a caller needs for each route. A route that is not here cannot be served."""

_TOKEN = r"hitl_[A-Za-z0-9_-]{43}"  # noqa: S105 the form of one
NO_TOKEN = "Sign in, or send an API token in the header: Authorization: Bearer hitl_…"  # noqa: S105 not a token
NO_SUCH_TOKEN = "This API token is not known, or was revoked. Ask for another one."  # noqa: S105 the same
NO_SUCH_CONVERSATION = "There is no such conversation. It begins with the user's first message."
WHOLE_LISTS = "A list holds the conversations of every Page, and this token is for one. Ask for them by their ids."


class Caller(NamedTuple):
    """Who is calling, and what they may do. `page` is `<platform>:<page id>`, or None where every Page is meant."""

    actor: Actor
    permissions: frozenset[str]
    page: str | None = None

    def check(self, need: Need) -> None:
        """Forbidden where the caller lacks it."""
        if need not in self.permissions:
            raise Forbidden(f"This needs the permission {need}, which this token does not have.")

    def check_conversation(self, conversation_id: str) -> None:
        """NotFound for a conversation of another Page: not even that it exists is told."""
        if self.page is not None and conversation_id.rpartition(":")[0] != self.page:
            raise NotFound(NO_SUCH_CONVERSATION)

    def check_every_page(self) -> None:
        """Forbidden for who is bound to one Page."""
        if self.page is not None:
            raise Forbidden(WHOLE_LISTS)


class ApiToken(NamedTuple):
    """What is kept of an API token. `made` and `revoked` say by whom and when, for people."""

    id: str
    name: str
    hash: str
    page: str | None
    permissions: tuple[str, ...]
    made: str = ""
    revoked: str = ""

    def __repr__(self) -> str:
        return f"ApiToken({self.id!r}, {self.name!r})"  # the hash is nobody's business

    @classmethod
    def of(cls, id_: str, value: str) -> ApiToken | None:
        """Read a parameter; None where it holds no token."""
        try:
            content: dict[str, Any] = json.loads(value)
            page, permissions = content["page"], content["permissions"]
            texts = [content["name"], content["hash"], *permissions, *([] if page is None else [page])]
            if not all(isinstance(text, str) for text in texts) or not set(permissions) <= set(PERMISSIONS):
                return None
            about = (str(content.get("made", "")), str(content.get("revoked", "")))
            return cls(id_, content["name"], content["hash"], page, tuple(permissions), *about)
        except (ValueError, TypeError, KeyError, AttributeError):
            return None

    @property
    def value(self) -> str:
        """The parameter's value."""
        content = {"name": self.name, "hash": self.hash, "page": self.page, "permissions": self.permissions}
        return json.dumps({**content, "made": self.made, "revoked": self.revoked})

    @property
    def caller(self) -> Caller:
        """Whom it speaks for. Who may do what operators do, is one."""
        kind: Literal["operator", "bot"] = "operator" if "operator" in self.permissions else "bot"
        return Caller(Actor(kind, self.id, self.name), frozenset(self.permissions), self.page)


def new_token() -> str:
    """A token that nobody has."""
    import secrets

    return f"hitl_{secrets.token_urlsafe(32)}"


def is_token(text: str) -> bool:
    """Whether this has the form of an API token."""
    return re.fullmatch(_TOKEN, text) is not None


def hash_of(token: str) -> str:
    """What we keep of a token. It is random enough that no salt or slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def api_token(token: str, settings: Settings) -> ApiToken:
    """The API token that this is; Unauthenticated where it is none of ours. Costs no call to AWS but the usual one."""
    if is_token(token):
        known = hash_of(token)
        for id_, value in settings.tokens.items():
            found = _read(id_, value)
            if found is not None and not found.revoked and hmac.compare_digest(found.hash.encode(), known.encode()):
                return found
    raise Unauthenticated(NO_SUCH_TOKEN)


def caller(authorization: str | None, settings: Settings, issuer: Issuer) -> Caller:
    """Who an Authorization header speaks for.

    Unauthenticated where nobody that we know does, Forbidden where an operator is not in the group.
    """
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    if scheme.casefold() != "bearer" or not token:
        raise Unauthenticated(NO_TOKEN)
    if token.startswith("hitl_"):
        return api_token(token, settings).caller
    operator = issuer.operator(token)
    group = settings.sign_in.group
    if group and group not in operator.groups:
        raise Forbidden(f"Operators are in the group {group}, and you are not. Ask who runs this to add you.")
    return Caller(Actor("operator", operator.id, operator.name), frozenset(PERMISSIONS))


_read = lru_cache(maxsize=1024)(ApiToken.of)
