"""One sentence says what became of a message, as sure as the verdicts are, and names nobody by a guess."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lib.console.happenings import Happening
from lib.console.sentences import Sentence, read_word, sentence_of
from lib.console.times import Times
from lib.verdicts.kpis import Counts, Kpis

NOW = datetime(2026, 5, 5, 14, 0, tzinfo=UTC)
TIMES = Times(NOW, "Europe/Vienna")


def event(kind: Any = "open", verdict: Any = "human", confidence: float = 0.99, **fields: Any) -> Happening:
    at = fields.pop("at", NOW - timedelta(hours=1))
    return Happening("e", kind, at, verdict, confidence, **{"who": "Ada", **fields})


def kpis(opens: int = 0, **fields: Any) -> Kpis:
    last = NOW - timedelta(hours=1) if opens else None
    return Kpis(opens=opens, last_opened_at=last, **fields)


def said(happenings: list[Happening], counts: Kpis, recipients: tuple[str, ...] = ("Ada",)) -> Sentence:
    return sentence_of(happenings, counts, recipients, TIMES)


@pytest.mark.parametrize(
    ("confidence", "word"),
    [(0.99, "read"), (0.95, "read"), (0.94, "most likely read"), (0.8, "most likely read"), (0.79, "may have read")],
)
def test_the_word_follows_how_sure_the_verdict_is(confidence: float, word: str) -> None:
    assert read_word(confidence) == word
    assert said([event(confidence=confidence)], kpis(1)).main == f"Ada {word} it today at 15:00."


def test_several_readings_are_counted_and_the_last_one_is_told() -> None:
    assert said([event(), event()], kpis(2)).main == "Ada read it twice, last today at 15:00."
    assert said([event()] * 3, kpis(3)).main == "Ada read it 3 times, last today at 15:00."


def test_what_was_clicked_and_viewed_is_told() -> None:
    clicks = [event("click", thing="a.example"), event("click", thing="b.example")]
    views = [event("attachment_view", thing="prices.pdf")]

    sentence = said([*views, *clicks, event(), event()], kpis(2, clicks=2, attachment_views=1))

    assert sentence.main == "Ada read it twice, last today at 15:00, and clicked 2 links and viewed prices.pdf."


def test_a_click_without_an_open_means_that_it_was_read() -> None:
    sentence = said([event("click", thing="a.example")], kpis(clicks=1))

    assert sentence.main == "Ada clicked a link, so the mail was read, although its images were not loaded."


@pytest.mark.parametrize(
    ("confidence", "sentence"),
    [
        (0.95, "Ada clicked a link, so the mail was read, although its images were not loaded."),
        (0.8, "Ada most likely clicked a link, so the mail was perhaps read, although its images were not loaded."),
        (0.3, "Ada may have clicked a link, so the mail was perhaps read, although its images were not loaded."),
    ],
)
def test_a_click_is_told_as_sure_as_it_is(confidence: float, sentence: str) -> None:
    clicks = [event("click", thing="a.example", confidence=each) for each in (confidence, 0.2)]

    assert said(clicks, kpis(clicks=2)).main == sentence


def test_each_deed_is_as_sure_as_the_surest_of_its_kind() -> None:
    happenings = [event("attachment_view", thing="a.pdf", confidence=0.5), event("click", thing="a.example"), event()]

    assert said(happenings, kpis(1, clicks=1, attachment_views=1)).main.endswith(
        " and clicked a link and may have viewed a.pdf."
    )


def test_of_several_recipients_none_is_guessed() -> None:
    three = ("Ada", "Bob", "Eve")

    assert said([event(who=None)], kpis(1), three).main.startswith("One of 3 recipients read it")
    assert said([event(who="Bob")], kpis(1), three).main.startswith("Bob read it")
    assert said([event(who="Bob"), event()], kpis(2), three).main.startswith("Bob and Ada read it")
    assert said([event(who="Bob"), event(who=None)], kpis(2), three).main.startswith("Bob and others read it")


def test_an_answer_comes_first() -> None:
    sentence = said([event("reply"), event()], kpis(1, replies=1))

    assert (sentence.tone, sentence.main) == ("human", "Ada answered today at 15:00.")
    assert sentence.rest == "They read it today at 15:00."


def test_machines_are_told_apart_from_people_and_from_ones_own_looks() -> None:
    counts = kpis(1, machine=Counts(opens=3, clicks=2), own=Counts(opens=1), uncertain=Counts(opens=1))

    assert said([event()], counts).rest == (
        "Of 1 look it is not sure whether a person made it. 4 looks came from machines, such as mail filters. "
        "1 look of your own side is not counted."
    )


def test_what_only_machines_did_is_no_reading() -> None:
    sentence = said([event(verdict="machine")], kpis(machine=Counts(opens=2)))

    assert (sentence.tone, sentence.main) == ("machine", "Only machines have looked at it so far.")


def test_ones_own_look_alone_is_none() -> None:
    counts = kpis(machine=Counts(opens=1), own=Counts(opens=1))

    assert said([event(verdict="machine", is_own=True)], counts).main == "Not yet opened."


def test_doubt_is_told_as_doubt() -> None:
    sentence = said([event(verdict="uncertain")], kpis(uncertain=Counts(opens=1)))

    assert (sentence.tone, sentence.main) == ("unsure", "It was perhaps opened.")


def test_a_mail_that_came_back_says_so() -> None:
    assert said([event("bounce", verdict="machine")], kpis()).main == "It could not be delivered to Ada."


def test_nothing_yet_says_what_that_means() -> None:
    sentence = said([], kpis())

    assert (sentence.tone, sentence.main) == ("plain", "Not yet opened.")
    assert "a reply or a click is the only sure sign" in sentence.rest
