"""Rules that others have published, as judges. None of them states a probability: theirs is 0 or 1.

They get what they need, and more than most installations have: the lists of addresses that Mautic's users would have
to collect, and Warmbly's networks, are Heed's catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from bench.traces.judges import MACHINE, PERSON, Decision, Judge
from lib.tracking.facts import Fact
from lib.verdicts.context import Sending

SCANNERS = frozenset(("microsoft-365-protection", "barracuda-egd", "proofpoint", "mimecast", "cisco-ironport"))
"""Owners of networks that a tracker against scanners would list."""

_IMAGE_PROXIES = ("GoogleImageProxy", "YahooMailProxy")


def everything_counts(facts: Sequence[Fact], sending: Sending) -> Mapping[str, Decision]:
    """A tracker without any rule."""
    return {fact.key: PERSON for fact in facts}


def sendgrid(facts: Sequence[Fact], sending: Sending) -> Mapping[str, Decision]:
    """Twilio SendGrid's `sg_machine_open`: opens of Apple's Mail Privacy Protection, and nothing else.

    Source: its Event Webhook reference; its support article 4416801410459 says that scanners are not filtered.
    """
    return {fact.key: MACHINE if fact.kind == "open" and _is_apple(fact) else PERSON for fact in facts}


def _is_apple(fact: Fact) -> bool:
    return fact.agent == "Mozilla/5.0" or fact.owner == "apple-relay"


def mautic(facts: Sequence[Fact], sending: Sending) -> Mapping[str, Decision]:
    """Mautic's vote with its lists as they are shipped: no addresses, two agents.

    Source: `BotRatioHelper` and the email bundle's configuration (mautic#14593).
    """
    return {fact.key: _vote(fact, sending, False, _is_shipped_by_mautic(fact)) for fact in facts}


def mautic_with_lists(facts: Sequence[Fact], sending: Sending) -> Mapping[str, Decision]:
    """A tracker with filled lists: the scanners' networks, and every crawler's agent."""
    return {
        fact.key: _vote(fact, sending, fact.owner in SCANNERS, bool(fact.agent) and is_listed(fact.agent or ""))
        for fact in facts
    }


_SHIPPED = (
    "Googlebot/2.1 (+http://www.google.com/bot.html)",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Jakarta Commons-HttpClient/3.1 +http://www.linkedin.com)",
)


def _is_shipped_by_mautic(fact: Fact) -> bool:
    return any(agent in (fact.agent or "") for agent in _SHIPPED)


def _vote(fact: Fact, sending: Sending, listed_address: bool, listed_agent: bool) -> Decision:
    """Two of three: under 2 s after the sending, counted in whole seconds; the address; the agent (0.6 of 3 points)."""
    soon = sending.sent_at is not None and fact.at // 1000 - sending.sent_at // 1000 < 2
    return MACHINE if (soon + listed_address + listed_agent) / 3 >= 0.6 else PERSON


def agent_list(facts: Sequence[Fact], sending: Sending) -> Mapping[str, Decision]:
    """crawler-user-agents as it is. It calls the image proxies of Gmail and Yahoo crawlers."""
    return {fact.key: MACHINE if fact.agent and is_listed(fact.agent) else PERSON for fact in facts}


def agent_list_without_proxies(facts: Sequence[Fact], sending: Sending) -> Mapping[str, Decision]:
    """A tracker with the same lists that also knows image proxies."""
    return {
        fact.key: MACHINE if fact.agent and is_listed(fact.agent) and not _is_proxy(fact.agent) else PERSON
        for fact in facts
    }


@lru_cache(maxsize=4096)
def is_listed(agent: str) -> bool:
    import crawleruseragents

    return bool(crawleruseragents.is_crawler(agent))


def _is_proxy(agent: str) -> bool:
    return any(proxy in agent for proxy in _IMAGE_PROXIES)


def count_of_opens(facts: Sequence[Fact], sending: Sending) -> Mapping[str, Decision]:
    """Practice with Dynamics 365: a mail with more than one and fewer than 20 opens was opened; clicks all count."""
    opens = sum(fact.kind == "open" for fact in facts) + sending.opens_before
    engaged = PERSON if 1 < opens < 20 else MACHINE
    return {fact.key: engaged if fact.kind == "open" else PERSON for fact in facts}


def warmbly(facts: Sequence[Fact], sending: Sending) -> Mapping[str, Decision]:
    """Warmbly's rules as far as its public threads tell them: its lists, prefetches, its windows (open 60 s, click
    30 s, gateways 600 s), Microsoft's other networks for clicks, and bursts of clicks (5 s).

    Sources: warmbly#298, #412, #438, #526. Bursts are taken to count from the second link on.
    """
    return {fact.key: MACHINE if _is_automated(fact, facts, sending) else PERSON for fact in facts}


def _is_automated(fact: Fact, facts: Iterable[Fact], sending: Sending) -> bool:
    if not fact.agent or (is_listed(fact.agent) and not _is_proxy(fact.agent)) or _is_prefetch(fact):
        return True
    if fact.kind == "open" and fact.agent == "Mozilla/5.0":
        return True
    if fact.owner in ("microsoft-365-protection", "barracuda-egd"):
        return True
    passed = float("inf") if sending.sent_at is None else (fact.at - sending.sent_at) / 1000
    if fact.owner in SCANNERS and passed <= 600:
        return True
    if fact.kind == "open":
        return passed < 60
    return passed < 30 or fact.owner == "microsoft-cloud" or _follows_another(fact, facts)


def _is_prefetch(fact: Fact) -> bool:
    return any("prefetch" in fact.headers.get(name, "") for name in ("sec-purpose", "purpose", "x-moz"))


def _follows_another(fact: Fact, facts: Iterable[Fact]) -> bool:
    return any(
        other.kind == "click"
        and other.recipient == fact.recipient
        and other.network == fact.network
        and other.item != fact.item
        and 0 <= fact.at - other.at <= 5000
        and other.key != fact.key
        for other in facts
    )


RIVALS: dict[str, Judge] = {
    "No rules": everything_counts,
    "SendGrid's Apple flag": sendgrid,
    "Mautic's 2 of 3, as shipped": mautic,
    "Mautic's 2 of 3, lists filled": mautic_with_lists,
    "Agent list as it is": agent_list,
    "Agent list without image proxies": agent_list_without_proxies,
    "1 < opens < 20": count_of_opens,
    "Warmbly's rules": warmbly,
}
