"""The dashboard's files: served as what they are, under a strict policy, and nothing beside them."""

from __future__ import annotations

from email.message import Message
from pathlib import Path

import pytest

from local.dashboard import Dashboard
from local.serving import Request, Response

ISSUER = "https://issuer.example:8443/pool"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    built = tmp_path / "dist"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<!doctype html>")
    (built / "assets" / "index-1.js").write_text("1")
    (built / "notes.txt").write_text("not for browsers")
    (tmp_path / "secret.js").write_text("beside it")
    return built


def get(built: Path, path: str, method: str = "GET") -> Response:
    return Dashboard(ISSUER, built)(Request(method, path, Message(), b""))


def headers(response: Response) -> dict[str, str]:
    return dict(response.headers)


def test_the_page_comes_under_a_policy_without_inline_code(built: Path) -> None:
    answer = get(built, "/?code=1&state=2")
    policy = headers(answer)["Content-Security-Policy"]
    assert (answer.status, answer.body) == (200, b"<!doctype html>")
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "connect-src 'self' https://issuer.example:8443;" in policy
    assert headers(answer)["Cache-Control"] == "no-cache"


def test_files_named_by_their_content_are_kept_by_browsers(built: Path) -> None:
    answer = get(built, "/assets/index-1.js")
    assert headers(answer)["Content-Type"] == "text/javascript; charset=utf-8"
    assert "immutable" in headers(answer)["Cache-Control"]


@pytest.mark.parametrize(
    "path", ["/x", "/assets", "/../secret.js", "/%2e%2e/secret.js", "/notes.txt", "/assets/../../secret.js"]
)
def test_nothing_else_is_served(built: Path, path: str) -> None:
    assert get(built, path).status == 404


def test_files_cannot_be_written(built: Path) -> None:
    assert get(built, "/", "POST").status == 405


def test_what_is_not_built_says_so(tmp_path: Path) -> None:
    answer = get(tmp_path / "nowhere", "/")
    assert answer.status == 404
    assert b"make run" in answer.body
