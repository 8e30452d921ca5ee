"""One contract, held by the fake and by the real store on both engines; and what DynamoDB's errors mean."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st
from pynamodb.exceptions import (
    CancellationReason,
    GetError,
    PutError,
    PynamoDBException,
    QueryError,
    TableDoesNotExist,
    TransactWriteError,
    UpdateError,
    VerboseClientError,
)

from chalicelib.conversation import (
    STOP,
    SYSTEM,
    Conversation,
    Disconnection,
    Pause,
    Stop,
    paused,
    touched,
    transition_row,
)
from chalicelib.errors import HitlError, LostRace, Unavailable, Unstorable
from chalicelib.handoff import Handoff
from chalicelib.message import Actor, Failure, Message, State
from chalicelib.ports import StorePort
from chalicelib.settings import Settings
from chalicelib.store import CONFLICT_TRIES, Store, create_tables
from tests.fake_store import FakeStore
from tests.samples import ANA, BOT, NOW, close_times, conversations, examples, messages, new_id, pause, said, sent, talk
from tests.stores import opened, own_settings


def kept(store: StorePort, conversation: Conversation) -> Conversation:
    """Put a conversation into the store."""
    store.save(Conversation(id=conversation.id), conversation)
    return conversation


class TestStore:
    def test_a_row_is_logged_once(self, store: StorePort) -> None:
        row = said(new_id())
        assert store.row(row.conversation_id, row.id) is None
        assert store.append(row) is None
        assert store.row(row.conversation_id, row.id) == row
        assert store.append(row._replace(text="another", sent_at=NOW + 9)) == row
        assert store.row(row.conversation_id, row.id) == row

    def test_the_same_id_in_another_conversation_is_another_row(self, store: StorePort) -> None:
        row, other = said(new_id()), said(new_id())
        assert (store.append(row), store.append(other)) == (None, None)

    @examples(50)
    @given(row=messages())
    def test_every_field_of_a_row_is_kept(self, store: StorePort, row: Message) -> None:
        assert store.append(row) is None
        assert store.row(row.conversation_id, row.id) == row

    @examples(50)
    @given(conversation=conversations())
    def test_every_field_of_a_conversation_is_kept(self, store: StorePort, conversation: Conversation) -> None:
        assert store.conversation(conversation.id) is None
        kept(store, conversation)
        assert store.conversation(conversation.id) == conversation

    def test_what_is_too_large_is_refused_and_not_kept(self, store: StorePort) -> None:
        row = said(new_id(), raw="x" * 420_000)
        with pytest.raises(Unstorable):
            store.append(row)
        assert store.row(row.conversation_id, row.id) is None
        old = kept(store, talk(row.conversation_id))
        with pytest.raises(Unstorable):
            store.transition(old, old._replace(version=2), row, None)
        assert store.conversation(old.id) == old

    def test_a_change_writes_the_outcome_and_nothing_else(self, store: StorePort) -> None:
        row = sent(new_id(), text="hello", raw="{}", details={"a": 1})
        store.append(row)
        failure = Failure("transient", "Later.", True)
        outcome: dict[str, Any] = {"state": "failed", "attempt": 2, "attempted_at": NOW + 7, "mid": "1"}
        new = row._replace(**outcome, failure=failure, held_under=3)
        store.change(row, new._replace(text="other", raw="[]", details=None, caused=9, sent_at=1))
        assert store.row(row.conversation_id, row.id) == new
        bare = new._replace(mid=None, failure=None, held_under=None, attempted_at=None, attempt=0)
        store.change(new, bare)
        assert store.row(row.conversation_id, row.id) == bare

    @pytest.mark.parametrize("change", [{"state": "sent"}, {"state": None}, {"attempt": 2}, {"attempt": 0}])
    def test_a_change_of_a_row_that_is_another_by_now_is_lost(self, store: StorePort, change: dict[str, Any]) -> None:
        row = sent(new_id())
        store.append(row)
        with pytest.raises(LostRace):
            store.change(row._replace(**change), row._replace(state="failed"))
        assert store.row(row.conversation_id, row.id) == row

    def test_a_change_never_makes_a_row(self, store: StorePort) -> None:
        row = sent(new_id(), state=None, attempt=0, mid="1")
        with pytest.raises(LostRace):
            store.change(row, row)
        assert store.row(row.conversation_id, row.id) is None
        store.append(row)
        store.alias(row)
        alias = row._replace(id="m:1")
        with pytest.raises(LostRace):
            store.change(alias, alias._replace(state="failed"))
        assert store.row(row.conversation_id, row.id) == row

    def test_an_alias_leads_to_its_row(self, store: StorePort) -> None:
        row = sent(new_id(), mid="1")
        store.append(row)
        store.alias(row)
        store.alias(row)
        assert store.row(row.conversation_id, "m:1") == row
        assert store.append(said(row.conversation_id, id="m:1")) == row
        assert store.history(row.conversation_id, 10).messages == (row,)

    def test_an_alias_takes_the_place_of_an_echo_that_was_sooner(self, store: StorePort) -> None:
        row = sent(new_id(), mid="1")
        store.append(said(row.conversation_id, id="m:1", author="bot"))
        store.append(row)
        store.alias(row)
        assert store.row(row.conversation_id, "m:1") == row
        assert store.history(row.conversation_id, 10).messages == (row,)

    def test_an_alias_to_nothing_is_no_row(self, store: StorePort) -> None:
        row = sent(new_id(), mid="1")
        store.alias(row)
        assert store.row(row.conversation_id, "m:1") is None

    def test_a_touch_makes_the_conversation(self, store: StorePort) -> None:
        row = said(new_id())
        store.touch(row, NOW + 9)
        made = touched(Conversation(id=row.conversation_id), row, NOW + 9)._replace(version=1)
        assert store.conversation(row.conversation_id) == made
        assert (made.last_received_at, made.last_user_message_at, made.last_activity_at) == (NOW + 5, NOW, NOW + 9)

    def test_an_answer_is_never_the_usual_case(self, store: StorePort) -> None:
        id_ = new_id()
        for answer in (sent(id_, state="sent"), said(id_, author="page_inbox")):
            with pytest.raises(LostRace):
                store.touch(answer, NOW)
        assert store.conversation(id_) is None

    @pytest.mark.parametrize(
        "old",
        [
            {},
            {"last_received_at": NOW + 15, "last_user_message_at": NOW + 10},
            {"pause": pause(), "waiting_since": NOW + 15, "epoch": 1, "changed_at": NOW},
            {"pause": pause(30), "waiting_since": NOW + 30, "epoch": 1, "changed_at": NOW + 30},
            {"draining": "0000000001#", "name": "Ana", "seen_at": NOW},
        ],
    )
    def test_a_touch_in_the_usual_case(self, store: StorePort, old: dict[str, Any]) -> None:
        before = touched(talk(new_id()), said("", 5), NOW + 6)
        before = kept(store, before._replace(**old))
        row = said(before.id, 10)
        store.touch(row, NOW + 20)
        assert store.conversation(before.id) == touched(before, row, NOW + 20)._replace(version=2)

    @pytest.mark.parametrize(
        ("old", "row", "now"),
        [
            ({}, {"at": 4}, 20),  # said before the last message
            ({}, {"at": 5}, 20),  # the last message itself
            ({}, {"at": 10}, 6),  # written in the same millisecond
            ({"last_message": None}, {"at": 10}, 20),
            ({"last_received_at": NOW + 16}, {"at": 10}, 20),
            ({"last_user_message_at": NOW + 11}, {"at": 10}, 20),
            ({"pause": pause(), "epoch": 1}, {"at": 10}, 20),  # begins to wait
            ({"pause": pause(), "waiting_since": NOW + 16}, {"at": 10}, 20),  # has waited for longer than was known
        ],
    )
    def test_an_unusual_touch_is_left_to_the_caller(
        self, store: StorePort, old: dict[str, Any], row: dict[str, Any], now: int
    ) -> None:
        before = touched(talk(new_id()), said("", 5), NOW + 6)
        before = kept(store, before._replace(**old))
        with pytest.raises(LostRace):
            store.touch(said(before.id, **row), NOW + now)
        assert store.conversation(before.id) == before

    @pytest.mark.parametrize("epoch", [None, 2])
    def test_a_touch_of_an_active_conversation_at_its_epoch(self, store: StorePort, epoch: int | None) -> None:
        old = kept(store, touched(talk(new_id(), epoch=2), said("", 5), NOW + 6)._replace())
        row = sent(old.id, 9, author="bot")
        store.touch(row, NOW + 20, active=True, epoch=epoch)
        assert store.conversation(old.id) == touched(old, row, NOW + 20)._replace(version=2)

    @pytest.mark.parametrize(
        ("old", "epoch"),
        [({"pause": pause()}, None), ({"pause": pause()}, 2), ({"pause": pause(until=1)}, 2), ({}, 1), ({}, 3)],
    )
    def test_a_touch_of_another_conversation_than_that_is_lost(
        self, store: StorePort, old: dict[str, Any], epoch: int | None
    ) -> None:
        before = kept(store, touched(talk(new_id(), epoch=2, **old), said("", 5), NOW + 6)._replace())
        with pytest.raises(LostRace):
            store.touch(sent(before.id, 9, author="bot"), NOW + 20, active=True, epoch=epoch)
        assert store.conversation(before.id) == before

    def test_a_touch_that_needs_the_conversation_does_not_make_it(self, store: StorePort) -> None:
        row = sent(new_id(), author="bot")
        with pytest.raises(LostRace):
            store.touch(row, NOW + 20, active=True)
        assert store.conversation(row.conversation_id) is None

    def test_a_touch_that_wants_nobody_does_not_wait(self, store: StorePort) -> None:
        before = touched(talk(new_id(), pause=pause(), epoch=1), said("", 5), NOW + 6)
        before = kept(store, before._replace(waiting_since=None))
        row = said(before.id, 10, kind="reaction", received_at=NOW)
        store.touch(row, NOW + 20)
        assert store.conversation(before.id) == touched(before, row, NOW + 20)._replace(version=2)

    @examples(50)
    @given(old=conversations(close_times), row=messages(close_times), now=close_times)
    def test_a_touch_does_as_touched_says_or_nothing(
        self, store: StorePort, old: Conversation, row: Message, now: int
    ) -> None:
        kept(store, old)
        row = row._replace(conversation_id=old.id, author="user")
        try:
            store.touch(row, now)
        except LostRace:
            assert store.conversation(old.id) == old
        else:
            assert store.conversation(old.id) == touched(old, row, now)._replace(version=old.version + 1)

    def test_a_save_is_conditioned_on_the_version(self, store: StorePort) -> None:
        old = kept(store, talk(new_id()))
        store.save(old, old._replace(version=2, name="first"))
        for stale in (old, Conversation(id=old.id), old._replace(version=3)):
            with pytest.raises(LostRace):
                store.save(stale, old._replace(version=stale.version + 1, name="second"))
        found = store.conversation(old.id)
        assert found is not None
        assert (found.name, found.version) == ("first", 2)

    def test_a_save_of_what_is_gone_is_lost(self, store: StorePort) -> None:
        gone = talk(new_id())
        with pytest.raises(LostRace):
            store.save(gone, gone._replace(version=2))
        assert store.conversation(gone.id) is None

    def test_a_save_removes_what_is_none_now(self, store: StorePort) -> None:
        old = kept(store, talk(new_id(), pause=pause(until=9), waiting_since=NOW, name="x", draining="1", read_at=NOW))
        new = Conversation(id=old.id, version=2, last_activity_at=NOW)
        store.save(old, new)
        assert store.conversation(old.id) == new

    def test_a_transition_writes_all_three(self, store: StorePort) -> None:
        old, cause = kept(store, talk(new_id())), said("", raw="{}")
        cause = cause._replace(conversation_id=old.id)
        store.append(cause)
        new, row, after = transition(old, cause)
        store.transition(old, new, row, (cause, after._replace(text="not written")))
        assert store.conversation(old.id) == new
        assert store.row(old.id, row.id) == row
        assert store.row(old.id, cause.id) == after

    @pytest.mark.parametrize("fault", ["version", "row", "state", "caused", "cause gone", "finished cause gone"])
    def test_a_transition_is_all_or_nothing(self, store: StorePort, fault: str) -> None:
        id_ = new_id()
        old, cause = kept(store, talk(id_)), said(id_, state=None if fault.startswith("finished") else "received")
        new, row, after = transition(old, cause)
        if not fault.endswith("gone"):
            state: State = "delivered" if fault == "state" else "received"
            store.append(cause._replace(state=state, caused=7 if fault == "caused" else None))
        if fault == "version":
            old = old._replace(version=2)
            store.save(talk(id_), old)
        if fault == "row":
            store.append(row._replace(text="sooner"))
        rows = store.history(id_, 10).messages
        with pytest.raises(LostRace):
            store.transition(talk(id_), new, row, (cause, after))
        assert store.conversation(id_) == old
        assert store.history(id_, 10).messages == rows
        assert (store.row(id_, cause.id) is None) == fault.endswith("gone")

    def test_a_transition_may_do_without_row_and_cause(self, store: StorePort) -> None:
        old = kept(store, talk(new_id()))
        new = old._replace(version=2, name="Ana")
        store.transition(old, new, None, None)
        assert store.conversation(old.id) == new
        with pytest.raises(LostRace):
            store.transition(old, new._replace(name="Ben"), None, None)
        assert store.conversation(old.id) == new

    def test_a_cause_that_nothing_happens_to_any_more_can_cause(self, store: StorePort) -> None:
        old, cause = kept(store, talk(new_id())), said("", state=None)
        cause = cause._replace(conversation_id=old.id)
        store.append(cause)
        new, row, _ = transition(old, cause)
        store.transition(old, new, row, (cause, cause._replace(caused=1)))
        assert store.row(old.id, cause.id) == cause._replace(caused=1)

    @pytest.mark.parametrize("name", ["delivered_at", "read_at", "seen_at"])
    def test_a_watermark_never_goes_back_and_makes_nothing(self, store: StorePort, name: str) -> None:
        def move(at: int) -> None:
            if name == "seen_at":
                store.seen(old.id, at)
            else:
                store.watermark(old.id, **{name: at})

        old = talk(new_id())
        move(NOW)
        assert store.conversation(old.id) is None
        kept(store, old)
        for at, moved, version in ((NOW, NOW, 2), (NOW - 1, NOW, 2), (NOW, NOW, 2), (NOW + 1, NOW + 1, 3)):
            move(at)
            changes: dict[str, Any] = {name: moved, "version": version}
            assert store.conversation(old.id) == old._replace(**changes)

    def test_both_watermarks_may_move_at_once(self, store: StorePort) -> None:
        old = kept(store, talk(new_id()))
        store.watermark(old.id, delivered_at=NOW + 2, read_at=NOW + 1)
        assert store.conversation(old.id) == old._replace(version=3, delivered_at=NOW + 2, read_at=NOW + 1)

    def test_the_stop_is_conditioned_on_its_version(self, store: StorePort) -> None:
        unset = store.stop()
        stop = Stop(True, "fire", ANA, NOW, unset.version + 1)
        store.set_stop(unset, stop)
        assert store.stop() == stop
        with pytest.raises(LostRace):
            store.set_stop(unset, Stop(version=unset.version + 1))
        lifted = Stop(False, None, ANA, None, stop.version + 1)
        store.set_stop(stop, lifted)
        assert store.stop() == lifted
        with pytest.raises(LostRace):
            store.set_stop(stop, stop)

    def test_a_conversation_comes_with_the_stop(self, store: StorePort) -> None:
        old = kept(store, talk(new_id()))
        stop = store.stop()
        assert store.conversation_and_stop(old.id) == (old, stop)
        store.set_stop(stop, Stop(True, None, ANA, NOW, stop.version + 1))
        assert store.conversation_and_stop(old.id) == (old, Stop(True, None, ANA, NOW, stop.version + 1))
        assert store.conversation_and_stop(new_id())[0] is None

    def test_the_uncalled_are_those_that_the_bot_or_its_failure_has_paused(self, store: StorePort) -> None:
        def paused_by(by: Actor, **changes: Any) -> str:
            why = Pause(NOW, None, by, "why")
            changes = {"epoch": 3, "pause": why, "waiting_since": NOW, **changes}
            return kept(store, talk(new_id(), **changes)).id

        uncalled = {paused_by(BOT), paused_by(SYSTEM), paused_by(BOT, called_epoch=1, waiting_since=None)}
        others = {paused_by(BOT, called_epoch=3), paused_by(ANA), paused_by(STOP), paused_by(BOT, pause=None)}
        found = {each.id for each in store.uncalled(1000)}
        assert found & (uncalled | others) == uncalled
        assert len(store.uncalled(2)) == 2

    def test_a_page_is_disconnected_from_the_first_error_until_a_later_call_works(self, store: StorePort) -> None:
        page, other = new_id().rpartition(":")[0], new_id().rpartition(":")[0]
        assert store.disconnections([page, other]) == {}
        store.reconnect(page, NOW)
        store.disconnect(page, Disconnection(NOW, "first"))
        store.disconnect(page, Disconnection(NOW + 5, "second"))
        assert store.disconnections([page, other]) == {page: Disconnection(NOW, "second")}
        store.reconnect(page, NOW)
        assert store.disconnections([page]) != {}
        store.reconnect(page, NOW + 1)
        assert store.disconnections([page]) == {}
        store.disconnect(page, Disconnection(NOW + 9, "again"))
        assert store.disconnections([page]) == {page: Disconnection(NOW + 9, "again")}
        assert all(each.id.count(":") == 2 for each in store.list("all", NOW, 1000).conversations)

    def test_the_stop_is_in_no_list_and_no_conversation(self, store: StorePort) -> None:
        stop = store.stop()
        store.set_stop(stop, Stop(True, None, ANA, NOW, stop.version + 1))
        assert all(":" in each.id for each in store.list("all", NOW, 1000).conversations)


Act = Callable[[StorePort], object]
ROW_IDS = st.sampled_from(["m:1", "m:2", "s:1", "t:1"])
FEW = st.none() | st.integers(1, 2)
STATES: st.SearchStrategy[State | None] = st.sampled_from(["received", "queued", "sent", None])


def a_row(data: st.DataObject, store: StorePort, id_: str) -> Message:
    """A row of the log as it is, or with another state, or one that is not there."""
    row = store.row(id_, data.draw(ROW_IDS)) or said(
        id_,
        data.draw(st.integers(0, 3)),
        id=data.draw(ROW_IDS),
        author=data.draw(st.sampled_from(["user", "user", "operator", "page_inbox"])),
        kind=data.draw(st.sampled_from(["text", "reaction"])),
        mid=data.draw(st.sampled_from("12")),
    )
    if data.draw(st.booleans()):
        row = row._replace(state=data.draw(STATES), held_under=data.draw(FEW), caused=data.draw(FEW))
    return row


def a_conversation(data: st.DataObject, store: StorePort, id_: str) -> tuple[Conversation, Conversation]:
    """A conversation as it is, mostly, and as it becomes."""
    old = store.conversation(id_) or Conversation(id=id_)
    if data.draw(st.integers(0, 5)) == 0:
        old = old._replace(version=old.version + 1)
    at = st.integers(NOW, NOW + 6)
    new = touched(old, said(id_, data.draw(st.integers(0, 3))), data.draw(at))._replace(
        version=old.version + 1,
        pause=data.draw(st.none() | st.builds(pause)),
        waiting_since=data.draw(st.none() | at),
        last_received_at=data.draw(st.none() | at),
        last_user_message_at=data.draw(st.none() | at),
    )
    return old, new


def appended(data: st.DataObject, store: StorePort, id_: str) -> Act:
    row = a_row(data, store, id_)
    return lambda store: store.append(row)


def changed(data: st.DataObject, store: StorePort, id_: str) -> Act:
    old, new = a_row(data, store, id_), a_row(data, store, id_)
    new = new._replace(id=old.id, sent_at=old.sent_at)
    return lambda store: store.change(old, new)


def aliased(data: st.DataObject, store: StorePort, id_: str) -> Act:
    row = a_row(data, store, id_)._replace(id="s:1")
    return lambda store: store.alias(row)


def touching(data: st.DataObject, store: StorePort, id_: str) -> Act:
    row, now = a_row(data, store, id_), data.draw(close_times)
    return lambda store: store.touch(row, now)


def saved(data: st.DataObject, store: StorePort, id_: str) -> Act:
    old, new = a_conversation(data, store, id_)
    return lambda store: store.save(old, new)


def moved(data: st.DataObject, store: StorePort, id_: str) -> Act:
    old, new = a_conversation(data, store, id_)
    row = a_row(data, store, id_)._replace(id="t:1") if data.draw(st.booleans()) else None
    before = a_row(data, store, id_)
    cause = (before, before._replace(state="held", caused=1, held_under=1)) if before.id != "t:1" else None
    return lambda store: store.transition(old, new, row, cause)


def marked(data: st.DataObject, store: StorePort, id_: str) -> Act:
    at = data.draw(close_times)
    marks: list[Act] = [
        lambda store: store.seen(id_, at),
        lambda store: store.watermark(id_, read_at=at),
        lambda store: store.watermark(id_, delivered_at=at),
    ]
    return data.draw(st.sampled_from(marks))


ACTS = [appended, changed, aliased, touching, saved, moved, marked]


@examples(15)
@given(data=st.data())
def test_whatever_is_done_the_fake_does_the_same(store: StorePort, data: st.DataObject) -> None:
    fake, id_ = FakeStore(), new_id()
    for _ in range(data.draw(st.integers(1, 10))):
        act = data.draw(st.sampled_from(ACTS))(data, fake, id_)
        assert outcome(act, store) == outcome(act, fake)
    assert store.conversation(id_) == fake.conversation(id_)
    assert store.history(id_, 50).messages == fake.history(id_, 50).messages
    assert store.held_count(id_, 1) == fake.held_count(id_, 1)


def outcome(act: Act, store: StorePort) -> object:
    """What came of it: a value, or the kind of error."""
    try:
        return act(store)
    except HitlError as error:
        return type(error)


def transition(old: Conversation, cause: Message) -> tuple[Conversation, Message, Message]:
    """The first pause of a conversation, its row, and its cause thereafter."""
    new = paused(old, pause(20))._replace(version=old.version + 1)
    return new, transition_row(new, ANA, "why", NOW + 20), cause._replace(state="delivered", caused=new.epoch)


def together(count: int, act: Callable[[int], object]) -> list[object]:
    """Do it in so many threads at once."""
    barrier = threading.Barrier(count)

    def start(number: int) -> object:
        barrier.wait()
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(start, range(count)))


@pytest.fixture(scope="module")
def local(dynamodb_local_url: str) -> Store:
    return opened(dynamodb_local_url)


class TestRaces:
    def test_many_first_messages_make_one_conversation(self, local: Store) -> None:
        id_ = new_id()
        handoff = Handoff(local, lambda: NOW + 100, "HITL_STOP")
        rows = [said(id_, at) for at in range(20)]
        together(20, lambda number: handoff.touch(rows[number]))
        found = local.conversation(id_)
        assert found is not None
        assert found == touched(Conversation(id=id_, version=found.version), rows[-1], NOW + 100)

    def test_tables_that_somebody_else_makes_at_once_are_there(
        self, dynamodb_local_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings = own_settings()
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_local_url)
        together(8, lambda number: create_tables(settings))
        assert opened(dynamodb_local_url, settings).conversation(new_id()) is None

    def test_many_pauses_make_one_transition(self, local: Store) -> None:
        id_ = new_id()
        handoff = Handoff(local, lambda: NOW + 100, "HITL_STOP")
        handoff.touch(said(id_))
        together(10, lambda number: handoff.pause(id_, ANA, "why"))
        found = local.conversation(id_)
        assert found is not None
        assert (found.epoch, found.pause) == (1, pause(100))
        assert [row.id for row in local.history(id_, 10).messages] == ["t:1"]


def refused(code: str, kind: type[PynamoDBException] = UpdateError) -> PynamoDBException:
    """What PynamoDB raises where DynamoDB refuses with this code."""
    return kind("refused", VerboseClientError({"Error": {"Code": code, "Message": ""}}, "Operation"))


def cancelled(*codes: str | None) -> PynamoDBException:
    """What PynamoDB raises where a transaction was cancelled, with a reason for each of its items."""
    reasons = [None if code is None else CancellationReason(code) for code in codes]
    response: Any = {"Error": {"Code": "TransactionCanceledException", "Message": ""}}
    return TransactWriteError("cancelled", VerboseClientError(response, "Operation", cancellation_reasons=reasons))


BUSY = [
    refused("TransactionConflictException"),
    refused("TransactionInProgressException", TransactWriteError),
    refused("ThrottlingException", GetError),
    refused("ProvisionedThroughputExceededException", QueryError),
    cancelled("TransactionConflict"),
    cancelled(None, "ConditionalCheckFailed", "TransactionConflict"),
    cancelled("ThrottlingError", None),
    cancelled("ConditionalCheckFailed", "ProvisionedThroughputExceeded"),
]
FINAL: list[tuple[PynamoDBException, type[HitlError]]] = [
    (refused("ConditionalCheckFailedException"), LostRace),
    (cancelled(None, "ConditionalCheckFailed"), LostRace),
    (cancelled("ValidationError"), Unstorable),
    (cancelled("ItemCollectionSizeLimitExceeded", None), Unstorable),
    (refused("ValidationException", PutError), Unstorable),
    (refused("ValidationException", TransactWriteError), Unstorable),
    (refused("SerializationException", PutError), Unstorable),
    (refused("ItemCollectionSizeLimitExceededException", PutError), Unstorable),
    (refused("InternalServerError"), Unavailable),
    (refused("AccessDeniedException", TransactWriteError), Unavailable),
    (GetError("unreached", EndpointConnectionError(endpoint_url="http://nobody")), Unavailable),
    (TransactWriteError("unreached", EndpointConnectionError(endpoint_url="http://nobody")), Unavailable),
    (TableDoesNotExist("conversations"), Unavailable),
]


class Calls:
    """An operation that raises each of these errors in turn and then succeeds, in a store whose waits are counted."""

    waits: ClassVar[list[float]] = []
    store = Store(Settings({}), sleep=waits.append)

    def __init__(self, *errors: PynamoDBException) -> None:
        self.errors = list(errors)
        self.waits.clear()

    def operation(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    def run(self) -> str:
        return self.store._call(self.operation)


class TestErrors:
    @pytest.mark.parametrize("error", BUSY, ids=repr)
    def test_what_is_busy_is_tried_again(self, error: PynamoDBException) -> None:
        calls = Calls(error, error)
        assert calls.run() == "done"
        assert len(calls.waits) == 2

    @pytest.mark.parametrize("error", BUSY, ids=repr)
    def test_what_stays_busy_is_unavailable_and_never_a_lost_race(self, error: PynamoDBException) -> None:
        calls = Calls(*[error] * CONFLICT_TRIES)
        with pytest.raises(Unavailable):
            calls.run()
        assert calls.errors == []
        assert sum(calls.waits) < 5

    @pytest.mark.parametrize(("error", "meaning"), FINAL, ids=repr)
    def test_everything_else_has_one_meaning(self, error: PynamoDBException, meaning: type[HitlError]) -> None:
        calls = Calls(error)
        with pytest.raises(meaning):
            calls.run()
        assert calls.waits == []

    def test_a_conflict_is_decided_by_the_try_after_it(self) -> None:
        with pytest.raises(LostRace):
            Calls(cancelled("TransactionConflict", "ConditionalCheckFailed"), cancelled("ConditionalCheckFailed")).run()
