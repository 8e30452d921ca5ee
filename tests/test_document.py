"""JSON that may be hostile: what is read, what is refused, and that neither depends on who calls or takes long."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import document
from chalicelib.document import MAX_DEPTH
from chalicelib.errors import BadRequest
from tests.items import short
from tests.samples import examples

SIZE = 4 * 1024 * 1024
PATIENCE = 30.0
"""Seconds. What takes time in proportion to 4 MiB is done in three on a busy machine, what is quadratic in hours."""

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)  # with halves of surrogate pairs
SCALARS = st.none() | st.booleans() | st.integers(-(10**37), 10**37) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALARS | ANY_TEXT, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(ANY_TEXT, inner, max_size=5)
)


@examples(300)
@given(VALUES)
def test_what_json_says_is_read_and_written_as_it_is(value: Any) -> None:
    assert document.read(json.dumps(value).encode()) == value
    written = document.written(value)
    written.encode()
    assert json.loads(written) == value


@examples(300)
@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_a_bad_request(body: bytes) -> None:
    try:
        value = document.read(body)
    except BadRequest:
        return
    assert document.read(document.written(value).encode()) == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": NaN}',
        b"[Infinity]",
        b"-Infinity",
        b'"\xff"',
        b'"\xed\xa0\x80"',  # half of a surrogate pair as bytes
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        b'"line\nbreak"',
        b'"tail" x',
        b"[" * 200_000,
        b"[" * 70 + b"]" * 69,
        b"[" * 70 + b"]" * 71,
        b"[" * 70 + b"]" * 70 + b"]",
        b"[" * 70 + b'"' + b"]" * 70,
        b'["' + b"]" * 1000,
        b'{"a":' * 5000 + b'"' + b"}" * 5000,
        b"]" * 100_000 + b"[" * 100_000,
    ],
    ids=short,
)
def test_what_is_not_json_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequest, match="not JSON"):
        document.read(body)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e999", "1e999"),
        ("-1e999", "-1e999"),
        ("9" * 39, int("9" * 39)),
        ("9" * 40, "9" * 40),
        ("-" + "9" * 5000, "-" + "9" * 5000),
        ("0." + "3" * 5000, float("0." + "3" * 5000)),
        ('{"a": 1, "a": 2}', {"a": 2}),
        (r'"\ud83d\ude00"', "\U0001f600"),
        (r'"\ud83d"', "\ud83d"),
        (r'"\u0000"', "\0"),
    ],
    ids=short,
)
def test_odd_values_are_kept(text: str, value: object) -> None:
    assert document.read(text.encode()) == value


def nested(levels: int, inside: str = "1") -> str:
    """So many levels of lists and objects around a value."""
    return "".join('{"k":' if level % 2 else "[" for level in range(levels)) + inside + closed(levels)


def closed(levels: int) -> str:
    """What closes them."""
    return "".join("}" if level % 2 else "]" for level in reversed(range(levels)))


def levels_of(text: str) -> int:
    """How deep written JSON is; for texts without brackets inside."""
    depth = most = 0
    for character in text:
        depth += (character in "[{") - (character in "]}")
        most = max(most, depth)
    return most


@pytest.mark.parametrize("levels", [1, MAX_DEPTH - 2, MAX_DEPTH - 1])
def test_nesting_is_kept_up_to_a_limit(levels: int) -> None:
    value = document.read(nested(levels).encode())
    assert document.written(value) == nested(levels)
    assert not document.is_flattened(document.written(value))


@pytest.mark.parametrize("levels", [MAX_DEPTH, MAX_DEPTH + 1, 300, 900, 990, 1000, 1010, 5000, 200_000])
def test_what_is_nested_deeper_is_replaced_and_its_neighbours_stay(levels: int) -> None:
    text = f'{{"before": [1, {{"a": []}}], "deep": {nested(levels - 1)}, "after": {{"b": [2]}}}}'
    value = document.read(text.encode())
    assert value["before"] == [1, {"a": []}]
    assert value["after"] == {"b": [2]}
    written = document.written(value)
    assert document.is_flattened(written)
    assert levels_of(written) == MAX_DEPTH - 1


@pytest.mark.parametrize("inside", ['"]"', '"}]}"', '"\\"]"', '"\\\\"', '"[[[["', '"\\\\\\"{"', '""', '{"]":"["}'])
def test_brackets_inside_texts_are_no_nesting(inside: str) -> None:
    text = f"[{nested(100, inside)}, {inside}, {nested(100, inside)}, 7]"
    value = document.read(text.encode())
    assert value[1] == json.loads(inside)
    assert value[3] == 7
    assert value[0] == value[2]


def test_shallow_brackets_inside_texts_are_left_alone() -> None:
    text = json.dumps(["[" * 5000, "]" * 5000, '\\"[' * 5000, {"{" * 100: 1}])
    assert document.read(text.encode()) == json.loads(text)


def test_different_depths_are_replaced_by_different_texts() -> None:
    one, other = (document.read(nested(2000, inside).encode()) for inside in ("1", "2"))
    assert one != other
    assert one == document.read(nested(2000, "1").encode())


def reference(value: Any, levels: int) -> Any:
    """What `read` should make of a value, but for the hash."""
    if isinstance(value, dict | list) and levels == 0:
        return "?"
    if isinstance(value, dict):
        return {key: reference(item, levels - 1) for key, item in value.items()}
    return [reference(item, levels - 1) for item in value] if isinstance(value, list) else value


def without_hashes(value: Any) -> Any:
    """The same with a question mark for what was replaced."""
    if isinstance(value, dict):
        return {key: without_hashes(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_hashes(item) for item in value]
    return "?" if isinstance(value, str) and document.is_flattened(document.written(value)) else value


@examples(60)
@given(VALUES, VALUES, st.integers(MAX_DEPTH - 6, MAX_DEPTH + 3), st.booleans())
def test_the_limit_is_the_same_for_all_shapes(core: Any, beside: Any, levels: int, is_spaced: bool) -> None:
    value = core
    for level in range(levels):
        value = {"k": value, "beside": beside} if level % 2 else [beside, value, beside]
    read = document.read(json.dumps(value, indent=1 if is_spaced else None).encode())
    assert without_hashes(read) == reference(value, MAX_DEPTH - 1)


def called_from(depth: int, text: str) -> Any:
    """What is read when this many calls are under way already."""
    return document.read(text.encode()) if depth == 0 else called_from(depth - 1, text)


@pytest.mark.parametrize("levels", [50, 100, 500, 900])
def test_the_depth_of_the_caller_changes_nothing(levels: int) -> None:
    assert called_from(600, nested(levels)) == called_from(0, nested(levels))


def filled(before: str, unit: str, after: str) -> bytes:
    """4 MiB of the same."""
    return (before + unit * ((SIZE - len(before) - len(after)) // len(unit)) + after).encode()


@pytest.mark.parametrize(
    ("before", "unit", "after"),
    [
        ("[", "1,", "1]"),
        ("[", "{},", "1]"),
        ("", "[", ""),
        ("", "]", ""),
        ("", '"', ""),
        ('"', "a", '"'),
        ("", "7", ""),
        ("0.", "7", ""),
        ("1e", "7", ""),
        ("[" * 3000, "[],", "1" + "]" * 3000),
        ("[" * 3000 + "]" * 2999 + ",", "[],", "1]"),
        ("[" * 3000, '"[",', "1" + "]" * 3000),
        ("[" * 3000 + '"', '\\"', '"' + "]" * 3000),
        ("[" * 3000 + '"', '\\"', ""),
        ("[" * 3000 + '"', "\\", ""),
        ("[" * 3000, '"a', ""),
    ],
    ids=short,
)
def test_time_is_in_proportion_to_size(before: str, unit: str, after: str) -> None:
    body, start = filled(before, unit, after), time.monotonic()
    with suppress(BadRequest):
        document.written(document.read(body))
    assert time.monotonic() - start < PATIENCE


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("abcdef", "abc"),
        ([1, 2, 3, 4], [1, 2, 3]),
        ({"a": "abcd", "b": ["abcd"], "c": 1, "d": 2}, {"a": "abc", "b": ["abc"], "c": 1}),
        ({"k" * 500: None}, {"k" * document.MAX_KEY: None}),
        (12345, 12345),
        (None, None),
    ],
    ids=short,
)
def test_cut_keeps_the_beginning_of_everything(value: object, kept: object) -> None:
    assert document.cut(value, 3) == kept


def test_storable_text_can_be_encoded_and_keeps_the_rest() -> None:
    assert document.storable("a\ud800b\udfff😀\0") == "a\ufffdb\ufffd😀\0"
