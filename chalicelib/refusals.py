"""What the Graph API's answers mean: the table of Meta's errors, and the sentence that an operator reads for each.

Pure. Meta's own words are passed on only for errors that the table does not know: trimmed, and without anything in
them that could be a token, because Meta repeats a token that it cannot read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib import document
from chalicelib.errors import (
    BadRequest,
    GraphError,
    NoSuchUser,
    NotThreadOwner,
    PermissionMissing,
    PersonUnavailable,
    ProfileUnavailable,
    RateLimited,
    TokenInvalid,
    Transient,
    Unconfirmed,
    WindowClosed,
)

ERRORS: Mapping[tuple[int | None, int | None], type[GraphError]] = {
    (10, 2018278): WindowClosed,
    (10, 2534022): WindowClosed,
    (10, 2018065): WindowClosed,
    (10, 2018108): PersonUnavailable,
    (551, None): PersonUnavailable,
    (551, 1545041): PersonUnavailable,
    (200, 1545041): PersonUnavailable,
    (100, 2018001): NoSuchUser,
    (100, 2534037): NotThreadOwner,
    (2018300, None): NotThreadOwner,
    (None, 2018300): NotThreadOwner,
    (190, None): TokenInvalid,
    (200, None): PermissionMissing,
    (4, None): RateLimited,
    (32, None): RateLimited,
    (613, None): RateLimited,
    (1, None): Transient,
    (2, None): Transient,
    (1200, None): Transient,
    (2018218, None): ProfileUnavailable,
    (None, 2018218): ProfileUnavailable,
    (2018247, None): ProfileUnavailable,
    (None, 2018247): ProfileUnavailable,
}
"""Meta's (code, subcode), None for any. What Meta documents as one number alone is looked for in both places."""

ADVICE: Mapping[type[GraphError], str] = {
    WindowClosed: "Meta's time for answering this person is over. Wait until they write again.",
    PersonUnavailable: "This person cannot be reached: they may have blocked the Page or left Messenger.",
    NoSuchUser: "Meta knows no such person for {page}. They must write to it first.",
    NotThreadOwner: "Another app owns this conversation. Check the routing of conversations in the Page's settings.",
    TokenInvalid: "Meta no longer accepts the access token of {page}. Make a new one and set its parameter to it.",
    PermissionMissing: "The Meta app may not do this for {page}. Check the app's permissions and the token's scopes.",
    RateLimited: "Meta takes no more calls for {page} at the moment. Wait a minute and try again.",
    Transient: "Meta had trouble of its own and did not carry this out. Try again in a moment.",
    ProfileUnavailable: "Meta does not show this person's profile to the app.",
    Unconfirmed: "Meta gave no clear answer, so this may have been sent or not. Look into the conversation before you "
    "send it again.",
}
"""What an operator reads. `{page}` is filled with the words for the Page concerned."""

_TOKEN_LIKE = re.compile(r"[A-Za-z0-9_|.=-]{24,}")


def read_answer(status: int, data: bytes, page: str, secrets: Sequence[str]) -> dict[str, Any]:
    """The JSON object that Meta answered; the GraphError that it means where it refused.

    `page` is how errors speak of the Page, `secrets` are the texts that must not be in them. An answer that says
    neither yes nor no raises `Unconfirmed`.
    """
    try:
        answer = document.read(data)
    except BadRequest:
        answer = None
    fault = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(fault, dict):
        error = _refusal(fault, page, secrets)
        error.said, error.status = without_secrets(fault, secrets), status
        raise error
    if status == 429:
        raise _error(RateLimited, page)
    if 300 <= status < 500:
        raise GraphError(f"The Graph API answered {status} and not why. Check HITL_GRAPH_URL and HITL_GRAPH_VERSION.")
    if status >= 500 or not isinstance(answer, dict):
        raise _error(Unconfirmed, page)
    return answer


def rejects_proof(error: GraphError) -> bool:
    """Whether Meta refused a call for its `appsecret_proof`, which has the number of any wrong parameter."""
    said = error.said.get("message") if isinstance(error.said, Mapping) else None
    return error.graph_code == 100 and isinstance(said, str) and "appsecret_proof" in said


def without_secrets(value: Any, secrets: Sequence[str]) -> Any:
    """What Meta answered with no secret in any of its texts, for a bot to see."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, "…")
        return value
    if isinstance(value, dict):
        return {without_secrets(key, secrets): without_secrets(item, secrets) for key, item in value.items()}
    return [without_secrets(item, secrets) for item in value] if isinstance(value, list) else value


def _refusal(fault: Mapping[str, Any], page: str, secrets: Sequence[str]) -> GraphError:
    """The typed error of Meta's `error` object."""
    code, subcode = _number(fault.get("code")), _number(fault.get("error_subcode"))
    for key in ((code, subcode), (None, subcode), (code, None)):
        if key in ERRORS:
            return _error(ERRORS[key], page, code, subcode)
    if code is not None and fault.get("is_transient") is True:
        return _error(Transient, page, code, subcode)
    number = "/".join(str(part) for part in (code, subcode) if part is not None)
    said = _harmless(fault.get("message"), secrets)
    text = f"Meta refused this with error {number or 'of no number'}"
    return GraphError(f"{text}, saying: {said}" if said else f"{text}.", code, subcode)


def _error(kind: type[GraphError], page: str, code: int | None = None, subcode: int | None = None) -> GraphError:
    return kind(ADVICE[kind].format(page=page), code, subcode)


def _harmless(text: object, secrets: Sequence[str]) -> str:
    """Meta's own words, short and without secrets."""
    if not isinstance(text, str):
        return ""
    for secret in secrets:
        text = text.replace(secret, "…")
    text = _TOKEN_LIKE.sub("…", " ".join(text.split()))
    return "".join(character for character in text if character.isprintable())[:200]


def _number(value: object) -> int | None:
    """Meta's numbers come as numbers, and from time to time as text."""
    return int(value) if isinstance(value, int | str) and re.fullmatch(r"\d{1,9}", str(value)) else None
