"""What happens between a customer's phone and the Page: each act changes the thread and posts Meta's webhook for it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from local.customers import Customer, Line, World
from local.meta import Posting, Postman, envelope, new_mid

APP_ID = 7041776321009855
"""The invented Meta app that our own sends come from."""
INBOX_APP_IDS = {"messenger": 263902037430900, "instagram": 1217981644879628}
"""The app ids by which Meta's own inboxes are told from bots."""

REMEMBERED_BODIES = 500
"""Of how many lines the webhook can be posted again."""


class Play:
    """Acts of customers, of the Page inbox, and of whoever sends through the fake Graph API."""

    def __init__(self, world: World, postman: Postman) -> None:
        self.world = world
        self._postman = postman
        self._bodies: OrderedDict[int, bytes] = OrderedDict()

    def says(self, customer: Customer, text: str, payload: str | None = None) -> None:
        """The customer writes, or taps a quick reply when there is a payload."""
        message: dict[str, object] = {"mid": new_mid(), "text": text}
        if payload is not None:
            message["quick_reply"] = {"payload": payload}
        self._act(customer, "message", message, text=text)

    def shows(self, customer: Customer, url: str) -> None:
        """The customer sends an image."""
        attachments = [{"type": "image", "payload": {"url": url}}]
        self._act(customer, "message", {"mid": new_mid(), "attachments": attachments}, image=url)

    def taps(self, customer: Customer, title: str, payload: str) -> None:
        """The customer taps a button of a template or an entry of the persistent menu."""
        self._act(
            customer, "postback", {"mid": new_mid(), "title": title, "payload": payload}, text=title, note="tapped"
        )

    def opens(self, customer: Customer, is_open: bool) -> None:
        """The customer looks at the thread, or away. Looking at something new tells the Page that it was read."""
        unread = customer.unread if is_open else 0
        self.world.mark(customer, is_open=is_open, **({"unread": 0} if is_open else {}))
        if unread:
            self._read(customer)

    def again(self, customer: Customer, key: int) -> bool:
        """Posts the webhook of a line once more, byte for byte; False when it is too long ago."""
        body = self._bodies.get(key)
        if body is not None:
            self._hand_over(customer, key, body)
        return body is not None

    def inbox_says(self, customer: Customer, text: str) -> None:
        """A person answers from the Page inbox; Meta tells us by an echo with the inbox's app id."""
        app_id = INBOX_APP_IDS[customer.platform]
        message = {"mid": new_mid(), "is_echo": True, "app_id": app_id, "text": text}
        at = self.world.now(customer)
        line = self.world.write(customer, mid=message["mid"], side="inbox", at=at, text=text)
        self._post(customer, {**_from_page(customer, at), "message": message}, line)
        self._reached(customer, str(message["mid"]), at)

    def receives(self, customer: Customer, message: Mapping[str, Any]) -> str:
        """The Page's message reaches the phone: it is shown, echoed, and reported as delivered. Returns its mid."""
        mid, at = new_mid(), self.world.now(customer)
        self.world.write(customer, mid=mid, side="page", at=at, **_shown(message))
        kept = {key: value for key, value in message.items() if key in ("text", "metadata", "quick_replies")}
        echo: dict[str, object] = {"mid": mid, "is_echo": True, "app_id": APP_ID, **kept}
        if "attachment" in message:
            echo["attachments"] = [message["attachment"]]
        self._post(customer, {**_from_page(customer, at), "message": echo})
        self._reached(customer, mid, at)
        return mid

    def sees(self, customer: Customer, action: str) -> None:
        """A sender action of the Page: typing dots, or the mark that the Page has seen the last message."""
        if action == "mark_seen":
            self.world.mark(customer, seen_at=self.world.now(customer))
        else:
            self.world.mark(customer, page_types=action == "typing_on")

    def _act(self, customer: Customer, kind: str, content: Mapping[str, Any], **shown: Any) -> None:
        at = self.world.now(customer)
        line = self.world.write(customer, mid=content["mid"], side="customer", at=at, **shown)
        self._post(customer, {**_from_customer(customer, at), kind: content}, line)

    def _reached(self, customer: Customer, mid: str, at: int) -> None:
        delivery = {"mids": [mid], "watermark": at}
        self._post(customer, {**_from_customer(customer, self.world.now(customer)), "delivery": delivery})
        if customer.is_open:
            self._read(customer)

    def _read(self, customer: Customer) -> None:
        at = self.world.now(customer)
        self._post(customer, {**_from_customer(customer, at), "read": {"watermark": at}})

    def _post(self, customer: Customer, event: Mapping[str, object], line: Line | None = None) -> None:
        body = envelope(customer.platform, customer.page, self.world.now(customer), event)
        if line is None:
            self._postman.send(customer.key, body)
            return
        self._bodies[line.key] = body
        while len(self._bodies) > REMEMBERED_BODIES:
            self._bodies.popitem(last=False)
        self._hand_over(customer, line.key, body)

    def _hand_over(self, customer: Customer, key: int, body: bytes) -> None:
        self.world.posted(customer, key, Posting("sending"))
        self._postman.send(customer.key, body, lambda posting: self.world.posted(customer, key, posting))


def _from_customer(customer: Customer, at: int) -> dict[str, object]:
    return {"sender": {"id": customer.id}, "recipient": {"id": customer.page}, "timestamp": at}


def _from_page(customer: Customer, at: int) -> dict[str, object]:
    return {"sender": {"id": customer.page}, "recipient": {"id": customer.id}, "timestamp": at}


def _shown(message: Mapping[str, Any]) -> dict[str, Any]:
    """What a phone shows of a Graph `message`: text, an image, a button template; anything else by its kind."""
    replies = tuple(message.get("quick_replies") or ())
    attachment = message.get("attachment")
    if attachment is None:
        return {"text": message.get("text"), "quick_replies": replies}
    kind, payload = attachment["type"], attachment.get("payload") or {}
    if kind == "image" and payload.get("url"):
        return {"image": payload["url"], "quick_replies": replies}
    if kind != "template":
        return {"note": f"{kind}: {payload.get('url', '')}".rstrip(": "), "quick_replies": replies}
    first = (payload.get("elements") or [{}])[0]
    text = payload.get("text") or " · ".join(str(first[key]) for key in ("title", "subtitle") if first.get(key))
    buttons = tuple(payload.get("buttons") or first.get("buttons") or ())
    return {
        "text": text or None,
        "image": first.get("image_url"),
        "note": None if text else f"template: {payload.get('template_type', '')}",
        "buttons": buttons,
        "quick_replies": replies,
    }
