"""The trouble that a person or a test may order for the next sends through the fake Graph API."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trouble:
    """What the fake Graph API does in place of answering: an error of Meta's, or silence.

    `hang`: "lost" when the message never took effect, "taken" when it did and only the answer is missing.
    """

    name: str
    label: str
    code: int = 0
    subcode: int | None = None
    message: str = ""
    hang: str | None = None


TROUBLES = {
    trouble.name: trouble
    for trouble in (
        Trouble("window", "Outside the 24 hours", 10, 2018278, "(#10) This message is sent outside of allowed window."),
        Trouble(
            "blocked", "The person blocked the Page", 551, 1545041, "(#551) This person isn't available right now."
        ),
        Trouble("unknown", "No such person", 100, 2018001, "(#100) No matching user found"),
        Trouble(
            "owner",
            "Another app owns the thread",
            100,
            2018300,
            "(#100) Another app controls this thread.",
        ),
        Trouble("token", "The Page's token is invalid", 190, None, "Invalid OAuth access token."),
        Trouble("permission", "A permission is missing", 200, None, "(#200) Requires pages_messaging permission."),
        Trouble("rate", "Too many calls", 613, None, "(#613) Calls to this api have exceeded the rate limit."),
        Trouble(
            "transient",
            "Meta's own trouble",
            1200,
            None,
            "(#1200) Temporary send message failure.",
        ),
        Trouble("silent-lost", "No answer, not sent", hang="lost"),
        Trouble("silent-taken", "No answer, yet sent", hang="taken"),
    )
}
