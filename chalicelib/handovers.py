"""What the bot is told of a transition: Messenger's own events for a thread that changes hands.

`take_thread_control` says that a person has the conversation, `pass_thread_control` that it is the bot's again. Their
`metadata` is JSON text with the reason, who it was and, of the second, what was said meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from chalicelib.conversation import Conversation
from chalicelib.message import INBOX_APP_ID, UNREAD_KINDS, Address, Message, preview

if TYPE_CHECKING:
    from chalicelib.ports import StorePort

MESSAGES = 50
CHARACTERS = 10_000
"""How much of what was said a transcript holds: the newest."""
_PAGE = 100


class Handovers:
    """Writes these events."""

    def __init__(self, store: StorePort) -> None:
        self._store = store

    def event(self, conversation: Conversation, row: Message) -> Mapping[str, Any]:
        """The event for the transition that this row tells of; the conversation is as it was right after it."""
        address = Address.parse(row.conversation_id)
        metadata: dict[str, Any] = {
            "epoch": conversation.epoch,
            "reason": row.text,
            "by": None if row.by is None else row.by._asdict(),
        }
        kind, owners = "take_thread_control", {"previous_owner_app_id": None, "new_owner_app_id": INBOX_APP_ID}
        if row.kind == "resumed":
            kind, owners = "pass_thread_control", {"previous_owner_app_id": INBOX_APP_ID, "new_owner_app_id": None}
            metadata["held_follow"] = conversation.draining is not None
            metadata |= self._transcript(conversation.id, conversation.handed_epoch + 1)
        return {
            "sender": {"id": address.user_id},
            "recipient": {"id": address.page_id},
            "timestamp": row.sent_at,
            kind: {**owners, "metadata": json.dumps(metadata)},
        }

    def _transcript(self, conversation_id: str, epoch: int) -> dict[str, Any]:
        """What was said since the pause of this epoch, oldest first, and where the rest is."""
        said: list[dict[str, Any]] = []
        left, is_whole = CHARACTERS, True
        pause = self._store.row(conversation_id, f"t:{epoch}")
        for row in self._said_since(conversation_id, epoch, pause):
            text = preview(row).text if row.text is None else row.text
            if len(said) == MESSAGES or left == 0:
                is_whole = False
                break
            is_whole = len(text) <= left
            text = text[:left]
            left -= len(text)
            name = row.by.name if row.by is not None else ""
            said.append({"author": row.author, "name": name, "text": text, "timestamp": row.sent_at})
        history = f"/botpress-hitl/sessions/{quote(conversation_id, safe=':')}/messages"
        return {"transcript": said[::-1], "is_whole": is_whole and pause is not None, "history": history}

    def _said_since(self, conversation_id: str, epoch: int, pause: Message | None) -> Iterator[Message]:
        """What user and people have said since a pause, newest first, and what was held since though said before.

        Of a pause whose row has expired, all that has not.
        """
        cursor = None
        while True:
            page = self._store.history(conversation_id, _PAGE, cursor)
            for row in page.messages:
                is_later = pause is None or row.order > pause.order
                # Also what was held behind a drain, under the bot's own epoch, and is held still.
                is_held = row.held_under is not None and row.held_under >= epoch - 1
                if (is_later or is_held) and _is_said(row):
                    yield row
            cursor = page.cursor
            if cursor is None or (pause is not None and page.messages[-1].order < pause.order):
                return


def _is_said(row: Message) -> bool:
    """What went out, and what of the user's the bot neither has been given nor will be given by itself."""
    if row.author == "user":
        return row.kind in UNREAD_KINDS and row.state not in ("received", "delivered")
    return row.author != "system" and row.state not in ("failed", "refused")
