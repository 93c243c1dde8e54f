"""Weights of findings: one table, in log-odds of a person (natural logarithm; 2.2 is 9 to 1).

Opens and clicks are judged apart: the same sign can mean much for the one and nothing for the other. A finding whose
weight is 0 is told, and changes nothing.

Sources say that a sign means something, seldom how much. How much was chosen by hand first, and then drawn towards what
the tuning seeds of the replay benchmark say (`python -m bench.traces --fit`: a logistic regression with the chosen
weights as its prior, in which no sign may change sides), and rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lib.tracking.facts import FactKind
from lib.verdicts.evidence import Finding

RULES_VERSION = "9"

Side = Literal["open", "click"]

UNKNOWABLE = "apple-privacy"
"""Apple loads images for itself and for people alike: that is neither's until something else says so."""


def side_of(kind: FactKind) -> Side:
    """Return the side on which a fact is judged: an attachment is viewed by a link, so that a view is a click."""
    return "open" if kind == "open" else "click"


PRIOR: Mapping[Side, float] = {"open": 1.8, "click": 0.3}
"""Log-odds of a person before any evidence, as the traces ask for: caution stands in the thresholds, so that the
probability means what it says (docs/decisions/0060-a-clicks-probability.md)."""


@dataclass(frozen=True, slots=True)
class Weight:
    open: float
    click: float
    source: str

    def for_side(self, side: Side) -> float:
        return self.open if side == "open" else self.click

    def for_kind(self, kind: FactKind) -> float:
        return self.for_side(side_of(kind))


WEIGHTS: Mapping[str, Weight] = {
    # Who asks: agents.
    "no-agent": Weight(-7.2, -7.0, "warmbly"),
    "declared-robot": Weight(-7.4, -8.0, "catalogue of agents"),
    "gmail-prefetch": Weight(-7.1, -4.0, "SparkPost; mautic#10245"),
    "apple-privacy": Weight(-4.2, 0.0, "Mailgun documentation; wordtothewise"),
    "image-proxy": Weight(4.9, 0.0, "SparkPost, 9.8 billion opens"),
    "image-proxy-click": Weight(0.0, -6.0, "catalogue of agents: image proxies load images"),
    "office-check": Weight(0.0, -7.0, "elifesciences/builder#333; ua-parser/uap-core#405; next-auth#1840"),
    "mail-program": Weight(1.0, 0.0, "Litmus: shares of mail clients; nobody is known to imitate them"),
    "imitated-browser": Weight(-2.5, -2.5, "Chromium's user-agent reduction"),
    "old-browser": Weight(-2.5, -2.5, "opencollective#3656; laravel-passwordless-login#79; makers' release calendars"),
    "headers-do-not-fit": Weight(-2.8, -2.6, "Fetch Metadata Request Headers; User-Agent Client Hints; MDN: Accept"),
    # Who asks: networks.
    "scanner-network": Weight(-7.9, -7.7, "catalogue of networks"),
    "gateway-network-soon": Weight(-6.6, -1.5, "warmbly#526"),
    "gateway-network-later": Weight(-5.4, -0.4, "warmbly#526"),
    "data-centre": Weight(-0.5, -2.5, "warmbly#412"),
    "browser-in-a-data-centre": Weight(-3.6, 0.0, "warmbly#412; announced prefixes of hosters"),
    "private-relay": Weight(0.0, 3.7, "Mailgun documentation"),
    "probable-data-centre": Weight(-0.2, -0.5, "catalogue of autonomous systems; words of names err more often"),
    "security-vendor": Weight(-2.5, -2.5, "catalogue of autonomous systems"),
    "network-of-people": Weight(0.1, 0.3, "catalogue of autonomous systems; residential sandboxes are rare"),
    # The sender's own side.
    "own-network": Weight(-8.0, -7.3, "nylas-mail#3249; Salesflare; Mixmax"),
    "own-session": Weight(-8.0, -8.0, "Salesflare; Mixmax"),
    # How it asks.
    "head-request": Weight(-8.0, -8.0, "civicrm#35328"),
    "prefetch-header": Weight(-7.0, -8.0, "mautic#15844"),
    "no-language": Weight(0.0, -2.0, "RFC 9110, 12.5.4: browsers send it with every page"),
    # When.
    "at-once": Weight(-1.6, -3.0, "warmbly#438"),
    "soon": Weight(-0.9, -0.8, "warmbly#438"),
    "while-scanned": Weight(-0.2, -0.2, "Suped: scans within minutes of delivery"),
    "later": Weight(0.5, 0.2, "warmbly#438"),
    "much-later": Weight(1.5, 0.3, "warmbly#438"),
    "before-dispatch": Weight(0.0, 0.0, "a clock that differs is no evidence"),
    # Together with the other facts of the message.
    "burst": Weight(0.0, -0.5, "warmbly; autoemails"),
    "burst-later": Weight(0.0, 0.0, "people open links in tabs"),
    "faster-than-a-hand": Weight(0.0, -4.4, "warmbly; a hand needs longer"),
    "scattered": Weight(0.0, -2.0, "onetimesecret#359: scanners fetch from several clouds"),
    "every-link": Weight(0.0, -0.5, "customerminds"),
    "every-link-in-order": Weight(0.0, -1.4, "customerminds"),
    "lone-link": Weight(0.0, 0.9, "most people who click follow one link; scanners follow the rest, too"),
    "whole-mail-in-order": Weight(0.0, -0.8, "customerminds"),
    "clicked-where-read": Weight(0.0, 2.4, "resend-node#901"),
    "click-repeated-near": Weight(0.0, -4.4, "resend-node#901"),
    "click-repeated-late": Weight(0.0, -2.6, "support.arternal.com"),
    "followed-again-from-elsewhere": Weight(0.0, 2.1, "resend-node#901"),
    "after-the-answer": Weight(-4.0, 0.0, "nylas-mail#3249; Mixmax"),
    "checked-first": Weight(-2.0, -6.3, "resend-node#901"),
    "checked-after": Weight(0.0, -5.8, "resend-node#901"),
    "person-after-check": Weight(0.0, 4.9, "resend-node#901"),
    "same-source-as-a-machine": Weight(-2.3, -0.4, "Paminga"),
    "beside-a-machine": Weight(0.0, -0.7, "Paminga"),
    "honeypot": Weight(0.0, -5.3, "mautic#9798"),
    "honeypot-alone": Weight(0.0, -1.8, "mautic#9798: never the only reason"),
    "honeypot-nearby": Weight(-5.0, -5.8, "mautic#9798"),
    "many-mails-at-once": Weight(-3.9, -4.1, "Outreach"),
    "several-copies": Weight(-0.8, -1.3, "Outreach"),
    "opened-before": Weight(0.0, 1.8, "a person sees the mail before the link"),
    "read-before": Weight(0.0, 2.9, "a person sees the mail before the link"),
    "read-at-the-same-place": Weight(0.0, 3.5, "a person sees the mail before the link"),
    "clicked-after": Weight(3.3, 0.0, "a person sees the mail before the link"),
    "followed-by-a-click": Weight(0.4, 0.0, "a person sees the mail before the link; so may a scanner"),
    "opened-by-the-same": Weight(0.0, 0.3, "a scanner opens and follows, too"),
    "clicked-by-the-same": Weight(0.1, 0.0, "a scanner opens and follows, too"),
    "replied-after": Weight(4.0, 1.7, "who answers a mail has read it"),
    "came-back": Weight(2.0, 1.8, "scanners do not come back to read"),
    "flood": Weight(-8.0, -8.0, "MRC, Invalid Traffic Detection and Filtration: activity-based filtration"),
    "flood-nearby": Weight(-3.0, -3.0, "MRC, Invalid Traffic Detection and Filtration: activity-based filtration"),
    "many-opens": Weight(-0.2, 0.0, "the field's practice with Dynamics 365"),
    "no-click-in-a-week": Weight(-0.1, 0.0, "the field's practice with Dynamics 365"),
    "opens-in-a-row": Weight(-0.1, 0.0, "the field's practice with Dynamics 365"),
    # What sources, recipients and gateways did with other mails.
    "known-place": Weight(2.8, 1.0, "a person's places stay"),
    "this-recipient-alone": Weight(3.3, 2.6, "scanners look at everyone's mail"),
    "this-recipient-again-and-again": Weight(4.0, 4.0, "scanners look at everyone's mail"),
    "well-known-place": Weight(4.0, 3.6, "a person's places stay"),
    "known-service": Weight(1.9, 0.0, "a person keeps a mail service"),
    "known-program": Weight(0.2, 0.6, "a person keeps a device"),
    "known-office": Weight(3.5, 2.4, "people share an office"),
    "colleague-s-place": Weight(2.4, 2.4, "people share an office"),
    "agent-of-machines": Weight(-0.3, -0.6, "the same program at other mails"),
    "source-of-machines": Weight(-4.5, -3.9, "the same source at other mails"),
    "source-like-a-machine": Weight(-0.7, -1.4, "the same source at other mails"),
    "source-of-people": Weight(2.7, 2.4, "the same source at other mails"),
    "source-like-people": Weight(0.1, 1.3, "the same source at other mails"),
    "source-at-many-companies": Weight(-2.6, -2.8, "scanners serve many companies"),
    "source-at-two-companies": Weight(-1.8, -1.1, "scanners serve many companies"),
    "source-at-several-people": Weight(-2.0, -2.0, "an office or its gateway"),
    "kin-of-machines": Weight(-0.8, -0.5, "products move within their owner's networks"),
    "kin-at-many-companies": Weight(-1.7, -1.3, "products move within their owner's networks"),
    "perhaps-own-device": Weight(-2.2, 0.0, "Salesflare; Mixmax"),
    "sweep": Weight(-6.2, -4.5, "movers of mailboxes and lawyers' software"),
    "own-device": Weight(-6.5, 0.0, "Salesflare; Mixmax"),
    "own-place": Weight(-6.5, 0.0, "Salesflare; Mixmax"),
    "perhaps-own-place": Weight(-2.7, 0.0, "Salesflare; Mixmax"),
    "new-place": Weight(-1.9, -1.3, "a person's places stay"),
    "new-program": Weight(-1.9, 0.0, "a person keeps a device"),
    "gateway-acts-then": Weight(-0.4, -0.6, "a gateway's habits"),
    # What people of the organization say, and what has come true there.
    "user-said-person": Weight(5.0, 5.0, "feedback of a user, who may know more than a trace shows"),
    "user-said-machine": Weight(-7.5, -7.0, "feedback of a user, who may know more than a trace shows"),
    "user-said-me": Weight(-8.0, -8.0, "feedback of a user: who did it says so"),
    "organization-s-experience": Weight(0.0, 0.0, "certain cases of the organization (lib/reliability/experience.py)"),
    # Who receives.
    "gateway-scans": Weight(0.0, 0.0, "act-on; Maestra"),
    "gateway-does-not-scan": Weight(0.0, 0.1, "act-on; Maestra"),
}


def weight_of(finding: Finding, kind: FactKind) -> float:
    """Return the finding's own weight, where it has one, else the table's, in log-odds of a person."""
    return WEIGHTS[finding.code].for_kind(kind) if finding.weight is None else finding.weight
