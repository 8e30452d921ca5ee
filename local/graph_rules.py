"""What Meta refuses in a call to the Send API, and the shape of such a refusal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

USER = re.compile(r"[^\s/?#]{1,128}")
_ATTACHMENTS = ("image", "audio", "video", "file", "template")


class GraphRefusal(Exception):
    """An error in Meta's numbers."""

    def __init__(self, code: int, message: str, subcode: int | None = None, kind: str = "OAuthException") -> None:
        super().__init__(message)
        error: dict[str, object] = {"message": message, "type": kind, "code": code}
        self.error = error if subcode is None else {**error, "error_subcode": subcode}


def recipient(fields: Mapping[str, Any]) -> str:
    """The user that a call is for. Every id has a person behind it, except those that begin with `unknown`."""
    who = fields.get("recipient")
    user = str(who.get("id", "")) if isinstance(who, Mapping) else ""
    if USER.fullmatch(user) is None:
        raise GraphRefusal(100, "(#100) Param recipient must be an object with a valid id.")
    if user.startswith("unknown"):
        raise GraphRefusal(100, "(#100) No matching user found", 2018001)
    return user


def check_type(fields: Mapping[str, Any]) -> None:
    """Refuses a messaging type, or a tag, that Meta does not take (any more)."""
    kind, tag = fields.get("messaging_type", "RESPONSE"), fields.get("tag")
    if kind not in ("RESPONSE", "UPDATE", "MESSAGE_TAG"):
        raise GraphRefusal(100, "(#100) Param messaging_type must be one of {RESPONSE, UPDATE, MESSAGE_TAG}")
    if kind == "MESSAGE_TAG" and tag != "HUMAN_AGENT":
        raise GraphRefusal(100, "(#100) This message tag is missing or is not supported any more.")


def check_message(message: Any) -> None:
    """Refuses what is not a text or an attachment within Meta's sizes."""
    if not isinstance(message, Mapping):
        raise GraphRefusal(100, "(#100) Param message must be an object.")
    message = {name: part for name, part in message.items() if part is not None}
    if ("text" in message) == ("attachment" in message):
        raise GraphRefusal(100, "(#100) Param message must have exactly one of text and attachment.")
    text, replies = message.get("text", "-"), message.get("quick_replies") or []
    if not isinstance(text, str) or not text:
        raise GraphRefusal(100, "(#100) Param message[text] must be a non-empty string.")
    if len(text) > 2000:
        raise GraphRefusal(100, "(#100) Length of param message[text] must be less than or equal to 2000")
    if len(str(message.get("metadata", ""))) > 1000:
        raise GraphRefusal(100, "(#100) Length of param message[metadata] must be less than or equal to 1000")
    if not isinstance(replies, list) or len(replies) > 13 or not all(map(_is_quick_reply, replies)):
        raise GraphRefusal(100, "(#100) Param message[quick_replies] must be up to 13 quick replies.")
    if "attachment" in message:
        _check_attachment(message["attachment"])


def _is_quick_reply(reply: object) -> bool:
    if not isinstance(reply, Mapping) or reply.get("content_type") not in ("text", "user_phone_number", "user_email"):
        return False
    if reply["content_type"] != "text":
        return True
    return bool(reply.get("title")) and 0 < len(str(reply.get("payload", ""))) <= 1000


def _check_attachment(attachment: Any) -> None:
    if not isinstance(attachment, Mapping) or attachment.get("type") not in (
        "image",
        "audio",
        "video",
        "file",
        "template",
    ):
        raise GraphRefusal(100, "(#100) Param message[attachment][type] must be image, audio, video, file or template.")
    payload = attachment.get("payload")
    if not isinstance(payload, Mapping):
        raise GraphRefusal(100, "(#100) Param message[attachment][payload] must be an object.")
    if attachment["type"] != "template":
        if not payload.get("url") and not payload.get("attachment_id"):
            raise GraphRefusal(
                100, "(#100) Param message[attachment][payload] needs a url or an attachment_id.", 2018047
            )
        return
    if not payload.get("template_type"):
        raise GraphRefusal(100, "(#100) Param message[attachment][payload][template_type] is missing.")
    if payload["template_type"] == "button":
        _check_buttons(payload)


def _check_buttons(payload: Mapping[str, Any]) -> None:
    text, buttons = payload.get("text"), payload.get("buttons")
    if not isinstance(text, str) or not 0 < len(text) <= 640:
        raise GraphRefusal(100, "(#100) A button template needs a text of 1 to 640 characters.")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise GraphRefusal(100, "(#100) A button template has 1 to 3 buttons.")
    for button in buttons:
        if not isinstance(button, Mapping) or not 0 < len(str(button.get("title", ""))) <= 20:
            raise GraphRefusal(100, "(#100) A button's title has 1 to 20 characters.")
        if button.get("type") == "postback" and not 0 < len(str(button.get("payload", ""))) <= 1000:
            raise GraphRefusal(100, "(#100) A postback button's payload has 1 to 1000 characters.")
