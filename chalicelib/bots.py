"""How a bot is reached: as a Python object in this process, at a URL, or as a Lambda function.

A bot takes one event or fails with `BotFailed`, whose `retry` says whether a later try may succeed. A URL bot gets
Messenger's own webhook body with Meta's own signatures, so that any Messenger bot works unchanged.
"""

from __future__ import annotations

import hashlib
import hmac
import importlib
import json
import logging
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextvars import copy_context
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Protocol
from urllib.parse import quote

import urllib3
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import aws
from chalicelib.errors import BotFailed, LostRace, Misconfigured, Unavailable
from chalicelib.messenger import Outgoing
from chalicelib.settings import Settings
from chalicelib.talk import Bot, Delivery, Handler, Speaker, Talk, User

__all__ = [
    "Bot",
    "BotPort",
    "BrokenBot",
    "Delivery",
    "LambdaBot",
    "PythonBot",
    "Speaker",
    "Talk",
    "UrlBot",
    "User",
    "connect",
]

TIMEOUT = 10.0
"""Seconds that a bot has for taking one event."""
BODY_LIMIT = 64 * 1024
"""Bytes of a bot's answer that are read, for nothing but using its connection again."""
IDLE = 60.0
"""Seconds after which an unused connection is not used again: a gateway may have dropped it without a word."""

logger = logging.getLogger(__name__)
Invoke = Callable[..., Mapping[str, Any]]
"""`invoke` of botocore's Lambda client."""


class BotPort(Protocol):
    """A bot, however it is reached."""

    def deliver(self, delivery: Delivery, speaker: Speaker) -> None:
        """Hand one event over; returns when the bot has taken it, raises BotFailed where it has not."""


def connect(settings: Settings, http: urllib3.PoolManager | None = None, invoke: Invoke | None = None) -> BotPort:
    """The bot that HITL_BOT names; Misconfigured where there is none to be had under that name."""
    kind, _, name = settings.bot.partition(":")
    if kind == "python":
        return PythonBot(_load(name), settings.release)
    if kind == "lambda":
        return LambdaBot(name, invoke or _lambda_client(settings))
    return UrlBot(settings.bot, lambda: settings.app_secret, http)


class BrokenBot:
    """A bot that the settings do not lead to. It fails as one that is down, so that a person is called."""

    def __init__(self, error: Misconfigured) -> None:
        self._message = error.message

    def deliver(self, delivery: Delivery, speaker: Speaker) -> None:
        """Fail; a later try may find better settings."""
        raise BotFailed(self._message, retry=True)


class PythonBot:
    """A callable that takes a `Talk`. It runs in this process, in a thread of its own.

    One that takes too long cannot be ended. It is left to itself: what it still says is refused once a person has been
    called, and said once where it is run again.
    """

    def __init__(self, handler: Handler, release: str, timeout: float = TIMEOUT) -> None:
        self._handler = handler
        self._release = release
        self._timeout = timeout

    def deliver(self, delivery: Delivery, speaker: Speaker) -> None:
        """Run the handler. Whatever it raises is the bot's failure, except that our own store did not answer."""
        talk, ends = Talk(delivery, speaker, self._release), SimpleQueue[BaseException | None]()

        def run() -> None:
            try:
                self._handler(talk)
            except BaseException as error:  # whatever it is, who waits must hear of it
                ends.put(error)
            else:
                ends.put(None)

        threading.Thread(target=copy_context().run, args=(run,), daemon=True).start()
        try:
            end = ends.get(timeout=self._timeout)
        except Empty:
            raise _too_slow(self._timeout) from None
        try:
            if end is not None:
                raise end
        except (Unavailable, LostRace):
            raise
        except (Exception, SystemExit) as error:
            # An exception's text may quote what the user wrote, so only its type and place are told.
            frames = traceback.extract_tb(error.__traceback__)
            place = " > ".join(f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)
            logger.error("The bot raised %s: %s", type(error).__name__, place)
            raise BotFailed(f"The bot raised {type(error).__name__}. Its log says where.", retry=True) from None


class UrlBot:
    """A bot behind a URL. Any 2xx is its yes; what it writes into the body is ignored."""

    def __init__(
        self, url: str, secret: Callable[[], str], http: urllib3.PoolManager | None = None, timeout: float = TIMEOUT
    ) -> None:
        self._url = url
        self._secret = secret
        self._http = http or urllib3.PoolManager()
        self._timeout = timeout
        self._used = time.monotonic()

    def deliver(self, delivery: Delivery, speaker: Speaker) -> None:
        """POST the event, signed; the bot itself speaks through the API, not through `speaker`."""
        body = _body(_webhook(delivery))
        try:
            secret = self._secret().encode()
        except Misconfigured as error:
            raise BotFailed(error.message, retry=True) from None
        headers = {
            "Content-Type": "application/json",
            "X-Hub-Signature": "sha1=" + hmac.new(secret, body, hashlib.sha1).hexdigest(),
            "X-Hub-Signature-256": "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest(),
            # Percent-encoded as in a path of our API; the usual ids stay as they are.
            "X-HITL-Conversation": quote(delivery.conversation_id, safe=":"),
            "X-HITL-Epoch": str(delivery.epoch),
            "X-HITL-Message": quote(delivery.message_id, safe=":$=+@"),
        }
        if delivery.correlation_id is not None:
            headers["X-HITL-Correlation-Id"] = quote(delivery.correlation_id, safe="=+/")
        status = self._post(body, headers)
        if not 200 <= status < 300:
            raise BotFailed(_status_text(status), retry=status == 429 or status >= 500)

    def _post(self, body: bytes, headers: Mapping[str, str]) -> int:
        """The status of the bot's answer.

        The request has a thread of its own, because no timeout of a socket bounds the whole: looking up a name has
        none, and each byte of a slow answer begins a new one.
        """
        if time.monotonic() - self._used > IDLE:
            self._http.clear()
        self._used = time.monotonic()
        answers: SimpleQueue[int | BotFailed] = SimpleQueue()
        threading.Thread(target=self._exchange, args=(body, headers, answers), daemon=True).start()
        try:
            answer = answers.get(timeout=self._timeout)
        except Empty:
            answer = _too_slow(self._timeout)
        if isinstance(answer, BotFailed):
            raise answer
        return answer

    def _exchange(self, body: bytes, headers: Mapping[str, str], answers: SimpleQueue[int | BotFailed]) -> None:
        end = time.monotonic() + self._timeout
        timeout = urllib3.Timeout(total=self._timeout)
        call = partial(self._http.request, timeout=timeout, retries=False, redirect=False, preload_content=False)
        try:
            response = call("POST", self._url, body=body, headers=headers)
        except urllib3.exceptions.LocationValueError:
            answers.put(BotFailed("HITL_BOT is not a URL that can be called.", retry=False))
        except urllib3.exceptions.TimeoutError:
            answers.put(_too_slow(self._timeout))
        except Exception as error:  # whatever it is, who waits must hear of it
            answers.put(BotFailed(f"The bot could not be reached ({type(error).__name__}).", retry=True))
        else:
            answers.put(response.status)
            _drain(response, end)


class LambdaBot:
    """A bot that is a Lambda function: it takes Messenger's webhook body with one more field, `hitl`.

    What it returns as `{"messages": [Graph message object, …]}` is said for it, under the epoch of the delivery. What
    it sends by itself is gated where it sends through us.
    """

    def __init__(self, function: str, invoke: Invoke) -> None:
        self._function = function
        self._invoke = invoke

    def deliver(self, delivery: Delivery, speaker: Speaker) -> None:
        """Invoke the function, wait until it has returned, and say what it returns."""
        ids = {"conversation": delivery.conversation_id, "epoch": delivery.epoch, "message": delivery.message_id}
        ids |= {} if delivery.correlation_id is None else {"correlation_id": delivery.correlation_id}
        payload = _body({**_webhook(delivery), "hitl": ids})
        try:
            answer = self._invoke(FunctionName=self._function, InvocationType="RequestResponse", Payload=payload)
        except ClientError as error:
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
            code = error.response.get("Error", {}).get("Code", "Unknown")
            text = f"Lambda did not invoke {self._function}: {code}. Check HITL_BOT and the role's permissions."
            raise BotFailed(text, retry=status == 429 or status >= 500) from None
        except BotoCoreError as error:
            raise BotFailed(f"Lambda could not be reached ({type(error).__name__}).", retry=True) from None
        returned = b""
        if "Payload" in answer:
            returned = answer["Payload"].read()
            answer["Payload"].close()
        if answer.get("FunctionError"):
            raise BotFailed(f"The bot's function {self._function} failed. Its log says why.", retry=True)
        for number, message in enumerate(self._messages(returned)):
            speaker.say(message, number)

    def _messages(self, returned: bytes) -> list[Outgoing]:
        """What the function wants to be said; most return something else, or nothing."""
        try:
            content = json.loads(returned or b"null")
        except (ValueError, RecursionError):
            return []
        messages = content.get("messages") if isinstance(content, dict) else None
        if messages is None:
            return []
        try:
            return [Outgoing.of_graph(message) for message in messages]
        except (ValueError, TypeError, AttributeError) as error:
            text = f"The bot's function {self._function} returned messages that cannot be read: {error}."
            raise BotFailed(text, retry=False) from None


def _webhook(delivery: Delivery) -> dict[str, Any]:
    """Messenger's webhook body with this one event."""
    entry = {"id": delivery.page_id, "time": delivery.sent_at, "messaging": [delivery.event]}
    return {"object": "instagram" if delivery.platform == "instagram" else "page", "entry": [entry]}


def _body(content: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(content).encode()
    except (ValueError, TypeError, RecursionError):
        raise BotFailed("The event cannot be written as JSON.", retry=False) from None


def _too_slow(seconds: float) -> BotFailed:
    return BotFailed(f"The bot did not answer within {seconds:g} s.", retry=True)


def _status_text(status: int) -> str:
    if 300 <= status < 400:
        return f"The bot answered {status}. Redirects are not followed: set HITL_BOT to the final URL."
    return f"The bot answered {status} where 2xx is expected."


def _drain(response: urllib3.BaseHTTPResponse, end: float) -> None:
    """Read a short answer to its end, so that its connection can serve again; close on a long or slow one."""
    left = BODY_LIMIT
    try:
        while left > 0 and time.monotonic() < end:
            chunk = response.read1(left, decode_content=False)
            if not chunk:
                response.release_conn()
                return
            left -= len(chunk)
    except urllib3.exceptions.HTTPError:
        pass
    response.close()


def _load(name: str) -> Handler:
    """The callable that `module:object` names."""
    module_name, _, attribute = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        told = f": {error}" if isinstance(error, ImportError | SyntaxError) else ""
        text = f"HITL_BOT names the module {module_name}, which cannot be imported ({type(error).__name__}{told})."
        raise Misconfigured(text) from error
    handler = getattr(module, attribute, None)
    if not callable(handler):
        raise Misconfigured(f"HITL_BOT names {name}, but {module_name} has nothing to call under {attribute}.")
    loaded: Handler = handler
    return loaded


def _lambda_client(settings: Settings) -> Invoke:
    once = {"total_max_attempts": 1}
    client = aws.client("lambda", settings.region, connect_timeout=3, read_timeout=TIMEOUT, retries=once)
    invoke: Invoke = client.invoke
    return invoke
