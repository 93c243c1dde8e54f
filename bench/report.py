"""RESULTS.md: what was measured, as tables, with what a reader needs to judge it."""

import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime

from bench.busy import MOST, OPENS_OF_EACH, Cost, pairs
from bench.hits import CLICK, PIXEL, REST, SDK, WARM_UP_SECONDS, Bench, Contender, Measurement, Rounds
from bench.load import CONNECTIONS
from bench.machine import describe_machine, describe_versions
from bench.mail import BYTES, HOSTILE_BYTES, LINKS, Timing
from bench.sending import Finding
from bench.storage import MESSAGES

RATIOS = ((PIXEL, REST, 2.5), (CLICK, REST, 2.5), (PIXEL, SDK, 4.0), (CLICK, SDK, 4.0))
"""Who is compared with whom, and how many times as many hits a second are the target."""

TARGET_MILLISECONDS = 2.0

_COLUMNS = (
    "| | hits/s | p50 ms | p99 ms | µs of CPU a hit: server | Azurite | load "
    "| CPU busy: server's | Azurite's | CPU's limit hits/s |"
)

MOST_DISTURBED = 0.1
"""The share of a CPU that other processes may take before the figures mean little."""


def render(
    bench: Bench,
    rounds: Rounds,
    timings: Iterable[Timing],
    lists: Sequence[Finding],
    costs: Sequence[Cost],
    findings: Sequence[Finding],
) -> str:
    """The whole file."""
    parts = [_head(), *_hits(bench, rounds), *_mail(timings), *_lists(lists), *_busy(costs), *_sending(findings)]
    return "\n".join(parts) + "\n"


def _head() -> str:
    return (
        f"# Benchmarks\n\nWritten by `make bench` on {datetime.now(UTC):%d %B %Y}.\n\n"
        f"Machine: {describe_machine()}.\n\nVersions: {describe_versions()}.\n"
    )


def _hits(bench: Bench, rounds: Rounds) -> Iterator[str]:
    yield (
        f"## Hits, durable before they are answered\n\n"
        f"{bench.rounds} interleaved rounds of {bench.seconds:g} s for each contender after {WARM_UP_SECONDS:g} s of "
        f"warm-up; medians of the rounds. {CONNECTIONS} connections ask for {MESSAGES:,} different messages (load by "
        f"{bench.generator.name}). The server has one CPU to itself; Azurite, which is fresh for every contender and "
        "writes to disk, shares the other one with the load generator. Heed is the unchanged app in the local host, "
        "with queues and timers only where the assessor is named: there it competes with the hits for the server's "
        "CPU. The bare handlers run on uvicorn as it is, open no token, look at no header, and insert a row of the "
        "same size for each hit. The last column is the rate at which the busier CPU would have no time left: it "
        "depends less on what else the machine does.\n"
    )
    yield _table(
        _COLUMNS,
        (_hits_row(contender, found) for contender, found in rounds.items()),
    )
    yield _table("| times as many hits/s | each round | median | target |", _ratio_rows(rounds))
    yield _durability(bench, rounds)


def _hits_row(contender: Contender, found: list[Measurement]) -> str:
    def median(value: Callable[[Measurement], float]) -> float:
        return statistics.median(map(value, found))

    columns = (
        contender.name,
        f"{median(lambda one: one.load.rate):,.0f}",
        f"{median(lambda one: one.load.p50):.1f}",
        f"{median(lambda one: one.load.p99):.1f}",
        f"{median(lambda one: one.server_cpu / one.load.hits) * 1e6:.0f}",
        f"{median(lambda one: one.storage_cpu / one.load.hits) * 1e6:.0f}",
        f"{median(lambda one: one.load_cpu / one.load.hits) * 1e6:.0f}",
        f"{median(lambda one: one.server_cpu / one.load.seconds):.0%}",
        f"{median(lambda one: (one.storage_cpu + one.load_cpu) / one.load.seconds):.0%}",
        f"{median(lambda one: one.limit):,.0f}",
    )
    return f"| {' | '.join(columns)} |"


def _ratio_rows(rounds: Rounds) -> Iterator[str]:
    for ours, theirs, target in RATIOS:
        ratios = [mine.load.rate / other.load.rate for mine, other in zip(rounds[ours], rounds[theirs], strict=True)]
        each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        median = statistics.median(ratios)
        met = "reached" if median >= target else "**missed**"
        yield f"| {ours.name} / {theirs.name} | {each} | {median:.2f} | {target:g}, {met} |"


def _durability(bench: Bench, rounds: Rounds) -> str:
    measured = [measurement for found in rounds.values() for measurement in found]
    answered, stored = sum(one.answered for one in measured), sum(one.stored for one in measured)
    lost = [contender.name for contender, found in rounds.items() if not all(one.is_durable for one in found)]
    verdict = f"**Not so for {', '.join(lost)}.**" if lost else "So it was every time."
    left = bench.generator.leaves_unanswered
    may = f"or more by up to {left} for each load, which leaves as many hits before their answer" if left else "no more"
    disturbed = max(one.others / one.load.seconds for one in measured)
    judgement = " **The machine was not idle: measure again.**" if disturbed > MOST_DISTURBED else ""
    return (
        f"Durability: {answered:,} hits were answered, warm-up included, and {stored:,} facts were found in storage "
        f"afterwards. There must be as many facts as answers, {may}. {verdict}\n\nProcesses of no part in this took "
        f"at most {disturbed:.0%} of a CPU in any round.{judgement}\n"
    )


def _mail(timings: Iterable[Timing]) -> Iterator[str]:
    yield (
        f"## Rewriting and composing\n\nPer message, with real tokens and the text part made from the HTML. The "
        f"generated mail has about {BYTES // 1024} KiB and {LINKS} links; the target for rewriting it is "
        f"{TARGET_MILLISECONDS:g} ms. Templates have addresses where they left a placeholder. Hostile input has "
        f"{HOSTILE_BYTES:,} bytes.\n"
    )
    yield _table(
        "| | bytes | links | median ms | p95 ms |",
        (f"| {one.name} | {one.size:,} | {one.links:,} | {one.median:.2f} | {one.slow:.2f} |" for one in timings),
    )


def _table(head: str, rows: Iterable[str]) -> str:
    columns = head.count("|") - 1
    return "\n".join([head, "|---|" + "---:|" * (columns - 1), *rows]) + "\n"


def _sending(findings: Sequence[Finding]) -> Iterator[str]:
    if not findings:
        return
    yield (
        "## Mail on its way\n\nThe whole app in the local host on one CPU, with Azurite and a real SMTP server: every "
        "timer and queue runs.\n"
    )
    yield _findings(findings)


def _lists(findings: Sequence[Finding]) -> Iterator[str]:
    if not findings:
        return
    yield (
        "## Lists\n\nPages are read from storage in memory, changes are written to Azurite: of messages that stand in "
        "everybody's, their sender's and one record's lists.\n"
    )
    yield _findings(findings)


def _busy(costs: Sequence[Cost]) -> Iterator[str]:
    if not costs:
        return
    yield (
        f"## Busy messages\n\n{costs[0].opens:,} opens from as many networks, all of one message or {OPENS_OF_EACH} of "
        "each of many, stand on the queue and in the journal, 32 to a commit, before Heed starts. Measured is what it "
        "takes from there until the queue is empty, later looks included; then every open is counted once. The server "
        "has one CPU to itself, Azurite the other one. Azurite reads a whole table for any query, and a whole "
        "partition for every row that it writes, which Azure does not: what it takes for one busy message grows with "
        "its opens. So the many messages are shared out between organizations, which have tables of their own.\n"
    )
    yield _table(
        "| | messages | ms of CPU an open: server | Azurite | both | storage requests an open | s |",
        (
            f"| opened within {cost.age} | {cost.messages:,} | {cost.of_server:.2f} | {cost.of_storage:.2f} | "
            f"{cost.of_each:.2f} | {cost.requests / cost.opens:.2f} | {cost.seconds:.0f} |"
            for cost in costs
        ),
    )
    yield _table(
        "| an open of one message / of many: | both CPUs | server alone | requests | target |",
        map(_busy_row, pairs(costs)),
    )


def _busy_row(pair: tuple[Cost, Cost]) -> str:
    busy, quiet = pair
    ratio = busy.of_each / quiet.of_each
    met = "reached" if ratio <= MOST else "**missed**"
    return (
        f"| opened within {busy.age} | {ratio:.2f} | {busy.of_server / quiet.of_server:.2f} | "
        f"{busy.requests / quiet.requests:.2f} | at most {MOST:g}, {met} |"
    )


def _findings(findings: Sequence[Finding]) -> str:
    return _table("| | measured | target |", (f"| {one.what} | {one.figure} | {one.target} |" for one in findings))
