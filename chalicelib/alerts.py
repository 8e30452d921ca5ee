"""Calling the operators: through an SNS topic, a Slack-compatible webhook, or both, as the settings say.

A call quotes what the user said last, so it goes to the channels and nowhere else: not into a log, not into an error.
What users write is made harmless on the way, so that nobody can ping a whole channel or forge a line of a call.
"""

from __future__ import annotations

import json
import logging
import re
from functools import cached_property
from typing import Any, NamedTuple

import urllib3
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from chalicelib import aws
from chalicelib.settings import Settings

TIMEOUT = urllib3.Timeout(connect=3.0, read=5.0)
"""Seconds for connecting to the webhook, and for its answer."""
SUBJECT = "A conversation waits for a person"
MAX_WORDS = 300
"""Characters of the reason, and of what the user said, that a call quotes."""

logger = logging.getLogger(__name__)

_EVERYBODY = re.compile(r"@(?=(?:channel|here|all|everyone)\b)", re.IGNORECASE)
_MARKUP = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class Call(NamedTuple):
    """What operators hear: who waits, why, what that person said last, and where to answer; all but `who` may lack."""

    who: str
    reason: str | None = None
    last_words: str | None = None
    link: str | None = None

    @property
    def text(self) -> str:
        """The call in up to four lines."""
        lines = [f"{_line(self.who)} waits for a person."]
        if self.reason:
            lines.append(f"Reason: {_line(self.reason)}")
        if self.last_words:
            lines.append(f"Last words: “{_line(self.last_words)}”")
        return "\n".join([*lines, self.link] if self.link else lines)


class Alerts:
    """The channels that the settings name; without any, nobody is called."""

    def __init__(self, settings: Settings, http: urllib3.PoolManager | None = None, sns: Any = None) -> None:
        self._settings = settings
        self._http = http or urllib3.PoolManager()
        self._given_sns = sns

    @cached_property
    def _sns(self) -> Any:
        retries = {"mode": "standard", "max_attempts": 3}
        region = self._settings.region
        return self._given_sns or aws.client("sns", region, connect_timeout=3, read_timeout=5, retries=retries)

    @property
    def has_channel(self) -> bool:
        """Whether there is anybody to call."""
        return bool(self._settings.alert_topic or self._settings.alert_webhook)

    def call(self, call: Call) -> bool:
        """Call through every channel. True where one has taken it; what fails is logged without the call's words.

        A topic takes what nobody has subscribed to. So it makes up for a webhook that failed only where it has
        subscribers; without a webhook its word is enough, since nobody would be called by calling again.
        """
        topic, webhook = self._settings.alert_topic, self._settings.alert_webhook
        is_published = bool(topic) and self._to_topic(topic, call)
        if not webhook:
            return is_published
        return self._to_webhook(webhook, call) or (is_published and self._has_subscribers(topic))

    def _has_subscribers(self, topic: str) -> bool:
        try:
            attributes = self._sns.get_topic_attributes(TopicArn=topic)["Attributes"]
        except (BotoCoreError, ClientError) as error:
            logger.error("SNS did not say who has subscribed: %s.", type(error).__name__)
            return False
        return str(attributes["SubscriptionsConfirmed"]) != "0"

    def _to_topic(self, topic: str, call: Call) -> bool:
        try:
            self._sns.publish(TopicArn=topic, Subject=SUBJECT, Message=call.text)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "Unknown")
            logger.error("SNS took no call: %s. Check the parameter alert-topic and the role's permissions.", code)
            return False
        except BotoCoreError as error:
            logger.error("SNS took no call: %s.", type(error).__name__)
            return False
        return True

    def _to_webhook(self, url: str, call: Call) -> bool:
        body = json.dumps({"text": _without_markup(call.text)}).encode()
        headers = {"Content-Type": "application/json"}
        # The URL is a secret, and errors of the client quote it: only their type is told.
        try:
            response = self._http.request(
                "POST", url, body=body, headers=headers, timeout=TIMEOUT, retries=False, redirect=False
            )
        except HTTPError as error:
            logger.error("The webhook took no call: %s. Check the parameter alert-webhook.", type(error).__name__)
            return False
        if not 200 <= response.status < 300:
            logger.error("The webhook answered a call with %s. Check the parameter alert-webhook.", response.status)
            return False
        return True


def _line(text: str) -> str:
    """One line of text from outside: no line of its own, nothing that turns the writing round, not too long."""
    text = "".join(character for character in " ".join(text.split()) if character.isprintable())
    return text if len(text) <= MAX_WORDS else f"{text[: MAX_WORDS - 1]}…"


def _without_markup(text: str) -> str:
    """Text that a chat shows as it is: `<!channel>` and `@all` call nobody."""
    return _EVERYBODY.sub("@\u2060", "".join(_MARKUP.get(character, character) for character in text))
