"""The environment of what is measured: keys that open nothing, and settings of nobody's."""

from __future__ import annotations

import hashlib
import json
import os

PAGE = "100"
SECRET = "the-app-secret"  # noqa: S105 nobody's
TOKEN = "hitl_" + "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "*",
    "HITL_BOT": "python:bench.quiet:bot",
}

PARAMETERS = {
    "app-secret": SECRET,
    "verify-token": "word",
    "alert-topic": "arn:aws:sns:us-east-1:123456789012:calls",
    f"pages/messenger/{PAGE}": "token",
    "tokens/bench": json.dumps(
        {
            "name": "bench",
            "hash": hashlib.sha256(TOKEN.encode()).hexdigest(),
            "page": None,
            "permissions": ["read", "pause", "send", "operator"],
        }
    ),
}


def enter(dynamodb: str) -> None:
    """Replace this process's environment and that of its children."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "HITL_"))]:
        del os.environ[name]
    os.environ.update(ENVIRONMENT, AWS_ENDPOINT_URL_DYNAMODB=dynamodb)
