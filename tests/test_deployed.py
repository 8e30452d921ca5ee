"""End to end on an emulated AWS: deployed by our own command, used over HTTP, deployed again, and hurt.

The tests share one stage and run in order: what the first one deploys, the last one takes away.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Self

import pytest

from tests.emulator.cloud import ACCOUNT, FUNCTIONS, PAGE, ROOT, STAGE, STEM, Cloud, call, cloud
from tests.emulator.layers import failed_starts, require
from tests.engines import NotStarted

SESSIONS = "/botpress-hitl/sessions"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Give a stage that `make deploy` has just made."""
    try:
        with cloud(tmp_path_factory.mktemp("cloud")) as it:
            it.allow()
            done = it.infra("deploy")
            assert done.returncode == 0, done.stdout + done.stderr
            # We kill what is running, and need not wait so long until it is tried again.
            sqs = it.client("sqs")
            mailbox = sqs.get_queue_url(QueueName=f"{STEM}-mailbox.fifo")["QueueUrl"]
            sqs.set_queue_attributes(QueueUrl=mailbox, Attributes={"VisibilityTimeout": "30"})
            it.calls()
            yield it
    except NotStarted as error:
        pytest.fail(str(error), pytrace=False)


def until(found: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Wait until it is there; whatever it gives at last."""
    end = time.monotonic() + seconds
    while not (value := found()) and time.monotonic() < end:
        time.sleep(0.3)
    return value


def test_a_message_goes_its_whole_way(deployed: Cloud) -> None:
    conversation = f"{SESSIONS}/messenger:{PAGE}:ann"
    assert deployed.webhook("ann", "a1", text="Hello there") == 200
    assert until(lambda: deployed.state("ann", "a1") == "delivered")
    assert until(lambda: deployed.meta.said.count("Hello there")) == 1  # the example bot repeats it
    assert deployed.webhook("ann", "a1", text="Hello there") == 200  # Meta says it again
    assert deployed.webhook("ann", "a2", title="Talk to a person", payload="HITL_START") == 200
    assert until(lambda: deployed.ask("GET", conversation)[1]["status"] == "paused")
    assert deployed.webhook("ann", "a3", text="Are you there?") == 200
    assert until(lambda: deployed.state("ann", "a3") == "held")
    status, lists = deployed.ask("GET", f"{SESSIONS}?status=waiting")
    assert (status, [each["user_id"] for each in lists["sessions"]]) == (200, ["ann"])
    assert lists["waiting"] == 1
    assert deployed.ask("POST", f"{conversation}/unpause")[0] == 200
    assert deployed.webhook("ann", "a4", text="And now?") == 200
    assert until(lambda: deployed.state("ann", "a4") == "delivered")
    assert deployed.ask("POST", f"{conversation}/pause", {"reason": "a test"})[0] == 200
    assert deployed.webhook("ann", "a5", title="Cancel request", payload="HITL_STOP") == 200
    assert until(lambda: deployed.ask("GET", conversation)[1]["status"] == "active")
    rows = deployed.rows("ann")
    assert [row["id"] for row in rows if row["author"] == "user"] == ["m:a5", "m:a4", "m:a3", "m:a2", "m:a1"]
    assert deployed.meta.said.count("Hello there") == 1


def test_a_pause_that_will_end_in_a_minute_begins(deployed: Cloud) -> None:
    assert deployed.webhook("cal", "c1", text="Cal is here") == 200
    assert until(lambda: deployed.state("cal", "c1") == "delivered")
    asked = {"reason": "a test", "minutes": 1}
    assert deployed.ask("POST", f"{SESSIONS}/messenger:{PAGE}:cal/pause", asked)[0] == 200
    assert deployed.webhook("cal", "c2", text="Who is it?") == 200
    assert until(lambda: deployed.state("cal", "c2") == "held")
    answer = {"client_id": "cal-1", "text": "A person"}
    assert deployed.ask("POST", f"{SESSIONS}/messenger:{PAGE}:cal/messages", answer)[1]["state"] == "sent"
    assert deployed.webhook("cal", "c3", text="Cal is still here") == 200
    assert until(lambda: deployed.state("cal", "c3") == "held")


def test_operators_are_called_to_a_pause_of_the_bot_once(deployed: Cloud) -> None:
    deployed.calls()  # what earlier tests have caused
    assert deployed.webhook("bea", "b1", title="Talk to a person", payload="HITL_START") == 200
    (call,) = until(deployed.calls)
    assert call["Subject"] == "A conversation waits for a person"
    assert "Someone wants to talk to a person" in call["Message"]
    assert "Talk to a person" in call["Message"]
    url = deployed.client("ssm").get_parameter(Name=f"/{STEM}/dashboard-url")["Parameter"]["Value"]
    assert call["Message"].endswith(f"\n{url}/#/waiting/messenger:{PAGE}:bea")
    assert deployed.ask("POST", f"{SESSIONS}/messenger:{PAGE}:bea/pause", {"reason": "a person"})[0] == 200
    assert deployed.webhook("bea", "b2", text="Hello?") == 200
    assert until(lambda: deployed.state("bea", "b2") == "held")
    assert deployed.calls() == []


def test_a_resume_gives_the_bot_what_was_held_in_order(deployed: Cloud) -> None:
    conversation = f"{SESSIONS}/messenger:{PAGE}:dan"
    assert deployed.webhook("dan", "d1", text="Dan one") == 200
    assert until(lambda: deployed.state("dan", "d1") == "delivered")
    assert deployed.ask("POST", f"{conversation}/pause")[0] == 200
    for number, word in enumerate(("two", "three"), 2):
        assert deployed.webhook("dan", f"d{number}", text=f"Dan {word}") == 200
    assert until(lambda: deployed.ask("GET", conversation)[1]["held"] == 2)
    assert deployed.ask("POST", f"{conversation}/unpause", {"deliver_held": True})[0] == 200
    assert until(lambda: deployed.state("dan", "d2") == deployed.state("dan", "d3") == "delivered")
    assert [text for text in deployed.meta.said if text.startswith("Dan")] == ["Dan one", "Dan two", "Dan three"]


def test_the_global_stop_holds_and_its_end_delivers(deployed: Cloud) -> None:
    assert deployed.ask("PUT", "/botpress-hitl/bot", {"paused": True, "reason": "a test"})[0] == 200
    assert deployed.webhook("eli", "e1", text="Eli is here") == 200
    assert until(lambda: deployed.state("eli", "e1") == "held")
    status, conversation = deployed.ask("GET", f"{SESSIONS}/messenger:{PAGE}:eli")
    assert (status, conversation["paused"]["reason"]) == (200, "a test")
    assert "Eli is here" not in deployed.meta.said
    assert deployed.ask("PUT", "/botpress-hitl/bot", {"paused": False})[0] == 200
    assert until(lambda: deployed.state("eli", "e1") == "delivered")
    assert deployed.meta.said.count("Eli is here") == 1


def log(deployed: Cloud) -> list[str]:
    """Read what all functions have printed."""
    logs = deployed.client("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    return [event["message"] for group in groups for event in logs.filter_log_events(logGroupName=group)["events"]]


def test_the_log_leads_from_a_message_to_its_webhook_and_quotes_nobody(deployed: Cloud) -> None:
    lines = [json.loads(line) for line in log(deployed) if line.startswith("{")]
    told = [line for line in lines if "_aws" not in line]
    of = {name: [line for line in told if line.get("message_id") == f"m:{name}"] for name in ("a1", "a3")}
    assert [line["message"] for line in of["a1"]] == ["given to the bot"]
    assert [line["message"] for line in of["a3"]] == ["held"]
    webhooks = {line["correlation_id"] for line in told if line["message"] == "webhook"}
    assert {line["correlation_id"] for name in of for line in of[name]} <= webhooks
    counted = [line for line in lines if "_aws" in line and line["service"] == STEM]
    assert sum(line["Duplicate"][0] for line in counted if "Duplicate" in line) >= 1
    assert sum(line["Held"][0] for line in counted if "Held" in line) >= 1
    assert [line["message"] for line in told if "not traced" in line["message"] or "not told" in line["message"]] == []
    everything = json.dumps(lines)
    assert not any(text in everything for text in ("Hello there", "Are you there", "HITL_START", deployed.token))


def test_strangers_are_refused(deployed: Cloud) -> None:
    assert deployed.ask("GET", "/botpress-hitl/pages")[0] == 200
    assert deployed.ask("GET", SESSIONS, token="hitl_" + "x" * 43)[0] == 401
    assert call("GET", deployed.where.api + SESSIONS, None, {})[0] == 401
    assert deployed.webhook("eve", "e1", secret="guessed", text="Let me in") == 403
    assert deployed.rows("eve") == []


def test_api_gateway_says_no_in_our_form(deployed: Cloud) -> None:
    status, said = deployed.ask("GET", "/nonsense")
    assert (status, said["code"]) == (404, "not_found")


def test_the_smoke_test_left_one_conversation_and_no_token(deployed: Cloud) -> None:
    rows = deployed.rows("smoke-test")
    assert len(rows) == 1
    assert rows[0]["standby"] is True
    names = [each["Name"] for each in deployed.client("ssm").describe_parameters()["Parameters"]]
    assert f"/{STEM}/tokens/smoke-test" not in names
    assert f"/{STEM}/verify-token" in names


def test_the_dashboard_is_in_its_bucket(deployed: Cloud) -> None:
    s3, bucket = deployed.client("s3"), f"{STEM}-site-000000000000"
    names = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    caching = {name: s3.head_object(Bucket=bucket, Key=name)["CacheControl"] for name in names}
    assert caching["index.html"] == caching["config.json"] == "no-cache"
    assert {caching[name] for name in names if name.startswith("assets/")} == {"public, max-age=31536000, immutable"}
    page = s3.get_object(Bucket=bucket, Key="index.html")["Body"].read()
    assert page == (ROOT / "frontend" / "dist" / "index.html").read_bytes()
    named = re.findall(r'(?:src|href)="[./]*(assets/[^"]+)"', page.decode())
    assert {name.rpartition(".")[2] for name in named} == {"js", "css"}
    assert set(named) <= set(names)
    config = json.loads(s3.get_object(Bucket=bucket, Key="config.json")["Body"].read())
    assert config.keys() == {"api", "issuer", "client_id", "scope", "token"}
    kept = deployed.client("ssm").get_parameter(Name=f"/{STEM}/sign-in")["Parameter"]["Value"]
    assert json.loads(kept) == {name: config[name] for name in ("issuer", "client_id")}


def test_meta_was_told_which_events_to_send(deployed: Cloud) -> None:
    assert deployed.meta.subscribed.keys() == {PAGE}
    assert {"messages", "messaging_postbacks", "message_echoes"} <= set(deployed.meta.subscribed[PAGE].split(","))


def test_operators_come_and_go(deployed: Cloud) -> None:
    assert "ana@example.com has mail" in deployed.infra("operator", "--email", "Ana@example.com").stdout
    assert deployed.infra("operators").stdout.split() == ["ana@example.com", "FORCE_CHANGE_PASSWORD"]
    assert deployed.infra("operator-remove", "--email", "ana@example.com").returncode == 0
    assert deployed.infra("operators").stdout.strip() == ""
    missing = deployed.infra("operator-remove", "--email", "ana@example.com")
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)


class Traffic:
    """Users who write all the time, and a Meta that sends again whatever was not answered with 200."""

    def __init__(self, target: Cloud, name: str) -> None:
        self._cloud, self._name = target, name
        self.sent: list[tuple[str, str]] = []
        self.retries = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set() and len(self.sent) < 400:
            number = len(self.sent)
            user, mid = f"{self._name}-{number % 3}", f"{self._name}-{number}"
            end = time.monotonic() + 120
            while self._cloud.webhook(user, mid, text=f"text {mid}") != 200 and time.monotonic() < end:
                self.retries += 1
                time.sleep(0.5)
            self.sent.append((user, mid))
            time.sleep(0.25)

    def check(self) -> None:
        """Every message is in the log once, and was delivered to the bot or held."""
        users = sorted({user for user, _ in self.sent})

        def settled() -> bool:
            states = {row["id"]: row["state"] for user in users for row in self._cloud.rows(user)}
            return all(states.get(f"m:{mid}") in ("delivered", "held") for _, mid in self.sent)

        assert until(settled, 240)
        ids = [row["id"] for user in users for row in self._cloud.rows(user) if row["author"] == "user"]
        assert sorted(ids) == sorted(f"m:{mid}" for _, mid in self.sent)


def test_a_second_deployment_loses_and_doubles_nothing(deployed: Cloud) -> None:
    """The new code needs a package that only the new layer has; no function starts with one and without the other."""
    project, name = deployed.project, "only_in_the_new_layer"
    require(project, name, "VERSION = '9.9.9'\n")
    (project / "chalicelib" / "__init__.py").write_text(f"from {name} import VERSION as VERSION\n")
    with Traffic(deployed, "second") as traffic:
        until(lambda: len(traffic.sent) > 2)
        done = deployed.infra("deploy")
        assert done.returncode == 0, done.stdout + done.stderr
        assert until(lambda: deployed.ask("GET", "/health")[1].get("version") == "9.9.9")
        mark = len(traffic.sent)
        until(lambda: len(traffic.sent) > mark + 3)
    assert (traffic.retries, failed_starts(project)) == (0, [])
    traffic.check()
    assert {deployed.meta.said.count(f"text {mid}") for _, mid in traffic.sent} == {1}


def test_chalice_alone_deploys_too_and_leaves_api_gateway_its_own_answers(deployed: Cloud) -> None:
    """Chalice has put its own description in the place of all that API Gateway had."""
    done = deployed.chalice("deploy")
    assert done.returncode == 0, done.stderr
    assert (deployed.ask("GET", "/nonsense")[0], deployed.ask("GET", "/health")[0]) == (403, 200)
    secured = deployed.run("-c", SECURE)
    assert (secured.returncode, deployed.ask("GET", "/nonsense")[0]) == (0, 404), secured.stderr


SECURE = """
from infra import gateway
from infra.stage import Stage
stage = Stage.read("dev")
gateway.secure(stage.client("apigateway"), stage)
"""


def test_workers_that_are_killed_lose_and_double_nothing(deployed: Cloud) -> None:
    killed = 0
    with Traffic(deployed, "killed") as traffic:
        end = time.monotonic() + 60
        while killed < 5 and time.monotonic() < end:
            time.sleep(1.2)
            killed += deployed.kill_workers()
    assert killed >= 5
    traffic.check()


def test_the_schedule_has_ended_the_pause_and_delivered_what_was_held(deployed: Cloud) -> None:
    """By the emulator's own schedule, once a minute: nobody else touches the conversation, and reading ends nothing."""

    def ended() -> bool:
        return deployed.state("cal", "c3") == "delivered"

    assert until(ended, 150)
    resumed = next(row for row in deployed.rows("cal") if row["id"] == "t:2")
    assert (resumed["kind"], resumed["by"]["type"], resumed["text"]) == ("resumed", "system", "the pause ended")
    assert deployed.state("cal", "c2") == "held"  # a person has answered it
    assert [text for text in deployed.meta.said if text in ("Who is it?", "Cal is still here")] == ["Cal is still here"]


def test_a_table_and_a_queue_that_refuse_lose_and_double_nothing(deployed: Cloud) -> None:
    with Traffic(deployed, "refused") as traffic:
        until(lambda: len(traffic.sent) > 2)
        deployed.gate.shut = True
        until(lambda: traffic.retries > 1)
        deployed.gate.shut = False
        mark = len(traffic.sent)
        until(lambda: len(traffic.sent) > mark + 3)
    assert deployed.gate.refused["dynamodb"] > 0
    assert traffic.retries > 0
    traffic.check()


def test_the_functions_ask_for_what_their_policies_allow(deployed: Cloud) -> None:
    """What IAM would refuse is seen here, which the emulator lets pass; and nothing is allowed that nobody needs."""
    for function in FUNCTIONS:
        asked, statements = deployed.gate.asked[function], deployed.allowed(function)
        refused = {each for each in asked if not any(_allows(statement, *each) for statement in statements)}
        assert refused == set(), function
        allowed = {action for statement in statements for action in statement["Action"]}
        assert allowed - {action for action, _ in asked} <= NOT_SEEN[function], function


_ELSEWHERE = {
    *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
    *("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
}
"""What Lambda does in a function's name, on its own way."""
NOT_SEEN = {
    "api_handler": _ELSEWHERE,
    # The queue's trigger; what a bot that fails is put off by, which no bot has to do here; and whether anybody hears
    # the topic, which is asked where a chat has failed.
    "deliver": {
        *_ELSEWHERE,
        "sns:GetTopicAttributes",
        *("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:ChangeMessageVisibility"),
    },
    "look_after": _ELSEWHERE,
}
"""What each function is allowed, but does not ask for through the gate. Whoever adds a right says here whose it is."""


def _allows(statement: dict[str, Any], action: str, resource: str) -> bool:
    arn = f"arn:aws:{action.partition(':')[0]}:us-east-1:{ACCOUNT}:{resource}"
    return action in statement["Action"] and any(fnmatchcase(arn, each) for each in statement["Resource"])


def test_data_comes_back_in_a_stage_of_its_own(deployed: Cloud) -> None:
    """As docs/operating.md says. The emulator restores what there is, whatever second it is asked for."""
    path = deployed.project / ".chalice" / "config.json"
    config = json.loads(path.read_text())
    config["stages"]["back"] = json.loads(json.dumps(config["stages"][STAGE]).replace(f"-{STAGE}", "-back"))
    path.write_text(json.dumps(config))
    restore = ("-m", "infra", "restore", "--stage", "back", "--from", STAGE, "--at", "2026-11-24T09:00:00Z")
    for _ in range(2):  # to do it again changes nothing
        done = deployed.run(*restore)
        assert done.returncode == 0, done.stderr
    other = deployed.run(*restore[:-1], "2026-11-24T08:00:00Z")
    assert "is not chalice-hitl-dev-conversations of 2026-11-24T08:00:00" in other.stderr
    updated = deployed.run("-c", UPDATE_DATA)  # as `make deploy` does
    assert updated.returncode == 0, updated.stderr
    dynamodb = deployed.client("dynamodb")
    for kind in ("conversations", "messages"):
        kept, back = (_items(dynamodb, f"chalice-hitl-{name}-{kind}") for name in (STAGE, "back"))
        assert kept
        assert _without_stop(back) == _without_stop(kept)
        assert dynamodb.describe_table(TableName=f"chalice-hitl-back-{kind}")["Table"]["DeletionProtectionEnabled"]
        backups = dynamodb.describe_continuous_backups(TableName=f"chalice-hitl-back-{kind}")
        recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    ttl = dynamodb.describe_time_to_live(TableName="chalice-hitl-back-messages")["TimeToLiveDescription"]
    assert (ttl["TimeToLiveStatus"], ttl["AttributeName"]) == ("ENABLED", "expires_at")
    stop = dynamodb.get_item(TableName="chalice-hitl-back-conversations", Key={"id": {"S": "stop"}})["Item"]
    assert (stop["paused_reason"]["S"], "paused_since" in stop) == ("restored as of 2026-11-24T09:00:00+00:00", True)
    assert "has data already" in deployed.run(*restore).stderr
    gone = deployed.run("-m", "infra", "destroy", "--stage", "back", "--data", "delete", "--confirm", "back")
    assert gone.returncode == 0, gone.stderr


UPDATE_DATA = """
from infra.stacks import Stack
from infra.stage import Stage
stage = Stage.read("back")
names = {"App": stage.app, "Stage": stage.name}
Stack(stage.client("cloudformation"), stage.stem, "data").deploy({**names, "AlarmEmail": None})
"""


def _items(dynamodb: Any, table: str) -> list[str]:
    pages = dynamodb.get_paginator("scan").paginate(TableName=table)
    return sorted(json.dumps(item, sort_keys=True) for page in pages for item in page["Items"])


def _without_stop(items: list[str]) -> list[str]:
    return [item for item in items if json.loads(item)["id"] != {"S": "stop"}]


def test_another_machine_goes_on_with_the_same_functions(deployed: Cloud) -> None:
    notes = Path(deployed.project, ".chalice", "deployed", f"{STAGE}.json")
    before = notes.read_text()
    notes.unlink()
    restore = "from infra.stage import Stage; from infra import program; s = Stage.read('dev'); "
    assert deployed.run("-c", restore + "program.restore(s.client('ssm'), s)").returncode == 0
    kept = {each["name"]: each for each in json.loads(notes.read_text())["resources"]}
    now = {each["name"]: each for each in json.loads(before)["resources"]}
    assert kept["rest_api"] == now["rest_api"]


def test_destroying_keeps_the_data_until_it_is_told(deployed: Cloud) -> None:
    assert deployed.infra("destroy", "--confirm", "prod").returncode == 1
    done = deployed.infra("destroy", "--confirm", STAGE)
    assert done.returncode == 0, done.stderr
    tables = deployed.client("dynamodb").list_tables()["TableNames"]
    assert tables == [f"{STEM}-conversations", f"{STEM}-messages"]
    assert deployed.client("lambda").list_functions()["Functions"] == []
    assert _logs(deployed) == {f"/aws/lambda/{STEM}"}
    done = deployed.infra("destroy", "--confirm", STAGE, "--data", "delete")
    assert done.returncode == 0, done.stderr
    assert deployed.client("dynamodb").list_tables()["TableNames"] == []
    assert _logs(deployed) == set()
    assert os.listdir(deployed.project / ".chalice" / "deployed") == []


def _logs(deployed: Cloud) -> set[str]:
    """The groups there are. A round that outlives its function may make its own anew, which IAM would refuse it."""
    groups = {each["logGroupName"] for each in deployed.client("logs").describe_log_groups()["logGroups"]}
    return groups - {f"/aws/lambda/{STEM}-look_after"}
