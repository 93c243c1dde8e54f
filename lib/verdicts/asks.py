"""Who asks: what the agent says of itself."""

from __future__ import annotations

from lib.agents import APPLE_PRIVACY, declared_robot, image_proxy
from lib.facts import Fact
from lib.verdicts.evidence import Evidence

GMAIL_PREFETCH = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 "
    "Safari/537.36 Edge/12.246 Mozilla/5.0"
)


def no_agent(fact: Fact) -> Evidence | None:
    if fact.agent:
        return None
    return Evidence(
        "no-agent",
        "The program that asked did not say what it is; browsers and mail programs do.",
        -4.6,
        "warmbly",
    )


def robot(fact: Fact) -> Evidence | None:
    if not fact.agent or not declared_robot(fact.agent):
        return None
    return Evidence(
        "declared-robot",
        "The program that asked calls itself a robot or a tool.",
        -6.0,
        "crawler-user-agents",
    )


def gmail_prefetch(fact: Fact) -> Evidence | None:
    if fact.agent != GMAIL_PREFETCH:
        return None
    return Evidence(
        "gmail-prefetch",
        "Gmail loaded the images in advance, before anyone opened the mail.",
        -6.0,
        "SparkPost; mautic#10245",
    )


def apple_privacy(fact: Fact) -> Evidence | None:
    """Of opens alone: a click with such an agent is none of Apple's prefetching."""
    if fact.kind != "open" or not fact.agent or not APPLE_PRIVACY.fullmatch(fact.agent):
        return None
    return Evidence(
        "apple-privacy",
        "Apple Mail loads images whether or not the mail is read, so this may or may not have been a person.",
        -3.0,
        "Mailgun documentation; wordtothewise",
    )


def proxied_open(fact: Fact) -> Evidence | None:
    service = fact.kind == "open" and fact.agent and image_proxy(fact.agent)
    if not service:
        return None
    return Evidence(
        "image-proxy",
        f"{service} fetched the image for a person who opened the mail.",
        1.0,
        "SparkPost, 9.8 billion opens",
    )
