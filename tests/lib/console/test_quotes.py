from __future__ import annotations

from datetime import UTC, datetime

from lib.console.quotes import quoted
from lib.console.times import Times

NOW = datetime(2026, 5, 6, 12, tzinfo=UTC)


def test_an_answer_names_the_writer_and_the_day_and_quotes_each_line() -> None:
    at = datetime(2026, 5, 4, 23, 30, tzinfo=UTC)  # the 5th in Vienna

    assert quoted("Yes.\n\nAda", "Ada Lovett", at, Times(NOW, "Europe/Vienna")) == (
        "Ada Lovett wrote on Tue 5 May 2026:\n> Yes.\n>\n> Ada"
    )


def test_a_very_long_mail_is_quoted_in_part() -> None:
    text = quoted("word " * 2000, "Ada", None, Times(NOW, "UTC"))

    assert text.startswith("Ada wrote:\n> word word")
    assert text.endswith("…")
    assert len(text) < 4100
