"""What Chalice leaves open at its REST API: how much may come in, and how API Gateway itself says no."""

from __future__ import annotations

import json
from typing import Any

from infra.stage import Stage

API_STAGE = "api"
RATE, BURST = 200, 500
"""Requests a second, and at once: above them 429 is answered instead of the account's share of Lambda being used up."""

ANSWERS = {
    "MISSING_AUTHENTICATION_TOKEN": (404, "not_found", "There is no such path. docs/openapi.json lists them all."),
    "THROTTLED": (429, "too_many_requests", "That were too many requests at once. Try again in a second."),
    "REQUEST_TOO_LARGE": (413, "too_large", "The request is larger than API Gateway takes."),
    "INTEGRATION_TIMEOUT": (504, "unavailable", "It took too long. Try again; what was done is not done twice."),
    "INTEGRATION_FAILURE": (503, "unavailable", "The function could not be reached. Try again."),
    "DEFAULT_4XX": (None, "bad_request", "API Gateway did not take the request."),
    "DEFAULT_5XX": (None, "internal_error", "Something is wrong on our side. Try again."),
}
"""Status, code and sentence by API Gateway's own kinds of refusal; without a status it keeps its own."""


def secure(apigateway: Any, stage: Stage) -> None:
    """Set throttling and answers. Importing the API anew, as Chalice does, may reset the answers."""
    rest_api = stage.deployed()["rest_api"]["rest_api_id"]
    for kind, (status, code, message) in ANSWERS.items():
        apigateway.put_gateway_response(
            restApiId=rest_api,
            responseType=kind,
            **({"statusCode": str(status)} if status else {}),
            responseTemplates={"application/json": json.dumps({"code": code, "message": message})},
        )
    apigateway.create_deployment(restApiId=rest_api, stageName=API_STAGE)
    operations = [
        {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": str(RATE)},
        {"op": "replace", "path": "/*/*/throttling/burstLimit", "value": str(BURST)},
    ]
    apigateway.update_stage(restApiId=rest_api, stageName=API_STAGE, patchOperations=operations)
