"""Changes add up: whatever becomes of a message's facts and verdicts, their sum is what the message shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.clock import milliseconds
from lib.feed import changes as feed_changes
from lib.feed.changes import FeedChange, Told, find_changes
from lib.ids import short_hash
from lib.messages.models import StoredMessage
from lib.tracking.facts import Fact, FactKind, with_count
from lib.verdicts import Reason, Verdict
from lib.verdicts.assessed import AssessedMessage
from lib.verdicts.kpis import Counts, Kpis, count, times_of
from lib.verdicts.tallies import Tallies
from tests.support.heed import START

MESSAGE = "0" * 32
NOW = milliseconds(START)
KINDS: Sequence[FactKind] = ("open", "click", "attachment_view", "read_receipt", "reply", "calendar_answer", "bounce")
VERDICTS: Mapping[str, Verdict] = {
    "human": Verdict("human", 0.9, (), "r", 0.9),
    "machine": Verdict("machine", 0.9, (), "r", 0.1),
    "uncertain": Verdict("uncertain", 0.6, (), "r", 0.5),
    "own": Verdict("machine", 0.9, (Reason("own-network", "x"),), "r", 0.1),
}
HITS = ("open", "click", "attachment_view")


def fact(number: int, kind: FactKind = "open", at: int = NOW, hits: int = 1) -> Fact:
    is_hit = kind in HITS
    made = Fact(
        f"{at:013d}-{short_hash(str(number), kind, str(hits))}",
        MESSAGE,
        kind,
        at,
        "GET" if is_hit else "MAIL",
        mail=None if is_hit else "m",
    )
    return with_count(made, hits) if is_hit else made


def assessed(judged: Sequence[tuple[Fact, str]], state: str = "sent") -> AssessedMessage:
    message = StoredMessage(sender="rep1", id=MESSAGE, created_at=START, state=state, sent_at=START)
    facts = [fact for fact, _ in judged]
    verdicts = {fact.key: VERDICTS[name] for fact, name in judged}
    return AssessedMessage("acme", message, "", [], facts, verdicts, count(facts, verdicts), Tallies())


def rebuilt(changes: Sequence[FeedChange]) -> Kpis:
    """KPIs as a reader of the feed adds them up."""
    total = Kpis()
    for change in changes:
        if change.kpis is None:
            continue
        parts = {
            name: getattr(total, name).plus(getattr(change.kpis, name))
            for name in ("raw", "machine", "uncertain", "own")
        }
        total = Kpis(
            **{name: getattr(total, name) + getattr(change.kpis, name) for name in Counts.model_fields},
            replies=total.replies + change.kpis.replies,
            **times_of(change.kpis),
            **parts,
        )
    return total


def told_after(states: Sequence[AssessedMessage]) -> list[FeedChange]:
    told, found = Told(), list[FeedChange]()
    for state in states:
        stored = Told.model_validate_json(told.model_dump_json())  # as it comes back from the summary
        found += find_changes(state, stored, {}, START)
        told = stored
    return found


ANY_STATES = st.lists(
    st.dictionaries(
        st.tuples(st.integers(0, 12), st.sampled_from(KINDS), st.integers(1, 3)),
        st.sampled_from(list(VERDICTS)),
        max_size=9,
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=300)
@given(states=ANY_STATES, most=st.sampled_from([1, 4, 100]), at_once=st.sampled_from([1, 2, 40]))
def test_the_sum_of_single_events_is_what_the_message_shows(
    states: list[dict[tuple[int, FactKind, int], str]], most: int, at_once: int
) -> None:
    messages = [
        assessed(
            [(fact(number, kind, NOW - number * 1000, hits), verdict) for (number, kind, hits), verdict in each.items()]
        )
        for each in states
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feed_changes, "MOST_SINGLE", most)
        patch.setattr(feed_changes, "_MOST_AT_ONCE", at_once)
        for end in range(1, len(messages) + 1):
            assert rebuilt(told_after(messages[:end])) == messages[end - 1].kpis


def test_a_hit_is_told_with_its_verdict_and_a_changed_verdict_with_both() -> None:
    one = fact(1, "click")
    first, second = told_after([assessed([(one, "uncertain")]), assessed([(one, "human")])])[1:]

    assert first.verdict is not None
    assert (first.type, first.event, first.verdict.from_, first.verdict.to) == (
        "message.clicked",
        one.key,
        None,
        "uncertain",
    )
    assert second.verdict is not None
    assert (second.type, second.event, second.verdict.from_, second.verdict.to) == (
        "verdict.changed",
        one.key,
        "uncertain",
        "human",
    )
    assert second.kpis is not None
    assert (second.kpis.clicks, second.kpis.uncertain.clicks, second.kpis.raw.clicks) == (1, -1, 0)


def test_what_was_told_once_is_not_told_again() -> None:
    state = assessed([(fact(1), "human"), (fact(2, "reply"), "human")])

    assert [change.type for change in told_after([state, state, state])] == [
        "message.sent",
        "message.opened",
        "message.replied",
    ]


def test_of_a_message_with_very_many_hits_one_event_tells_how_many_came() -> None:
    many = [(fact(number), "machine") for number in range(500)]

    opened, more = told_after([assessed(many), assessed([*many, *[(fact(n), "machine") for n in range(500, 700)]])])[1:]

    assert (opened.type, opened.count, more.count) == ("message.opened", 500, 200)
    assert more.event is None
    assert more.verdict is not None
    assert more.verdict.to == "machine"


def test_hits_from_before_what_the_feed_keeps_are_told_together() -> None:
    old = [(fact(number, at=NOW - 40 * 86_400_000), "human") for number in range(3)]

    [opened] = [change for change in told_after([assessed(old)]) if change.type == "message.opened"]

    assert (opened.count, opened.event) == (3, None)


def test_a_failed_message_is_told_of_and_so_is_its_second_try() -> None:
    failed = assessed([], "failed")
    assert [change.type for change in told_after([failed, failed])] == ["message.failed"]
    assert [change.type for change in told_after([failed, assessed([])])] == ["message.failed", "message.sent"]


def test_cards_are_told_when_they_come_and_when_they_go() -> None:
    told, state = Told(), assessed([], "draft")
    come = find_changes(state, told, {"c1": "email_opened"}, START)
    stay = find_changes(state, told, {"c1": "email_opened"}, START)
    go = find_changes(state, told, {}, START)

    assert [(change.type, change.card, change.card_kind) for change in (*come, *stay, *go)] == [
        ("card.created", "c1", "email_opened"),
        ("card.withdrawn", "c1", "email_opened"),
    ]


def test_times_that_were_not_kept_when_the_message_was_told_of_are_no_change() -> None:
    state, told = assessed([(fact(1, "click"), "human")]), Told()
    find_changes(state, told, {}, START)
    told.kpis = told.kpis.model_copy(update={"last_clicked_at": None})

    assert find_changes(state, told, {}, START) == []
