"""Whether Meta takes a Page's access token: noted beside what we ask of Meta, and shown to operators.

Error 190 marks the Page as disconnected, a send that works takes the mark away. Nothing depends on the mark: receiving
goes on, sends are tried, and a mark that cannot be written changes no answer of Meta's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from chalicelib.conversation import Disconnection
from chalicelib.errors import HitlError, TokenInvalid, describe
from chalicelib.message import Address
from chalicelib.messenger import Outgoing, Profile

if TYPE_CHECKING:
    from chalicelib.ports import Clock, MessengerPort, StorePort

logger = logging.getLogger(__name__)
T = TypeVar("T")


class Connection:
    """Messenger, watched."""

    def __init__(self, store: StorePort, messenger: MessengerPort, clock: Clock) -> None:
        self._store = store
        self._messenger = messenger
        self._clock = clock

    def send(self, conversation_id: str, message: Outgoing, metadata: str, *, human_agent: bool = False) -> str:
        """As `Messenger.send`."""
        send = self._messenger.send
        page = Address.parse(conversation_id).page
        return self._sent(page, lambda: send(conversation_id, message, metadata, human_agent=human_agent))

    def profile(self, conversation_id: str) -> Profile:
        """As `Messenger.profile`."""
        page = Address.parse(conversation_id).page
        return self._watched(page, lambda: self._messenger.profile(conversation_id))

    def pass_on(
        self, at: Address, method: str, edge: str | None, query: Mapping[str, str], fields: Mapping[str, Any] | None
    ) -> Any:
        """As `Messenger.pass_on`."""
        watched = self._sent if edge == "messages" else self._watched
        return watched(at.page, lambda: self._messenger.pass_on(at, method, edge, query, fields))

    def _sent(self, page: str, call: Callable[[], T]) -> T:
        """The same of a send. The mark is looked for before, so that usually nothing delays what follows Meta's yes."""
        mark = self._mark(page)
        answer = self._watched(page, call)
        if mark is not None:
            self._works(page, mark)
        return answer

    def _watched(self, page: str, call: Callable[[], T]) -> T:
        try:
            return call()
        except TokenInvalid as error:
            self._broke(page, error)
            raise

    def _broke(self, page: str, error: TokenInvalid) -> None:
        try:
            self._store.disconnect(page, Disconnection(self._clock(), error.message))
        except HitlError as failure:
            logger.warning("A Page was not marked as disconnected: %s", describe(failure))

    def _mark(self, page: str) -> Disconnection | None:
        try:
            return self._store.disconnections([page]).get(page)
        except HitlError as failure:
            logger.warning("Whether a Page is disconnected was not to be read: %s", describe(failure))
            return None

    def _works(self, page: str, mark: Disconnection) -> None:
        try:
            self._store.reconnect(page, mark.since + 1)
        except HitlError as failure:
            logger.warning("A Page is still marked as disconnected: %s", describe(failure))
