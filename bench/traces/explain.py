"""A scenario's traces in words: each request, who made it, what the judge says and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random

from bench.traces.generate import one
from bench.traces.judges import Decision, Judge
from bench.traces.score import RIGHT
from bench.traces.trace import Request, Trace
from lib.catalogues.networks import Networks
from lib.tracking.facts import Fact


def explain(scenario: str, seed: int, count: int, decide: Judge, networks: Networks) -> Iterator[str]:
    """Show so many traces of the scenario, a line for each request. A star marks wrong verdicts, a question mark open
    ones."""
    random = Random(seed)
    for number in range(count):
        trace = one(random, scenario)
        labelled = trace.labelled(networks)
        decisions = decide([fact for _, fact in labelled], trace.sending)
        yield from explain_trace(number, trace, labelled, decisions)


def explain_trace(
    number: int, trace: Trace, labelled: Sequence[tuple[Request, Fact]], decisions: Mapping[str, Decision]
) -> Iterator[str]:
    """Show one trace with what was decided, by the key of each fact."""
    yield _head(number, trace)
    for request, fact in labelled:
        decision = decisions[fact.key]
        mark = "?" if decision.kind == "uncertain" else " " if decision.kind == RIGHT[request.actor] else "*"
        doubt = " (Apple)" if request.unknowable else " (nothing tells)" if request.nothing_tells else ""
        yield (
            f" {mark} {_request(trace, request, fact)}\n"
            f"      truth {request.actor}{doubt}, {request.scenario}; judged {decision.kind} "
            f"{decision.human_probability:.3f}: {', '.join(decision.reasons)}"
        )


def _head(number: int, trace: Trace) -> str:
    honeypots = f", honeypots {sorted(trace.honeypots)}" if trace.honeypots else ""
    read = f"read by {sorted(trace.read)}" if trace.read else "read by nobody"
    gateways = ", ".join(gateway or "unknown" for gateway in trace.gateways)
    return f"\n{trace.scenario} {number + 1}: {trace.links} links{honeypots}; {read}; gateways {gateways}"


def _request(trace: Trace, request: Request, fact: Fact) -> str:
    seconds = (request.at - trace.sent_at) / 1000
    what = "open" if request.kind == "open" else f"click {request.item}"
    method = "" if request.method == "GET" else f" {request.method}"
    more = {name: value for name, value in request.headers.items() if name not in ("user-agent", "accept-language")}
    elsewhere = f" elsewhere {request.elsewhere}" if request.elsewhere else ""
    where = f"{fact.network}{f' ({fact.owner})' if fact.owner else ''}"
    return f"{seconds:+12.1f} s  copy {fact.recipient}  {what}{method}  {where}  {fact.agent}{more or ''}{elsewhere}"
