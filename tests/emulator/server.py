"""Runs the emulated AWS, for which `build/emulator` is the environment; BIND_HOST and GATEWAY_PORT say where.

Chalice makes its REST API by importing an OpenAPI document, and changes it by putting another in its place. The
emulator can read such documents, but takes both requests for others; here they are led to where they belong.
"""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from ministack.app import main
from ministack.core import lambda_runtime
from ministack.services import apigateway_v1, dynamodb, lambda_svc

Answer = tuple[int, dict[str, str], bytes]
FUNCTION_TIMEOUT = 30.0
"""Seconds, as in .chalice/config.json."""
everything_else = apigateway_v1.handle_request
execute = lambda_svc._execute_function_with_config_scope
restore = dynamodb._restore_table_to_point_in_time
describe = dynamodb._table_description


async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Answer:
    """Answer a request of API Gateway's control plane."""
    parts = path.strip("/").split("/")
    if (method, parts) == ("POST", ["restapis"]) and "mode" in query:
        api_id = apigateway_v1._import_rest_api(json.loads(body))
        return _described(api_id, json.loads(body), 201)
    if method == "PUT" and parts[0] == "restapis" and len(parts) == 2:
        return _described(parts[1], _put_in_place(parts[1], json.loads(body)), 200)
    answer: Answer = await everything_else(method, path, headers, body, query)
    return answer


def _put_in_place(api_id: str, document: dict[str, Any]) -> dict[str, Any]:
    """Replace all paths. It happens between two requests, so none meets an API without them."""
    resources = apigateway_v1._resources[api_id]
    for id_ in [id_ for id_, resource in resources.items() if resource["path"] != "/"]:
        del resources[id_]
    for path, item in document["paths"].items():
        apigateway_v1._import_path_item(api_id, path, item)
    apigateway_v1._gateway_responses[api_id] = {}  # the document holds none, and it replaces all that there was
    return document


def _described(api_id: str, document: dict[str, Any], status: int) -> Answer:
    api = apigateway_v1._rest_apis[api_id]
    api["binaryMediaTypes"] = document.get("x-amazon-apigateway-binary-media-types", [])
    return status, {"Content-Type": "application/json"}, json.dumps(api, default=str).encode()


def execute_by_payload_format(record: Any, event: Any, *arguments: Any, **named: Any) -> Any:
    """Give a function the payload format 1.0, which our HTTP API asks for; the emulator knows 2.0 only."""
    if isinstance(event, dict) and event.get("version") == "2.0" and "http" in event.get("requestContext", {}):
        event = _first_format(event)
    return execute(record, event, *arguments, **named)


def _first_format(event: dict[str, Any]) -> dict[str, Any]:
    context, query = event["requestContext"], event.get("queryStringParameters")
    method, path = context["http"]["method"], context["http"]["path"]
    return {
        "version": "1.0",
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": event["headers"],
        "multiValueHeaders": {name: [value] for name, value in event["headers"].items()},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": query and {name: [value] for name, value in query.items()},
        "pathParameters": event["pathParameters"],
        "stageVariables": None,
        "requestContext": {**context, "httpMethod": method, "resourcePath": path, "path": path, "identity": {}},
        "body": event.get("body"),
        "isBase64Encoded": event["isBase64Encoded"],
    }


def let_finish(name: str, qualifier: str | None = None, account: str | None = None, region: str | None = None) -> None:
    """Take a changed function's processes away as Lambda does: what is running runs to its end, on the old code.

    The emulator ends it in the middle: a send between its row and Meta would then never be made, on AWS it is.
    """
    with lambda_runtime._lock:
        old = [
            worker
            for key in [key for key in lambda_runtime._workers if _is_of(key, name, qualifier)]
            for worker in lambda_runtime._workers.pop(key)
        ]
    threading.Thread(target=_end, args=(old,), daemon=True).start()


def _is_of(key: str, name: str, qualifier: str | None) -> bool:
    *_, function, version = key.split(":")
    return function == name and qualifier in (None, version)


def _end(workers: list[Any]) -> None:
    deadline = time.monotonic() + FUNCTION_TIMEOUT
    while any(worker.in_use for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    lambda_runtime.kill_workers(workers)


def restore_and_note(data: dict[str, Any]) -> Any:
    """Restore a table, and keep of what and when it is, which DynamoDB says of each table; the emulator does not."""
    answer = restore(data)
    if answer[0] == 200:
        source = dynamodb._tables[data["SourceTableName"]]["TableArn"]
        summary = {"SourceTableArn": source, "RestoreDateTime": data["RestoreDateTime"], "RestoreInProgress": False}
        dynamodb._tables[data["TargetTableName"]]["RestoreSummary"] = summary
    return answer


def describe_with_origin(name: str) -> dict[str, Any]:
    """Describe a table, and of what it was restored."""
    summary = dynamodb._tables[name].get("RestoreSummary")
    return {**describe(name), **({"RestoreSummary": summary} if summary else {})}


apigateway_v1.handle_request = handle_request
dynamodb._restore_table_to_point_in_time = restore_and_note
dynamodb._table_description = describe_with_origin
lambda_svc.invalidate_worker = let_finish
lambda_svc._execute_function_with_config_scope = execute_by_payload_format
# It refuses every `(a = :a AND begins_with(b, :b))` in which `a` is a number, because it takes the two for one.
dynamodb._key_condition_operand_error = lambda condition, values: None
if __name__ == "__main__":
    main()
