"""The bot that answers until HITL_BOT names another one; try it in the simulator by writing HITL_START."""

from __future__ import annotations

from chalicelib.talk import Bot, Talk

bot = Bot()


@bot.hear("HITL_START")
def start(talk: Talk) -> None:
    """Hand the conversation to a person, with a way back."""
    talk.say(
        "I will be quiet now. Someone from our team will write to you here.",
        buttons=[("Cancel request", talk.release)],
    )
    talk.pause(f"{talk.user.first_name or 'Someone'} wants to talk to a person")


@bot.hear(r"HITL_STOP(:\d+)?")
def stop(talk: Talk) -> None:
    """The user has ended the pause."""
    talk.say("The bot is back. What can I do for you?")


@bot.hear(".+")
def repeat(talk: Talk) -> None:
    """Say the same again; a button that means nothing here brings no text."""
    if talk.text:
        talk.say(talk.text)
