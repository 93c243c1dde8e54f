"""The published rules of others, on small examples."""

from dataclasses import replace

import pytest

from bench.traces import rivals
from bench.traces.judges import Judge
from bench.traces.trace import Request
from lib.tracking.facts import Fact
from tests.bench_traces.making import SENT, hit, mail

GOOGLE_PROXY = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
GOOGLEBOT = "Googlebot/2.1 (+http://www.google.com/bot.html)"


def called(judge: Judge, *requests: Request, owner: str | None = None) -> list[str]:
    """In order of time."""
    made = mail(*requests)
    facts: list[Fact] = [replace(fact, owner=owner) for fact in made.facts()]
    decisions = judge(facts, made.sending)
    return [decisions[fact.key].kind for fact in facts]


def test_sendgrid_flags_apple_s_opens_and_nothing_else() -> None:
    apple = hit("machine", agent="Mozilla/5.0")
    assert called(rivals.sendgrid, apple) == ["machine"]
    assert called(rivals.sendgrid, hit("person"), owner="apple-relay") == ["machine"]
    assert called(rivals.sendgrid, hit("person", "click"), owner="apple-relay") == ["human"]
    assert called(rivals.sendgrid, hit("machine", agent="curl/8.9.1")) == ["human"]


def test_mautic_needs_two_of_its_three_signs() -> None:
    soon, later = hit("machine", after=1, agent=GOOGLEBOT), hit("machine", after=60, agent=GOOGLEBOT)
    assert called(rivals.mautic, soon, later) == ["machine", "human"]
    assert called(rivals.mautic, hit("machine", after=1)) == ["human"]


def test_mautic_with_lists_knows_networks_and_agents() -> None:
    declared = hit("machine", agent="curl/8.9.1")
    assert called(rivals.mautic_with_lists, declared, owner="proofpoint") == ["machine"]
    assert called(rivals.mautic_with_lists, declared) == ["human"]
    assert called(rivals.mautic_with_lists, hit("machine", after=1), owner="proofpoint") == ["machine"]
    assert called(rivals.mautic, declared, owner="proofpoint") == ["human"]


def test_mautic_counts_whole_seconds() -> None:
    made = hit("machine", after=1.999, agent=GOOGLEBOT)
    assert SENT % 1000 == 0
    assert called(rivals.mautic, made, replace(made, at=SENT + 2000)) == ["machine", "human"]


def test_an_agent_list_takes_gmail_s_readers_for_crawlers_unless_told() -> None:
    through_gmail = hit("person", agent=GOOGLE_PROXY)
    assert called(rivals.agent_list, through_gmail) == ["machine"]
    assert called(rivals.agent_list_without_proxies, through_gmail) == ["human"]
    assert called(rivals.agent_list_without_proxies, hit("machine", agent="curl/8.9.1")) == ["machine"]
    assert called(rivals.agent_list, hit("machine", agent=None)) == ["human"]


@pytest.mark.parametrize(("opens", "kind"), [(1, "machine"), (2, "human"), (19, "human"), (20, "machine")])
def test_opens_count_between_one_and_twenty(opens: int, kind: str) -> None:
    made = [hit("person", after=100 + number) for number in range(opens)]
    assert called(rivals.count_of_opens, *made) == [kind] * opens


def test_clicks_always_count_beside_the_number_of_opens() -> None:
    assert called(rivals.count_of_opens, hit("person"), hit("person", "click", 3700)) == ["machine", "human"]


def test_warmbly_judges_by_windows_networks_and_bursts() -> None:
    assert called(rivals.warmbly, hit("person", after=59), hit("person", after=61)) == ["machine", "human"]
    early, late = hit("person", "click", 29), hit("person", "click", 31)
    assert called(rivals.warmbly, early, late) == ["machine", "human"]
    assert called(rivals.warmbly, hit("machine"), owner="microsoft-365-protection") == ["machine"]
    assert called(rivals.warmbly, hit("person", "click", 500), owner="mimecast") == ["machine"]
    assert called(rivals.warmbly, hit("person", "click", 700), owner="mimecast") == ["human"]
    first, second = hit("machine", "click", 400), hit("machine", "click", 402, item=1)
    assert called(rivals.warmbly, first, second) == ["human", "machine"]


def test_without_rules_everything_counts() -> None:
    assert called(rivals.everything_counts, hit("machine", agent=None)) == ["human"]
