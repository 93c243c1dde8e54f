"""Score a judge: recall, precision, alerts and calibration, over all and by scenario."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.traces.judges import Decision, Judge
from bench.traces.trace import Actor, Request, Trace
from lib.catalogues.networks import Networks
from lib.tracking.facts import Fact
from lib.verdicts.evidence import Class

BINS = 10

SETTLING = 10_000
"""Milliseconds from an open to its alert: what comes later can only withdraw it."""

RIGHT: dict[Actor, Class] = {"person": "human", "machine": "machine"}


def share(part: float, whole: float) -> float | None:
    """None where there is nothing to have a share of."""
    return part / whole if whole else None


@dataclass(slots=True)
class Tally:
    """Counts of verdicts for each kind of actor."""

    counts: Counter[tuple[Actor, Class]] = field(default_factory=Counter)

    def add(self, actor: Actor, called: Class) -> None:
        self.counts[actor, called] += 1

    def of(self, actor: Actor) -> int:
        return sum(count for (who, _), count in self.counts.items() if who == actor)

    def called(self, kind: Class) -> int:
        return sum(count for (_, called), count in self.counts.items() if called == kind)

    @property
    def person_recall(self) -> float | None:
        """Share of people's acts that were called human."""
        return share(self.counts["person", "human"], self.of("person"))

    @property
    def machine_recall(self) -> float | None:
        """Share of machines' acts that were called machine."""
        return share(self.counts["machine", "machine"], self.of("machine"))

    @property
    def person_precision(self) -> float | None:
        """Share of people's acts among those called human."""
        return share(self.counts["person", "human"], self.called("human"))

    @property
    def machine_precision(self) -> float | None:
        """Share of machines' acts among those called machine."""
        return share(self.counts["machine", "machine"], self.called("machine"))

    def update(self, other: Tally) -> None:
        self.counts.update(other.counts)


@dataclass(slots=True)
class Reliability:
    """Said against true, in bins of equal width: by bin, how many, the sum of what was said, and how many were true."""

    bins: list[list[float]] = field(default_factory=lambda: [[0, 0.0, 0] for _ in range(BINS)])

    def add(self, said: float, true: bool) -> None:
        found = self.bins[min(int(said * BINS), BINS - 1)]
        found[0] += 1
        found[1] += said
        found[2] += true

    def update(self, other: Reliability) -> None:
        """Add what another one has counted."""
        self.bins = [
            [mine + its for mine, its in zip(*pair, strict=True)] for pair in zip(self.bins, other.bins, strict=True)
        ]

    @property
    def expected_error(self) -> float | None:
        """Expected calibration error: the mean distance of what was said and what was true, weighted by the bins."""
        return share(sum(abs(said - true) for _, said, true in self.bins), sum(count for count, _, _ in self.bins))


@dataclass(slots=True)
class Alerts:
    """First-open alerts of messages. `only_machines`: something was opened and no person has read; `unprompted` are
    those without an alert in the end, `quiet` those without one even `SETTLING` after each open. `people`: a person's
    open left a fact; `missed` are those without an alert; `early` those whose first alert was a machine's.
    """

    only_machines: int = 0
    unprompted: int = 0
    quiet: int = 0
    people: int = 0
    missed: int = 0
    early: int = 0

    @property
    def withheld(self) -> float | None:
        return share(self.unprompted, self.only_machines)

    @property
    def withheld_at_once(self) -> float | None:
        return share(self.quiet, self.only_machines)

    @property
    def missing(self) -> float | None:
        return share(self.missed, self.people)

    @property
    def too_early(self) -> float | None:
        return share(self.early, self.people)


@dataclass(slots=True)
class Result:
    """`apple` are opens that are unknowable; they are in no other tally of opens."""

    clicks: Tally = field(default_factory=Tally)
    opens: Tally = field(default_factory=Tally)
    apple: Tally = field(default_factory=Tally)
    alerts: Alerts = field(default_factory=Alerts)


@dataclass(slots=True)
class Score:
    """Over all, by scenario (facts by the scenario of their request, alerts by that of their message), and how well
    probabilities and confidences hold. Apple's opens count in the calibration, by their truth."""

    all: Result = field(default_factory=Result)
    by_scenario: dict[str, Result] = field(default_factory=lambda: defaultdict(Result))
    probability: Reliability = field(default_factory=Reliability)
    confidence: Reliability = field(default_factory=Reliability)
    messages: int = 0
    facts: int = 0

    def add(self, trace: Trace, decide: Judge, networks: Networks | None = None) -> None:
        """Asks the judge about one message."""
        labelled = trace.labelled(networks)
        facts, sending = [fact for _, fact in labelled], trace.sending
        decisions = decide(facts, sending)
        self.messages += 1
        self.facts += len(labelled)
        for request, fact in labelled:
            self._add_fact(request, decisions[fact.key])
        at_once = {} if trace.read else {fact.key: _known_soon(decide, trace, facts, fact) for fact in _opens(facts)}
        for result in (self.all, self.by_scenario[trace.scenario]):
            _add_alerts(result.alerts, trace, labelled, decisions, at_once)

    def _add_fact(self, request: Request, decision: Decision) -> None:
        for result in (self.all, self.by_scenario[request.scenario]):
            tally = result.clicks if request.kind == "click" else result.apple if request.unknowable else result.opens
            tally.add(request.actor, decision.kind)
        self.probability.add(decision.human_probability, request.actor == "person")
        if decision.kind != "uncertain":
            self.confidence.add(decision.class_confidence, decision.kind == RIGHT[request.actor])


def score(traces: Iterable[Trace], decide: Judge, networks: Networks | None = None) -> Score:
    """The judge's score over these traces."""
    found = Score()
    for trace in traces:
        found.add(trace, decide, networks)
    return found


def _opens(facts: Iterable[Fact]) -> list[Fact]:
    return [fact for fact in facts if fact.kind == "open"]


def _known_soon(decide: Judge, trace: Trace, facts: Sequence[Fact], fact: Fact) -> bool:
    """Whether the judge raises an alert at the time of an open's."""
    known = [other for other in facts if other.at <= fact.at + SETTLING]
    return decide(known, trace.sending)[fact.key].alerts


def _add_alerts(
    alerts: Alerts,
    trace: Trace,
    labelled: Sequence[tuple[Request, Fact]],
    decisions: Mapping[str, Decision],
    at_once: Mapping[str, bool],
) -> None:
    opens = [(request, decisions[fact.key].alerts) for request, fact in labelled if request.kind == "open"]
    alerting = [request for request, alerts_of in opens if alerts_of]
    if opens and not trace.read:
        alerts.only_machines += 1
        alerts.unprompted += not alerting
        alerts.quiet += not any(at_once.values())
    if any(request.actor == "person" and not request.unknowable for request, _ in opens):
        alerts.people += 1
        alerts.missed += not alerting
        alerts.early += bool(alerting) and alerting[0].actor == "machine"
