"""The Graph API client: what our Pages say, their sender actions, and the profiles of the people who write to them.

Meta gives a send no idempotency key, so this module is strict about what it makes again by itself: only what certainly
had no effect, because nothing left this machine or because Meta's error is one that it calls transient. Where no
clear answer came it says `Unconfirmed` and leaves the decision to a person.

The access token travels in a header and never in a URL, and no error here holds it, the app secret or the proof.
Reference: https://developers.facebook.com/docs/messenger-platform/reference/send-api
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, get_args
from urllib.parse import quote, urlencode

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, LocationValueError, NewConnectionError

from chalicelib.errors import BadRequest, GraphError, Misconfigured, Transient, Unconfirmed
from chalicelib.message import Address
from chalicelib.refusals import ADVICE, read_answer, rejects_proof, without_secrets
from chalicelib.settings import Page, Settings

AttachmentType = Literal["image", "audio", "video", "file"]
Action = Literal["typing_on", "typing_off", "mark_seen"]

TIMEOUT = urllib3.Timeout(connect=3.0, read=8.0)
"""Seconds for connecting, and for each wait for Meta's answer."""
BACKOFF = (0.3, 1.0)
"""Seconds before the second and the third try of a call; there is no fourth."""
PATIENCE = 6.0
"""Seconds after which no further try begins, so that all tries together fit into a function of 30 s."""
MAX_ANSWER = 1024 * 1024
"""Bytes of an answer that are read; Meta's have a few thousand."""
IDLE = 60.0
"""Seconds after which an unused connection is not trusted: a gateway may have dropped it without a word, and the send
that finds out would have to be called unconfirmed."""

_UNANSWERED = "Meta gave no clear answer. Try again in a moment."
_UNREACHED = (
    "Meta could not be reached and nothing was sent. Try again in a moment; if it stays so, check HITL_GRAPH_URL."
)
_RETRIED = frozenset({1, 2, 1200, None})
"""The codes of the transient errors that are tried again within the call; None: nothing had been sent."""


class Attachment(NamedTuple):
    """A file that Meta fetches by itself from `url`, which must be public."""

    type: AttachmentType
    url: str


class Outgoing(NamedTuple):
    """What a Page says: a text, an attachment or a template, and quick replies below it.

    `template` is a Graph template payload (`{"template_type": …}`), `quick_replies` are Graph quick replies. That the
    parts go together and are within Meta's limits is for the caller to see to. `verbatim` is the whole message in a
    bot's own words, where it speaks Graph itself: the other parts are then what of it is shown.
    """

    text: str | None = None
    attachment: Attachment | None = None
    template: Mapping[str, Any] | None = None
    quick_replies: tuple[Mapping[str, Any], ...] = ()
    verbatim: Mapping[str, Any] | None = None

    def to_graph(self) -> dict[str, Any]:
        """The Graph API's `message` object, without our metadata; a bot's own is kept with the row."""
        if self.verbatim is not None:
            return dict(self.verbatim)
        message: dict[str, Any] = {}
        if self.text is not None:
            message["text"] = self.text
        if self.template is not None:
            message["attachment"] = {"type": "template", "payload": dict(self.template)}
        elif self.attachment is not None:
            message["attachment"] = {"type": self.attachment.type, "payload": {"url": self.attachment.url}}
        if self.quick_replies:
            message["quick_replies"] = [dict(reply) for reply in self.quick_replies]
        return message

    @classmethod
    def of_graph(cls, message: Mapping[str, Any]) -> Outgoing:
        """Read a Graph `message` object; ValueError where it holds anything else than the parts above."""
        text, attachment, replies = message.get("text"), message.get("attachment"), message.get("quick_replies") or ()
        if set(message) - {"text", "attachment", "quick_replies", "metadata"} or not isinstance(replies, list | tuple):
            raise ValueError("a message has text or an attachment, and quick_replies")
        if not all(isinstance(reply, dict) for reply in replies) or (text is None) == (attachment is None):
            raise ValueError("a message has either text or an attachment")
        if attachment is None:
            if not isinstance(text, str):
                raise ValueError("text is no text")
            return cls(text, quick_replies=tuple(replies))
        kind, payload = attachment.get("type"), attachment.get("payload")
        if kind == "template" and isinstance(payload, dict):
            return cls(template=payload, quick_replies=tuple(replies))
        if kind not in get_args(AttachmentType) or not isinstance(payload, dict) or not _text(payload, "url"):
            raise ValueError("an attachment is a template, or a file with a type and payload.url")
        return cls(attachment=Attachment(kind, payload["url"]), quick_replies=tuple(replies))


class Profile(NamedTuple):
    """What Meta shows of a person; each part may be missing. On Instagram the one name is the first name."""

    first_name: str | None = None
    last_name: str | None = None
    picture_url: str | None = None

    @property
    def name(self) -> str | None:
        """First and last name, as far as they are known."""
        return " ".join(part for part in (self.first_name, self.last_name) if part) or None


class Messenger:
    """Speaks to the Graph API for every Page that the settings hold a token of.

    `sleep` waits between tries, `clock` counts seconds and never goes back.
    """

    def __init__(
        self,
        settings: Settings,
        http: urllib3.PoolManager | None = None,
        sleep: Callable[[float], None] = time.sleep,
        timeout: urllib3.Timeout = TIMEOUT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._http = http or urllib3.PoolManager()
        self._sleep = sleep
        self._timeout = timeout
        self._clock = clock
        self._used = clock()

    def send(self, conversation_id: str, message: Outgoing, metadata: str, *, human_agent: bool = False) -> str:
        """Say `message` to the user and return Meta's id of it (the mid); its echo will carry `metadata`.

        `human_agent`: a person wrote it, later than a day after the user's last message. Raises a GraphError that says
        why it was refused, `Unconfirmed` where it may have been sent all the same.
        """
        kind = (
            {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"} if human_agent else {"messaging_type": "RESPONSE"}
        )
        body = {**kind, "message": {**message.to_graph(), "metadata": metadata}}
        mid = self._post(Address.parse(conversation_id), body).get("message_id")
        if not isinstance(mid, str) or not mid:
            raise Unconfirmed(ADVICE[Unconfirmed])
        return mid

    def action(self, conversation_id: str, action: Action) -> None:
        """Show the user that we type, or that we have seen what they wrote."""
        try:
            self._post(Address.parse(conversation_id), {"sender_action": action})
        except Unconfirmed:
            raise Transient(_UNANSWERED) from None

    def profile(self, conversation_id: str) -> Profile:
        """Who the user is. Without Meta's leave to see profiles the answer is empty, and so is the profile."""
        address = Address.parse(conversation_id)
        names = "name" if address.platform == "instagram" else "first_name,last_name"
        try:
            answer = self._call("GET", address, address.user_id, {"fields": f"{names},profile_pic"}, None)
        except Unconfirmed:
            raise Transient(_UNANSWERED) from None
        first = _text(answer, "first_name") or _text(answer, "name")
        return Profile(first, _text(answer, "last_name"), _text(answer, "profile_pic"))

    def pass_on(
        self, at: Address, method: str, edge: str | None, query: Mapping[str, str], fields: Mapping[str, Any] | None
    ) -> Any:
        """Make a bot's own call, once: of an edge of our Page, or without one of the user or else the Page itself.

        Meta's whole answer without any secret of ours; a GraphError holds it as `said`. Which calls a bot may make is
        for the caller to see to, and nothing here lets it name another node.
        """
        if not all(Address.is_user_id(part) for part in (at.user_id or "me", edge or "me")):
            raise BadRequest("(#100) This is no id and no edge of the Graph API.")
        path = at.user_id or at.page_id if edge is None else f"{at.page_id}/{edge}"
        body = None if fields is None else json.dumps(fields).encode()
        answer = self._ask(method, at, path, query, body)
        return without_secrets(answer, self._secrets(at))

    def _post(self, address: Address, body: Mapping[str, Any]) -> dict[str, Any]:
        body = {"recipient": {"id": address.user_id}, **body}
        return self._call("POST", address, f"{address.page_id}/messages", {}, json.dumps(body).encode())

    def _call(
        self, method: str, address: Address, path: str, query: Mapping[str, str], body: bytes | None
    ) -> dict[str, Any]:
        end = self._clock() + PATIENCE
        for pause in BACKOFF:
            try:
                return self._ask(method, address, path, query, body)
            except Transient as error:
                if error.graph_code not in _RETRIED or self._clock() + pause > end:
                    raise
            self._sleep(pause)
        return self._ask(method, address, path, query, body)

    def _ask(
        self, method: str, address: Address, path: str, query: Mapping[str, str], body: bytes | None
    ) -> dict[str, Any]:
        """What Meta answers to one call.

        What it refuses for the proof has had no effect, so while the app secret is being changed the call is made
        again with the other one.
        """
        token = self._page(address).token
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        start = f"{self._settings.graph_url}/{self._settings.graph_version}/{quote(path)}"

        def ask(secret: str) -> dict[str, Any]:
            url = f"{start}?{urlencode({**query, 'appsecret_proof': _proof(secret, token)})}"
            return read_answer(*self._exchange(method, url, headers, body), _name(address), self._secrets(address))

        *others, last = self._settings.app_secrets
        for secret in others:
            try:
                return ask(secret)
            except GraphError as error:
                if not rejects_proof(error):
                    raise
        return ask(last)

    def _secrets(self, address: Address) -> tuple[str, ...]:
        """What no answer and no error may hold."""
        token, secrets = self._page(address).token, self._settings.app_secrets
        return (token, *secrets, *(_proof(secret, token) for secret in secrets))

    def _exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> tuple[int, bytes]:
        if self._clock() - self._used > IDLE:
            self._http.clear()
        self._used = self._clock()
        # The causes are cut off: they carry the request with them.
        try:
            response = self._http.request(
                method,
                url,
                body=body,
                headers=headers,
                timeout=self._timeout,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            data = response.read(MAX_ANSWER + 1)
        except LocationValueError:
            raise Misconfigured("HITL_GRAPH_URL is not a URL that can be called.") from None
        except (NewConnectionError, ConnectTimeoutError):
            raise Transient(_UNREACHED) from None
        except HTTPError:
            raise Unconfirmed(ADVICE[Unconfirmed]) from None
        if len(data) > MAX_ANSWER:
            response.close()
            raise Unconfirmed(ADVICE[Unconfirmed])
        response.release_conn()
        return response.status, data

    def _page(self, address: Address) -> Page:
        for page in self._settings.pages:
            if (page.platform, page.id) == (address.platform, address.page_id):
                if not (page.token.isascii() and page.token.isprintable()):
                    raise Misconfigured(f"The token of {_name(page)} has a character that none has. Set it again.")
                return page
        place = f"/{self._settings.name}/pages/{address.platform}/{address.page_id}"
        raise Misconfigured(f"There is no token for {_name(address)}. Set the parameter {place} to it.")


def _proof(secret: str, token: str) -> str:
    """By what Meta sees that who holds the token knows the app secret, too."""
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


def _text(answer: Mapping[str, Any], key: str) -> str | None:
    value = answer.get(key)
    return value if isinstance(value, str) and value else None


def _name(place: Page | Address) -> str:
    page_id = place.id if isinstance(place, Page) else place.page_id
    return f"the {'Instagram account' if place.platform == 'instagram' else 'Page'} {page_id}"
