"""History and sending, over HTTP."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from chalicelib.errors import Misconfigured, RateLimited, Unconfirmed, WindowClosed
from chalicelib.refusals import ADVICE
from chalicelib.routes import conversations
from chalicelib.routes.bodies import MAX_EPOCH, MAX_QUICK_REPLIES, MAX_TEXT
from tests.openapi import DOCUMENT
from tests.service import PAGE, SESSION, SESSIONS, USER, Answer, Service

MESSAGES = f"{SESSION}/messages"
TEXT = {"client_id": "c1", "text": "Hello"}
YES = {"content_type": "text", "title": "Yes", "payload": "YES"}
BUTTONS = {
    "template_type": "button",
    "text": "Shall we?",
    "buttons": [{"type": "postback", "title": "Y", "payload": "Y"}],
}
IMAGE = {"type": "image", "url": "https://example.com/a.png"}


@pytest.fixture
def service() -> Service:
    service = Service()
    service.receive(service.said("m1"))
    return service


def logged(service: Service, row_id: str = "s:c1") -> dict[str, Any]:
    return next(message for message in service.history() if message["id"] == row_id)


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_history_is_whole_and_newest_first(service: Service, limit: int) -> None:
    for number in range(2, 8):
        service.receive(service.said(f"m{number}", f"text {number}"))
    found, cursor = [], ""
    for _ in range(10):
        page = service.get(f"{MESSAGES}?limit={limit}&cursor={quote(cursor)}").json
        found += [message["id"] for message in page["messages"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert found == [f"m:m{number}" for number in range(7, 0, -1)]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", f"cursor={'x' * 5000}"])
def test_what_a_history_cannot_be_asked(service: Service, query: str) -> None:
    assert len(service.get(f"{MESSAGES}?{query}").faults) == 1


def test_a_page_that_is_too_long_is_made_shorter(service: Service) -> None:
    """Lambda gives up on answers of more than 6 MB, and twenty thousand signs may be written in one message."""
    for number in range(60):
        service.receive(service.said(f"b{number:02d}", "\U0001f600" * 20_000))
    answer = service.get(f"{MESSAGES}?limit=100")
    assert len(answer.body) <= conversations.MAX_ANSWER
    assert [message["id"] for message in answer.json["messages"][:2]] == ["m:b59", "m:b58"]
    following = service.get(f"{MESSAGES}?limit=100&cursor={quote(answer.json['cursor'])}").json["messages"]
    last = answer.json["messages"][-1]["id"]
    assert following[0]["id"] == f"m:b{int(last[3:]) - 1}"


def test_history_shows_what_each_kind_brings(service: Service) -> None:
    parties = {"sender": {"id": USER}, "recipient": {"id": PAGE}}
    items: list[dict[str, Any]] = [
        {"message": {"mid": "q", "text": "Yes", "quick_reply": {"payload": "YES"}, "reply_to": {"mid": "m1"}}},
        {
            "message": {
                "mid": "i",
                "attachments": [{"type": "image", "payload": {"url": "https://x/y", "a": [1, None]}}],
            }
        },
        {
            "message": {
                "mid": "odd",
                "attachments": [{"type": "new", "payload": None}, {"payload": {"title": "\ud800"}}],
            }
        },
        {"message": {"mid": "gone", "is_deleted": True}},
        {"postback": {"mid": "p", "title": "Start", "payload": "HITL_START"}},
        {"reaction": {"mid": "m1", "action": "react", "emoji": "\u2764"}},
        {"message_edit": {"mid": "m1", "text": "Hello!", "num_edit": 1}},
        {"referral": {"ref": "r", "source": "ADS"}},
        {"optin": {"ref": "o"}},
        {"account_linking": {"status": "linked"}},
        {"policy_enforcement": {"action": "block", "reason": "spam"}},
        {"pass_thread_control": {"new_owner_app_id": 1, "metadata": "m"}},
        {"something_new": {"a": 1}},
    ]
    for item in items:
        service.receive({**parties, "timestamp": service.clock(), **item})
    service.post(f"{SESSION}/pause", {"reason": "r"})
    shown = {message["kind"]: message for message in service.history()}
    odd = next(message for message in service.history() if message["id"] == "m:odd")
    assert odd["attachments"] == [{"type": "new", "payload": None}, {"payload": {"title": "\ufffd"}}]
    assert [message["payload"] for message in service.history() if message["id"] == "m:q"] == ["YES"]
    assert [message["reply_to"] for message in service.history() if message["id"] == "m:q"] == ["m1"]
    assert (shown["postback"]["payload"], shown["postback"]["title"]) == ("HITL_START", "Start")
    assert (shown["reaction"]["target"], shown["reaction"]["emoji"]) == ("m1", "\u2764")
    assert shown["reaction"]["target"] == service.history()[-1]["mid"]
    assert (shown["edit"]["target"], shown["edit"]["number"], shown["edit"]["text"]) == ("m1", 1, "Hello!")
    assert (shown["referral"]["ref"], shown["referral"]["source"]) == ("r", "ADS")
    assert (shown["optin"]["ref"], shown["account_linking"]["status"]) == ("o", "linked")
    assert (shown["policy"]["action"], shown["policy"]["by"]) == ("block", None)
    assert (shown["handover"]["action"], shown["handover"]["metadata"]) == ("pass_thread_control", "m")
    assert shown["unknown"]["event"] == "something_new"
    assert (shown["paused"]["epoch"], shown["paused"]["text"]) == (1, "r")
    assert shown["paused"]["until"] == "2023-11-15T22:13:34.000Z"
    assert shown["deleted"]["text"] is None


def test_a_text_is_sent_once_whatever_is_repeated(service: Service) -> None:
    first = service.post(MESSAGES, TEXT).json
    by = {"type": "operator", "id": "api-token", "name": "API token"}
    assert first == {
        "id": "s:c1",
        "author": "operator",
        "by": by,
        "kind": "text",
        "text": "Hello",
        "attachments": [],
        "sent_at": "2023-11-14T22:13:21.000Z",
        "state": "sent",
        "standby": False,
        "cut": False,
        "mid": "mid.1",
        "failure": None,
    }
    service.clock.tick(5000)
    repeats: list[dict[str, Any]] = [TEXT, {**TEXT, "retry": True}, {**TEXT, "retry": None, "quick_replies": []}]
    for body in repeats:
        assert service.post(MESSAGES, body).json == first
    assert len(service.messenger.sends) == 1
    assert logged(service) == first


@pytest.mark.parametrize(
    "other",
    [
        {"text": "Bye"},
        {"text": "Hello "},
        {"text": "Hello", "quick_replies": [YES]},
        {"attachment": IMAGE},
        {"text": "Bye", "retry": True},
    ],
)
def test_a_client_id_stands_for_one_message(service: Service, other: dict[str, Any]) -> None:
    service.post(MESSAGES, TEXT)
    answer = service.post(MESSAGES, {"client_id": "c1", **other})
    assert answer.code == (409, "client_id_reused")
    assert len(service.messenger.sends) == 1
    service.receive(service.said("m9", user="201"))
    assert service.post(f"{SESSIONS}/201/messages", {"client_id": "c1", **other}).status == 200


@pytest.mark.parametrize(
    ("content", "graph"),
    [
        ({"text": "x" * MAX_TEXT}, {"text": "x" * MAX_TEXT}),
        (
            {"text": "T", "quick_replies": [YES] * MAX_QUICK_REPLIES},
            {"text": "T", "quick_replies": [YES] * MAX_QUICK_REPLIES},
        ),
        (
            {"text": "T", "quick_replies": [{"content_type": "user_email"}]},
            {"text": "T", "quick_replies": [{"content_type": "user_email"}]},
        ),
        ({"attachment": IMAGE}, {"attachment": {"type": "image", "payload": {"url": IMAGE["url"]}}}),
        ({"template": BUTTONS}, {"attachment": {"type": "template", "payload": BUTTONS}}),
        (
            {"template": BUTTONS, "text": None, "attachment": None},
            {"attachment": {"type": "template", "payload": BUTTONS}},
        ),
    ],
)
def test_what_can_be_sent(service: Service, content: dict[str, Any], graph: dict[str, Any]) -> None:
    answer = service.post(MESSAGES, {"client_id": "c1", **content})
    assert answer.json["state"] == "sent"
    assert [sent.message.to_graph() for sent in service.messenger.sends] == [graph]
    assert answer.json["attachments"] == ([graph["attachment"]] if "attachment" in graph else [])
    assert logged(service) == answer.json


ONE = "give exactly one of text, attachment and template"
REFUSED: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["client_id is missing", ONE]),
    ({"client_id": "c1"}, [ONE]),
    ({"client_id": None, "text": "x"}, ["client_id is missing"]),
    ({"client_id": "", "text": "x"}, ["client_id must be a text that is not empty"]),
    ({"client_id": 5, "text": "x"}, ["client_id must be a text that is not empty"]),
    ({"client_id": "a b", "text": "x"}, ["client_id may hold letters, digits, _ and - only"]),
    ({"client_id": "a\n", "text": "x"}, ["client_id may hold letters, digits, _ and - only"]),
    ({"client_id": "\u00e9", "text": "x"}, ["client_id may hold letters, digits, _ and - only"]),
    ({"client_id": "x" * 65, "text": "x"}, ["client_id has 65 characters; 64 are allowed"]),
    ({"client_id": "c", "text": "x" * 2001}, ["text has 2001 characters; 2000 are allowed"]),
    ({"client_id": "c", "text": " \n"}, ["text must be a text that is not empty"]),
    ({"client_id": "c", "text": "\ud800"}, ["text holds half of a surrogate pair"]),
    ({"client_id": "c", "text": "x", "attachment": IMAGE}, [ONE]),
    ({"client_id": "c", "template": BUTTONS, "attachment": IMAGE}, [ONE]),
    ({"client_id": "c", "text": "x", "by": "me"}, ["by is not a field here"]),
    ({"client_id": "c", "text": "x", "epoch": -1}, [f"epoch must be a whole number from 0 to {MAX_EPOCH}"]),
    ({"client_id": "c", "text": "x", "seen_id": "\u20ac"}, ["seen_id has a character that no message's id has"]),
    ({"client_id": "c", "text": "x", "retry": 1}, ["retry must be true or false"]),
    ({"client_id": "c", "attachment": "x"}, ["attachment must be an object"]),
    ({"client_id": "c", "attachment": {}}, ["attachment.type is missing", "attachment.url is missing"]),
    (
        {"client_id": "c", "attachment": {"type": "gif", "url": "ftp://x/y", "is_reusable": True}},
        [
            "attachment.is_reusable is not a field here",
            "attachment.type must be one of image, audio, video, file",
            "attachment.url must be an address that begins with https://",
        ],
    ),
    ({"client_id": "c", "template": {}}, ["template.template_type is missing"]),
    ({"client_id": "c", "template": {"template_type": 1}}, ["template.template_type must be a text that is not empty"]),
    ({"client_id": "c", "template": []}, ["template must be an object"]),
    ({"client_id": "c", "text": "x", "quick_replies": {}}, ["quick_replies must be a list of at most 13 objects"]),
    ({"client_id": "c", "text": "x", "quick_replies": [1]}, ["quick_replies must be a list of at most 13 objects"]),
    (
        {"client_id": "c", "text": "x", "quick_replies": [YES] * 14},
        ["quick_replies must be a list of at most 13 objects"],
    ),
    (
        {"client_id": "c", "text": "x", "quick_replies": [YES, {"content_type": "text"}, {"title": "x" * 21, "x": 1}]},
        [
            "quick_replies[1].title is missing",
            "quick_replies[1].payload is missing",
            "quick_replies[2].x is not a field here",
            "quick_replies[2].content_type is missing",
            "quick_replies[2].title has 21 characters; 20 are allowed",
        ],
    ),
    (
        {"client_id": "c", "text": "x", "quick_replies": [{**YES, "payload": "x" * 1001, "image_url": "https://"}]},
        [
            "quick_replies[0].payload has 1001 characters; 1000 are allowed",
            "quick_replies[0].image_url must be an address that begins with https://",
        ],
    ),
]


@pytest.mark.parametrize(("body", "faults"), REFUSED)
def test_every_fault_of_a_message_is_named(service: Service, body: dict[str, Any], faults: list[str]) -> None:
    assert service.post(MESSAGES, body).faults == faults
    assert (service.messenger.sends, len(service.history())) == ([], 1)


@pytest.mark.parametrize("value", [b"NaN", b"-Infinity", b"1e999", b"[" * 31 + b"]" * 31])
def test_a_template_that_nobody_else_could_read_is_refused(service: Service, value: bytes) -> None:
    body = b'{"client_id": "c", "template": {"template_type": "button", "x": %s}}'
    assert service.post(MESSAGES, body % value).code == (400, "bad_request")
    assert (service.messenger.sends, len(service.history())) == ([], 1)
    assert service.post(MESSAGES, body % (b"[" * 30 + b"]" * 30)).json["state"] == "sent"


@pytest.mark.parametrize("error", [WindowClosed, RateLimited])
def test_what_meta_refuses_says_why_in_words(service: Service, error: type[WindowClosed]) -> None:
    service.messenger.errors.append(error(ADVICE[error], 10, 2018278))
    failed = service.post(MESSAGES, TEXT).json
    assert failed["state"] == "failed"
    assert failed["failure"] == {"code": error.code, "message": ADVICE[error], "can_retry": error.can_retry}
    assert service.post(MESSAGES, TEXT).json == failed
    assert service.messenger.sends == []
    sent = service.post(MESSAGES, {**TEXT, "retry": True}).json
    assert (sent["state"], sent["failure"]) == ("sent", None)
    assert logged(service) == sent


def test_a_page_without_a_token_says_so(service: Service) -> None:
    service.messenger.errors.append(Misconfigured("There is no token for the Page 100."))
    failure = service.post(MESSAGES, TEXT).json["failure"]
    assert failure["code"] == "misconfigured"


def test_what_nobody_can_know_is_sent_again_by_a_person_only(service: Service) -> None:
    service.messenger.errors.append(Unconfirmed(ADVICE[Unconfirmed]))
    assert service.post(MESSAGES, TEXT).json["state"] == "unconfirmed"
    assert service.post(MESSAGES, TEXT).json["state"] == "unconfirmed"
    assert service.messenger.sends == []
    assert service.post(MESSAGES, {**TEXT, "retry": True}).json["state"] == "sent"


def test_a_send_that_died_is_unconfirmed_after_a_minute(service: Service) -> None:
    answers: list[Answer] = []

    def meanwhile() -> None:
        service.messenger.before = lambda: None
        answers.append(service.post(MESSAGES, TEXT))
        answers.append(service.post(MESSAGES, {**TEXT, "retry": True}))
        service.clock.tick(60_001)
        answers.append(service.post(MESSAGES, TEXT))

    service.messenger.before = meanwhile
    service.post(MESSAGES, TEXT)
    assert answers[0].json["state"] == "queued"
    assert answers[1].code == (409, "still_sending")
    assert answers[2].json["state"] == "unconfirmed"
    assert len(service.messenger.sends) == 1


@pytest.mark.parametrize(
    "example",
    DOCUMENT["paths"][f"{SESSIONS}/{{session}}/messages"]["post"]["requestBody"]["content"]["application/json"][
        "examples"
    ].values(),
)
def test_examples_of_the_document_can_be_sent(service: Service, example: dict[str, Any]) -> None:
    assert service.post(MESSAGES, example["value"]).json["state"] == "sent"


def failure_of(answer: Answer) -> tuple[int, str, str]:
    return answer.status, answer.json["code"], answer.json["refused"]["state"]


def test_a_reply_to_an_active_conversation_pauses_it(service: Service) -> None:
    assert service.post(MESSAGES, TEXT).json["state"] == "sent"
    found = service.get(SESSION).json
    assert (found["status"], found["paused"]["by"]["id"], found["waiting_since"]) == ("paused", "api-token", None)
    assert logged(service, "t:1")["text"] == "an operator answered"


def test_a_reply_past_a_colleague_is_refused_with_what_they_said(service: Service) -> None:
    inbox = {"sender": {"id": PAGE}, "recipient": {"id": USER}, "timestamp": service.clock()}
    service.receive({**inbox, "message": {"mid": "i1", "text": "from the inbox", "is_echo": True}})
    refused = service.post(MESSAGES, {**TEXT, "seen_id": "m1"})
    assert failure_of(refused) == (409, "someone_answered", "refused")
    assert (refused.json["said"]["id"], refused.json["said"]["text"]) == ("m:i1", "from the inbox")
    assert service.messenger.sends == []
    assert service.post(MESSAGES, {**TEXT, "seen_id": "m1"}).json == refused.json
    assert service.post(MESSAGES, {**TEXT, "seen_id": "m:i1", "retry": True}).json["state"] == "sent"
    unknown = service.post(MESSAGES, {"client_id": "c2", "text": "x", "seen_id": "nothing"})
    assert unknown.code == (404, "not_found")


def test_a_reply_for_another_epoch_is_refused(service: Service) -> None:
    service.post(f"{SESSION}/pause")
    refused = service.post(MESSAGES, {**TEXT, "epoch": 0})
    assert failure_of(refused) == (409, "stale_epoch", "refused")
    assert service.post(MESSAGES, {**TEXT, "epoch": 1, "retry": True}).json["state"] == "sent"


DAY = 24 * 3_600_000


@pytest.mark.parametrize(
    ("approved", "days", "window"),
    [
        ("no", 0, "response"),
        ("no", 1, "closed"),
        ("yes", 1, "human_agent"),
        ("yes", 6, "human_agent"),
        ("yes", 7, "closed"),
    ],
)
def test_meta_is_asked_within_its_window_only(approved: str, days: int, window: str) -> None:
    service = Service(HITL_HUMAN_AGENT=approved)
    service.receive(service.said("m1"))
    service.clock.tick(days * DAY)
    assert service.get(SESSION).json["window"]["type"] == window
    answer = service.post(MESSAGES, TEXT)
    assert [sent.human_agent for sent in service.messenger.sends] == ([] if window == "closed" else [days > 0])
    if window == "closed":
        assert failure_of(answer) == (409, "window_closed", "refused")
        ended = {"no": "24 hours after the user's last message, ended 2023-11-15 22:13 UTC"}
        ended["yes"] = "7 days after the user's last message, ended 2023-11-21 22:13 UTC"
        assert ended[approved] in answer.json["message"]
        assert answer.json["refused"]["failure"]["can_retry"] is False
        assert service.get(SESSION).json["status"] == "active"


def test_a_user_who_has_said_nothing_that_we_know_of_has_no_window(service: Service) -> None:
    parties = {"sender": {"id": "201"}, "recipient": {"id": PAGE}, "timestamp": service.clock()}
    service.receive({**parties, "referral": {"ref": "r", "source": "ADS"}})
    assert service.get(f"{SESSIONS}/201").json["window"] is None
    assert service.post(f"{SESSIONS}/201/messages", TEXT).json["state"] == "sent"
