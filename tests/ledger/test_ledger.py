"""The fold against a naive loop, and the published ledger against a slow, obvious model."""

from __future__ import annotations

import random
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.ledger import accounts as account_batches
from transforms.ledger.fold import SpendingOrder, fold

Row = dict[str, Any]

LOTS: Final = pa.schema(
    {
        "account": pa.string(),
        "lot_id": pa.string(),
        "credited_on": pa.date32(),
        "expires_on": pa.date32(),
        "changes_on": pa.date32(),
        "changed_expires_on": pa.date32(),
        "refundable": pa.bool_(),
        "remaining": pa.int64(),
        "tag": pa.int64(),
    }
)
EVENTS: Final = pa.schema(
    {
        "account": pa.string(),
        "event_id": pa.int64(),
        "on_day": pa.date32(),
        "action": pa.string(),
        "amount": pa.int64(),
        "quota": pa.string(),
        "quota_limit": pa.int64(),
        "refusal": pa.string(),
        "ticket": pa.int64(),
        "turn": pa.int64(),
    }
)
EARLIER: Final = pa.schema(dict.fromkeys(("ticket", "tag", "points", "place"), pa.int64()))
FIRST: Final = date(2016, 3, 1)
FOREVER: Final = date.max


def lot(account: str, lot_id: str, remaining: int, **more: object) -> Row:
    """Usable in all of March and April unless told; days may be given as numbers of March."""
    row = {
        "account": account,
        "lot_id": lot_id,
        "credited_on": FIRST,
        "expires_on": date(2016, 4, 30),
        "refundable": True,
        "remaining": remaining,
    } | more
    return {name: _day(value) if name.endswith("_on") else value for name, value in row.items()}


def event(account: str, on_day: int, action: str, amount: int = 0, **more: object) -> Row:
    return {"account": account, "on_day": _day(on_day), "action": action, "amount": amount} | more


def _day(value: Any) -> Any:
    return FIRST + timedelta(days=value - 1) if isinstance(value, int) else value


def folded(
    lots: list[Row],
    events: list[Row],
    earlier: Sequence[Row] = (),
    *,
    order: SpendingOrder = "earliest_expiry",
    batch: int = 1 << 17,
) -> tuple[list[str], list[tuple[int, str, int]], list[int]]:
    """Verdicts, takings (event, lot, points), and what is left of each lot."""
    numbered = [{"event_id": number} | row for number, row in enumerate(events)]
    with tempfile.TemporaryDirectory() as scratch:
        found = fold(
            pa.Table.from_pylist(lots, LOTS).to_reader(batch),
            pa.Table.from_pylist(numbered, EVENTS).to_reader(batch),
            Path(scratch),
            spending_order=order,
            of_lot=("lot_id",),
            of_event=("event_id",),
            earlier_takings=pa.Table.from_pylist(list(earlier), EARLIER),
        )
        verdicts = pq.read_table(found.events)
        takings = pq.read_table(found.movements)
        left = pq.read_table(found.lots)
    assert verdicts["event_id"].to_pylist() == [row["event_id"] for row in numbered]
    assert left["lot_id"].to_pylist() == [row["lot_id"] for row in lots]
    rows = zip(
        *(takings[name].to_pylist() for name in ("event_id", "lot_id", "points")), strict=True
    )
    return verdicts["verdict"].to_pylist(), sorted(rows), left["remaining"].to_pylist()


# The fold alone


def test_no_events_leave_the_lots_as_they_are() -> None:
    assert folded([lot("a", "1", 10)], []) == ([], [], [10])


def test_no_lots_have_nothing_to_take() -> None:
    events = [event("a", 1, "spend", 1), event("a", 1, "spend", 0)]
    assert folded([], events) == (["insufficient", "accepted"], [], [])


def test_lots_go_by_expiry_or_by_credit_as_asked() -> None:
    lots = [
        lot("a", "1", 10, credited_on=2, expires_on=20),
        lot("a", "2", 10, credited_on=1, expires_on=21),
        lot("a", "3", 10, credited_on=1, expires_on=21),
    ]
    events = [event("a", 5, "spend", 15)]
    assert folded(lots, events)[1] == [(0, "1", -10), (0, "2", -5)]
    assert folded(lots, events, order="oldest_credit")[1] == [(0, "2", -10), (0, "3", -5)]


def test_a_lot_that_never_expires_goes_last() -> None:
    lots = [lot("a", "1", 10, expires_on=None), lot("a", "2", 10)]
    assert folded(lots, [event("a", 5, "spend", 12)])[1] == [(0, "1", -2), (0, "2", -10)]


@pytest.mark.parametrize("apart", [1, 1 << 61])
def test_events_are_taken_in_turn_and_stay_where_they_came(apart: int) -> None:
    events = [
        event("a", 9, "spend", 2, turn=3 * apart),
        event("a", 7, "cancel", ticket=0, turn=2 * apart),
        event("a", 5, "spend", 8, ticket=0, turn=-apart),
        event("a", 5, "spend", 3, turn=-apart),
        event("b", 5, "spend", 5, turn=2 * apart),
        event("b", 5, "spend", 4, turn=0),
    ]
    lots = [lot("a", "1", 9), lot("b", "2", 8)]
    verdicts, takings, left = folded(lots, events)
    accepted, insufficient = "accepted", "insufficient"
    assert verdicts == [accepted, accepted, accepted, insufficient, insufficient, accepted]
    assert takings == [(0, "1", -2), (1, "1", 8), (2, "1", -8), (5, "2", -4)]
    assert left == [7, 4]


def test_a_lot_is_there_from_its_first_day_through_its_last() -> None:
    lots = [lot("a", "1", 10, credited_on=5, expires_on=7)]
    verdicts, _, left = folded(lots, [event("a", day, "spend", 1) for day in (4, 5, 7, 8)])
    assert verdicts == ["insufficient", "accepted", "accepted", "insufficient"]
    assert left == [8]


def test_a_quota_counts_accepted_events_of_its_name_and_a_cancellation_frees_it() -> None:
    once = {"quota": "once", "quota_limit": 1}
    events = [
        event("a", 1, "spend", 99, **once),
        event("a", 2, "spend", 1, **once, ticket=0),
        event("a", 3, "spend", 1, **once),
        event("a", 4, "spend", 1, quota="other", quota_limit=1),
        event("a", 5, "cancel", ticket=0),
        event("a", 6, "spend", 1, **once),
        event("b", 1, "spend", 1, **once),
    ]
    lots = [lot("a", "1", 10), lot("b", "2", 10)]
    assert folded(lots, events)[0] == [
        "insufficient",
        "accepted",
        "over_quota",
        "accepted",
        "accepted",
        "accepted",
        "accepted",
    ]


def test_a_cancellation_finds_only_what_its_account_did_before() -> None:
    events = [
        event("a", 1, "cancel", ticket=0),
        event("a", 2, "spend", 1, ticket=0),
        event("b", 3, "cancel", ticket=0),
        event("b", 3, "spend", 11, ticket=1),
        event("b", 4, "cancel", ticket=1),
        event("b", 4, "spend", 1, refusal="no", ticket=2),
        event("b", 4, "cancel", ticket=2),
    ]
    assert folded([lot("a", "1", 10), lot("b", "2", 10)], events)[0] == [
        "unknown_event",
        "accepted",
        "unknown_event",
        "insufficient",
        "not_accepted",
        "refused",
        "not_accepted",
    ]


def test_what_an_earlier_fold_took_comes_back_to_its_lots() -> None:
    lots = [lot("a", "1", 0, tag=1, expires_on=3), lot("a", "2", 5, tag=0)]
    earlier = [
        {"ticket": 0, "tag": 0, "points": 2, "place": 1},
        {"ticket": 0, "tag": 1, "points": 4, "place": 2},
    ]
    events = [
        event("a", -3, "earlier", ticket=0),
        event("a", -3, "earlier_rejected", ticket=1),
        event("a", -3, "earlier_cancelled", ticket=2),
        event("a", 4, "cancel", ticket=1),
        event("a", 4, "cancel", ticket=2),
        event("a", 4, "cancel", ticket=0),
        event("a", 4, "cancel", ticket=0),
        event("a", 4, "spend", 8),
        event("a", 4, "spend", 7),
    ]
    verdicts, takings, left = folded(lots, events, earlier)
    assert verdicts[3:] == [
        "not_accepted",
        "already_cancelled",
        "accepted",
        "already_cancelled",
        "insufficient",
        "accepted",
    ]
    assert takings == [(5, "1", 4), (5, "2", 2), (8, "2", -7)]
    assert left == [4, 0]


def test_a_cancellation_in_parts_gives_back_what_was_taken_last_first() -> None:
    once = {"quota": "once", "quota_limit": 1}
    lots = [lot("a", "1", 10), lot("a", "2", 10), lot("a", "3", 10)]
    events = [
        event("a", 1, "spend", 25, ticket=0, **once),
        event("a", 2, "cancel", 26, ticket=0),
        event("a", 2, "cancel", 7, ticket=0),
        event("a", 2, "cancel", 19, ticket=0),
        event("a", 3, "spend", 1, **once),
        event("a", 3, "cancel", 10, ticket=0),
        event("a", 4, "cancel", ticket=0),
        event("a", 4, "cancel", 1, ticket=0),
        event("a", 5, "spend", 1, **once),
    ]
    verdicts, takings, left = folded(lots, events)
    assert verdicts == [
        "accepted",
        "above_taken",
        "accepted",
        "above_taken",
        "over_quota",
        "accepted",
        "accepted",
        "already_cancelled",
        "accepted",
    ]
    back = [(2, "2", 2), (2, "3", 5), (5, "1", 2), (5, "2", 8), (6, "1", 8)]
    assert takings == [(0, "1", -10), (0, "2", -10), (0, "3", -5), *back, (8, "1", -1)]
    assert left == [9, 10, 10]


def test_what_came_back_of_an_earlier_fold_before_is_not_given_back_again() -> None:
    lots = [lot("a", "1", 0, tag=0), lot("a", "2", 3, tag=1)]
    earlier = [
        {"ticket": 0, "tag": 1, "points": 6, "place": 1},
        {"ticket": 0, "tag": 0, "points": 4, "place": 2},
    ]
    events = [
        event("a", -3, "earlier", 3, ticket=0),
        event("a", 4, "cancel", 8, ticket=0),
        event("a", 4, "cancel", 2, ticket=0),
        event("a", 4, "cancel", ticket=0),
    ]
    verdicts, takings, left = folded(lots, events, earlier)
    assert verdicts[1:] == ["above_taken", "accepted", "accepted"]
    assert takings == [(2, "1", 1), (2, "2", 1), (3, "2", 5)]
    assert left == [1, 9]


def test_a_change_of_the_last_day_reorders_the_spending_and_ends_the_lot() -> None:
    lots = [
        lot("a", "1", 10, changes_on=10, changed_expires_on=12),
        lot("a", "2", 10, expires_on=20),
    ]
    events = [event("a", day, "spend", 1) for day in (9, 10, 12, 13)]
    assert folded(lots, events)[1] == [(0, "2", -1), (1, "1", -1), (2, "1", -1), (3, "2", -1)]


def test_refunds_and_spending_share_the_refundable_lots() -> None:
    lots = [lot("a", "1", 10, refundable=False), lot("a", "2", 10, expires_on=20)]
    events = [
        event("a", 1, "spend", 4),
        event("a", 2, "spend_refundable", 7),
        event("a", 3, "spend_refundable", 6),
        event("a", 4, "spend", 10),
    ]
    verdicts, takings, _ = folded(lots, events)
    assert verdicts == ["accepted", "insufficient", "accepted", "accepted"]
    assert takings == [(0, "2", -4), (2, "2", -6), (3, "1", -10)]


def moved(
    lots: list[Row], events: list[Row], *, batch: int = 1 << 17
) -> list[tuple[str, str | None, int]]:
    """What moved, with lots that come: lot, event or none, points."""
    schema = LOTS.append(pa.field("comes", pa.bool_()))
    texts = EVENTS.set(1, pa.field("event_id", pa.string()))
    with tempfile.TemporaryDirectory() as scratch:
        files = fold(
            pa.Table.from_pylist([{"comes": False} | row for row in lots], schema).to_reader(batch),
            pa.Table.from_pylist(events, texts).to_reader(batch),
            Path(scratch),
            spending_order="earliest_expiry",
            of_lot=("lot_id",),
            of_event=("event_id",),
        )
        found = pq.read_table(files.movements)
    columns = (found[name].to_pylist() for name in ("lot_id", "event_id", "points"))
    return list(zip(*columns, strict=True))


@pytest.mark.parametrize("batch", [1, 3, 1 << 17])
def test_what_moved_stands_by_lot_and_event_and_a_lot_that_comes_among_them_by_its_id(
    monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(account_batches, "_ROWS_AT_ONCE", batch)
    lots = [
        lot("a", "1", 5),
        lot("a", "m", 4, comes=True),
        lot("a", "n", 3, expires_on=29, comes=True),
        lot("b", "x", 7, comes=True),
        lot("c", "x", 0),
        lot("d", "same", 2, comes=True),
    ]
    events = [
        event("a", 3, "spend", 2, event_id="a1", turn=9),
        event("a", 2, "spend", 4, event_id="z1", turn=8, ticket=0),
        event("a", 4, "spend", 4, event_id="z2", turn=10),
        event("d", 4, "cancel", event_id="same", turn=3, ticket=1),
        event("d", 4, "spend", 2, event_id="same", turn=2, ticket=1),
        event("d", 4, "spend", 2, event_id="same", turn=4),
    ]
    assert moved(lots, events, batch=batch) == [
        ("1", "a1", -2),
        ("1", "z1", -1),
        ("1", "z2", -2),
        ("m", None, 4),
        ("m", "z2", -2),
        ("n", None, 3),
        ("n", "z1", -3),
        ("x", None, 7),
        ("same", "same", 2),
        ("same", None, 2),
        ("same", "same", -2),
        ("same", "same", -2),
    ]


def test_an_action_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown action"):
        folded([], [event("a", 1, "waste")])


def naive(
    lots: list[Row], events: list[Row], earlier: list[Row], order: SpendingOrder
) -> tuple[list[str], list[tuple[int, str, int]], list[int]]:
    """What `folded` returns, one event and one lot after another."""
    own = defaultdict(list)
    for row in lots:
        own[row["account"]].append(row | {"left": row["remaining"]})
    by_tag = {row["tag"]: row for rows in own.values() for row in rows}
    taken_earlier = defaultdict(list)
    for taking in sorted(earlier, key=lambda taking: taking["place"]):
        taken_earlier[taking["ticket"]].append((by_tag[taking["tag"]], taking["points"]))
    decided: list[Row] = []
    takings: list[tuple[int, str, int]] = []
    before: dict[tuple[str, int], Row] = {}
    accepted: dict[tuple[str, str], int] = defaultdict(int)
    for number, row in enumerate(events):
        done = {"verdict": "accepted", "taken": [], "cancelled": False, "row": row, "back": 0}
        decided.append(done)
        ticket, quota = (row["account"], row["ticket"]), (row["account"], row["quota"])
        action = row["action"]
        if action == "cancel":
            target = before.get(ticket)
            if target is None:
                done["verdict"] = "unknown_event"
            elif target["verdict"] != "accepted":
                done["verdict"] = "not_accepted"
            elif target["cancelled"]:
                done["verdict"] = "already_cancelled"
            else:
                taken = [held for held, points in reversed(target["taken"]) for _ in range(points)]
                left_over = taken[target["back"] :]
                if row["amount"] > len(left_over):
                    done["verdict"] = "above_taken"
                    continue
                back = left_over[: row["amount"] or len(left_over)]
                target["back"] += len(back)
                if len(back) == len(left_over):
                    target["cancelled"] = True
                    accepted[row["account"], target["row"]["quota"]] -= 1
                for held, _ in target["taken"]:
                    points = sum(one is held for one in back)
                    held["left"] += points
                    if points:
                        takings.append((number, held["lot_id"], points))
            continue
        if row["ticket"] is not None:
            before[ticket] = done
        if action == "earlier":
            done["taken"] = taken_earlier[row["ticket"]]
            done["back"] = row["amount"]
        elif action == "earlier_rejected":
            done["verdict"] = "refused"
        elif action == "earlier_cancelled":
            done["cancelled"] = True
        elif row["refusal"] is not None:
            done["verdict"] = "refused"
        elif row["quota"] is not None and accepted[quota] >= row["quota_limit"]:
            done["verdict"] = "over_quota"
        else:
            taken = _taken(own[row["account"]], row, order)
            if sum(points for _, points in taken) < row["amount"]:
                done["verdict"] = "insufficient"
            else:
                accepted[quota] += 1
                done["taken"] = taken
                for held, points in taken:
                    held["left"] -= points
                    takings.append((number, held["lot_id"], -points))
    left = {held["lot_id"]: held["left"] for rows in own.values() for held in rows}
    verdicts = [done["verdict"] for done in decided]
    return verdicts, sorted(takings), [left[row["lot_id"]] for row in lots]


def _taken(lots: list[Row], row: Row, order: SpendingOrder) -> list[tuple[Row, int]]:
    day, wanted, usable = row["on_day"], row["amount"], []
    for held in lots:
        end = held["expires_on"] or FOREVER
        if held["changes_on"] and held["changes_on"] <= day:
            end = held["changed_expires_on"]
        fits = held["refundable"] or row["action"] == "spend"
        if held["left"] and fits and held["credited_on"] <= day <= end:
            first = end if order == "earliest_expiry" else FIRST
            usable.append((first, held["credited_on"], held["lot_id"], held))
    taken = []
    for *_, held in sorted(usable, key=lambda entry: entry[:3]):
        points = min(wanted, held["left"])
        if points:
            taken.append((held, points))
            wanted -= points
    return taken


def a_fold(seed: int, accounts: int, busiest: int) -> tuple[list[Row], list[Row], list[Row]]:
    """Random lots, events and earlier takings; one account has `busiest` events."""
    chance = random.Random(seed)
    lots: list[Row] = []
    events: list[Row] = []
    earlier: list[Row] = []
    tickets = tags = 0
    busy = chance.randrange(accounts)
    for number in range(accounts):
        account = f"c{number:05}"
        own = [_a_lot(chance, account, count) for count in range(chance.choice([0, 1, 2, 3, 8]))]
        count = busiest if number == busy else chance.choice([0, 1, 5, 20, 60])
        first_ticket = tickets
        for _ in range(chance.choice([0, 0, 2])):
            action = chance.choice(["earlier", "earlier", "earlier_rejected", "earlier_cancelled"])
            back = chance.choice([0, 0, 1, 30]) if action == "earlier" else 0
            events.append(_an_event(account, -9, action, ticket=tickets, amount=back))
            there = [held for held in own if held["credited_on"] <= events[-1]["on_day"]]
            for held in there if action == "earlier" else []:
                if held["tag"] is None:
                    held["tag"], tags = tags, tags + 1
                # more than came back already
                taking = {"ticket": tickets, "tag": held["tag"], "points": chance.randint(31, 50)}
                earlier.append(taking | {"place": chance.randrange(1 << 30)})
            tickets += 1
        days = sorted(chance.randint(1, 31) for _ in range(count))
        last_ticket = tickets + count
        for day in days:
            if chance.random() < 0.3:
                named = chance.randrange(max(0, first_ticket - 5), last_ticket)
                back = chance.choice([0, 0, 0, 1, 7, 30, 90])
                events.append(_an_event(account, day, "cancel", ticket=named, amount=back))
                continue
            action = chance.choice(["spend", "spend", "spend_refundable"])
            quota = chance.choice([None, None, "x", "y"])
            events.append(
                _an_event(
                    account,
                    day,
                    action,
                    amount=chance.choice([0, 1, 7, 30, 90, 250]),
                    quota=quota,
                    quota_limit=chance.randint(1, 4) if quota else None,
                    refusal=chance.choice([None] * 9 + ["no"]),
                    ticket=tickets,
                )
            )
            tickets += 1
        lots += own
    return lots, events, earlier


def _a_lot(chance: random.Random, account: str, count: int) -> Row:
    credited_on = chance.randint(-20, 30)
    expires_on = credited_on + chance.choice([0, 3, 10, 40])
    row: Row = dict.fromkeys(LOTS.names) | {
        "account": account,
        "lot_id": f"{account}-{count}",
        "credited_on": _day(credited_on),
        "expires_on": None if chance.random() < 0.1 else _day(expires_on),
        "refundable": chance.random() < 0.6,
        "remaining": chance.choice([0, 1, 20, 100, 400]),
    }
    if chance.random() < 0.3 and row["expires_on"]:
        row["changes_on"] = _day(chance.randint(max(1, credited_on + 1), 31))
        row["changed_expires_on"] = _day(expires_on - chance.randint(1, 30))
    return row


def _an_event(account: str, day: int, action: str, **given: object) -> Row:
    defaults = {"account": account, "on_day": _day(day), "action": action, "amount": 0}
    return dict.fromkeys(EVENTS.names[2:]) | defaults | given


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    seed=st.integers(0, 2**32),
    accounts=st.sampled_from([1, 3, 250, 400]),
    busiest=st.sampled_from([3, 200, 2000]),
    order=st.sampled_from(["earliest_expiry", "oldest_credit"]),
    batch=st.sampled_from([1, 7, 100, 1 << 17]),
)
def test_the_fold_decides_as_a_naive_loop_does(
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    accounts: int,
    busiest: int,
    order: SpendingOrder,
    batch: int,
) -> None:
    monkeypatch.setattr(account_batches, "_ROWS_AT_ONCE", batch)
    lots, events, earlier = a_fold(seed, accounts, busiest)
    found = folded(lots, events, earlier, order=order, batch=batch)
    assert found == naive(lots, events, earlier, order)
