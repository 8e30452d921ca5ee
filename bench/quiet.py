"""A bot that says nothing, so that what is measured is ours."""

from __future__ import annotations

from chalicelib.talk import Talk


def bot(talk: Talk) -> None:
    """Hear, and say nothing."""
