"""Meta's verification, and what a webhook body is answered. What becomes of its events, other tests say."""

from __future__ import annotations

import json
import logging

import pytest

from chalicelib.errors import Unavailable
from chalicelib.webhook import MAX_BODY
from tests.service import SESSIONS, VERIFY_TOKEN, Answer, Service, events, sign


@pytest.fixture
def service() -> Service:
    return Service()


def verify(service: Service, query: str) -> Answer:
    return service.get(f"/webhook?{query}", token=None)


@pytest.mark.parametrize("challenge", ["1158201444", "a%20b", "%3Cscript%3E", ""])
def test_the_challenge_comes_back_bare(service: Service, challenge: str) -> None:
    answer = verify(service, f"hub.mode=subscribe&hub.verify_token={VERIFY_TOKEN}&hub.challenge={challenge}")
    expected = challenge.replace("%20", " ").replace("%3C", "<").replace("%3E", ">")
    assert (answer.status, answer.body.decode(), answer.headers["Content-Type"]) == (200, expected, "text/plain")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "hub.challenge=1",
        "hub.mode=subscribe&hub.challenge=1",
        f"hub.verify_token={VERIFY_TOKEN}&hub.challenge=1",
        f"hub.mode=unsubscribe&hub.verify_token={VERIFY_TOKEN}&hub.challenge=1",
        "hub.mode=subscribe&hub.verify_token=&hub.challenge=1",
        "hub.mode=subscribe&hub.verify_token=wrong&hub.challenge=1",
        f"hub.mode=subscribe&hub.verify_token={VERIFY_TOKEN.upper()}&hub.challenge=1",
        "hub.mode=subscribe&hub.verify_token=%C3%A9%ED%A0%80&hub.challenge=1",
    ],
)
def test_verification_needs_mode_and_token(service: Service, query: str) -> None:
    answer = verify(service, query)
    assert answer.code == (403, "forbidden")


def test_verification_is_asked_with_any_content_type(service: Service) -> None:
    query = f"hub.mode=subscribe&hub.verify_token={VERIFY_TOKEN}&hub.challenge=1"
    assert service.get(f"/webhook?{query}", token=None, headers={"Content-Type": "text/html"}).body == b"1"


def assert_nothing_was_stored(service: Service) -> None:
    assert service.get(SESSIONS).json["sessions"] == []
    assert service.mailbox.letters == []


def test_a_signed_body_is_taken_in(service: Service) -> None:
    answer = service.webhook(events(service.said("m1"), service.said("m2", user="201")))
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (200, b"EVENT_RECEIVED", "text/plain")
    assert len(service.get(SESSIONS).json["sessions"]) == len(service.mailbox.letters) == 2


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/octet-stream", ""])
def test_the_signature_is_over_the_bytes_as_they_came(service: Service, content_type: str) -> None:
    """Meta escapes what is not ASCII and has spaces of its own; what json.dumps makes of it is signed differently."""
    body = b'{"object" : "page","entry":[{"id":"100","messaging":[{"sender":{"id":"200"},"recipient":'
    body += b'{"id":"100"},"timestamp":1700000000000,"message":{"mid":"m1","text":"\\u00e9 \\ud83d\\ude00 \\/"}}]}]}\n'
    headers = {"X-Hub-Signature-256": sign(body), "Content-Type": content_type}
    assert service.post("/webhook", body, token=None, headers=headers).status == 200
    assert service.history()[0]["text"] == "\u00e9 \U0001f600 /"
    assert service.webhook(json.dumps(json.loads(body)).encode(), sign(body)).status == 403


BODY = events({"sender": {"id": "200"}, "recipient": {"id": "100"}, "message": {"mid": "m1", "text": "x"}})


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "sha256=",
        sign(BODY)[7:],
        sign(BODY).upper(),
        sign(BODY)[:-1],
        sign(BODY) + "0",
        sign(BODY, "another secret"),
        sign(BODY + b" "),
        "sha1=" + sign(BODY)[7:47],
        "\u00e9",
        "sha256=" + "\udcff" * 64,
    ],
)
def test_a_wrong_signature_is_refused(service: Service, signature: str) -> None:
    assert service.webhook(BODY, signature).code == (403, "forbidden")
    assert_nothing_was_stored(service)


def test_no_signature_is_refused_and_an_api_token_is_none(service: Service) -> None:
    assert service.post("/webhook", BODY).code == (403, "forbidden")
    assert service.post("/webhook", BODY, headers={"X-Hub-Signature": sign(BODY)}).code == (403, "forbidden")
    assert_nothing_was_stored(service)


@pytest.mark.parametrize("secrets", ["old new", "new old", " new\n\told "])
def test_while_the_app_secret_changes_both_are_good(secrets: str) -> None:
    service = Service({"app-secret": secrets})
    assert service.webhook(BODY, sign(BODY, "old")).status == 200
    assert service.webhook(BODY, sign(BODY, "new")).status == 200
    assert service.webhook(BODY, sign(BODY, secrets)).status == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"null", 400),
        (b"[]", 400),
        (b'"page"', 400),
        (b"\xff\xfe{\x00}\x00", 400),
        (b'{"object": "page", "entry": NaN}', 400),
        (b"[" * 100_000, 400),
        (b"{}", 404),
        (b'{"object": "user", "entry": []}', 404),
        (b'{"object": ["page"]}', 404),
        (BODY.replace(b'"page"', b'"PAGE"'), 404),
        (BODY + b" " * (MAX_BODY - len(BODY) + 1), 413),
    ],
)
def test_what_is_no_webhook_is_refused(service: Service, body: bytes, status: int) -> None:
    assert service.webhook(body).status == status
    assert_nothing_was_stored(service)


def test_the_signature_is_looked_at_before_the_body(service: Service) -> None:
    assert service.webhook(b"{", "wrong").status == 403
    assert service.webhook(b'{"object": "user"}', "wrong").status == 403


def test_the_largest_body_is_taken(service: Service) -> None:
    assert service.webhook(BODY + b" " * (MAX_BODY - len(BODY))).status == 200


@pytest.mark.parametrize("body", [b'{"object": "page"}', b'{"object": "instagram", "entry": [{"id": "1"}]}', events()])
def test_a_body_with_nothing_in_it_is_fine(service: Service, body: bytes) -> None:
    assert service.webhook(body).status == 200


@pytest.mark.parametrize("step", ["append", "touch"])
def test_500_while_the_store_is_down_and_one_row_after_the_retry(service: Service, step: str) -> None:
    service.store.fail(step, Unavailable("DynamoDB did not answer. Try again."))
    answer = service.webhook(BODY)
    assert answer.code == (500, "not_durable")
    assert service.webhook(BODY).status == 200
    assert [row["id"] for row in service.history()] == ["m:m1"]
    assert len(service.mailbox.letters) == 1


def test_500_while_the_queue_is_down_and_one_letter_after_the_retry(service: Service) -> None:
    service.mailbox.down = True
    assert service.webhook(BODY).code == (500, "not_durable")
    service.mailbox.down = False
    assert service.webhook(BODY).status == 200
    assert [row["id"] for row in service.history()] == ["m:m1"]
    assert len(service.mailbox.letters) == 1


def test_logs_say_what_became_of_a_body_and_nothing_of_what_was_said(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.store.fail("append", KeyError("my secret words"))
    with caplog.at_level(logging.INFO):
        assert service.webhook(events(service.said("m1", "my secret words"))).status == 500
        assert service.webhook(events(service.said("m1", "my secret words"))).status == 200
    counts = [vars(line)["counts"] for line in caplog.records if line.getMessage() == "webhook"]
    assert counts == [{"failed": 1}, {"received": 1}]
    assert not any("my secret words" in f"{line.getMessage()} {vars(line)}" for line in caplog.records)
