"""The snippets of docs/bots.md do what the page says, with two unmodified bot libraries, against the whole stack."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fbmessenger import MessengerClient
from fbmessenger.attachments import Image

from tests.curl import request_of
from tests.stack import ROOT, Stack, environment, two_free_ports

TEXT = (ROOT / "docs" / "bots.md").read_text(encoding="utf-8")
PICTURE = "https://pictures.example/cat.png"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


SEND, PAUSE_BY_CURL = blocks("sh")
PAUSE_BY_PYTHON, PYTHON_BOT = blocks("python")
PAUSE_BY_NODE, NODE_BOT = blocks("js")
SENT, REFUSED, PAUSED = map(json.loads, blocks("json"))

PROGRAMS: Mapping[str, Callable[[str], list[str]]] = {
    "python": lambda code: [sys.executable, "-W", "error", "-c", code],
    "node": lambda code: ["node", "--input-type=module", "-e", code],
}
BOTS = {"python": PYTHON_BOT, "node": NODE_BOT}
NODE_CALLS = """
import messenger from "messaging-api-messenger";
const [user, picture] = process.argv.slice(-2);
const client = new messenger.MessengerClient({
  accessToken: process.env.HITL_TOKEN, origin: process.env.HITL_GRAPH, version: "25.0", appSecret: "the bot's own",
});
const did = {};
for (const [name, call] of Object.entries({
  profile: () => client.getUserProfile(user),
  started: () => client.setGetStarted("GO"),
  get_started: () => client.getGetStarted(),
  persona: () => client.createPersona({ name: "Kim", profilePictureUrl: picture }),
  image: () => client.uploadImage(picture, { isReusable: true }),
  template: () => client.sendButtonTemplate(user, "Choose", [{ type: "postback", title: "A", payload: "A" }]),
  pass: () => client.passThreadControlToPageInbox(user, "asks for a person"),
  typing: () => client.typingOn(user),
  said: () => client.sendText(user, "too late"),
  take: () => client.takeThreadControl(user, "the bot is back"),
  again: () => client.sendText(user, "the bot is back"),
  batch: () => client.sendBatch([{ method: "POST", relativeUrl: "me/messages", body: { message: { text: "no" } } }]),
})) {
  did[name] = await call().catch((error) => ({ error: error.message }));
}
console.log(JSON.stringify(did));
"""


class Playground:
    """A running stack whose bot is whatever listens at one port."""

    def __init__(self, state: Path) -> None:
        self.bot_port = two_free_ports()
        self.stack = Stack(state, two_free_ports(), HITL_BOT=f"http://127.0.0.1:{self.bot_port}")
        self.stack.wait()
        origin = f"http://127.0.0.1:{self.stack.port}"
        token = json.loads(state.read_text())["api_token"]
        graph = f"http://127.0.0.1:{self.stack.port + 1}/graph"
        self.settings = {"HITL_API": f"{origin}/api", "HITL_GRAPH": graph, "HITL_TOKEN": token}

    def run(self, language: str, code: str, *arguments: str, **settings: str) -> Any:
        """Run a program to its end and read the JSON that it prints."""
        done = subprocess.run(
            [*PROGRAMS[language](code), *arguments],
            cwd=ROOT,
            env=environment(self.stack.state_file, **self.settings, **settings),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    @contextlib.contextmanager
    def bot(self, language: str) -> Iterator[None]:
        """One of the page's bots while it listens."""
        env = environment(self.stack.state_file, **self.settings, PORT=str(self.bot_port))
        with subprocess.Popen(PROGRAMS[language](BOTS[language]), cwd=ROOT, env=env, stderr=subprocess.DEVNULL) as bot:
            try:
                self.stack.until(self._listens)
                yield
            finally:
                bot.kill()

    def customer(self) -> str:
        page = self.stack.ask("GET", "/simulator/api/setup")[1]["pages"][0]["key"]
        return str(self.stack.ask("POST", "/simulator/api/customers", {"page": page})[1]["key"])

    def status(self, customer: str) -> Any:
        return self.stack.ask("GET", f"/simulator/api/customers/{quote(customer)}/status")[1]["body"]

    def said(self, customer: str) -> list[str]:
        """What the Page has said to a customer."""
        return [str(line.get("text")) for line in self.stack.lines(customer) if line["side"] == "page"]

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.bot_port), 1):
            return True
        return False


@pytest.fixture(scope="module")
def playground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playground]:
    made = Playground(tmp_path_factory.mktemp("stack") / "state.json")
    yield made
    output = made.stack.end()
    assert made.stack.process.returncode == 0, output
    assert "access_token" not in output, "queries hold tokens, and are not printed"


def talk(playground: Playground, customer: str, text: str) -> None:
    """The customer writes and the bot answers."""
    playground.stack.play(customer, "says", text=text)
    playground.stack.until(lambda: playground.said(customer)[-1:] == [f"You said {text}"])


@pytest.mark.parametrize("language", BOTS)
def test_an_unmodified_bot_is_heard_and_gated_by_two_urls(playground: Playground, language: str) -> None:
    customer = playground.customer()
    with playground.bot(language):
        talk(playground, customer, "hello")
        playground.stack.play(customer, "pause")
        playground.stack.play(customer, "says", text="anyone?")
        playground.stack.until(lambda: playground.status(customer)["held"] == 1)
        playground.stack.play(customer, "unpause")
        talk(playground, customer, "hello again")
    assert playground.said(customer) == ["You said hello", "You said hello again"]


@pytest.mark.parametrize(
    ("language", "code"), [("python", PAUSE_BY_PYTHON), ("node", PAUSE_BY_NODE), ("curl", PAUSE_BY_CURL)]
)
def test_a_bot_pauses_in_each_language_and_gets_the_conversation(
    playground: Playground, language: str, code: str
) -> None:
    customer = playground.customer()
    with playground.bot("python"):
        talk(playground, customer, "hello")
    if language == "curl":
        answer = over_http(playground, code, CONVERSATION=customer)
    else:
        answer = playground.run(language, code, CONVERSATION=customer)
    assert {key: type(value) for key, value in PAUSED.items()} == {key: type(answer[key]) for key in PAUSED}
    assert answer["paused"].keys() == PAUSED["paused"].keys()
    assert answer["paused"]["reason"] == PAUSED["paused"]["reason"]
    assert (answer["id"], answer["status"], answer["epoch"]) == (customer, "paused", 1)
    assert playground.status(customer)["status"] == "paused"


def test_curl_says_something_and_is_refused_while_a_person_has_the_conversation(playground: Playground) -> None:
    customer = playground.customer()
    with playground.bot("python"):
        talk(playground, customer, "hello")
    user = customer.rpartition(":")[2]
    answer = over_http(playground, SEND, USER_ID=user)
    assert (answer.keys(), answer["recipient_id"]) == (SENT.keys(), user)
    playground.stack.until(lambda: playground.said(customer)[-1:] == ["Hello!"])
    playground.stack.play(customer, "pause")
    refused = over_http(playground, SEND, USER_ID=user)
    assert refused == REFUSED
    assert playground.said(customer) == ["You said hello", "Hello!"]


def test_fbmessenger_calls_what_it_calls_at_meta(playground: Playground) -> None:
    customer = playground.customer()
    with playground.bot("python"):
        talk(playground, customer, "hello")
    user = customer.rpartition(":")[2]
    client = MessengerClient(playground.settings["HITL_TOKEN"], app_secret="the bot's own")
    client.graph_url = f"{playground.settings['HITL_GRAPH']}/v25.0"
    assert client.get_user_data(user, fields=("first_name", "last_name", "profile_pic"))["id"] == user
    assert client.set_messenger_profile({"get_started": {"payload": "GO"}}) == {"result": "success"}
    assert client.delete_get_started() == {"result": "success"}
    assert client.upload_attachment(Image(url=PICTURE)).keys() == {"attachment_id"}
    assert client.send({"text": "one more"}, user).keys() == {"recipient_id", "message_id"}
    playground.stack.play(customer, "pause")
    assert client.send_action("typing_on", user) == {"recipient_id": user}
    refused = client.send({"text": "too late"}, user)["error"]
    assert (refused["code"], refused["error_subcode"]) == (10, 2018300)
    assert "supported" in client.subscribe_app_to_page()["error"]["message"].casefold()
    assert playground.said(customer) == ["You said hello", "one more"]


def test_messaging_api_messenger_calls_what_it_calls_at_meta(playground: Playground) -> None:
    customer = playground.customer()
    with playground.bot("node"):
        talk(playground, customer, "hello")
    user = customer.rpartition(":")[2]
    did = playground.run("node", NODE_CALLS, user, PICTURE)
    assert did["profile"]["id"] == user
    assert did["started"] == {"result": "success"}
    assert did["get_started"] == {"payload": "GO"}
    assert did["persona"].keys() == {"id"}
    assert did["image"].keys() == {"attachmentId"}
    assert did["template"].keys() == {"recipientId", "messageId"}
    assert did["pass"] == did["take"] == {"success": True}
    assert did["typing"] == {"recipientId": user}
    assert did["said"]["error"].startswith(
        "Messenger API - 10 OAuthException (#10) Message failed to send because another"
    )
    assert did["again"].keys() == {"recipientId", "messageId"}
    assert "Supported are" in did["batch"]["error"]
    assert "too late" not in playground.said(customer)
    assert playground.said(customer)[-1] == "the bot is back"


def over_http(playground: Playground, block: str, **variables: str) -> Any:
    """Do what curl does."""
    method, url, body, headers = request_of(block, {**playground.settings, **variables})
    port, path = re.fullmatch(r"http://127\.0\.0\.1:(\d+)(/.*)", url).groups()  # type: ignore[union-attr]
    content = None if body is None else json.loads(body)
    return playground.stack.ask(method, path, content, int(port), **headers)[1]
