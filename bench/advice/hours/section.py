"""The section on hours: how often a habit is advised, whether the stated confidence comes true, and what is gained."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import Pool
from random import Random
from statistics import fmean

from bench.advice.hours.cases import HABITS, MAILS, NO_HABIT, SENDERS_HOUR, Case, Question, question
from bench.advice.hours.rivals import POLICIES, Answer
from lib.send_time.advice import SUREST
from lib.send_time.habits import COST_OF_A_DAY, LEAST_GAIN, READ_WITHIN
from lib.send_time.reading import is_at_night

REPORTED = 7_000
"""First seed of what is reported; `tuning` uses others."""
RECIPIENTS = 60
"""Recipients for each case and number of mails."""
_COMPARED_WITH = 12
"""Mails with which policies are compared."""
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Outcome:
    """One recipient's answer by one policy, and what is true."""

    case: str
    mails: int
    policy: str
    answer: Answer
    comes_true: bool
    """Whether the answer's time is truly better than that of office hours."""
    office_comes_true: bool
    """Whether truly no time within a week is worth more than that of office hours."""
    share: float
    """True share of mail that is read in time, if it is sent as advised."""
    waited: float
    """Hours from now to the advised time."""


def section() -> str:
    """Simulate all cases, and return the section in Markdown."""
    found = outcomes(REPORTED, RECIPIENTS)
    heed = [each for each in found if each.policy == "Heed"]
    return "\n\n".join(
        [
            _INTRODUCTION,
            _TABLE_OF_MAILS + _table(["Reader", *map(str, MAILS)], _rows_by_mails(heed)),
            _TABLE_OF_CONFIDENCE + _table(_HEAD_OF_TENTHS, rows_by_tenth(of_habits(heed))),
            _TABLE_OF_OFFICE_HOURS + _table(_HEAD_OF_TENTHS, rows_by_tenth(of_office_hours(heed))),
            _TABLE_OF_RIVALS + _table(["Reader", *POLICIES], _rows_by_policy(found)),
            _TABLE_OF_GAIN + _table(["Policy", *_GROUPS], _rows_of_gain(found)),
            "",
        ]
    )


_CASES = (*NO_HABIT, *SENDERS_HOUR, *HABITS)
_GROUPS = {"no habit": NO_HABIT, "the sender's hours": SENDERS_HOUR, "habit": HABITS}

_INTRODUCTION = f"""## Hours at which people read

Each recipient has read a number of mails, in one of four time zones with their clock changes and public holidays. Then
advice is asked at some time of a day. {RECIPIENTS} recipients a cell, seeds from {REPORTED}; the priors of
`lib/send_time/patterns.py` were chosen with other seeds, and were not changed for these. A stated confidence *comes
true* if the share of mail that this reader reads within {READ_WITHIN // _HOUR} hours, by the true rates, is higher at
the time by habit than at the time by office hours. Times of the same share are not better."""

_TABLE_OF_MAILS = """### How often a habit is advised, by mails read

Goals: under 3 % without a habit, under 5 % for the sender's hours, at least 80 % in the morning, in the evening and at
the weekend with 12 mails. In brackets: the share of this advice that came true.

"""

_HEAD_OF_TENTHS = ("Stated", "Answers", "Mean stated", "Came true", "Within 0.05")

_TABLE_OF_CONFIDENCE = """### Whether the stated confidence comes true: times by habit

Each recipient's best time, advised or not. Advice is given from 0.9 on, and only where the gain is worth the wait.
Goal: within 0.05 in each tenth. The ± is two standard errors: in tenths with few answers, chance alone does as much.

"""

_TABLE_OF_OFFICE_HOURS = """### Whether the stated confidence comes true: office hours

All recipients to whom office hours are advised, with 0 to 40 mails. It comes true if truly no time within a week is
worth more: 10 points of the share of mail that is read within 3 hours, and 5 more for each day of waiting. The place
and its holidays are known here; where they are not, the confidence is multiplied with how sure they are.

"""

_TABLE_OF_RIVALS = f"""### Rivals: how often a habit is advised with {_COMPARED_WITH} mails

In brackets: the share of this advice that came true.

"""

_TABLE_OF_GAIN = f"""### What is gained, and how long it takes ({_COMPARED_WITH} mails)

True share of mail that is read within {READ_WITHIN // _HOUR} hours of being sent, and mean hours until it is sent. For
the sender's hours, all times are the same: waiting gains nothing.

"""


def outcomes(first: int, recipients: int) -> list[Outcome]:
    """Ask about so many recipients of each case and number of mails, with seeds from `first` on."""
    cells = [(case, mails) for case in range(len(_CASES)) for mails in (0, *MAILS)]
    jobs = [(case, mails, first + place * recipients, recipients) for place, (case, mails) in enumerate(cells)]
    with Pool(2) as pool:
        return [outcome for some in pool.starmap(_cell, jobs, chunksize=1) for outcome in some]


def _cell(number: int, mails: int, first: int, recipients: int) -> list[Outcome]:
    case, found = _CASES[number], list[Outcome]()
    for seed in range(first, first + recipients):
        asked = question(case, Random(seed), mails)
        is_right = not _is_time_worth_more(asked)
        for name, policy in POLICIES.items():
            if name == "Heed" or mails == _COMPARED_WITH:
                found.append(_outcome(case, mails, name, asked, policy(asked), is_right))
    return found


def _is_time_worth_more(asked: Question) -> bool:
    """Whether there truly is a time that should be advised in the place of office hours."""
    suggested = asked.suggested_there
    instead = asked.reader.share(suggested, READ_WITHIN)
    hours = (suggested.replace(minute=0) + hour * _HOUR for hour in range(1, 168))
    return any(
        asked.reader.share(at, READ_WITHIN) - instead >= LEAST_GAIN + COST_OF_A_DAY * ((at - suggested) / (24 * _HOUR))
        for at in hours
        if not is_at_night(at)
    )


def _outcome(case: Case, mails: int, policy: str, asked: Question, answer: Answer, is_right: bool) -> Outcome:
    then, instead = (asked.reader.share(at, READ_WITHIN) for at in (answer.at, asked.suggested_there))
    sent = answer.at if answer.is_advised else asked.suggested_there
    return Outcome(
        case.name,
        mails,
        policy,
        answer,
        then > instead + 1e-9,
        is_right,
        then if answer.is_advised else instead,
        (sent - asked.now.replace(tzinfo=None)) / _HOUR,
    )


def _rows_by_mails(heed: Sequence[Outcome]) -> Iterator[list[str]]:
    for name, cases in _GROUPS.items():
        yield [f"**{name}**", *("" for _ in MAILS)]
        for case in cases:
            of_case = [each for each in heed if each.case == case.name]
            yield [case.name, *(_advised(each for each in of_case if each.mails == mails) for mails in MAILS)]


def _rows_by_policy(outcomes: Sequence[Outcome]) -> Iterator[list[str]]:
    compared = [each for each in outcomes if each.mails == _COMPARED_WITH]
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
    return f"{len(advised) / len(each):.0%} ({fmean(outcome.comes_true for outcome in advised):.0%})".replace("%", " %")


Stated = tuple[float, bool]
"""A stated confidence, and whether it came true."""


def of_habits(heed: Iterable[Outcome]) -> list[Stated]:
    """Return the confidence of each recipient's best time, advised or not."""
    return [(each.answer.confidence, each.comes_true) for each in heed if each.mails]


def of_office_hours(heed: Iterable[Outcome]) -> list[Stated]:
    """Return the confidence of office hours, where they are advised."""
    return [(each.answer.office_hours, each.office_comes_true) for each in heed if not each.answer.is_advised]


def rows_by_tenth(stated: Iterable[Stated]) -> Iterator[list[str]]:
    """Return the rows of a table of confidence."""
    tenths = defaultdict[int, list[Stated]](list)
    for each in stated:
        tenths[min(int(each[0] * 10), 9)].append(each)
    for tenth, some in sorted(tenths.items()):
        mean, true = fmean(min(sure, SUREST) for sure, _ in some), fmean(true for _, true in some)
        error = 2 * (max(true * (1 - true), 0.01) / len(some)) ** 0.5
        is_met = "yes" if abs(true - mean) <= 0.05 else "no"
        span = f"{tenth / 10:.1f} to {(tenth + 1) / 10:.1f}"
        yield [span, str(len(some)), f"{mean:.3f}", f"{true:.3f} ± {error:.3f}", is_met]


def _rows_of_gain(outcomes: Sequence[Outcome]) -> Iterator[list[str]]:
    compared = [each for each in outcomes if each.mails == _COMPARED_WITH]
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
