"""Renders figures on organizations as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bench.traces.organizations import DAYS
from bench.traces.organizations.measures import READ_AT_WORK, WINDOWS, Difficulty, Figures
from bench.traces.organizations.run import CONSOLE, HEED, Measured
from bench.traces.report import count_of, percent, reliability_table, table
from bench.traces.score import share
from bench.traces.trace import Actor
from lib.verdicts.evidence import Class
from lib.verdicts.thresholds import DEFAULT

_COMPARED = (
    "| judge | history | people's clicks called human | all | machines' clicks called machine | all "
    "| people's opens called human | all | machines' opens called machine | all "
    "| false alerts raised | all | left standing | all | error of the probability: clicks | opens |"
)
_ACTORS: tuple[Actor, ...] = ("person", "machine")
_GOALS = "| *goal* | *30 days* | 99 % | | 97 % | 90 % | 97 % | | | | 0.5 % | 2 % | | | 0.030 | 0.030 |"
_KINDS = (
    "| behavior | nothing tells, of its hits | clicks: people's | called human | machines' | called machine "
    "| opens: people's | called human | machines' | called machine | false alerts |"
)


_SHORT = """\
What keeps figures below their goals, by behavior; the table of behaviors has the figures:

- People's opens: `cloud-desktop`, of whose first mails nothing tells but a data center, where a browser's open is \
mostly a scanner's; `prompt-through-the-image-service` and `prompt-in-outlook-on-the-web`, where the reader opens \
within seconds and has no earlier mail that was opened later; `forward` and `new-phone`, at a device and place that no \
other mail knows, while the recipient reads elsewhere: so do the sender's own looks.
- People's clicks: `cloud-desktop` and `isolated-browsing`, from networks where machines follow links.
- False alerts: `own-look-from-elsewhere`, for the first looks of a device that no other mail has shown; \
`residential-sandbox` and `colleague-looks-once`, which nothing tells.
- Machines' clicks: `assistant-in-a-cloud`, whose source is at few people's mail and goes on as its person does; \
`antivirus-at-the-reader`, which shares the reader's place; `one-unlisted-link`, until its source was at other mails.
"""


def render_organizations(measured: Measured, seeds: Sequence[int]) -> str:
    """The part of the report about organizations."""
    everything = measured[HEED, "all days"]
    parts = [_head(everything, seeds), compare(measured), _remarks(), "### What falls short\n", _SHORT]
    parts.append("### What nothing tells\n")
    parts += [_hidden(measured[HEED, "30 days"]), "### By behavior, with all history there was\n", by_kind(everything)]
    return "\n".join([*parts, *_sessions(measured)])


_OF_SESSIONS = ("own-look-from-elsewhere", "quoted-pixel", READ_AT_WORK)


def _sessions(measured: Measured) -> Iterator[str]:
    """Figures of what sessions may tell, and of whom they may wrong, without them and with them."""
    yield (
        "### Senders who use the console\n\nFour of six senders do on some days: at home, in the office, at customers' "
        "and beside recipients; `bench/traces/organizations/sessions.py` says what is assumed. The mails are the same. "
        f"`{READ_AT_WORK}` are people's hits from networks where their mail's sender has a session at any time. "
        "With all history there was:\n"
    )
    for judge in (HEED, CONSOLE):
        yield f"{judge}:\n"
        yield by_kind(measured[judge, "all days"], _OF_SESSIONS)


_OF_ONE_CARRIER = ("phone-behind-one-carrier", "ordinary-reader", "own-look-from-elsewhere", "quoted-pixel")


def render_one_carrier(measured: Measured, seeds: Sequence[int]) -> str:
    """The part of the report about organizations with one sender, whose recipients share a carrier."""
    everything = measured[HEED, "all days"]
    return "\n".join(
        (
            f"## One sender, one carrier\n\n{everything.mails:,} mails with {everything.facts:,} facts, of "
            f"organizations (seeds {', '.join(map(str, seeds))}) in which one sender writes all mail. Of 300 "
            "recipients 210 read it on phones of four models behind a carrier's four networks. The sender's phone is "
            "of these models and there, too. Machines are as above. Such organizations are few: these figures bound "
            "what is lost in the worst of them.\n",
            compare(measured),
            "With all history there was:\n",
            by_kind(everything, _OF_ONE_CARRIER),
            "And where the sender uses the console, on the phone as well:\n",
            by_kind(measured[CONSOLE, "all days"], (*_OF_ONE_CARRIER, READ_AT_WORK)),
        )
    )


def _head(everything: Figures, seeds: Sequence[int]) -> str:
    machines = everything.all.clicks.of("machine")
    hidden_clicks = percent(share(everything.hidden.clicks.of("machine"), machines))
    hidden_alerts = percent(share(everything.hidden.alerts.mails, everything.all.alerts.mails))
    return (
        f"## Organizations over {DAYS} days\n\n{everything.mails:,} mails with {everything.facts:,} facts, of "
        f"{len(seeds)} organizations (seeds {', '.join(map(str, seeds))}; nothing was tuned on them), each with 300 "
        "recipients at 60 companies. `bench/traces/organizations` says who acts there, from which sources, and what is "
        "assumed. What is hard to tell is there more often than in the field. "
        f"Nothing tells who made {hidden_clicks} of the machines' clicks, or {hidden_alerts} of the mails that only "
        "machines opened: people do the same there, in all that is recorded. The first column of each pair is "
        "without these, the second one with them.\n"
    )


def compare(measured: Measured) -> str:
    """A line for Heed with each history, and one for each rival."""
    keys = [(judge, history) for judge in (HEED, CONSOLE) for history in WINDOWS]
    keys += [key for key in measured if key[0] not in (HEED, CONSOLE)]
    return table(_COMPARED, (*(_compared(key, measured[key]) for key in keys), _GOALS))


def _compared(key: tuple[str, str], figures: Figures) -> str:
    judge, history = key
    cells = [judge, history if judge in (HEED, CONSOLE) else "none"]
    easy, every = figures.knowable, figures.all
    sides: tuple[tuple[Actor, Class], ...] = (("person", "human"), ("machine", "machine"))
    for name in ("clicks", "opens"):
        for who, called in sides:
            cells += [_called(easy, name, who, called), _called(every, name, who, called)]
    for group in (easy.alerts, every.alerts):
        cells.append(percent(share(group.raised, group.mails)))
    for group in (easy.alerts, every.alerts):
        cells.append(percent(share(group.standing, group.mails)))
    for reliability in (figures.clicks, figures.opens):
        error = reliability.expected_error
        cells.append("" if error is None else f"{error:.3f}")
    return f"| {' | '.join(cells)} |"


def _called(difficulty: Difficulty, name: str, who: Actor, called: Class) -> str:
    tally = difficulty.clicks if name == "clicks" else difficulty.opens
    return percent(share(tally.counts[who, called], tally.of(who)))


def _remarks() -> str:
    return (
        "With 30 days of history, mails of days 30 to 59 are judged; without history, the same mails, each by a judge "
        "that begins on the day of the sending; with 7 and 90 days, mails of days 7 to 13 and 90 to 103. Rivals "
        "remember nothing; they judge the mails of days 30 to 59. The judge is asked 10 s after each hit, and a day "
        "and a week after the last; the last answer counts. A false alert is raised at a mail that no person read, "
        f"when an open is told (a person's, with a probability from {DEFAULT.alert_from['open']} on) at any of these "
        "times; it is left standing when an open is called human in the end, too. Opens that Apple's Mail Privacy "
        "Protection loads count in the error of the probability alone.\n"
    )


def _hidden(figures: Figures) -> str:
    bins = figures.hidden_facts.bins
    count, said, people = (sum(each[place] for each in bins) for place in range(3))
    mean, true = percent(share(said, count)), percent(share(people, count))
    return (
        f"Of {count:,.0f} opens and clicks with 30 days of history, {true} were people's; the judge's mean "
        f"probability was {mean}.\n\n{reliability_table(figures.hidden_facts)}"
    )


def by_kind(figures: Figures, kinds: Iterable[str] = ()) -> str:
    """A line for each kind of behavior, or for each of `kinds`. False alerts are counted at the open that raised
    them."""
    chosen = kinds or sorted(set(figures.by_kind) - {READ_AT_WORK})
    rows = (f"| {kind} | {' | '.join(_kind(figures.by_kind[kind]))} |" for kind in chosen)
    return table(_KINDS, rows)


def _kind(found: Difficulty) -> Iterator[str]:
    requests = sum(tally.of(who) for tally in (found.clicks, found.opens) for who in _ACTORS)
    yield percent(share(found.hidden, requests)) if found.hidden else ""
    for tally in (found.clicks, found.opens):
        yield count_of(tally.of("person"))
        yield percent(tally.person_recall)
        yield count_of(tally.of("machine"))
        yield percent(tally.machine_recall)
    yield count_of(found.alerts.raised)
