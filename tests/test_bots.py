"""Bots in this process, at a URL and as a Lambda function; the example bot, word by word."""

from __future__ import annotations

import hmac
import json
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError, ConnectTimeoutError

from chalicelib.bots import Bot, Delivery, LambdaBot, PythonBot, Talk, UrlBot, connect
from chalicelib.errors import BotFailed, LostRace, Misconfigured, Unavailable
from chalicelib.example_bot import bot as example
from chalicelib.messenger import Attachment, Outgoing, Profile
from chalicelib.settings import Settings
from chalicelib.talk import Handover
from tests.loopback import Answer, Loopback, _Handler, drips, hangs, refused_url, resets, says

SECRET = "the-app-secret"
TEXT = {
    "sender": {"id": "222"},
    "recipient": {"id": "111"},
    "timestamp": 5,
    "message": {"mid": "m1", "text": "Grüße 👋"},
}
DELIVERY = Delivery(
    conversation_id="messenger:111:222",
    platform="messenger",
    page_id="111",
    user_id="222",
    epoch=4,
    message_id="m:mid.$cAA:1",
    event=TEXT,
    sent_at=1_700_000_000_000,
)


class Speaker:
    """Keeps what a bot does."""

    def __init__(self, profile: Profile | None = None, error: Exception | None = None) -> None:
        self.did: list[tuple[Any, ...]] = []
        self.asked = 0
        self._profile = profile or Profile()
        self._error = error

    def say(self, message: Outgoing, number: int) -> None:
        if self._error is not None:
            raise self._error
        self.did.append(("say", message, number))

    def pause(self, reason: str | None, minutes: int | None) -> int:
        self.did.append(("pause", reason, minutes))
        return 5

    def resume(self) -> int:
        self.did.append(("resume",))
        return 6

    def profile(self) -> Profile:
        self.asked += 1
        return self._profile


def wrote(text: str) -> Delivery:
    return DELIVERY._replace(event={"message": {"mid": "m1", "text": text}})


def tapped(payload: str) -> Delivery:
    return DELIVERY._replace(event={"postback": {"title": "A button", "payload": payload}})


def chose(payload: str, title: str = "A reply") -> Delivery:
    return DELIVERY._replace(event={"message": {"mid": "m1", "text": title, "quick_reply": {"payload": payload}}})


# The example bot


def example_does(delivery: Delivery, speaker: Speaker | None = None) -> list[tuple[Any, ...]]:
    speaker = speaker or Speaker()
    PythonBot(example, "HITL_STOP").deliver(delivery, speaker)
    return speaker.did


@pytest.mark.parametrize("delivery", [wrote("HITL_START"), tapped("HITL_START"), chose("HITL_START")])
def test_the_example_bot_says_it_then_pauses(delivery: Delivery) -> None:
    (_, said, number), (_, reason, minutes) = example_does(delivery, Speaker(Profile("Ada", "Lovelace")))
    assert number == 0
    assert said.template["template_type"] == "button"
    assert said.template["buttons"] == [{"type": "postback", "title": "Cancel request", "payload": "HITL_STOP:5"}]
    assert said.template["text"]
    assert (reason, minutes) == ("Ada wants to talk to a person", None)


def test_the_example_bot_does_not_need_a_name() -> None:
    assert example_does(wrote("HITL_START"))[1][1] == "Someone wants to talk to a person"


@pytest.mark.parametrize(
    "delivery", [tapped("HITL_STOP"), tapped("HITL_STOP:5"), chose("HITL_STOP"), wrote("HITL_STOP")]
)
def test_the_example_bot_says_that_it_is_back(delivery: Delivery) -> None:
    [(what, said, _)] = example_does(delivery)
    assert what == "say"
    assert "back" in said.text


@pytest.mark.parametrize(
    ("delivery", "said"),
    [
        (wrote("hello"), "hello"),
        (wrote("two\nlines\u2028and a third\n"), "two\nlines\u2028and a third\n"),
        (wrote("please HITL_START"), "please HITL_START"),
        (wrote("HITL_STOP:x"), "HITL_STOP:x"),
        (chose("COLOR_RED", "Red"), "Red"),
    ],
)
def test_the_example_bot_repeats_any_text(delivery: Delivery, said: str) -> None:
    assert example_does(delivery) == [("say", Outgoing(said), 0)]


@pytest.mark.parametrize(
    "event",
    [
        {"message": {"mid": "m1", "attachments": [{"type": "image", "payload": {"url": "https://example.com/a"}}]}},
        {"message": {"mid": "m1", "text": ""}},
        {"message": {"mid": "m1", "text": 7}},
        {"message": None},
        {"message": {"quick_reply": "odd"}},
        {"postback": {"title": "Another button", "payload": "BUY"}},
        {"postback": {"title": "No payload"}},
        {"referral": {"ref": "ad"}},
        {},
    ],
)
def test_the_example_bot_leaves_what_is_no_text(event: Mapping[str, Any]) -> None:
    assert example_does(DELIVERY._replace(event=event)) == []


# Talk and Bot


def talk_of(delivery: Delivery, speaker: Speaker, release: str = "HITL_STOP") -> Talk:
    return Talk(delivery, speaker, release)


def test_a_talk_says_each_kind_of_message() -> None:
    speaker = Speaker()
    talk = talk_of(DELIVERY, speaker)
    talk.say("plain")
    talk.say("choose", quick_replies=[("Yes", "YES")])
    talk.say("tap", buttons=[("Go", "GO")], quick_replies=[("Yes", "YES")])
    talk.say(image="https://example.com/a.png")
    talk.say(template={"template_type": "generic", "elements": []})
    yes = ({"content_type": "text", "title": "Yes", "payload": "YES"},)
    go = {"template_type": "button", "text": "tap", "buttons": [{"type": "postback", "title": "Go", "payload": "GO"}]}
    assert speaker.did == [
        ("say", Outgoing("plain"), 0),
        ("say", Outgoing("choose", quick_replies=yes), 1),
        ("say", Outgoing(template=go, quick_replies=yes), 2),
        ("say", Outgoing(attachment=Attachment("image", "https://example.com/a.png")), 3),
        ("say", Outgoing(template={"template_type": "generic", "elements": []}), 4),
    ]


@pytest.mark.parametrize(
    "message",
    [{}, {"text": "a", "image": "b"}, {"buttons": [("Go", "GO")]}, {"image": "a", "buttons": [("Go", "GO")]}],
)
def test_a_talk_refuses_what_is_no_message(message: dict[str, Any]) -> None:
    speaker = Speaker()
    with pytest.raises(ValueError, match="say"):
        talk_of(DELIVERY, speaker).say(**message)
    assert speaker.did == []


def test_a_talk_pauses_and_resumes() -> None:
    speaker = Speaker()
    talk = talk_of(DELIVERY, speaker, release="BACK")
    assert (talk.epoch, talk.release, talk.event) == (4, "BACK:5", TEXT)
    assert talk.pause("reason", 30) == 5
    talk.resume()
    assert speaker.did == [("pause", "reason", 30), ("resume",)]


def test_a_profile_is_asked_for_once_and_only_when_it_is_needed() -> None:
    speaker = Speaker(Profile("Ada", "Lovelace"))
    user = talk_of(DELIVERY, speaker).user
    assert (user.id, speaker.asked) == ("222", 0)
    assert (user.first_name, user.last_name, user.name) == ("Ada", "Lovelace", "Ada Lovelace")
    assert speaker.asked == 1


def test_the_first_handler_that_matches_the_payload_or_else_the_text_answers() -> None:
    bot, heard = Bot(), []

    @bot.hear("a|b")
    def first(talk: Talk) -> None:
        heard.append("first")

    @bot.hear("b|c")
    def second(talk: Talk) -> None:
        heard.append("second")

    for delivery in (wrote("b"), wrote("c"), wrote("abc"), chose("c", "a"), tapped("a"), tapped("nothing")):
        bot(talk_of(delivery, Speaker()))
    assert heard == ["first", "second", "second", "first"]
    assert first.__name__ == "first"


# A Python bot


def raises(error: BaseException) -> Callable[[Talk], None]:
    def handler(talk: Talk) -> None:
        raise error

    return handler


@pytest.mark.parametrize("error", [ValueError("the user's words"), SystemExit("the user's words"), KeyError("x")])
def test_a_python_bot_that_raises_is_tried_again(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(BotFailed) as caught:
        PythonBot(raises(error), "HITL_STOP").deliver(DELIVERY, Speaker())
    assert caught.value.retry
    assert type(error).__name__ in str(caught.value)
    assert f"{type(error).__name__}: " in caplog.text
    assert f"{Path(__file__).name}:" in caplog.text
    assert "in handler" in caplog.text
    assert "the user's words" not in caplog.text + str(caught.value)


@pytest.mark.parametrize("error", [Unavailable("DynamoDB"), LostRace("changed")])
def test_trouble_of_our_own_is_not_the_bots(error: Exception) -> None:
    with pytest.raises(type(error)):
        PythonBot(example, "HITL_STOP").deliver(wrote("hello"), Speaker(error=error))


def test_a_python_bot_that_hangs_fails_in_time_and_may_be_run_again() -> None:
    gate = threading.Event()
    bot = PythonBot(lambda talk: gate.wait(30), "HITL_STOP", timeout=0.05)
    with pytest.raises(BotFailed, match=r"did not answer within 0\.05 s") as caught:
        bot.deliver(DELIVERY, Speaker())
    assert caught.value.retry
    gate.set()
    bot.deliver(DELIVERY, Speaker())


@pytest.fixture
def module(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Makes a module with the given source that can be imported, and returns its name."""
    sys.path.insert(0, str(tmp_path))
    before = set(sys.modules)

    def make(source: str) -> str:
        name = f"bot_of_a_test_{time.monotonic_ns()}"
        (tmp_path / f"{name}.py").write_text(source)
        return name

    yield make
    sys.path.remove(str(tmp_path))
    for name in set(sys.modules) - before:
        del sys.modules[name]


def settings(bot: str | None) -> Settings:
    env = {"HITL_RELEASE": "BACK"}
    return Settings(env if bot is None else {**env, "HITL_BOT": bot}, {"app-secret": f"{SECRET} the-one-before"})


def test_a_python_bot_is_any_callable_of_any_module(module: Callable[[str], str]) -> None:
    name = module("def answer(talk):\n    talk.say(talk.release)\n")
    speaker = Speaker()
    connect(settings(f"python:{name}:answer")).deliver(DELIVERY, speaker)
    assert speaker.did == [("say", Outgoing("BACK:5"), 0)]


def test_the_example_bot_is_the_default() -> None:
    speaker = Speaker()
    connect(settings(None)).deliver(wrote("hello"), speaker)
    assert speaker.did == [("say", Outgoing("hello"), 0)]


@pytest.mark.parametrize(
    ("source", "attribute", "words"),
    [
        (None, "bot", "No module named 'no_such_bot'"),
        ("import no_such_library", "bot", "No module named 'no_such_library'"),
        ("def", "bot", "SyntaxError"),
        ("raise ValueError('a secret of the bot')", "bot", "ValueError"),
        ("bot = 5", "bot", "nothing to call under bot"),
        ("", "bot", "nothing to call under bot"),
    ],
)
def test_a_python_bot_that_is_not_there_is_misconfigured(
    module: Callable[[str], str], source: str | None, attribute: str, words: str
) -> None:
    name = "no_such_bot" if source is None else module(source)
    with pytest.raises(Misconfigured) as caught:
        connect(settings(f"python:{name}:{attribute}"))
    assert "HITL_BOT" in str(caught.value)
    assert words in str(caught.value)
    assert "a secret" not in str(caught.value)


# A bot at a URL


@pytest.fixture
def http() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager() as pools:
        yield pools


def post(http: urllib3.PoolManager, url: str, delivery: Delivery = DELIVERY, timeout: float = 5) -> None:
    UrlBot(url, lambda: SECRET, http, timeout).deliver(delivery, Speaker())


def signature(algorithm: str, body: bytes) -> str:
    return f"{algorithm}={hmac.new(SECRET.encode(), body, algorithm).hexdigest()}"


def test_a_url_bot_without_an_app_secret_fails_as_one_that_is_down() -> None:
    with pytest.raises(BotFailed, match="app-secret") as caught:
        connect(Settings({"HITL_BOT": "https://bot.example"})).deliver(DELIVERY, Speaker())
    assert caught.value.retry


def test_a_url_bot_gets_a_signed_webhook(http: urllib3.PoolManager) -> None:
    with Loopback(says(200, b"EVENT_RECEIVED")) as server:
        connect(settings(f"{server.url}/hook?x=1"), http).deliver(DELIVERY, Speaker())
    [asked] = server.asked
    assert (asked.method, asked.path, asked.query) == ("POST", "/hook", {"x": "1"})
    assert asked.json == {"object": "page", "entry": [{"id": "111", "time": 1_700_000_000_000, "messaging": [TEXT]}]}
    assert asked.headers["X-Hub-Signature"] == signature("sha1", asked.body)
    assert asked.headers["X-Hub-Signature-256"] == signature("sha256", asked.body)
    assert asked.headers["X-HITL-Conversation"] == "messenger:111:222"
    assert asked.headers["X-HITL-Epoch"] == "4"
    assert asked.headers["X-HITL-Message"] == "m:mid.$cAA:1"
    assert asked.headers["Content-Type"] == "application/json"


def test_a_bot_gets_the_id_of_the_webhook_where_there_was_one(http: urllib3.PoolManager) -> None:
    brought = DELIVERY._replace(correlation_id="JKJaXmPLvHcESHA=")
    invoke = Lambda({"StatusCode": 200})
    with Loopback(says(200)) as server:
        for delivery in (DELIVERY, brought):
            post(http, server.url, delivery)
            connect(settings("lambda:my-bot"), invoke=invoke).deliver(delivery, Speaker())
    headers = [asked.headers.get("X-HITL-Correlation-Id") for asked in server.asked]
    fields = [json.loads(call["Payload"])["hitl"].get("correlation_id") for call in invoke.calls]
    assert headers == fields == [None, "JKJaXmPLvHcESHA="]


def test_a_url_bot_is_told_of_instagram(http: urllib3.PoolManager) -> None:
    with Loopback(says(200)) as server:
        post(http, server.url, DELIVERY._replace(platform="instagram", conversation_id="instagram:111:222"))
    assert server.asked[0].json["object"] == "instagram"


def test_odd_ids_cannot_break_the_headers(http: urllib3.PoolManager) -> None:
    with Loopback(says(200)) as server:
        post(http, server.url, DELIVERY._replace(message_id="m:ä\r\nX-Evil: 1 %"))
    assert server.asked[0].headers["X-HITL-Message"] == "m:%C3%A4%0D%0AX-Evil:%201%20%25"
    assert "X-Evil" not in server.asked[0].headers


@pytest.mark.parametrize("answer", [says(200), says(204), says(202, b"x" * 300_000), says(200, {"error": "ignored"})])
def test_any_2xx_is_a_yes(http: urllib3.PoolManager, answer: Answer) -> None:
    with Loopback(answer) as server:
        post(http, server.url)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("answer", "retry"),
    [
        (says(429), True),
        (says(500), True),
        (says(503, Retry_After="0"), True),
        (says(400), False),
        (says(403, b"x" * 300_000), False),
        (says(404), False),
        (says(301, Location="/elsewhere"), False),
        (says(307, Location="/elsewhere"), False),
        (says(304), False),
        (resets, True),
        (hangs, True),
    ],
)
def test_a_url_bot_that_fails_says_whether_to_try_again(http: urllib3.PoolManager, answer: Answer, retry: bool) -> None:
    with Loopback(answer) as server, pytest.raises(BotFailed) as caught:
        post(http, server.url, timeout=0.3 if answer is hangs else 5)
    assert caught.value.retry is retry
    assert len(server.asked) == 1
    assert SECRET not in str(caught.value)


def test_a_url_bot_that_is_not_there_is_tried_again(http: urllib3.PoolManager) -> None:
    with pytest.raises(BotFailed) as caught:
        post(http, refused_url())
    assert caught.value.retry


def test_a_url_that_is_none_is_not_tried_again(http: urllib3.PoolManager) -> None:
    with pytest.raises(BotFailed, match="HITL_BOT") as caught:
        post(http, "https://[::1")
    assert not caught.value.retry


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: "])
def test_a_bot_that_drips_its_answer_is_too_slow_in_all(http: urllib3.PoolManager, head: bytes) -> None:
    began = time.monotonic()
    with Loopback(drips(head)) as server, pytest.raises(BotFailed, match=r"within 0\.3 s") as caught:
        post(http, server.url, timeout=0.3)
    assert caught.value.retry
    assert time.monotonic() - began < 2


def test_a_bot_that_has_said_yes_may_drip_its_body(http: urllib3.PoolManager) -> None:
    began = time.monotonic()
    with Loopback(drips(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")) as server:
        post(http, server.url, timeout=4)
        assert time.monotonic() - began < 2


def chunked(handler: _Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")


@pytest.mark.parametrize("answer", [says(200), says(204), says(200, b"x" * 1000), chunked])
def test_a_connection_serves_again(http: urllib3.PoolManager, answer: Answer) -> None:
    with Loopback(answer) as server:
        bot = UrlBot(server.url, lambda: SECRET, http)
        for _ in range(3):
            bot.deliver(DELIVERY, Speaker())
            time.sleep(0.1)  # the rest of an answer is read beside
    assert len({asked.peer for asked in server.asked}) == 1


# Handovers


def handover(kind: str, **told: Any) -> Delivery:
    told = {"epoch": 4, "reason": "mine", "by": {"type": "operator", "id": "ana", "name": "Ana"}, **told}
    return DELIVERY._replace(message_id="t:4", event={kind: {"metadata": json.dumps(told)}})


def test_a_bot_hears_of_a_pause_and_of_a_resume() -> None:
    bot, heard = Bot(), []
    bot.on_pause(lambda talk: heard.append(("pause", talk.handover)))
    bot.on_resume(lambda talk: heard.append(("resume", talk.handover)))
    bot.hear(".*")(lambda talk: heard.append(("said", talk.text)))
    said = ({"author": "operator", "name": "Ana", "text": "hi", "timestamp": 1},)
    deliver = PythonBot(bot, "HITL_STOP").deliver
    deliver(handover("take_thread_control"), Speaker())
    deliver(handover("pass_thread_control", transcript=said, is_whole=False, history="/h", held_follow=True), Speaker())
    ana = {"type": "operator", "id": "ana", "name": "Ana"}
    assert heard == [
        ("pause", Handover(False, "mine", ana)),
        ("resume", Handover(True, "mine", ana, said, False, "/h", True)),
    ]


@pytest.mark.parametrize("kind", ["take_thread_control", "pass_thread_control"])
def test_a_bot_without_a_handler_takes_it_quietly(kind: str) -> None:
    assert example_does(handover(kind)) == []
    PythonBot(Bot(), "HITL_STOP").deliver(handover(kind), Speaker())


@pytest.mark.parametrize("metadata", [None, "", "x", "{}", "[]", 5])
def test_metas_own_handovers_are_other_events(metadata: object) -> None:
    assert Handover.of({"pass_thread_control": {"new_owner_app_id": 1, "metadata": metadata}}) is None


# A Lambda bot


class Payload:
    """The streamed answer of a function."""

    def __init__(self, content: bytes = b"null") -> None:
        self.closed = False
        self._content = content

    def read(self) -> bytes:
        return self._content

    def close(self) -> None:
        self.closed = True


class Lambda:
    """A fake of the client's `invoke`."""

    def __init__(self, answer: Mapping[str, Any] | Exception) -> None:
        self.calls: list[dict[str, Any]] = []
        self._answer = answer

    def __call__(self, **call: Any) -> Mapping[str, Any]:
        self.calls.append(call)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def test_a_lambda_bot_gets_the_webhook_and_the_ids() -> None:
    payload = Payload()
    invoke = Lambda({"StatusCode": 200, "Payload": payload})
    connect(settings("lambda:my-bot:live"), invoke=invoke).deliver(DELIVERY, Speaker())
    [call] = invoke.calls
    assert (call["FunctionName"], call["InvocationType"]) == ("my-bot:live", "RequestResponse")
    assert json.loads(call["Payload"]) == {
        "object": "page",
        "entry": [{"id": "111", "time": 1_700_000_000_000, "messaging": [TEXT]}],
        "hitl": {"conversation": "messenger:111:222", "epoch": 4, "message": "m:mid.$cAA:1"},
    }
    assert payload.closed


def test_what_a_lambda_bot_returns_is_said_for_it() -> None:
    yes = {"content_type": "text", "title": "Yes", "payload": "YES"}
    returned = {
        "messages": [
            {"text": "plain"},
            {"text": "choose", "quick_replies": [yes]},
            {"attachment": {"type": "image", "payload": {"url": "https://example.com/a.png"}}},
            {"attachment": {"type": "template", "payload": {"template_type": "generic"}}, "metadata": "mine"},
        ]
    }
    speaker = Speaker()
    LambdaBot("my-bot", Lambda({"Payload": Payload(json.dumps(returned).encode())})).deliver(DELIVERY, speaker)
    assert speaker.did == [
        ("say", Outgoing("plain"), 0),
        ("say", Outgoing("choose", quick_replies=(yes,)), 1),
        ("say", Outgoing(attachment=Attachment("image", "https://example.com/a.png")), 2),
        ("say", Outgoing(template={"template_type": "generic"}), 3),
    ]


@pytest.mark.parametrize(
    "returned", [b"", b"null", b"not json", b"[]", b'{"statusCode": 200}', b'{"messages": null}', b'{"messages": []}']
)
def test_a_lambda_bot_may_return_anything_else(returned: bytes) -> None:
    speaker = Speaker()
    LambdaBot("my-bot", Lambda({"Payload": Payload(returned)})).deliver(DELIVERY, speaker)
    assert speaker.did == []


@pytest.mark.parametrize(
    "messages",
    [
        5,
        "x",
        [5],
        [{}],
        [{"text": 5}],
        [{"text": "ok"}, {"text": "x", "attachment": {"type": "image", "payload": {"url": "u"}}}],
        [{"attachment": "x"}],
        [{"attachment": {"type": "gif", "payload": {"url": "u"}}}],
        [{"attachment": {"type": "image", "payload": {}}}],
        [{"attachment": {"type": "template", "payload": None}}],
        [{"text": "x", "quick_replies": {"a": 1}}],
        [{"text": "x", "quick_replies": [1]}],
        [{"text": "x", "tag": "HUMAN_AGENT"}],
    ],
)
def test_messages_that_cannot_be_read_are_the_bots_failure_and_none_is_said(messages: Any) -> None:
    speaker = Speaker()
    payload = Payload(json.dumps({"messages": messages}).encode())
    with pytest.raises(BotFailed, match="my-bot") as caught:
        LambdaBot("my-bot", Lambda({"Payload": payload})).deliver(DELIVERY, speaker)
    assert (caught.value.retry, speaker.did) == (False, [])


def refused(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Invoke")


@pytest.mark.parametrize(
    ("answer", "retry"),
    [
        ({"StatusCode": 200, "FunctionError": "Unhandled", "Payload": Payload()}, True),
        (refused("TooManyRequestsException", 429), True),
        (refused("ServiceException", 500), True),
        (refused("ResourceNotFoundException", 404), False),
        (refused("AccessDeniedException", 403), False),
        (ConnectTimeoutError(endpoint_url="https://lambda.example"), True),
    ],
)
def test_a_lambda_bot_that_fails_says_whether_to_try_again(answer: Mapping[str, Any] | Exception, retry: bool) -> None:
    with pytest.raises(BotFailed) as caught:
        LambdaBot("my-bot", Lambda(answer)).deliver(DELIVERY, Speaker())
    assert caught.value.retry is retry


def test_an_event_that_cannot_be_written_is_not_tried_again() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(BotFailed) as caught:
        LambdaBot("my-bot", Lambda({})).deliver(DELIVERY._replace(event={"deep": deep}), Speaker())
    assert not caught.value.retry


def test_the_client_of_a_lambda_bot_gives_up_in_time() -> None:
    bot = connect(settings("lambda:my-bot"))
    assert isinstance(bot, LambdaBot)
    with pytest.raises(BotFailed) as caught:  # the tests' endpoint refuses connections
        bot.deliver(DELIVERY, Speaker())
    assert caught.value.retry
