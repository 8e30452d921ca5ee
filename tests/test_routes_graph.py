"""The Graph API's paths for an unmodified bot: what it says is gated, what it asks is passed on, the rest is named."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib.auth import PERMISSIONS, ApiToken, Permission, hash_of
from chalicelib.errors import GraphError, Misconfigured, Refused, TokenInvalid, Transient, Unavailable, Unconfirmed
from chalicelib.message import Actor, Address
from tests.service import ID, PAGE, PAGE_TOKEN, SESSION, TOKEN, USER, Answer, Service
from tests.world import CONVERSATION, Crash, Steps, World

MESSAGES = "/graph/v25.0/me/messages"
HELLO = {"recipient": {"id": USER}, "messaging_type": "RESPONSE", "message": {"text": "hello"}}
TYPING = {"recipient": {"id": USER}, "sender_action": "typing_on"}
ANSWER = {"recipient_id": USER, "message_id": "mid.9", "attachment_id": "77"}
OWNED = (10, 2018300)
BOT = Actor("bot", "bot", "Bot")


@pytest.fixture
def service() -> Service:
    service = Service()
    service.receive(service.said("m1"))
    service.messenger.answers.append(ANSWER)
    return service


def pause(service: Service) -> None:
    assert service.post(f"{SESSION}/pause").status == 200
    service.clock.tick(1000)


def numbers(answer: Answer) -> tuple[int, int | None]:
    """Graph's code and subcode of a refusal."""
    error = answer.json["error"]
    assert (error["type"], isinstance(error["message"], str)) == ("OAuthException", True)
    return error["code"], error.get("error_subcode")


def status(service: Service) -> str:
    found: str = service.get(SESSION).json["status"]
    return found


def newest(service: Service) -> Mapping[str, Any]:
    return service.history()[0]


def test_a_send_is_logged_sent_in_the_bots_words_and_answered_in_metas(service: Service) -> None:
    answer = service.post(MESSAGES, {**HELLO, "persona_id": "5", "notification_type": "NO_PUSH"})
    assert (answer.status, answer.json) == (200, ANSWER)
    [(at, method, edge, query, fields)] = service.messenger.passed
    assert (at, method, edge, query) == (ID, "POST", "messages", {})
    row = newest(service)
    assert fields == {
        "recipient": {"id": USER},
        "messaging_type": "RESPONSE",
        "persona_id": "5",
        "notification_type": "NO_PUSH",
        "message": {"text": "hello", "metadata": f"hitl:{row['id']}"},
    }
    assert (row["author"], row["text"], row["state"], row["mid"]) == ("bot", "hello", "sent", "mid.9")
    assert service.get(SESSION).json["last_message"]["author"] == "bot"


@pytest.mark.parametrize("path", ["/me/messages", f"/{PAGE}/messages", "/v2.6/me/messages", "/v99.9/me/messages"])
@pytest.mark.parametrize("place", ["query", "body", "bearer", "oauth", "form"])
def test_the_token_and_the_version_are_taken_as_bots_write_them(service: Service, path: str, place: str) -> None:
    query = f"?access_token={TOKEN}&appsecret_proof=abc" if place == "query" else ""
    headers = {"bearer": {"Authorization": f"Bearer {TOKEN}"}, "oauth": {"Authorization": f"OAuth {TOKEN}"}}.get(place)
    body: Any = {**HELLO, "access_token": TOKEN} if place == "body" else HELLO
    if place == "form":
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        fields = {"recipient": json.dumps({"id": USER}), "message": json.dumps({"text": "hello"})}
        body = urlencode({**fields, "messaging_type": "RESPONSE", "access_token": TOKEN}).encode()
    answer = service.post(f"/graph{path}{query}", body, token=None, headers=headers)
    assert (answer.status, answer.json) == (200, ANSWER)
    sent = service.messenger.passed[0][4]
    assert sent is not None
    assert (sent["messaging_type"], sent["message"]["text"]) == ("RESPONSE", "hello")
    assert sent.keys() == {"recipient", "messaging_type", "message"}


@pytest.mark.parametrize("recipient", [{"id": USER}, {"id": int(USER)}, json.dumps({"id": USER})])
def test_a_user_may_be_named_in_each_of_metas_ways(service: Service, recipient: object) -> None:
    assert service.post(MESSAGES, {**HELLO, "recipient": recipient}).json == ANSWER


@pytest.mark.parametrize(
    "recipient",
    [
        None,
        {},
        {"comment_id": "1"},
        {"user_ref": "x"},
        {"phone_number": "+1"},
        {"id": "../1"},
        {"id": None},
        "200",
        "{",
    ],
)
def test_who_cannot_be_gated_is_not_written_to(service: Service, recipient: object) -> None:
    answer = service.post(MESSAGES, {**HELLO, "recipient": recipient})
    assert (answer.status, numbers(answer)) == (400, (100, None))
    assert service.messenger.passed == []


def test_a_user_who_never_wrote_is_nobody(service: Service) -> None:
    for body in ({**HELLO, "recipient": {"id": "999"}}, {**TYPING, "recipient": {"id": "999"}}):
        assert numbers(service.post(MESSAGES, body)) == (100, 2018001)
    assert service.get("/botpress-hitl/sessions/999").status == 404
    assert service.messenger.passed == []


def test_a_message_may_be_json_text_within_the_json(service: Service) -> None:
    body = {"recipient": json.dumps({"id": USER}), "message": json.dumps({"text": "hello"})}
    assert service.post(MESSAGES, body).json == ANSWER
    assert newest(service)["text"] == "hello"


def test_a_forms_metadata_is_text_whatever_it_looks_like(service: Service) -> None:
    form = urlencode({"recipient": json.dumps({"id": USER}), "metadata": '{"why": "help"}'}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert service.post("/graph/me/pass_thread_control", form, headers=headers).json == {"success": True}
    assert service.get(SESSION).json["paused"]["reason"] == '{"why": "help"}'


def test_while_paused_nothing_is_said_and_the_bot_hears_who_has_the_thread(service: Service) -> None:
    pause(service)
    answer = service.post(MESSAGES, HELLO)
    assert (answer.status, numbers(answer)) == (400, OWNED)
    assert answer.json["error"]["message"].startswith("(#10) Message failed to send because another app is controlling")
    assert service.messenger.passed == []
    row = newest(service)
    assert (row["author"], row["state"], row["failure"]["code"]) == ("bot", "refused", "paused")


def test_under_the_global_stop_nothing_is_said(service: Service) -> None:
    service.ask("PUT", "/botpress-hitl/bot", {"paused": True})
    assert numbers(service.post(MESSAGES, HELLO)) == OWNED
    assert service.post(MESSAGES, TYPING).json == {"recipient_id": USER}
    assert service.messenger.passed == []


def test_a_bot_that_carries_its_epoch_is_held_to_it(service: Service) -> None:
    pause(service)
    service.post(f"{SESSION}/unpause")
    service.clock.tick(1000)
    assert numbers(service.post(MESSAGES, HELLO, headers={"X-HITL-Epoch": "0"})) == OWNED
    assert newest(service)["failure"]["code"] == "stale_epoch"
    assert service.post(MESSAGES, HELLO, headers={"X-HITL-Epoch": "2"}).json == ANSWER
    assert numbers(service.post(MESSAGES, HELLO, headers={"X-HITL-Epoch": "two"})) == (100, None)


@pytest.mark.parametrize("action", ["typing_on", "typing_off", "mark_seen"])
def test_a_sender_action_goes_to_meta_and_while_paused_only_looks_so(service: Service, action: str) -> None:
    service.messenger.answers[0] = {"recipient_id": USER}
    body = {**TYPING, "sender_action": action}
    assert service.post(MESSAGES, body).json == {"recipient_id": USER}
    assert [passed[2:] for passed in service.messenger.passed] == [("messages", {}, body)]
    pause(service)
    assert service.post(MESSAGES, body).json == {"recipient_id": USER}
    assert len(service.messenger.passed) == 1
    assert [row["kind"] for row in service.history()] == ["paused", "text"]


def test_nothing_is_said_beside_a_sender_action(service: Service) -> None:
    service.messenger.answers[0] = {"recipient_id": USER}
    service.post(MESSAGES, {**TYPING, "persona_id": "5", "text": "hello", "attachment": {}, "messaging_type": "UPDATE"})
    assert service.messenger.passed[0][4] == {**TYPING, "persona_id": "5"}


def test_the_bots_own_metadata_is_kept_on_the_row_and_ours_is_sent(service: Service) -> None:
    service.post(MESSAGES, {**HELLO, "message": {"text": "hello", "metadata": "bot's own"}})
    sent = service.messenger.passed[0][4]
    assert sent is not None
    row = service.store.row(ID, newest(service)["id"])
    assert sent["message"]["metadata"] == f"hitl:{row.id}"
    assert json.loads(row.raw)["metadata"] == "bot's own"


@pytest.mark.parametrize("answer", [{"success": True}, {"message_id": ""}, {"message_id": 9}])
def test_an_answer_without_a_message_id_leaves_the_send_unconfirmed(service: Service, answer: object) -> None:
    service.messenger.answers[0] = answer
    assert (service.post(MESSAGES, HELLO).status, newest(service)["state"]) == (500, "unconfirmed")


def test_an_echo_settles_what_a_bot_said(service: Service) -> None:
    service.messenger.errors.append(Unconfirmed("No answer."))
    assert service.post(MESSAGES, HELLO).status == 500
    row = newest(service)
    assert row["state"] == "unconfirmed"
    parties = {"sender": {"id": PAGE}, "recipient": {"id": USER}, "timestamp": service.clock()}
    echo = {"mid": "mid.5", "text": "hello", "is_echo": True, "metadata": f"hitl:{row['id']}", "app_id": 5}
    service.receive({**parties, "message": echo})
    assert (newest(service)["id"], newest(service)["state"]) == (row["id"], "sent")


def test_a_template_shows_its_text(service: Service) -> None:
    payload = {"template_type": "button", "text": "Choose", "buttons": []}
    service.post(MESSAGES, {**HELLO, "message": {"attachment": {"type": "template", "payload": payload}}})
    assert (newest(service)["kind"], newest(service)["text"]) == ("attachment", "Choose")


@pytest.mark.parametrize("message", ["hello", ["hello"], {"attachment": "image"}, {"attachment": ["image"]}])
def test_what_is_no_message_is_said_so(service: Service, message: object) -> None:
    assert numbers(service.post(MESSAGES, {**HELLO, "message": message})) == (100, None)
    assert numbers(service.post(MESSAGES, {"recipient": {"id": USER}})) == (100, None)


def refused(code: int, status_: int, **more: object) -> GraphError:
    error = GraphError("Meta refused this.", code)
    error.said, error.status = {"message": "Meta's own words", "type": "OAuthException", "code": code, **more}, status_
    return error


@pytest.mark.parametrize(("status_", "told"), [(400, 400), (403, 403), (418, 400), (500, 500), (502, 500)])
def test_what_meta_refuses_comes_back_in_its_own_words_and_is_on_the_row(
    service: Service, status_: int, told: int
) -> None:
    error = refused(551, status_, error_subcode=1545041, fbtrace_id="A1")
    service.messenger.errors.append(error)
    answer = service.post(MESSAGES, HELLO)
    assert (answer.status, answer.json) == (told, {"error": error.said})
    assert (newest(service)["state"], newest(service)["failure"]["message"]) == ("failed", "Meta refused this.")


@pytest.mark.parametrize(
    ("error", "told", "code", "is_transient"),
    [
        (Transient("Meta could not be reached."), 503, 2, True),
        (Unconfirmed("No clear answer."), 500, 1, False),
        (Misconfigured("HITL_GRAPH_URL is not a URL."), 500, 1, False),
        (GraphError("The Graph API answered 404 and not why."), 500, 1, False),
    ],
)
def test_what_meta_did_not_say_is_said_in_its_shape(
    service: Service, error: GraphError | Misconfigured, told: int, code: int, is_transient: bool
) -> None:
    service.messenger.errors.append(error)
    answer = service.post(MESSAGES, HELLO)
    assert (answer.status, numbers(answer)) == (told, (code, None))
    assert answer.json["error"]["is_transient"] is is_transient


def test_a_store_that_is_down_is_a_transient_error(service: Service) -> None:
    service.store.fail("append", Unavailable("DynamoDB did not answer."))
    answer = service.post(MESSAGES, HELLO)
    assert (answer.status, numbers(answer)) == (503, (2, None))
    assert service.messenger.passed == []


def test_a_store_that_fails_after_metas_yes_does_not_let_the_bot_say_it_twice(service: Service) -> None:
    service.store.fail("change", Unavailable("DynamoDB did not answer."))
    assert service.post(MESSAGES, HELLO).json == ANSWER
    assert newest(service)["state"] == "queued"


def test_a_store_that_fails_after_metas_no_lets_the_bot_hear_it(service: Service) -> None:
    service.store.fail("change", Unavailable("DynamoDB did not answer."))
    service.messenger.errors.append(refused(551, 400))
    assert service.post(MESSAGES, HELLO).json["error"]["code"] == 551


def test_a_bug_is_told_in_graphs_shape_and_its_place_is_logged(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.store.fail("append", ZeroDivisionError("hello"))
    answer = service.post(MESSAGES, HELLO)
    assert (answer.status, numbers(answer)) == (500, (1, None))
    assert "ZeroDivisionError at" in caplog.text
    assert "hello" not in caplog.text


def test_nothing_of_what_is_said_is_logged(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    service.messenger.errors.append(Transient("Meta could not be reached."))
    for _ in range(2):
        service.post(MESSAGES, {**HELLO, "message": {"text": "a secret word"}})
    pause(service)
    service.post(MESSAGES, {**HELLO, "message": {"text": "a secret word"}})
    assert "secret word" not in caplog.text


@pytest.mark.parametrize("token", [None, "", "hitl_" + "x" * 43, "the-page-token", TOKEN + "x"])
def test_who_has_no_token_is_told_as_meta_tells_it(service: Service, token: str | None) -> None:
    query = "" if token is None else f"?access_token={token}"
    answer = service.post(f"{MESSAGES}{query}", HELLO, token=None)
    assert (answer.status, numbers(answer)) == (401, (190, None))
    assert service.messenger.passed == []


def test_thread_control_is_pause_and_resume(service: Service) -> None:
    body = {"recipient": {"id": USER}, "target_app_id": 263902037430900, "metadata": "wants a person"}
    assert service.post("/graph/v25.0/me/pass_thread_control", body).json == {"success": True}
    found = service.get(SESSION).json
    assert (found["status"], found["paused"]["reason"], found["paused"]["by"]["type"]) == (
        "paused",
        "wants a person",
        "bot",
    )
    assert [letter.kind for letter in service.mailbox.errands if letter.kind == "call"] == ["call"]
    assert numbers(service.post(MESSAGES, HELLO)) == OWNED
    assert service.post(f"/graph/v25.0/{PAGE}/take_thread_control", {"recipient": {"id": USER}}).json["success"] is True
    assert status(service) == "active"
    assert service.post(MESSAGES, HELLO).json == ANSWER
    assert len(service.messenger.passed) == 1


def test_thread_control_without_words_and_of_nobody(service: Service) -> None:
    service.post("/graph/me/pass_thread_control", {"recipient": {"id": USER}, "metadata": {"a": 1}})
    assert service.get(SESSION).json["paused"]["reason"] is None
    nobody = {"recipient": {"id": "999"}}
    assert numbers(service.post("/graph/v25.0/me/take_thread_control", nobody)) == (100, 2018001)
    assert numbers(service.post("/graph/v25.0/me/pass_thread_control", {})) == (100, None)


PASSED: list[tuple[str, str, Any, tuple[str, str | None, Mapping[str, str], Any]]] = [
    ("GET", f"/{USER}?fields=first_name,profile_pic", None, (ID, None, {"fields": "first_name,profile_pic"}, None)),
    ("GET", f"/{USER}", None, (ID, None, {}, None)),
    ("GET", "/me", None, (f"messenger:{PAGE}:", None, {"fields": "id,name"}, None)),
    ("GET", f"/{PAGE}?fields=name", None, (f"messenger:{PAGE}:", None, {"fields": "name"}, None)),
    (
        "GET",
        "/me/messenger_profile?fields=get_started,greeting",
        None,
        (f"messenger:{PAGE}:", "messenger_profile", {"fields": "get_started,greeting"}, None),
    ),
    (
        "POST",
        "/me/messenger_profile",
        {"get_started": {"payload": "GO"}},
        (f"messenger:{PAGE}:", "messenger_profile", {}, {"get_started": {"payload": "GO"}}),
    ),
    (
        "DELETE",
        f"/{PAGE}/messenger_profile",
        {"fields": ["greeting"]},
        (f"messenger:{PAGE}:", "messenger_profile", {}, {"fields": ["greeting"]}),
    ),
    (
        "POST",
        "/me/message_attachments",
        {"message": {"attachment": {"type": "image", "payload": {"url": "https://x.example/a.png"}}}},
        (
            f"messenger:{PAGE}:",
            "message_attachments",
            {},
            {"message": {"attachment": {"type": "image", "payload": {"url": "https://x.example/a.png"}}}},
        ),
    ),
    ("POST", "/me/personas", {"name": "Kim"}, (f"messenger:{PAGE}:", "personas", {}, {"name": "Kim"})),
    (
        "GET",
        "/me/personas?limit=5&after=x",
        None,
        (f"messenger:{PAGE}:", "personas", {"limit": "5", "after": "x"}, None),
    ),
]


@pytest.mark.parametrize(("method", "path", "body", "passed"), PASSED)
@pytest.mark.parametrize("paused", [False, True])
def test_the_rest_is_passed_on_as_it_is(
    service: Service, method: str, path: str, body: Any, passed: tuple[Any, ...], paused: bool
) -> None:
    if paused:
        pause(service)
    service.messenger.answers[0] = {"data": [{"any": "thing"}]}
    answer = service.ask(method, f"/graph/v25.0{path}", body)
    assert (answer.status, answer.json) == (200, {"data": [{"any": "thing"}]})
    assert [(at, edge, query, fields) for at, _, edge, query, fields in service.messenger.passed] == [passed]
    assert service.messenger.passed[0][1] == method


UNSUPPORTED: list[tuple[str, str]] = [
    ("POST", "/v25.0"),
    ("POST", "/v25.0/"),
    ("GET", "/v25.0"),
    ("POST", "/me"),
    ("DELETE", "/v25.0/me"),
    ("DELETE", f"/v25.0/{USER}"),
    ("POST", f"/v25.0/{USER}"),
    ("GET", f"/v25.0/{USER}/messages"),
    ("POST", f"/v25.0/{USER}/messages"),
    ("GET", "/v25.0/101/personas"),
    ("POST", "/v25.0/101/messages"),
    ("GET", "/v25.0/me/messages"),
    ("GET", "/v25.0/me/conversations"),
    ("POST", "/v25.0/me/feed"),
    ("GET", "/v25.0/me/message_attachments"),
    ("DELETE", "/v25.0/me/personas"),
    ("GET", "/v25.0/me/pass_thread_control"),
    ("POST", "/v25.0/me/subscribed_apps"),
    ("POST", "/x/y/z"),
    ("GET", "/v25.0/a%2Fb"),
    ("GET", "/v25.0/.."),
]


@pytest.mark.parametrize(("method", "path"), UNSUPPORTED)
def test_other_calls_are_refused_and_what_is_supported_is_named(service: Service, method: str, path: str) -> None:
    answer = service.ask(method, f"/graph{path.removesuffix('/')}")
    assert (answer.status, numbers(answer)) == (400, (100, None))
    assert "POST messages" in answer.json["error"]["message"]
    assert service.messenger.passed == []


@pytest.mark.parametrize("node", ["999", "101"])
def test_another_pages_users_and_nodes_are_nobody(service: Service, node: str) -> None:
    assert numbers(service.get(f"/graph/v25.0/{node}?fields=name")) == (100, 2018001)
    assert service.messenger.passed == []


@pytest.mark.parametrize(
    "path",
    [
        "/me?fields=access_token",
        "/me?fields=name,access_token",
        "/me?fields=roles",
        f"/{USER}?fields=access_token",
        f"/{USER}?fields=accounts%7Baccess_token%7D",
        "/me/personas?fields=page.fields(access_token)",
        "/me/personas?unknown=1",
        "/me/personas?ids=101",
        "/me/personas?method=delete",
        "/me?fields=",
    ],
)
def test_no_field_leads_to_a_token_or_further(service: Service, path: str) -> None:
    answer = service.get(f"/graph/v25.0{path}")
    assert (answer.status, numbers(answer)) == (400, (100, None))
    assert service.messenger.passed == []


@pytest.mark.parametrize("extra", [{"method": "get"}, {"batch": []}, {"ids": "1,2"}, {"fields": "page{access_token}"}])
@pytest.mark.parametrize("path", [MESSAGES, "/graph/me/personas", "/graph/me/messenger_profile"])
def test_a_call_cannot_be_made_another_one(service: Service, path: str, extra: dict[str, object]) -> None:
    assert numbers(service.post(path, {**HELLO, **extra})) == (100, None)
    assert numbers(service.post(f"{path}?{urlencode(extra)}", HELLO)) == (100, None)
    assert service.messenger.passed == []


def test_multipart_is_refused_with_the_way_out(service: Service) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = service.post(MESSAGES, b"--x\r\n", headers=headers)
    assert (answer.status, numbers(answer)) == (400, (100, None))
    assert "public URL" in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [
        (b"{", "application/json", 400),
        (b"[1]", "application/json", 400),
        (b"\xff=\xff", "application/x-www-form-urlencoded", 400),
        (b"a=1&" * 200, "application/x-www-form-urlencoded", 400),
        (b"message=%7B&recipient=%7B", "application/x-www-form-urlencoded", 400),
        (b"x" * 70_000, "application/json", 413),
        (b"a=" + b"x" * 70_000, "application/x-www-form-urlencoded", 413),
    ],
)
def test_what_cannot_be_read_is_said_in_graphs_shape(service: Service, body: bytes, kind: str, told: int) -> None:
    answer = service.post(MESSAGES, body, headers={"Content-Type": kind})
    assert (answer.status, numbers(answer)) == (told, (100, None))


@pytest.mark.parametrize("inner", ["NaN", "Infinity", "1e999", "[" * 40 + "]" * 40, "[" * 5000, "9" * 5000])
@pytest.mark.parametrize("place", ["query", "json", "form"])
def test_json_within_a_field_is_held_to_the_limits_of_a_body(service: Service, inner: str, place: str) -> None:
    fields = {"recipient": json.dumps({"id": USER}), "message": f'{{"text": "hello", "odd": {inner}}}'}
    body: Any = {"query": None, "json": fields, "form": urlencode(fields).encode()}[place]
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if place == "form" else {}
    query = f"?{urlencode(fields)}" if place == "query" else ""
    answer = service.post(f"{MESSAGES}{query}", body, headers=headers)
    assert (answer.status, numbers(answer)) == (400, (100, None))
    assert service.messenger.passed == []


@pytest.mark.parametrize("kind", ["a/b;" + "(" * 3000, "application/json; a*1*=x; a*0*", "", ";", "/", "a/b; x*0*=%zz"])
def test_json_is_read_whatever_a_bot_calls_it(service: Service, kind: str) -> None:
    assert service.post(MESSAGES, HELLO, headers={"Content-Type": kind}).json == ANSWER


def test_a_json_body_sent_as_a_form_is_read(service: Service) -> None:
    """As `curl -d '{…}'` sends it."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert service.post(MESSAGES, json.dumps(HELLO).encode(), headers=headers).json == ANSWER


def test_several_pages_and_a_token_for_all_are_not_clear() -> None:
    service = Service({"pages/messenger/101": PAGE_TOKEN})
    assert numbers(service.post(MESSAGES, HELLO)) == (100, None)


def bound(page: str, *permissions: Permission) -> Service:
    """A service of two Pages, in which the token is bound to one of them and may do so much."""
    token = ApiToken("shop-bot", "Shop bot", hash_of(TOKEN), page, permissions)
    service = Service({"tokens/api-token": token.value, "pages/messenger/101": PAGE_TOKEN})
    service.receive(service.said("m1"))
    service.messenger.answers.append(ANSWER)
    return service


def test_the_page_of_the_token_is_me_and_no_other_can_be_named() -> None:
    service = bound("messenger:101", "read", "pause", "send")
    assert numbers(service.post(MESSAGES, HELLO)) == (100, 2018001)
    assert numbers(service.post(f"/graph/v25.0/{PAGE}/messages", HELLO)) == (100, None)
    assert numbers(service.post("/graph/me/pass_thread_control", {"recipient": {"id": USER}})) == (100, 2018001)
    assert [page["id"] for page in service.get("/botpress-hitl/pages").json["pages"]] == ["101"]
    assert service.messenger.passed == []
    assert bound(f"messenger:{PAGE}", "send").post(MESSAGES, HELLO).status == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "need"),
    [
        ("POST", MESSAGES, HELLO, "send"),
        ("POST", "/graph/me/pass_thread_control", {"recipient": {"id": USER}}, "pause"),
        ("GET", f"/graph/{USER}", None, "read"),
        ("POST", "/graph/me/personas", {"name": "Kim"}, "send"),
    ],
)
def test_each_call_needs_its_permission(method: str, path: str, body: object, need: Permission) -> None:
    others = [permission for permission in PERMISSIONS if permission not in (need, "operator")]
    answer = bound(f"messenger:{PAGE}", *others).ask(method, path, body)
    assert (answer.status, numbers(answer)) == (403, (200, None))
    assert bound(f"messenger:{PAGE}", need).ask(method, path, body).status == 200


def test_a_token_that_meta_does_not_take_marks_the_page(service: Service) -> None:
    service.messenger.errors.append(TokenInvalid("Make a new one.", 190))
    service.get(f"/graph/v25.0/{USER}")
    assert service.get("/botpress-hitl/pages").json["pages"][0]["disconnected"]["reason"] == "Make a new one."


def test_dying_after_any_step_of_a_send_never_asks_meta_before_admission_and_leaves_its_row() -> None:
    def say(world: World, steps: Steps) -> None:
        world.process(steps).relay.say(_page(), HELLO, BOT, None)

    whole = Steps()
    say(_talked(), whole)
    meta = whole.done.index("messenger.pass_on")
    assert meta > whole.done.index("store.append")
    for after in range(1, len(whole.done) + 1):
        world = _talked()
        with pytest.raises(Crash):
            say(world, Steps(after))
        world.clock.tick(120_000)
        states = [row.state_for_readers(world.clock()) for row in world.rows() if row.id.startswith("s:")]
        assert len(world.messenger.passed) == (1 if after > meta else 0)
        assert states[-1:] in (["unconfirmed"], ["sent"], []), "a send that died is in the log, and open"
        assert states[-1:] != ["sent"] or after > meta
        world.process().handoff.pause(CONVERSATION, BOT)
        with pytest.raises(Refused):
            say(world, Steps())
        assert len(world.messenger.passed) == (1 if after > meta else 0)


def _talked() -> World:
    world = World()
    world.messenger.answers.append(ANSWER)
    world.receive(world.process(), world.body(world.said("m1", "hello")))
    return world


def _page() -> Address:
    return Address("messenger", PAGE, "")
