"""The Graph API client against a Graph API on this machine."""

from __future__ import annotations

import hashlib
import hmac
import socket
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import NoReturn

import pytest
import urllib3
from urllib3.exceptions import NameResolutionError

from chalicelib import errors, refusals
from chalicelib.message import Address
from chalicelib.messenger import IDLE, MAX_ANSWER, PATIENCE, Attachment, Messenger, Outgoing, Profile
from chalicelib.settings import Settings
from tests.loopback import Answer, Loopback, hangs, refused_url, resets, says

SECRET, TOKEN, INSTAGRAM_TOKEN = "the-app-secret", "EAAB-page-token", "IGAA-other-token"
PROOF = hmac.new(SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()
CONVERSATION, INSTAGRAM = "messenger:111:222", "instagram:333:444"
PARAMETERS = {"app-secret": SECRET, "pages/messenger/111": TOKEN, "pages/instagram/333": INSTAGRAM_TOKEN}
SENT = says(200, {"recipient_id": "222", "message_id": "mid-1"})
Speak = Callable[..., Messenger]


class Clock:
    """Seconds that pass only while someone sleeps, and the pauses that were slept."""

    def __init__(self, factor: float = 1.0) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self.factor = factor

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds * self.factor


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def speak(clock: Clock) -> Iterator[Speak]:
    """Makes clients whose connections are closed after the test."""
    http = urllib3.PoolManager()

    def make(url: str, parameters: Mapping[str, str] | None = None, **env: str) -> Messenger:
        settings = Settings({"HITL_GRAPH_URL": url, **env}, {**PARAMETERS, **(parameters or {})})
        return Messenger(settings, http, clock.sleep, urllib3.Timeout(connect=1, read=0.2), clock)

    yield make
    http.clear()


def fails(code: int, subcode: int | None = None, message: str = "Meta's words", **more: object) -> Answer:
    error = {"code": code, "error_subcode": subcode, "message": message, "type": "OAuthException", **more}
    return says(400, {"error": {key: value for key, value in error.items() if value is not None}})


def failure(speak: Speak, *answers: Answer) -> tuple[errors.GraphError, int]:
    """What a send raises, and how often Meta was asked."""
    with Loopback(*answers) as graph:
        with pytest.raises(errors.GraphError) as caught:
            speak(graph.url).send(CONVERSATION, Outgoing("hello"), "hitl:s:1")
        return caught.value, len(graph.asked)


def test_a_send_is_one_signed_post(speak: Speak) -> None:
    with Loopback(SENT) as graph:
        mid = speak(graph.url, HITL_GRAPH_VERSION="v26.0").send(CONVERSATION, Outgoing("Grüße 👋"), "hitl:s:1")
    [asked] = graph.asked
    assert mid == "mid-1"
    assert (asked.method, asked.path) == ("POST", "/v26.0/111/messages")
    assert asked.query == {"appsecret_proof": PROOF}
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.json == {
        "recipient": {"id": "222"},
        "messaging_type": "RESPONSE",
        "message": {"text": "Grüße 👋", "metadata": "hitl:s:1"},
    }


def test_each_page_has_its_own_token(speak: Speak) -> None:
    with Loopback(SENT) as graph:
        speak(graph.url).send(INSTAGRAM, Outgoing("hello"), "hitl:s:1")
    [asked] = graph.asked
    assert asked.path == "/v25.0/333/messages"
    assert asked.headers["Authorization"] == f"Bearer {INSTAGRAM_TOKEN}"
    assert asked.query["appsecret_proof"] != PROOF


WRONG_PROOF = fails(100, message="Invalid appsecret_proof provided in the API argument", type="GraphMethodException")


@pytest.mark.parametrize("asks", ["send", "pass_on"])
def test_what_meta_refuses_for_its_proof_is_asked_again_with_the_other_secret(speak: Speak, asks: str) -> None:
    with Loopback(WRONG_PROOF, SENT) as graph:
        messenger = speak(graph.url, {"app-secret": f"old {SECRET}"})
        if asks == "send":
            assert messenger.send(CONVERSATION, Outgoing("hello"), "hitl:s:1") == "mid-1"
        else:
            messenger.pass_on(Address.parse(CONVERSATION), "POST", "messages", {}, {"message": {}})
    proofs = [asked.query["appsecret_proof"] for asked in graph.asked]
    assert (len(proofs), proofs[1], proofs[0] == PROOF) == (2, PROOF, False)


@pytest.mark.parametrize(
    ("app_secret", "answers", "times"),
    [
        (SECRET, [WRONG_PROOF], 1),
        (f"{SECRET} other", [WRONG_PROOF, WRONG_PROOF], 2),
        (f"{SECRET} other", [fails(100, message="Param recipient is wrong")], 1),
        (f"{SECRET} other", [fails(2018001, message="appsecret_proof")], 1),
        (f"{SECRET} other", [says(500, b"appsecret_proof")], 1),
    ],
)
def test_nothing_else_is_asked_again_with_another_secret(
    speak: Speak, app_secret: str, answers: list[Answer], times: int
) -> None:
    with Loopback(*answers) as graph, pytest.raises(errors.GraphError) as caught:
        speak(graph.url, {"app-secret": app_secret}).send(CONVERSATION, Outgoing("hello"), "hitl:s:1")
    assert len(graph.asked) == times
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("conversation", ["messenger:333:444", "instagram:111:222", "messenger:999:1"])
def test_a_page_without_a_token_is_named(speak: Speak, conversation: str) -> None:
    with Loopback(SENT) as graph, pytest.raises(errors.Misconfigured) as caught:
        speak(graph.url).send(conversation, Outgoing("hello"), "hitl:s:1")
    assert "/chalice-hitl/pages/" in str(caught.value)
    assert conversation.split(":")[1] in str(caught.value)
    assert graph.asked == []


def test_a_token_that_no_header_takes_is_not_shown(speak: Speak) -> None:
    with pytest.raises(errors.Misconfigured) as caught:
        speak("http://127.0.0.1:1", {"pages/messenger/111": "tokén"}).send(CONVERSATION, Outgoing("hello"), "hitl:s:1")
    assert "the Page 111" in str(caught.value)
    assert "tokén" not in str(caught.value)


@pytest.mark.parametrize(
    ("message", "graph"),
    [
        (Outgoing("hi"), {"text": "hi"}),
        (
            Outgoing(attachment=Attachment("image", "https://example.com/a.png")),
            {"attachment": {"type": "image", "payload": {"url": "https://example.com/a.png"}}},
        ),
        (
            Outgoing(template={"template_type": "button", "text": "t", "buttons": []}),
            {"attachment": {"type": "template", "payload": {"template_type": "button", "text": "t", "buttons": []}}},
        ),
        (
            Outgoing("hi", quick_replies=({"content_type": "text", "title": "Yes", "payload": "YES"},)),
            {"text": "hi", "quick_replies": [{"content_type": "text", "title": "Yes", "payload": "YES"}]},
        ),
    ],
)
def test_what_is_said_becomes_a_graph_message(message: Outgoing, graph: dict[str, object]) -> None:
    assert message.to_graph() == graph


def test_a_sender_action_is_a_post_of_its_own(speak: Speak) -> None:
    with Loopback(says(200, {"recipient_id": "222"})) as graph:
        speak(graph.url).action(CONVERSATION, "typing_on")
    [asked] = graph.asked
    assert (asked.path, asked.query) == ("/v25.0/111/messages", {"appsecret_proof": PROOF})
    assert asked.json == {"recipient": {"id": "222"}, "sender_action": "typing_on"}


@pytest.mark.parametrize(
    ("conversation", "fields", "answer", "profile", "name"),
    [
        (
            CONVERSATION,
            "first_name,last_name,profile_pic",
            {"first_name": "Ada", "last_name": "Lovelace", "profile_pic": "https://example.com/p.jpg", "id": "222"},
            Profile("Ada", "Lovelace", "https://example.com/p.jpg"),
            "Ada Lovelace",
        ),
        (INSTAGRAM, "name,profile_pic", {"name": "Ada Lovelace"}, Profile("Ada Lovelace"), "Ada Lovelace"),
        (CONVERSATION, "first_name,last_name,profile_pic", {}, Profile(), None),
        (CONVERSATION, "first_name,last_name,profile_pic", {"first_name": 7, "last_name": ""}, Profile(), None),
    ],
)
def test_a_profile_is_what_meta_shows(
    speak: Speak, conversation: str, fields: str, answer: object, profile: Profile, name: str | None
) -> None:
    with Loopback(says(200, answer)) as graph:
        seen = speak(graph.url).profile(conversation)
    [asked] = graph.asked
    assert (asked.method, asked.path) == ("GET", f"/v25.0/{conversation.split(':')[2]}")
    assert asked.query["fields"] == fields
    assert "appsecret_proof" in asked.query
    assert asked.headers["Authorization"].startswith("Bearer ")
    assert (seen, seen.name) == (profile, name)


TABLE = [
    (10, 2018278, errors.WindowClosed),
    (10, 2534022, errors.WindowClosed),
    (10, 2018065, errors.WindowClosed),
    (10, 2018108, errors.PersonUnavailable),
    (551, None, errors.PersonUnavailable),
    (551, 1545041, errors.PersonUnavailable),
    (200, 1545041, errors.PersonUnavailable),
    (100, 2018001, errors.NoSuchUser),
    (100, 2534037, errors.NotThreadOwner),
    (2018300, None, errors.NotThreadOwner),
    (10, 2018300, errors.NotThreadOwner),
    (190, None, errors.TokenInvalid),
    (190, 463, errors.TokenInvalid),
    (200, None, errors.PermissionMissing),
    (4, None, errors.RateLimited),
    (32, None, errors.RateLimited),
    (613, 1893016, errors.RateLimited),
    (2018218, None, errors.ProfileUnavailable),
    (100, 2018247, errors.ProfileUnavailable),
    (10, None, errors.GraphError),
    (100, 999, errors.GraphError),
    (98765, None, errors.GraphError),
]


@pytest.mark.parametrize(("code", "subcode", "kind"), TABLE)
def test_a_refusal_is_typed_and_not_repeated(
    speak: Speak, code: int, subcode: int | None, kind: type[errors.GraphError]
) -> None:
    error, asked = failure(speak, fails(code, subcode), SENT)
    assert type(error) is kind
    assert (error.graph_code, error.subcode) == (code, subcode)
    assert asked == 1
    assert ("Meta's words" in str(error)) is (kind is errors.GraphError)


def test_every_kind_of_refusal_has_its_sentence() -> None:
    assert set(refusals.ADVICE) == {*refusals.ERRORS.values(), errors.Unconfirmed}
    assert all("{page}" not in text.format(page="the Page 111") for text in refusals.ADVICE.values())


@pytest.mark.parametrize("code", [1, 2, 1200])
def test_a_transient_error_is_tried_twice_more(speak: Speak, clock: Clock, code: int) -> None:
    error, asked = failure(speak, fails(code))
    assert (type(error), error.graph_code, asked) == (errors.Transient, code, 3)
    assert clock.slept == [0.3, 1.0]


@pytest.mark.parametrize("failures", [1, 2])
def test_a_transient_error_may_pass(speak: Speak, failures: int) -> None:
    with Loopback(*[fails(2)] * failures, SENT) as graph:
        assert speak(graph.url).send(CONVERSATION, Outgoing("hello"), "hitl:s:1") == "mid-1"
    assert len({asked.body for asked in graph.asked}) == 1
    assert len(graph.asked) == failures + 1


def test_no_try_begins_when_patience_is_over(speak: Speak, clock: Clock) -> None:
    clock.factor = PATIENCE / 0.3
    error, asked = failure(speak, fails(2))
    assert (type(error), asked) == (errors.Transient, 2)


def test_a_retry_that_gets_no_clear_answer_ends_unconfirmed(speak: Speak) -> None:
    error, asked = failure(speak, fails(2), resets)
    assert (type(error), asked) == (errors.Unconfirmed, 2)


def test_an_unknown_error_that_meta_calls_transient_is_for_a_person_to_repeat(speak: Speak) -> None:
    error, asked = failure(speak, fails(777, is_transient=True))
    assert (type(error), error.can_retry, asked) == (errors.Transient, True, 1)


@pytest.mark.parametrize(
    "answer",
    [
        hangs,
        resets,
        says(500),
        says(502, b"<html>bad gateway</html>"),
        says(503, {"error": "down"}),
        says(200, b""),
        says(200, b"<html>"),
        says(200, b"[" * 100_000),
        says(200, ["mid-1"]),
        says(200, {"recipient_id": "222"}),
        says(200, {"message_id": 5}),
    ],
)
def test_a_send_without_a_clear_answer_is_unconfirmed_and_never_repeated(speak: Speak, answer: Answer) -> None:
    error, asked = failure(speak, answer)
    assert (type(error), asked) == (errors.Unconfirmed, 1)


def test_an_answer_that_breaks_off_is_unconfirmed(speak: Speak) -> None:
    def breaks(handler: object) -> None:
        handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"message_id":"mid-1"}')  # type: ignore[attr-defined]
        handler.close_connection = True  # type: ignore[attr-defined]

    error, asked = failure(speak, breaks)
    assert (type(error), asked) == (errors.Unconfirmed, 1)


@pytest.mark.parametrize("answer", [resets, hangs, says(500), says(200, b"no JSON")])
def test_a_profile_or_an_action_without_an_answer_is_transient(speak: Speak, answer: Answer) -> None:
    with Loopback(answer) as graph:
        with pytest.raises(errors.Transient):
            speak(graph.url).profile(CONVERSATION)
        with pytest.raises(errors.Transient):
            speak(graph.url).action(CONVERSATION, "mark_seen")
    assert len(graph.asked) == 2


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (says(429), errors.RateLimited),
        (says(404, b"<html>"), errors.GraphError),
        (says(302, Location="http://127.0.0.1:1/"), errors.GraphError),
        (says(200, {"error": {"code": "190", "message": "old"}}), errors.TokenInvalid),
        (says(500, {"error": {"code": 4}}), errors.RateLimited),
        (says(400, {"error": {"code": True, "error_subcode": [], "message": 5}}), errors.GraphError),
        (says(400, {"error": {"is_transient": True}}), errors.GraphError),
    ],
)
def test_odd_answers_are_still_typed(speak: Speak, answer: Answer, kind: type[errors.GraphError]) -> None:
    error, asked = failure(speak, answer)
    assert (type(error), asked) == (kind, 1)


def test_where_nobody_listens_nothing_was_sent(speak: Speak, clock: Clock) -> None:
    with pytest.raises(errors.Transient) as caught:
        speak(refused_url()).send(CONVERSATION, Outgoing("hello"), "hitl:s:1")
    assert "HITL_GRAPH_URL" in str(caught.value)
    assert clock.slept == [0.3, 1.0]


def test_a_host_that_has_no_address_is_asked_nothing(speak: Speak, clock: Clock) -> None:
    class Nowhere(urllib3.PoolManager):
        def request(self, *args: object, **kwargs: object) -> NoReturn:
            connection = urllib3.connection.HTTPConnection("graph.invalid")
            raise NameResolutionError("graph.invalid", connection, socket.gaierror())

    settings = Settings({}, PARAMETERS)
    with pytest.raises(errors.Transient):
        Messenger(settings, Nowhere(), clock.sleep).send(CONVERSATION, Outgoing("hello"), "hitl:s:1")
    assert clock.slept == [0.3, 1.0]


def test_a_url_that_is_none_is_misconfigured(speak: Speak) -> None:
    with pytest.raises(errors.Misconfigured, match="HITL_GRAPH_URL"):
        speak("http://[::1").send(CONVERSATION, Outgoing("hello"), "hitl:s:1")


def test_an_idle_connection_is_not_used_again(speak: Speak, clock: Clock) -> None:
    with Loopback(SENT) as graph:
        messenger = speak(graph.url)
        for pause in (0.0, IDLE - 1, IDLE + 1):
            clock.now += pause
            messenger.send(CONVERSATION, Outgoing("hello"), "hitl:s:1")
    first, second, third = (asked.peer for asked in graph.asked)
    assert first == second != third


LOUD = f"Malformed access token {TOKEN} {PROOF}\n {SECRET} EAAGm0PX4ZCpsBAKZCqWpEXAMPLEtruncated… " + "long " * 100


@pytest.mark.parametrize("answer", [fails(190, None, LOUD), fails(99, None, LOUD), resets, hangs, says(500), says(404)])
def test_no_error_holds_a_secret(speak: Speak, answer: Answer) -> None:
    error, _ = failure(speak, answer)
    shown = "".join(traceback.format_exception(error))
    for secret in (TOKEN, SECRET, PROOF, "EAAGm0PX4ZCpsBAK"):
        assert secret not in shown
    assert len(str(error)) < 300
    assert str(error).isprintable()


def test_unreachable_hosts_do_not_show_secrets_either(speak: Speak) -> None:
    with pytest.raises(errors.Transient) as caught:
        speak(refused_url()).profile(CONVERSATION)
    shown = "".join(traceback.format_exception(caught.value))
    assert caught.value.__suppress_context__
    assert TOKEN not in shown
    assert PROOF not in shown


AT, PAGE_ITSELF = Address.parse(CONVERSATION), Address("messenger", "111", "")
KEPT = says(200, {"recipient_id": "222", "message_id": "mid-1", "attachment_id": "7"})


@pytest.mark.parametrize(
    ("at", "method", "edge", "fields", "path"),
    [
        (AT, "POST", "messages", {"message": {"text": "hi"}}, "/v25.0/111/messages"),
        (AT, "GET", None, None, "/v25.0/222"),
        (PAGE_ITSELF, "GET", None, None, "/v25.0/111"),
        (PAGE_ITSELF, "DELETE", "messenger_profile", {"fields": ["greeting"]}, "/v25.0/111/messenger_profile"),
    ],
)
def test_a_bots_call_is_made_below_our_page_and_signed(
    speak: Speak, at: Address, method: str, edge: str | None, fields: dict[str, object] | None, path: str
) -> None:
    with Loopback(KEPT) as graph:
        answer = speak(graph.url).pass_on(at, method, edge, {"fields": "id"}, fields)
    [asked] = graph.asked
    assert answer == {"recipient_id": "222", "message_id": "mid-1", "attachment_id": "7"}
    assert (asked.method, asked.path, asked.query) == (method, path, {"fields": "id", "appsecret_proof": PROOF})
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert (asked.json if asked.body else None) == fields


@pytest.mark.parametrize("node", ["../999", "999/feed", "999?fields=access_token", "999#", "%2e%2e"])
def test_no_other_node_can_be_named(speak: Speak, node: str) -> None:
    with Loopback(KEPT) as graph:
        for at, edge in ((Address("messenger", "111", node), None), (PAGE_ITSELF, node)):
            with pytest.raises(errors.BadRequest):
                speak(graph.url).pass_on(at, "GET", edge, {}, None)
        assert graph.asked == []


def test_meta_words_come_back_whole_and_without_our_secrets(speak: Speak) -> None:
    said = f"Malformed access token {TOKEN} with {PROOF}, signed by {SECRET}"
    refusal = fails(190, 463, said, fbtrace_id="A1", error_user_msg={"deep": [TOKEN]})
    with Loopback(refusal) as graph, pytest.raises(errors.TokenInvalid) as caught:
        speak(graph.url).pass_on(AT, "GET", None, {}, None)
    assert caught.value.status == 400
    assert caught.value.said == {
        "code": 190,
        "error_subcode": 463,
        "message": "Malformed access token … with …, signed by …",
        "type": "OAuthException",
        "fbtrace_id": "A1",
        "error_user_msg": {"deep": ["…"]},
    }
    with Loopback(says(200, {"name": f"x{TOKEN}", "access_token": TOKEN, "id": "111"})) as graph:
        assert speak(graph.url).pass_on(AT, "GET", None, {}, None) == {"name": "x…", "access_token": "…", "id": "111"}


@pytest.mark.parametrize("answer", [hangs, resets, says(502, b"<html>"), says(200, b"x" * (MAX_ANSWER + 1)), says(200)])
def test_a_bots_call_is_made_once_however_it_ends(speak: Speak, answer: Answer) -> None:
    with Loopback(answer) as graph:
        with pytest.raises(errors.Unconfirmed):
            speak(graph.url).pass_on(AT, "POST", "messages", {}, {"message": {"text": "hi"}})
        assert len(graph.asked) == 1


def test_a_transient_error_is_the_bots_to_try_again(speak: Speak) -> None:
    with Loopback(fails(2), KEPT) as graph:
        with pytest.raises(errors.Transient):
            speak(graph.url).pass_on(AT, "POST", "messages", {}, {})
        assert len(graph.asked) == 1


def test_the_bots_own_words_are_kept_and_our_metadata_is_sent(speak: Speak) -> None:
    mine = {"text": "hi", "metadata": "bot:7", "quick_replies": [{"content_type": "location"}]}
    message = Outgoing("hi", verbatim=mine)
    assert message.to_graph() == mine
    with Loopback(SENT) as graph:
        speak(graph.url).send(CONVERSATION, message, "hitl:s:1")
    assert graph.asked[0].json["message"] == {**mine, "metadata": "hitl:s:1"}
