"""Where a deployed stage answers: on AWS under names of its own, on an emulated AWS below that one's address."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from infra.stage import CannotDo, Stage


@dataclass(frozen=True, slots=True)
class Addresses:
    """The API, with its `/api`; the webhook, as Meta is told; and the dashboard."""

    api: str
    webhook: str
    dashboard: str


def addresses(stage: Stage, site: Mapping[str, str]) -> Addresses:
    """Where the stage answers, from the outputs of its site stack."""
    if not site:
        raise CannotDo(f"The stage {stage.name} has no site yet. Run make deploy STAGE={stage.name}.")
    emulator = os.environ.get("AWS_ENDPOINT_URL")
    if not emulator:
        return Addresses(f"{site['Url']}/api", site["WebhookUrl"], site["Url"])
    rest_api = stage.deployed()["rest_api"]["rest_api_id"]
    http_api = site["WebhookUrl"].split("://")[1].split(".")[0]
    return Addresses(
        f"{emulator}/restapis/{rest_api}/api/_user_request_",
        f"{emulator}/_aws/execute-api/{http_api}/$default/webhook",
        f"{emulator}/{site['Bucket']}",
    )
