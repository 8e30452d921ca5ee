"""Lists, searches, counts and history: one contract, held by the fake and by the real store on both engines.

Lists are of all conversations, so this module has stores of its own, and a test looks for its own conversations.
"""

from __future__ import annotations

import base64
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice
from random import Random
from typing import Any, Protocol, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.conversation import STOP, Conversation
from chalicelib.errors import BadRequest
from chalicelib.lists import MAX_SCANNED, MAX_WAITING, Listing, Status
from chalicelib.message import held_key
from chalicelib.ports import StorePort
from chalicelib.store import Store
from chalicelib.tables import SHARDS, conversation_attributes, shard_of
from tests.dynamo import FakeDynamo
from tests.fake_store import FakeStore
from tests.samples import NOW, examples, new_id, pause, said, sent, talk
from tests.stores import NewStore, opened, own_settings
from tests.wire import WiredStore

LATER = NOW + 1_000_000


@pytest.fixture(scope="module")
def store(new_store: NewStore) -> StorePort:
    return new_store()


def kept(store: StorePort, *conversations: Conversation) -> list[str]:
    """Put conversations into the store; their ids."""
    for each in conversations:
        store.save(Conversation(id=each.id), each)
    return [each.id for each in conversations]


def pages(store: StorePort, status: Status, limit: int = 7, now: int = LATER, query: str = "") -> Iterable[Listing]:
    """All pages of a list."""
    cursor: str | None = None
    for _ in range(1000):
        page = store.list(status, now, limit, cursor, query)
        assert len(page.conversations) <= limit
        yield page
        cursor = page.cursor
        if cursor is None:
            return
    pytest.fail("The list has no end.")


def listed(store: StorePort, status: Status, ids: Iterable[str], limit: int = 7, now: int = LATER) -> list[str]:
    """Which of these conversations are in a list, in its order."""
    found = [each.id for page in pages(store, status, limit, now) for each in page.conversations]
    assert max(Counter(found).values(), default=1) == 1
    return [id_ for id_ in found if id_ in set(ids)]


class TestLists:
    def test_all_and_active_are_newest_first(self, store: StorePort) -> None:
        ids = kept(store, *(talk(new_id(), last_activity_at=NOW + at) for at in (3, 1, 2, 2, 4)))
        order = [ids[4], ids[0], *sorted(ids[2:4], reverse=True), ids[1]]
        assert listed(store, "all", ids) == order
        assert listed(store, "all", ids, limit=1) == order
        assert listed(store, "active", ids) == order
        assert listed(store, "paused", ids) == listed(store, "waiting", ids) == []

    def test_the_paused_are_who_waits_and_then_who_was_answered_oldest_first(self, store: StorePort) -> None:
        answered = kept(store, *(talk(new_id(), pause=pause(at)) for at in (2, 1)))
        waiting = kept(store, *(talk(new_id(), pause=pause(0), waiting_since=NOW + at) for at in (6, 4, 5)))
        active, ids = kept(store, talk(new_id())), answered + waiting
        wait = [waiting[1], waiting[2], waiting[0]]
        for limit in (1, 2, 3, 7):
            assert listed(store, "waiting", [*ids, *active], limit) == wait
            assert listed(store, "paused", [*ids, *active], limit) == [*wait, answered[1], answered[0]]
        assert listed(store, "active", [*ids, *active]) == active
        assert sorted(listed(store, "all", [*ids, *active])) == sorted([*ids, *active])

    def test_a_pause_that_has_ended_is_shown_as_active(self, store: StorePort) -> None:
        ids = kept(
            store,
            talk(new_id(), pause=pause(0, until=10), waiting_since=NOW),
            talk(new_id(), pause=pause(0, until=10)),
        )
        before = store.waiting_count(NOW + 9)
        for now, is_paused in ((NOW + 9, True), (NOW + 10, False)):
            assert listed(store, "waiting", ids, now=now) == ids[:1] * is_paused
            assert listed(store, "paused", ids, now=now) == ids * is_paused
            assert len(listed(store, "active", ids, now=now)) == 2 * (not is_paused)
            assert len(listed(store, "all", ids, now=now)) == 2
        assert store.waiting_count(NOW + 10) == before - 1

    def test_what_is_drained_is_active(self, store: StorePort) -> None:
        ids = kept(store, talk(new_id(), draining="0000000001#"))
        assert listed(store, "active", ids) == ids
        assert listed(store, "paused", ids) == []

    def test_conversations_are_listed_as_they_are(self, store: StorePort) -> None:
        full = talk(new_id(), pause=pause(), waiting_since=NOW, name="Ana", seen_at=NOW)
        kept(store, full)
        for status in ("all", "paused", "waiting"):
            assert full in [each for page in pages(store, status) for each in page.conversations]

    def test_a_touch_and_a_save_move_a_conversation(self, store: StorePort) -> None:
        first, second = kept(store, talk(new_id(), last_activity_at=NOW + 1), talk(new_id(), last_activity_at=NOW + 2))
        row = said(new_id(), 8)
        store.touch(row, NOW + 8)
        ids = [first, second, row.conversation_id]
        assert listed(store, "all", ids) == [row.conversation_id, second, first]
        store.touch(said(row.conversation_id, 9), NOW + 9)
        old = talk(first, last_activity_at=NOW + 1)
        store.save(old, old._replace(version=2, last_activity_at=NOW + 10))
        assert listed(store, "all", ids) == [first, row.conversation_id, second]

    def test_a_search_finds_names_and_user_ids(self, store: StorePort) -> None:
        page = new_id().split(":")[1]
        named, numbered, other = (f"messenger:{page}:{user}" for user in ("1001", "XyzzY-7", "1002"))
        kept(store, talk(named, name="Zoë xyZZy-7 Ångström"), talk(numbered, pause=pause()), talk(other, name="Bo"))

        def found(query: str, status: Status = "all") -> set[str]:
            return {each.id for listing in pages(store, status, query=query) for each in listing.conversations}

        assert found("xyzzy-7") == {named, numbered}
        assert found("xyzzy-7", "active") == {named}
        assert found("xyzzy-7", "paused") == {numbered}
        assert found("xyzzy-7", "waiting") == found("xyzzy-8") == found(page) == set()
        assert found("XYZZY-7 ÅNGSTRÖM") == {named}

    def test_a_search_says_how_far_it_has_got(self, store: StorePort) -> None:
        page = new_id().split(":")[1]
        ids = [f"messenger:{page}:plugh{number}" for number in range(3)]
        kept(store, *(talk(id_, last_activity_at=NOW - number) for number, id_ in enumerate(ids)))
        found = list(pages(store, "all", 2, query="plugh"))
        assert [each.id for listing in found for each in listing.conversations] == ids
        assert found[0].searched_to == NOW - 1
        assert (found[-1].cursor, found[-1].searched_to) == (None, 0)
        assert store.list("all", LATER, 1).searched_to is None

    def test_changes_since_a_mark(self, store: StorePort) -> None:
        far = LATER
        ids = kept(store, *(talk(new_id(), last_activity_at=far + at) for at in range(-2, 4)))
        newest_first = ids[::-1]
        assert [each.id for each in store.changed_since(far, 10).conversations] == newest_first[:4]
        assert store.changed_since(far, 4).cursor is None
        assert store.changed_since(far + 4, 4) == Listing((), None)
        first = store.changed_since(far - 1, 2)
        second = store.changed_since(far - 1, 2, first.cursor)
        third = store.changed_since(far - 1, 2, second.cursor)
        walked = [*first.conversations, *second.conversations, *third.conversations]
        assert ([each.id for each in walked], third.cursor) == (newest_first[:5], None)
        with pytest.raises(BadRequest):
            store.changed_since(far, 2, first.cursor)

    def test_waiting_is_counted(self, store: StorePort) -> None:
        before = store.waiting_count(LATER)
        kept(store, *(talk(new_id(), pause=pause(), waiting_since=NOW) for _ in range(6)))
        kept(store, talk(new_id(), pause=pause()), talk(new_id()))
        assert store.waiting_count(LATER) == before + 6


class TestHistory:
    def test_history_is_newest_first_and_equal_times_are_no_trouble(self, store: StorePort) -> None:
        id_ = new_id()
        rows = [said(id_, at, id=f"m:{name}") for at, name in ((1, "z"), (2, "b"), (2, "a"), (2, "c"), (3, "a2"))]
        for row in rows:
            store.append(row)
        store.append(said(new_id(), 2))
        store.alias(sent(id_, mid="1"))
        order = ["m:a2", "m:c", "m:b", "m:a", "m:z"]
        for limit in (1, 2, 3, 5, 9):
            walked: list[str] = []
            cursor: str | None = None
            for _ in order:
                page = store.history(id_, limit, cursor)
                assert len(page.messages) <= limit
                walked += [row.id for row in page.messages]
                cursor = page.cursor
                if cursor is None:
                    break
            assert (walked, cursor) == (order, None)
        assert store.history(new_id(), 5).messages == ()

    def test_history_goes_on_below_what_comes_meanwhile(self, store: StorePort) -> None:
        id_ = new_id()
        for at in (1, 2, 3):
            store.append(said(id_, at))
        first = store.history(id_, 2)
        store.append(said(id_, 4))
        assert [row.id for row in store.history(id_, 2, first.cursor).messages] == ["m:1"]

    def test_what_is_held_is_counted_by_epoch(self, store: StorePort) -> None:
        id_ = new_id()
        for at, epoch in enumerate((1, 1, 11, 2, None)):
            row = said(id_, at)
            store.append(row)
            store.change(row, row._replace(state="held" if epoch else "delivered", held_under=epoch))
        store.append(said(new_id(), 1, held_under=1))
        assert [store.held_count(id_, epoch) for epoch in (0, 1, 2, 11)] == [0, 2, 1, 1]

    @pytest.mark.parametrize("limit", [1, 3, 100])
    def test_what_is_held_comes_by_epoch_and_time_from_a_key_on(self, store: StorePort, limit: int) -> None:
        id_ = new_id()
        for at, epoch in ((4, 1), (2, 11), (1, 2), (3, 1), (5, None)):
            row = said(id_, at)
            store.append(row)
            store.change(row, row._replace(state="held" if epoch else "delivered", held_under=epoch))
        order = ["m:3", "m:4", "m:1", "m:2"]
        found = store.held(id_, held_key(0), 100)
        assert [row.id for row in found] == order
        assert found[0] == store.row(id_, "m:3")
        for place, row in enumerate(found):
            start = held_key(row.held_under or 0, row.order)
            assert [each.id for each in store.held(id_, start, limit)] == order[place:][:limit]
            assert [each.id for each in store.held(id_, start + "!", limit)] == order[place + 1 :][:limit]
        assert store.held(id_, held_key(2), 1) == (found[2],)
        store.change(found[0], found[0]._replace(state="delivered", held_under=None))
        assert [row.id for row in store.held(id_, held_key(0), 100)] == order[1:]

    def test_what_is_due_is_found_wherever_it_is(self, store: StorePort) -> None:
        told = {"epoch": 1, "told_epoch": 1}
        stopped = pause()._replace(by=STOP)
        ended, untold, lifted, draining, *_ = ids = kept(
            store,
            talk(new_id(), pause=pause(until=5), waiting_since=NOW, **told),
            talk(new_id(), pause=pause(until=50), epoch=3, told_epoch=1),
            talk(new_id(), pause=stopped, waiting_since=NOW, **told),
            talk(new_id(), draining=held_key(1), epoch=2, told_epoch=2),
            talk(new_id(), pause=pause(until=50), waiting_since=NOW, **told),
            talk(new_id(), pause=pause(), draining=held_key(1), **told),
            talk(new_id(), epoch=2),
            talk(new_id()),
        )

        def due(*, lifted: bool, now: int = NOW + 5) -> set[str]:
            return {each.id for each in store.due(now, lifted=lifted, limit=1000)} & set(ids)

        assert due(lifted=False) == {ended, untold, draining}
        assert due(lifted=True) == {ended, untold, draining, lifted}
        assert due(lifted=False, now=NOW + 4) == {untold, draining}
        assert len(store.due(NOW + 5, lifted=True, limit=2)) == 2


class Cursored(Protocol):
    """A page of conversations or of messages."""

    @property
    def cursor(self) -> str | None: ...


def forged(place: object, scope: str = "all?") -> str:
    """A cursor as the real store writes them."""
    return base64.urlsafe_b64encode(json.dumps([scope, place]).encode()).decode()


def everything_paged(store: StorePort) -> dict[str, Callable[[str | None], Cursored]]:
    """Each kind of list, with more than the one that is on its first page."""
    for _ in range(2):
        kept(store, talk(new_id()), talk(new_id(), pause=pause(), waiting_since=NOW))
    id_, other = new_id(), new_id()
    for at in range(2):
        store.append(said(id_, at))
        store.append(said(other, at))
    return {
        "all": lambda cursor: store.list("all", LATER, 1, cursor),
        "active": lambda cursor: store.list("active", LATER, 1, cursor),
        "paused": lambda cursor: store.list("paused", LATER, 1, cursor),
        "waiting": lambda cursor: store.list("waiting", LATER, 1, cursor),
        "search": lambda cursor: store.list("all", LATER, 1, cursor, "200"),
        "other search": lambda cursor: store.list("all", LATER, 1, cursor, "20"),
        "changes": lambda cursor: store.changed_since(0, 1, cursor),
        "other changes": lambda cursor: store.changed_since(1, 1, cursor),
        "history": lambda cursor: store.history(id_, 1, cursor),
        "other history": lambda cursor: store.history(other, 1, cursor),
    }


class TestCursors:
    def test_a_cursor_is_good_for_its_own_list_only(self, store: StorePort) -> None:
        lists = everything_paged(store)
        for name, own in lists.items():
            cursor = own(None).cursor
            assert cursor is not None, name
            own(cursor)
            for other in lists.keys() - {name}:
                with pytest.raises(BadRequest, match="cursor"):
                    lists[other](cursor)

    @pytest.mark.parametrize(
        "garbage",
        [
            *("x", "é", "====", "AAAA", "\ud800", "a" * 5000, "WzFd", "bnVsbA", base64.b64encode(b"[" * 6000).decode()),
            *(forged(""), forged(5), forged(None), forged("\n"), forged("\ud800"), forged("5" * 1001)),
        ],
    )
    def test_garbage_is_a_bad_request(self, store: StorePort, garbage: str) -> None:
        for page in everything_paged(store).values():
            with pytest.raises(BadRequest, match="cursor"):
                page(garbage)

    @pytest.mark.parametrize("place", ["!", "~~", "waiting#", "answered#~~", "waiting#~~", "draining#"])
    def test_a_forged_place_is_refused_or_leads_somewhere(self, store: StorePort, place: str) -> None:
        for status in get_args(Status):
            with suppress(BadRequest):
                store.list(status, NOW, 5, forged(place, f"{status}?"))


@pytest.fixture(scope="module")
def pool(new_store: NewStore) -> StorePort:
    """A store of few conversations, which are all known."""
    return new_store()


POOL = [new_id() for _ in range(7)]
MOVES = st.lists(st.tuples(st.sampled_from(POOL), st.integers(0, 5), st.sampled_from(["active", "wait", "answer"])))


def move(store: StorePort, id_: str, at: int, kind: str) -> None:
    """Put a conversation somewhere else."""
    old = store.conversation(id_) or Conversation(id=id_)
    store.save(
        old,
        talk(
            id_,
            version=old.version + 1,
            last_activity_at=NOW + at,
            pause=None if kind == "active" else pause(at),
            waiting_since=NOW + at if kind == "wait" else None,
        ),
    )


@examples(8)
@given(
    start=st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["active", "wait", "answer"])), min_size=7, max_size=7),
    moves=st.lists(MOVES.filter(bool), max_size=4),
    status=st.sampled_from(get_args(Status)),
    limit=st.integers(1, 4),
)
def test_what_does_not_move_during_a_walk_is_seen_exactly_once(
    pool: StorePort,
    start: list[tuple[int, str]],
    moves: list[list[tuple[str, int, str]]],
    status: Status,
    limit: int,
) -> None:
    for id_, (at, kind) in zip(POOL, start, strict=True):
        move(pool, id_, at, kind)
    expected = [each.id for page in pages(pool, status, 9) for each in page.conversations]
    seen: list[str] = []
    waves = iter(moves)
    for page in pages(pool, status, limit):
        seen += [each.id for each in page.conversations]
        for id_, at, kind in next(waves, []):
            move(pool, id_, at, kind)
    moved = {id_ for wave in moves for id_, _, _ in wave}
    still = [id_ for id_ in expected if id_ not in moved]
    assert [id_ for id_ in seen if id_ not in moved] == still


class _Reader:
    """Answers as DynamoDB would, and notes how many rows each query of the index `recent` brought."""

    def __init__(self) -> None:
        self.dynamo = FakeDynamo()
        self.read: list[int] = []

    def asked(self, service: str, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        status, answer = self.dynamo.answer(operation, request)
        if request.get("IndexName") == "recent":
            self.read.append(len(answer["Items"]))
        return status, answer

    def answered(self, service: str, operation: str) -> None:
        pass


SHARDED: dict[int, list[str]] = {number: [] for number in range(SHARDS)}
for number in range(1000):
    SHARDED[shard_of(f"messenger:17:{number}")].append(f"messenger:17:{number}")


def watched(*conversations: Conversation) -> tuple[Store, _Reader]:
    """A store of these conversations, and what was read of it."""
    reader = _Reader()
    store = WiredStore(own_settings(), reader, time.sleep)
    kept(store, *conversations)
    return store, reader


class TestShards:
    @examples(8)
    @given(
        sizes=st.lists(st.integers(0, 20), min_size=SHARDS, max_size=SHARDS),
        seed=st.randoms(use_true_random=False),
        limit=st.integers(1, 30),
        status=st.sampled_from(get_args(Status)),
    )
    def test_pages_are_whole_however_a_list_lies_in_the_shards(
        self, sizes: list[int], seed: Random, limit: int, status: Status
    ) -> None:
        ids = [id_ for number, size in enumerate(sizes) for id_ in SHARDED[number][:size]]
        seed.shuffle(ids)
        store, _ = watched(
            *(
                talk(
                    id_,
                    last_activity_at=NOW + place // 3,
                    pause=pause(place // 3) if place % 4 else None,
                    waiting_since=NOW + place // 3 if place % 4 == 1 else None,
                )
                for place, id_ in enumerate(ids)
            )
        )

        def part(*rests: int) -> list[str]:
            return [id_ for place, id_ in enumerate(ids) if place % 4 in rests]

        def key(id_: str) -> tuple[int, str]:
            return ids.index(id_) // 3, id_

        expected = {
            "all": sorted(ids, key=key, reverse=True),
            "active": sorted(part(0), key=key, reverse=True),
            "waiting": sorted(part(1), key=key),
            "paused": sorted(part(1), key=key) + sorted(part(2, 3), key=key),
        }
        found = list(pages(store, status, limit))
        assert [each.id for page in found for each in page.conversations] == expected[status]
        assert all(len(page.conversations) == limit for page in found[:-1])

    def test_a_page_reads_little_more_than_it_shows(self) -> None:
        store, reader = watched(
            *(talk(f"messenger:17:{number}", last_activity_at=NOW + number) for number in range(400))
        )
        for page in islice(pages(store, "all", 100), 3):
            assert len(page.conversations) == 100
            assert len(reader.read) <= SHARDS + 1
            assert sum(reader.read) <= 180
            reader.read.clear()

    def test_only_a_shard_that_runs_dry_is_asked_for_more(self) -> None:
        many, few = SHARDED[2][:120], SHARDED[0][:5]
        store, reader = watched(*(talk(id_, last_activity_at=NOW + at) for at, id_ in enumerate([*few, *many])))
        assert [each.id for each in store.list("all", LATER, 100).conversations] == many[:-101:-1]
        assert sorted(reader.read) == [0, 0, 5, 35, 35, 35]


@pytest.fixture(scope="module", params=["fake", "dynamodb_local_url"])
def crowd(request: pytest.FixtureRequest) -> StorePort:
    """A store of more waiting conversations than one call looks at, the last called Last; too many for moto."""
    store = FakeStore() if request.param == "fake" else opened(request.getfixturevalue(request.param))
    waiting = [
        talk(new_id(), last_activity_at=NOW - at, pause=pause(), waiting_since=NOW + at)
        for at in range(MAX_SCANNED + 5)
    ]
    waiting[-1] = waiting[-1]._replace(name="Last")
    if isinstance(store, Store):
        model = store._conversations
        with model.batch_write() as batch:  # one by one takes seconds
            for each in waiting:
                batch.save(model(**conversation_attributes(each)))
    else:
        kept(store, *waiting)
    return store


class TestCrowd:
    @pytest.mark.parametrize(("status", "reached"), [("all", NOW - 999), ("paused", NOW + 999)])
    def test_a_call_looks_at_a_thousand_at_most(self, crowd: StorePort, status: Status, reached: int) -> None:
        first = crowd.list(status, NOW, 5, None, "last")
        assert (first.conversations, first.searched_to) == ((), reached)
        second = crowd.list(status, NOW, 5, first.cursor, "last")
        assert [each.name for each in second.conversations] == ["Last"]
        assert (second.cursor, second.searched_to) == (None, 0)

    def test_a_list_of_few_among_many_is_walked_in_short_pages(self, crowd: StorePort) -> None:
        first = crowd.list("active", NOW, 100)
        assert (first.conversations, first.cursor is None) == ((), False)
        assert crowd.list("active", NOW, 100, first.cursor) == Listing((), None)

    def test_waiting_is_counted_no_further(self, crowd: StorePort) -> None:
        assert crowd.waiting_count(NOW) == MAX_WAITING
