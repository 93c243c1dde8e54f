"""Figures of a judge on organizations: by difficulty, and by how much history there was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from bench.traces.organizations import DAYS
from bench.traces.organizations.play import PlayedMail
from bench.traces.organizations.replay import OrganizationJudge, Outcome, replay
from bench.traces.score import Reliability, Tally
from bench.traces.trace import Request
from lib.catalogues.networks import Networks
from lib.verdicts.evidence import Class

WINDOWS: Mapping[str, range] = {
    "0 days": range(30, 60),
    "7 days": range(7, 14),
    "30 days": range(30, 60),
    "90 days": range(90, DAYS),
}
"""Days of history, and the days on which the mails that are judged with it were sent. Without history, the same mails
are judged as with 30 days, each by a judge that begins on the day of the sending."""

READ_AT_WORK = "read-where-the-sender-works"
"""The name under which people's hits count once more that come from a network where the mail's sender has a session."""

Worked = Collection[tuple[str, str | None]]
"""Senders, each with a network where the sender has a session at any time."""

MakeJudge = Callable[[], OrganizationJudge]


@dataclass(slots=True)
class FalseAlerts:
    """Mails that only machines opened."""

    mails: int = 0
    raised: int = 0
    """Those with an alert at any time."""

    standing: int = 0
    """Those with an alert in the end."""

    def update(self, other: FalseAlerts) -> None:
        """Add another count."""
        self.mails += other.mails
        self.raised += other.raised
        self.standing += other.standing


@dataclass(slots=True)
class Difficulty:
    """Figures of what is equally hard."""

    clicks: Tally = field(default_factory=Tally)
    opens: Tally = field(default_factory=Tally)
    """Without those that Apple's Mail Privacy Protection loads."""

    alerts: FalseAlerts = field(default_factory=FalseAlerts)

    hidden: int = 0
    """Opens and clicks that nothing tells."""

    def add(self, request: Request, called: Class) -> None:
        """Count one open or click."""
        (self.clicks if request.kind == "click" else self.opens).add(request.actor, called)
        self.hidden += request.nothing_tells

    def update(self, other: Difficulty) -> None:
        """Add another organization's figures."""
        self.clicks.update(other.clicks)
        self.opens.update(other.opens)
        self.alerts.update(other.alerts)
        self.hidden += other.hidden


@dataclass(slots=True)
class Figures:
    """Figures of one judge on some mails."""

    mails: int = 0
    facts: int = 0
    all: Difficulty = field(default_factory=Difficulty)
    knowable: Difficulty = field(default_factory=Difficulty)
    hidden: Difficulty = field(default_factory=Difficulty)
    """What nothing tells."""

    clicks: Reliability = field(default_factory=Reliability)
    opens: Reliability = field(default_factory=Reliability)
    """Apple's count, by whether a person read at that moment."""

    hidden_facts: Reliability = field(default_factory=Reliability)
    """Opens and clicks that nothing tells."""

    by_kind: dict[str, Difficulty] = field(default_factory=lambda: defaultdict(Difficulty))

    def update(self, other: Figures) -> None:
        """Add another organization's figures."""
        self.mails += other.mails
        self.facts += other.facts
        for mine, its in ((self.all, other.all), (self.knowable, other.knowable), (self.hidden, other.hidden)):
            mine.update(its)
        for kind, found in other.by_kind.items():
            self.by_kind[kind].update(found)
        self.clicks.update(other.clicks)
        self.opens.update(other.opens)
        self.hidden_facts.update(other.hidden_facts)

    def count(self, outcome: Outcome, networks: Networks, worked: Worked = ()) -> None:
        """Count one mail."""
        self.mails += 1
        labelled = outcome.mail.hits(networks)
        for request, fact in labelled:
            decision = outcome.decisions[fact.key]
            self.facts += 1
            self._count_request(request, decision.kind)
            is_at_work = request.actor == "person" and (outcome.mail.sender, fact.network) in worked
            if is_at_work and not request.unknowable:
                self.by_kind[READ_AT_WORK].add(request, decision.kind)
            is_person = request.actor == "person"
            (self.clicks if request.kind == "click" else self.opens).add(decision.human_probability, is_person)
            if request.nothing_tells:
                self.hidden_facts.add(decision.human_probability, is_person)
        self._count_alert(outcome, {fact.key: request for request, fact in labelled if request.kind == "open"})

    def _count_request(self, request: Request, called: Class) -> None:
        if request.unknowable:
            return
        hard = self.hidden if request.nothing_tells else self.knowable
        for group in (self.all, hard, self.by_kind[request.scenario]):
            group.add(request, called)

    def _count_alert(self, outcome: Outcome, opens: Mapping[str, Request]) -> None:
        """A mail is knowable if all of its opens are. By kind, alerts are counted alone: by the open that raised
        them."""
        if not opens or outcome.mail.trace.read:
            return
        hard = self.hidden if any(request.nothing_tells for request in opens.values()) else self.knowable
        told = outcome.alerting is not None
        stands = told and any(outcome.decisions[key].kind == "human" for key in opens)
        for group in (self.all, hard):
            group.alerts.update(FalseAlerts(1, told, stands))
        if outcome.alerting is not None:
            self.by_kind[opens[outcome.alerting].scenario].alerts.raised += 1


def measure(mails: list[PlayedMail], make: MakeJudge, networks: Networks, worked: Worked = ()) -> dict[str, Figures]:
    """Figures by history of a judge that remembers, of one organization; under `all days` those of the whole play."""
    outcomes = replay(mails, make(), networks)
    found = {name: _figures(outcomes, days, networks, worked) for name, days in WINDOWS.items()}
    found["0 days"] = measure_alone(mails, make, networks)
    found["all days"] = _figures(outcomes, range(DAYS), networks, worked)
    return found


def measure_alone(mails: list[PlayedMail], make: MakeJudge, networks: Networks) -> Figures:
    """Figures without history: each day's mails are judged by a judge that begins on that day."""
    found = Figures()
    for day in WINDOWS["0 days"]:
        of_the_day = [mail for mail in mails if mail.day == day]
        found.update(_figures(replay(of_the_day, make(), networks), WINDOWS["0 days"], networks))
    return found


def _figures(outcomes: Iterable[Outcome], days: range, networks: Networks, worked: Worked = ()) -> Figures:
    found = Figures()
    for outcome in outcomes:
        if outcome.mail.day in days:
            found.count(outcome, networks, worked)
    return found
