"""What AWS asks for: the tables in the documents are those of what was measured, of the price list and of the code."""

from __future__ import annotations

import json
import re
from datetime import datetime

import pytest

from bench import bills, cost
from bench.bills import Bill
from bench.use import Use
from tests.engines import ROOT

PERFORMANCE = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
OPERATING = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
PRICES = json.loads((ROOT / "bench" / "prices.json").read_text(encoding="utf-8"))["prices"]
USES = cost.recorded(PERFORMANCE)
USE = Use(5, 0.5, 1, 6.6, 3, 0, 20, 874)


def test_every_act_is_recorded() -> None:
    assert USES.keys() == bills.ACTS.keys()


def test_what_is_recorded_can_be_read_back() -> None:
    assert Use.of(f" {USE} ") == USE
    assert str(USE).startswith("5 write and 0.5 read units, 1 letter, 6.6 ms, 3 waits, ")


def test_the_bills_are_those_of_what_is_recorded() -> None:
    """After a change of prices, alarms, memory or the pace of polling: `make bench ARGS=cost`."""
    assert cost.written(OPERATING, USES) == OPERATING
    for figure in cost.figures(USES):
        assert f"| {figure.name} | {figure.value:.2f} $ |" in PERFORMANCE


def test_a_delivery_was_measured_with_all_that_it_logs() -> None:
    """It counts and times more than the receipt of a message, and that is most of what either logs."""
    assert USES[bills.DELIVERY].logged > USES[bills.MESSAGE].logged


def test_the_goals_are_met() -> None:
    assert {column.name: column.verdict for column in bills.columns(USES) if not column.verdict.startswith("met")} == {}


def test_the_dashboard_page_tells_of_the_same_polling() -> None:
    page = (ROOT / "docs" / "dashboard.md").read_text(encoding="utf-8")
    assert re.findall(r"\| ([\d,]+) \|$", page, re.MULTILINE) == [f"{count:,.0f}" for count in bills.asked_by_itself()]


@pytest.mark.parametrize("name", PRICES)
def test_each_price_says_of_when_and_from_where_it_is(name: str) -> None:
    price = PRICES[name]
    assert datetime.strptime(price["date"], "%Y-%m").year >= 2025  # noqa: DTZ007 a month has no zone
    assert price["source"].startswith("https://aws.amazon.com/")
    assert price["dollars"] > 0
    assert price["per"] >= 1
    assert price["free"] >= 0


def test_what_is_free_is_taken_off_once_and_never_paid_out() -> None:
    price = PRICES["sqs"]
    over = price["free"] + 2_000_000
    assert Bill({"sqs": over}).dollars() == pytest.approx(1.5)
    assert Bill({"sqs": over}).dollars(free=True) == pytest.approx(1.0)
    assert Bill({"sqs": 1}).dollars(free=True) == 0


def test_an_act_is_billed_for_what_it_uses() -> None:
    bill = bills.once(bills.MESSAGE, USE).amounts
    assert (bill["dynamodb_writes"], bill["dynamodb_reads"], bill["sqs"]) == (5, 0.5, 3)
    assert (bill["http_api"], bill["lambda_requests"], "rest_api" in bill) == (1, 1, False)
    memory = 512 / 1024
    seconds = (6.6 * 1769 / 512 + 3 * bills.WAIT_MS + bills.COLD * bills.COLD_MS) / 1000
    assert bill["lambda_gb_s"] == pytest.approx(memory * seconds)
    assert bills.once(bills.POLL, USE).amounts["rest_api"] == 1


def test_bills_add_up() -> None:
    assert (Bill({"sqs": 1, "kms": 2}) * 3 + Bill({"sqs": 1})).amounts == {"sqs": 4, "kms": 6}
