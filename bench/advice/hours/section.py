"""The section on hours: how often a habit is advised, whether the stated confidence comes true, and what is gained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean

from bench.advice.hours.cases import CASES, HABITS, MAILS, MIX, NO_HABIT, SENDERS_HOUR
from bench.advice.hours.confidence import (
    HEAD_OF_MIXES,
    HEAD_OF_TENTHS,
    NEAR,
    Stated,
    by_custom,
    of_habits,
    of_office_hours,
    rows_by_mix,
    rows_by_tenth,
)
from bench.advice.hours.outcomes import COMPARED_WITH, HOUR, Outcome, outcomes
from bench.advice.hours.rivals import POLICIES
from lib.send_time.habits import READ_WITHIN, SURE_ENOUGH

REPORTED = 5_000_000
"""First seed of what is reported; `tuning` uses others."""
RECIPIENTS = 540
"""Recipients of each case who have read the most mails."""


def section() -> str:
    """Simulate all cases, and return the section in Markdown."""
    found = outcomes(REPORTED, RECIPIENTS)
    heed = [each for each in found if each.policy == "Heed"]
    return "\n\n".join(
        [
            _INTRODUCTION,
            _TABLE_OF_MAILS + _table(["Reader", *map(str, MAILS)], _rows_by_mails(heed)),
            _TABLE_OF_CONFIDENCE + _tables_of_tenths(of_habits(heed)),
            _TABLE_OF_OFFICE_HOURS + _tables_of_tenths(of_office_hours(heed)),
            by_custom(heed),
            _TABLE_OF_RIVALS + _table(["Reader", *POLICIES], _rows_by_policy(found)),
            _TABLE_OF_GAIN + _table(["Policy", *_GROUPS], _rows_of_gain(found)),
            "",
        ]
    )


_GROUPS = {"no habit": NO_HABIT, "the sender's hours": SENDERS_HOUR, "habit": HABITS}


def _listed(words: Iterable[str]) -> str:
    *some, last = words
    return f"{', '.join(some)} and {last}"


_INTRODUCTION = f"""## Hours at which people read

Each recipient has read a number of mails, in one of four time zones with their clock changes and public holidays. Then
advice is asked at some time of a day. Each of {len(CASES)} cases has
{_listed(f"{times * RECIPIENTS:,}" for times in MIX.values())} recipients with {_listed(map(str, MIX))} mails; seeds
from {REPORTED:,}. Priors and corrections were chosen with other seeds, and were not changed for these. A stated
confidence *comes true* if the share of mail that this reader reads within {READ_WITHIN // HOUR} hours, by the true
rates, is higher at the time by habit than at the time by office hours. Times of the same share are not better.
All of this takes some forty minutes of one core."""

_TABLE_OF_MAILS = """### How often a habit is advised, by mails read

Goals: under 3 % without a habit, under 5 % for the sender's hours, at least 80 % in the morning, in the evening and at
the weekend with 12 mails. In brackets: the share of this advice that came true.

"""

_TABLE_OF_CONFIDENCE = f"""### Whether the stated confidence comes true: times by habit

The best time of each recipient whose mails tell, advised or not. Advice is given from {SURE_ENOUGH} on, and only
where the gain is worth the wait; no other confidence is shown. Goal: within {NEAR} in each tenth. *Yes*: the whole
interval is; *likely*: the share that came true is; *open*: a part of the interval is; *no*: nothing of it is. The
second table has the share that came true less the stated one, for other mixes of recipients than the simulated one.

"""

_TABLE_OF_OFFICE_HOURS = """### Whether the stated confidence comes true: office hours

The recipients whose mails tell, and to whom office hours are advised. All of this confidence is shown. It comes true if
truly no time within a week is worth more: 10 points of the share of mail that is read within 3 hours, and 5 more for
each day of waiting. The place and its holidays are known here; where they are not, the confidence is multiplied with
how sure they are.

"""

_TABLE_OF_RIVALS = f"""### Rivals: how often a habit is advised with {COMPARED_WITH} mails

In brackets: the share of this advice that came true.

"""

_TABLE_OF_GAIN = f"""### What is gained, and how long it takes ({COMPARED_WITH} mails)

True share of mail that is read within {READ_WITHIN // HOUR} hours of being sent, and mean hours until it is sent. For
the sender's hours, all times are the same: waiting gains nothing.

"""


def _tables_of_tenths(stated: Sequence[Stated]) -> str:
    return "\n\n".join(
        [_table(HEAD_OF_TENTHS, rows_by_tenth(stated)), _table(HEAD_OF_MIXES, rows_by_mix(stated))],
    )


def _rows_by_mails(heed: Sequence[Outcome]) -> Iterator[list[str]]:
    for name, cases in _GROUPS.items():
        yield [f"**{name}**", *("" for _ in MAILS)]
        for case in cases:
            of_case = [each for each in heed if each.case == case.name]
            yield [case.name, *(_advised(each for each in of_case if each.mails == mails) for mails in MAILS)]


def _rows_by_policy(outcomes: Sequence[Outcome]) -> Iterator[list[str]]:
    compared = [each for each in outcomes if each.mails == COMPARED_WITH]
    for name, cases in _GROUPS.items():
        yield [f"**{name}**", *("" for _ in POLICIES)]
        for case in cases:
            of_case = [each for each in compared if each.case == case.name]
            yield [case.name, *(_advised(each for each in of_case if each.policy == policy) for policy in POLICIES)]


def _advised(outcomes: Iterable[Outcome]) -> str:
    each = list(outcomes)
    advised = [outcome for outcome in each if outcome.answer.is_advised]
    if not advised:
        return "0 %"
    return f"{len(advised) / len(each):.1%} ({fmean(outcome.comes_true for outcome in advised):.0%})".replace("%", " %")


def _rows_of_gain(outcomes: Sequence[Outcome]) -> Iterator[list[str]]:
    compared = [each for each in outcomes if each.mails == COMPARED_WITH]
    for policy in POLICIES:
        row = [policy]
        for cases in _GROUPS.values():
            some = [each for each in compared if each.policy == policy and each.case in {case.name for case in cases}]
            share = f"{fmean(each.share for each in some):.0%}".replace("%", " %")
            row.append(f"{share}, {fmean(each.waited for each in some):.0f} h")
        yield row


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
