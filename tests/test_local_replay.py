"""The replayer: what it changes in recordings, how it posts them, and how it reckons what became of them."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from chalicelib.webhook import parse
from local.meta import as_meta_writes, signature_headers
from local.reckoning import Answered, reckon, table
from local.recorded import Recorded, Unreadable, distinct, read
from local.replay import RunningStack, main, replay, report
from local.serving import Request, Response, Server, answer_json

SECRET = "app secret"
NOW = 1_800_000_000_000


def body(*events: Mapping[str, Any], field: str = "messaging") -> dict[str, Any]:
    parties = {"sender": {"id": "42"}, "recipient": {"id": "1001"}, "timestamp": 1_700_000_000_000}
    return {"object": "page", "entry": [{"id": "1001", "time": 5, field: [{**parties, **event} for event in events]}]}


def said(text: str, mid: str = "m_1") -> dict[str, Any]:
    return {"message": {"mid": mid, "text": text}}


@pytest.mark.parametrize("field", ["messaging", "standby"])
@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"message": {"mid": "m", "text": "a"}}, {"message": {"mid": "m.line7", "text": "a"}}),
        ({"postback": {"mid": "m", "payload": "P"}}, {"postback": {"mid": "m.line7", "payload": "P"}}),
        ({"postback": {"payload": "P"}}, {"postback": {"payload": "P"}}),
        ({"message": {"mid": 5}}, {"message": {"mid": 5}}),
        ({"message": {"mid": ""}}, {"message": {"mid": ""}}),
        ({"message": None}, {"message": None}),
        (
            {"message": {"mid": "m", "reply_to": {"mid": "n"}}},
            {"message": {"mid": "m.line7", "reply_to": {"mid": "n"}}},
        ),
        ({"delivery": {"mids": ["m"], "watermark": 5}}, {"delivery": {"mids": ["m"], "watermark": 5}}),
        ({"read": {"mid": "m"}}, {"read": {"mid": "m"}}),
        ({"reaction": {"mid": "m"}}, {"reaction": {"mid": "m"}}),
        ({"message_edit": {"mid": "m"}}, {"message_edit": {"mid": "m"}}),
    ],
)
def test_messages_get_mids_of_their_line_and_references_keep_theirs(
    field: str, event: dict[str, Any], expected: dict[str, Any]
) -> None:
    before = body(event, event, field=field)
    copy = json.loads(json.dumps(before))
    assert distinct(before, 7) == body(expected, expected, field=field)
    assert before == copy


@pytest.mark.parametrize("odd", [None, 5, "text", [], {"entry": 5}, {"entry": [5, {"messaging": 5}, {"standby": [5]}]}])
def test_odd_bodies_pass_as_they_are(odd: object) -> None:
    assert distinct(odd, 1) == odd


def test_a_line_is_a_body_or_has_one() -> None:
    lines = [json.dumps({"source": "s", "kind": "text", "body": body(said("a"))}), "", json.dumps(body(said("b")))]
    first, second = read("\n".join(lines))
    assert (first.number, first.kind, first.body) == (1, "text", body(said("a", "m_1.line1")))
    assert (second.number, second.kind, second.body) == (3, "message", body(said("b", "m_1.line3")))


def test_a_line_that_is_no_json_is_named() -> None:
    with pytest.raises(Unreadable, match="Line 2"):
        read("{}\nnope\n")


def test_every_body_is_signed_and_posted_as_often_as_asked() -> None:
    posted: list[bytes] = []

    def post(raw: bytes, headers: Mapping[str, str]) -> int:
        assert headers == signature_headers(SECRET, raw)
        posted.append(raw)
        return 200

    recorded = [Recorded(number, "text", body(said(str(number)))) for number in range(5)]
    answers = replay(recorded, post, SECRET, times=3)
    assert [answer.recorded.number for answer in answers] == [0, 1, 2, 3, 4] * 3
    assert Counter(posted) == {as_meta_writes(each.body): 3 for each in recorded}


def test_a_seed_shuffles_each_time_anew_and_always_the_same() -> None:
    recorded = [Recorded(number, "text", {}) for number in range(20)]

    def order(seed: int) -> list[int]:
        return [each.recorded.number for each in replay(recorded, lambda *_: 200, SECRET, times=2, shuffle=seed)]

    assert order(7) == order(7) != order(8)
    assert sorted(order(7)[:20]) == list(range(20))
    assert order(7)[:20] != order(7)[20:]


def test_several_are_in_flight_at_once() -> None:
    together = threading.Barrier(4, timeout=5)

    def post(*_: object) -> int:
        together.wait()
        return 200

    assert len(replay([Recorded(n, "text", {}) for n in range(8)], post, SECRET, in_flight=4)) == 8


@pytest.mark.parametrize(
    ("script", "status", "posts"),
    [
        ([200], 200, 1),
        ([500, 503, 200], 200, 3),
        ([None, 200], 200, 2),
        ([500, 500, 500], 500, 3),
        ([None, None, None], None, 3),
        ([404], 404, 1),
        ([403], 403, 1),
    ],
)
def test_only_a_5xx_or_silence_is_tried_again(script: list[int | None], status: int | None, posts: int) -> None:
    left = list(script)

    def post(*_: object) -> int:
        answer = left.pop(0)
        if answer is None:
            raise OSError
        return answer

    (answer,) = replay([Recorded(1, "text", {})], post, SECRET, pauses=(0, 0))
    assert answer.status == status
    assert len(script) - len(left) == posts


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    replay([Recorded(n, "text", {}) for n in range(3)], lambda *_: 200, SECRET, tell=lambda *at: told.append(at))
    assert told == [(1, 3), (2, 3), (3, 3)]


def rows_of(*recorded: Recorded, state: str = "delivered") -> dict[str, list[dict[str, Any]]]:
    """The histories as they should be."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for each in recorded:
        for event in parse(as_meta_writes(each.body), NOW).events:
            row = {"id": event.row_id, "state": state if event.mailed else None}
            rows.setdefault(event.address.conversation_id, []).append(row)
    return rows


def test_the_reckoning_counts_rows_and_states() -> None:
    recorded = [
        Recorded(1, "text", distinct(body(said("a"), said("b", "m_2")), 1)),
        Recorded(2, "delivery", body({"delivery": {"watermark": 1_700_000_000_000}})),
        Recorded(3, "whatsapp", {"object": "whatsapp"}),
        Recorded(4, "list", []),
    ]
    rows = rows_of(recorded[0])
    rows["messenger:1001:42"][1]["state"] = "held"
    statuses = [200, 200, 404, 400]
    answers = [Answered(each, status) for each, status in zip(recorded, statuses, strict=True)] * 2
    tallies, problems = reckon(answers, rows.get, NOW)
    assert problems == []
    text = tallies["text"]
    assert (text.bodies, text.answers["200"], text.events, text.rows, text.stored) == (1, 2, 2, 2, 2)
    assert (text.for_bot, text.delivered, text.held) == (2, 1, 1)
    assert tallies["delivery"].watermarks == 1
    assert table(tallies).splitlines()[-1].split()[:2] == ["all", "4"]


def test_the_reckoning_names_what_is_wrong() -> None:
    lost, doubled, stuck = (Recorded(n, "text", distinct(body(said("a")), n)) for n in (1, 2, 3))
    rows = rows_of(doubled, doubled)["messenger:1001:42"] + rows_of(stuck, state="received")["messenger:1001:42"]
    answers = [Answered(lost, None), Answered(doubled, 200), Answered(stuck, 404)]
    _, problems = reckon(answers, {"messenger:1001:42": rows}.get, NOW)
    assert [problem.split(":")[0] for problem in problems] == ["line 1", "line 3", "line 1", "line 2", "line 3"]
    assert "stands 0 times" in problems[2]
    assert "stands 2 times" in problems[3]
    assert "received" in problems[4]
    text, is_right = report(answers, {"messenger:1001:42": rows}.get)
    assert not is_right
    assert "Not as it should be" in text


def test_a_handover_before_any_message_is_logged_where_no_history_shows_it() -> None:
    handover = Recorded(1, "handover", body({"request_thread_control": {"requested_owner_app_id": 1}}))
    tallies, problems = reckon([Answered(handover, 200)], lambda _: None, NOW)
    assert (tallies["handover"].unlisted, problems) == (1, [])


class Stack:
    """What `local.replay` asks of a running stack."""

    def __init__(self) -> None:
        self.left = [2, 1, 0]
        self.rows: list[dict[str, str]] = []

    def __call__(self, request: Request) -> Response:
        if request.path == "/api/webhook":
            for event in parse(request.body, NOW).events:
                self.rows.append({"id": event.row_id, "state": "delivered"})
            return Response(200, b"EVENT_RECEIVED")
        if request.path == "/simulator/api/mailbox":
            left = self.left.pop(0) if self.left else 0
            return answer_json({"waiting": left, "in_flight": 0, "dead": 0})
        if request.headers.get("Authorization") != "Bearer token":
            return answer_json({}, 401)
        start = int(request.query.get("cursor", "0"))
        page, more = self.rows[start : start + 2], start + 2 < len(self.rows)
        return answer_json({"messages": page, "cursor": str(start + 2) if more else None})


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "bodies.jsonl"
    path.write_text("\n".join(json.dumps(body(said(str(number)))) for number in range(5)))
    return path


def test_the_whole_program(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Server(Stack()) as server:
        flags = ["--url", server.url, "--app-secret", SECRET, "--api-token", "token"]
        assert main([str(recording), *flags]) == 0
    output = capsys.readouterr().out
    assert "message      5 200 ×5" in output
    assert output.endswith("Every answer and every row is as it should be.\n")


def test_a_stack_that_is_not_there_is_one_line(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--url", "http://127.0.0.1:9", "--app-secret", SECRET, "--api-token", "token"]
    (recording.parent / "empty.jsonl").write_text("")
    assert main([str(recording.parent / "empty.jsonl"), *flags]) == 1
    assert "Does `make run` run there?" in capsys.readouterr().err
    assert main([str(recording.parent / "missing.jsonl"), *flags]) == 1


def test_histories_are_read_to_their_end() -> None:
    stack = Stack()
    stack.rows = [{"id": str(number)} for number in range(5)]
    with Server(stack) as server:
        assert [row["id"] for row in RunningStack(server.url, "token").history("messenger:1:2") or ()] == list("01234")
