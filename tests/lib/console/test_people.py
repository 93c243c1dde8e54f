"""Words about a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lib.console.people import ReadMails, parts_of, sentence_about
from lib.console.times import Times
from lib.records import Engagement
from lib.records.rollups import ScoreParts

NOW = datetime(2026, 5, 6, 14, 0, tzinfo=UTC)
TIMES = Times(NOW, "UTC")
NONE = ReadMails(0, 0)


def said(engagement: Engagement, mails: ReadMails = NONE) -> str:
    sentence = sentence_about("Ada", engagement, mails, TIMES)
    return f"{sentence.tone}: {sentence.main} {sentence.rest}".strip()


def test_an_answer_says_more_than_a_reading() -> None:
    at = NOW - timedelta(days=1)
    engagement = Engagement(messages=3, opens=4, replies=2, last_opened_at=NOW, last_replied_at=at)

    assert said(engagement, ReadMails(2, 3)) == (
        "human: 2 answers came from Ada, the last yesterday at 14:00. 2 of the last 3 followed mails were read."
    )


def test_a_click_is_a_reading_too() -> None:
    engagement = Engagement(messages=2, opens=1, clicks=1, last_opened_at=NOW - timedelta(days=1), last_clicked_at=NOW)

    assert said(engagement, ReadMails(1, 2)).startswith("human: Mail to Ada was last read today at 14:00. 1 of the")


def test_what_is_not_known_is_not_said() -> None:
    assert said(Engagement()) == "plain: No mail has gone to Ada yet."
    assert "was not followed" in said(Engagement(messages=2))
    assert said(Engagement(messages=1, opens=1, last_opened_at=NOW), ReadMails(1, 1)).endswith(
        "The one mail that was followed was read."
    )
    assert "As far as is known, no person has read" in said(Engagement(messages=2), ReadMails(0, 2))


def test_a_share_of_few_mails_is_not_told_in_percent() -> None:
    assert ReadMails(1, 1).text == "of one that was followed"
    assert ReadMails(3, 4).text == "of the last 4 followed"
    assert ReadMails(3, 5).text == "of the last 5 followed (60 %)"
    assert NONE.text == "none was followed"


def test_parts_of_a_score_have_their_shares() -> None:
    parts = parts_of(ScoreParts(opens=2, clicks=5, replies=1))

    assert [(each.label, each.value, each.percent) for each in parts] == [
        ("Opens", 2, 25),
        ("Clicks", 5, 62),
        ("Attachment views", 0, 0),
        ("Replies", 1, 12),
    ]
    assert {each.percent for each in parts_of(ScoreParts())} == {0}
