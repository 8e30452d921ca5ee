"""JSON from outside that may be hostile: read, cut, written and hashed without recursion beyond a known depth. Pure.

Python's parser follows some hundred levels, fewer the deeper its caller stands, and raises RecursionError beyond. Here
the depth is bounded by a constant instead, so that what was read once can be written and read again anywhere.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import Any

from chalicelib.errors import BadRequest

MAX_DEPTH = 64
"""What begins at this level of nesting is replaced by a text with its hash."""
MAX_KEY = 200
"""Characters of a key that `cut` keeps."""

_REPLACEMENT = '"(nested too deeply: {})"'
_REPLACED = re.compile(r'"\(nested too deeply: [0-9a-f]{64}\)"')
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]++|[\]}]++', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


def read(body: bytes) -> Any:
    """The value that this JSON says, with less than MAX_DEPTH levels; BadRequest where it is none.

    As in most parsers the last of equal keys counts. Numbers that no other parser could hold become texts. What is
    nested too deeply is skipped by its brackets, so its inside need not be JSON.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise BadRequest("The body is not JSON in UTF-8.") from None
    try:
        value = _parsed(text)
        if not _has_levels(value, MAX_DEPTH):
            return value
    except RecursionError:
        pass  # deeper still, and how much depends on who calls
    return _parsed(_flattened(text))


def written(value: Any) -> str:
    """Compact JSON that UTF-8 can hold: half of a surrogate pair stays an escape."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if _is_encodable(text) else json.dumps(value, separators=(",", ":"))


def storable(text: str) -> str:
    """The text with a replacement character for each half of a surrogate pair."""
    return text if _is_encodable(text) else _SURROGATE.sub("\ufffd", text)


def _is_encodable(text: str) -> bool:
    """Whether UTF-8 can hold it. Encoding it takes a hundredth of the time that searching it takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def digest(text: str) -> str:
    """64 hexadecimal digits that stand for this text."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_flattened(text: str) -> bool:
    """Whether something in this JSON was nested too deeply and is not there any more."""
    return _REPLACED.search(text) is not None


def cut(value: Any, limit: int) -> Any:
    """The value with at most `limit` characters of each text and items of each list and object."""
    if isinstance(value, str):
        return value[:limit]
    if isinstance(value, dict):
        return {key[:MAX_KEY]: cut(item, limit) for key, item in list(value.items())[:limit]}
    return [cut(item, limit) for item in value[:limit]] if isinstance(value, list) else value


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_int=_int, parse_float=_float, parse_constant=_no_constant)
    except ValueError:
        raise BadRequest("The body is not JSON.") from None


def _int(digits: str) -> int | str:
    return int(digits) if len(digits) < 40 else digits


def _float(digits: str) -> float | str:
    value = float(digits)
    return value if math.isfinite(value) else digits


def _no_constant(name: str) -> Any:
    raise ValueError(name)  # NaN and Infinity are Python's, not JSON's


def _has_levels(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    if levels == 1:
        return True
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, dict | list) and _has_levels(item, levels - 1):
            return True
    return False


def _flattened(text: str) -> str:
    kept: list[str] = []
    depth = start = removed = 0
    for token in _TOKEN.finditer(text):
        first, end = token.span()
        if text[first] in "[{":
            deeper = depth + end - first
            if depth < MAX_DEPTH <= deeper:
                removed = first + MAX_DEPTH - depth - 1
                kept.append(text[start:removed])
            depth = deeper
        elif text[first] in "]}":
            higher = depth - end + first
            if higher < MAX_DEPTH <= depth:
                start = first + depth - MAX_DEPTH + 1
                kept.append(_REPLACEMENT.format(digest(text[removed:start])))
            depth = higher
    if depth >= MAX_DEPTH:
        raise BadRequest("The body is not JSON.")
    return "".join(kept) + text[start:]
