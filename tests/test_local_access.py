"""Access in the whole stack of `make run`: signing in, API tokens, revoking, and what the logs do not tell."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from tests.stack import ROOT, Stack, environment, two_free_ports

PAGE, WORDS, REPLY, BOT = "4711", "a-word-of-the-user", "an-answer-of-ana", "kettle-bot"
REVOKED_WITHIN_S = 60
SECRETS = {
    "HITL_API_TOKEN": "hitl_" + "s" * 43,
    "HITL_APP_SECRET": "the-app-secret-of-this-test",
    "HITL_VERIFY_TOKEN": "the-verify-token-of-this-test",
    "HITL_PAGE_TOKEN": f"{PAGE}=the-page-token-of-this-test",
}


def sign_in(stack: Stack, person: str) -> str:
    """An access token, got as the dashboard gets it: authorization code with PKCE."""
    config = stack.ask("GET", "/config.json")[1]
    origin, provider = f"http://localhost:{stack.port}", urlsplit(config["issuer"]).path
    about = stack.ask("GET", f"{provider}/.well-known/openid-configuration")[1]
    verifier = "v" * 64
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "client_id": config["client_id"],
        "redirect_uri": f"{origin}/",
        "response_type": "code",
        "scope": config["scope"],
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=20)
    path = urlsplit(about["authorization_endpoint"]).path
    connection.request("POST", path, urlencode({**asked, "person": person}), form)
    code = parse_qs(urlsplit(connection.getresponse().headers["Location"]).query)["code"][0]
    connection.close()
    fields = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
    fields |= {"client_id": config["client_id"], "redirect_uri": f"{origin}/"}
    connection.request("POST", urlsplit(about["token_endpoint"]).path, urlencode(fields), form)
    tokens = json.loads(connection.getresponse().read())
    connection.close()
    return str(tokens[config["token"]])


def command(state: Path, *arguments: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", "local.tokens", *arguments],
        cwd=ROOT,
        env=environment(state),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return ended.stdout


def test_operators_and_bots_get_in_until_they_are_revoked_and_logs_tell_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    stack = Stack(state, two_free_ports(), **SECRETS)
    try:
        stack.wait()
        made = command(state, "make", "--name", BOT, "--permissions", "read,pause")
        bot = next(line.strip() for line in made.splitlines() if line.strip().startswith("hitl_"))
        customer = str(stack.ask("POST", "/simulator/api/customers", {"page": f"messenger:{PAGE}"})[1]["key"])
        stack.play(customer, "says", text=WORDS)
        stack.until(lambda: len(stack.lines(customer)) == 2)
        session = f"/api/botpress-hitl/sessions/{quote(customer)}"

        ana = sign_in(stack, "ana")
        sent = {"client_id": "c1", "text": REPLY}
        assert (
            stack.ask("POST", f"{session}/pause", {}, Authorization=f"Bearer {ana}")[1]["paused"]["by"]["id"] == "ana"
        )
        answered = stack.ask("POST", f"{session}/messages", sent, Authorization=f"Bearer {ana}")[1]
        assert (answered["state"], answered["by"]["name"]) == ("sent", "Ana")
        assert stack.ask("GET", session, Authorization=f"Bearer {ana[:-8]}AAAAAAAA")[0] == 401

        until = time.monotonic() + REVOKED_WITHIN_S
        while stack.ask("GET", session, Authorization=f"Bearer {bot}")[0] != 200:
            assert time.monotonic() < until, "a new token is not taken"
            time.sleep(0.5)
        assert stack.ask("POST", f"{session}/messages", sent, Authorization=f"Bearer {bot}")[0] == 403
        command(state, "revoke", "--id", made.split()[0])
        until = time.monotonic() + REVOKED_WITHIN_S
        while stack.ask("GET", session, Authorization=f"Bearer {bot}")[0] != 401:
            assert time.monotonic() < until, "a revoked token is still taken"
            time.sleep(0.5)
        name = stack.ask("GET", session, Authorization=f"Bearer {ana}")[1]["name"] or "no name yet"
    finally:
        output = stack.end()
    greeting = ("curl", "HITL_", "Dashboard")  # which says secrets that it made up, and as whom to sign in
    log = [line for line in output.splitlines() if not line.strip().startswith(greeting)]
    assert any("401 GET" in line for line in log)  # what is printed is really here
    everything = "\n".join(log)
    secrets = [value.rpartition("=")[2] for value in SECRETS.values()]
    assert "_aws" not in everything  # metrics are for CloudWatch, not for who reads this
    for told in (WORDS, REPLY, BOT, name, "Ana", bot, ana, ana.split(".")[2], *secrets):
        assert told not in everything
