"""What curl would send for an example in the documents; any argument other than theirs is an error."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from string import Template


def request_of(block: str, variables: Mapping[str, str]) -> tuple[str, str, bytes | None, dict[str, str]]:
    """Read method, URL, body and headers from a shell command with these variables."""
    words = shlex.split(Template(block.replace("\\\n", "")).substitute(variables))
    assert words.pop(0) == "curl"
    method, url, body, headers = "GET", "", None, {"Content-Type": "application/x-www-form-urlencoded"}
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = words.pop(0).encode()
        else:
            assert (word.startswith("-"), url) == (False, "")
            url = word
    return method, url, body, headers
