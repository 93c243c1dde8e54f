"""Who comes back to a mail: readers do, and what only looks like it is told apart."""

from __future__ import annotations

import pytest

from lib.clock import moment
from lib.tracking.facts import Fact, answer_fact
from tests.lib.verdicts.test_rules import HOUR, MINUTE, SENT, click, codes, fact, judged

OUTLOOK = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.19231; Pro)"


def comes_back(*facts: Fact) -> bool:
    """Whether the first of the hits is taken for a look of a source that came back."""
    return "came-back" in codes(judged(*facts)[0])


def reply(after: int) -> Fact:
    return answer_fact("reply", "0" * 32, moment(SENT + after), "a" * 32, 0)


@pytest.mark.parametrize("again", [fact(2 * HOUR), click(2 * HOUR)], ids=["looks again", "follows a link"])
def test_a_reader_comes_back_to_look_again_or_to_follow_a_link(again: Fact) -> None:
    assert comes_back(fact(HOUR), again)
    assert not comes_back(fact(HOUR), fact(HOUR + MINUTE))


def test_what_opens_at_delivery_and_comes_back_for_links_alone_is_no_reader_who_comes_back() -> None:
    early = fact(MINUTE)

    assert not comes_back(early, click(HOUR))
    assert comes_back(early, click(HOUR), fact(HOUR + MINUTE))
    assert not comes_back(fact(HOUR), *(click(2 * HOUR + n * MINUTE, n) for n in range(3)))


def test_a_sender_who_looks_again_at_a_quoted_mail_is_no_reader_who_comes_back() -> None:
    look, again = fact(2 * HOUR, agent=OUTLOOK), fact(4 * HOUR, agent=OUTLOOK)

    assert comes_back(look, again)
    assert not comes_back(look, again, fact(HOUR), reply(HOUR + MINUTE))
    assert comes_back(look, again, reply(3 * HOUR))
