"""The section on hours: how often a habit is advised, whether the stated confidence comes true, and what is gained."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from statistics import fmean

from bench.advice.hours.cases import HABITS, MAILS, NO_HABIT, SENDERS_HOUR, Case, Question, question
from bench.advice.hours.rivals import POLICIES, Answer
from lib.send_time.habits import READ_WITHIN

REPORTED = 7_000
"""First seed of what is reported. Tuning used seeds that begin with 1."""
RECIPIENTS = 60
"""Recipients for each case and number of mails."""
_COMPARED_WITH = 12
"""Mails with which policies are compared."""
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Outcome:
    """One recipient's answer by one policy, and what is true."""

    case: Case
    mails: int
    policy: str
    answer: Answer
    comes_true: bool
    """Whether the answer's time is truly better than that of office hours."""
    share: float
    """True share of mail that is read in time, if it is sent as advised."""
    waited: float
    """Hours from now to the advised time."""


def section() -> str:
    """Simulate all cases, and return the section in Markdown."""
    outcomes = list(_outcomes())
    heed = [each for each in outcomes if each.policy == "Heed"]
    return "\n\n".join(
        [
            _INTRODUCTION,
            _TABLE_OF_MAILS + _table(["Reader", *map(str, MAILS)], _rows_by_mails(heed)),
            _TABLE_OF_CONFIDENCE + _table(["Stated", "Answers", "Mean stated", "Came true"], _rows_by_tenth(heed)),
            _TABLE_OF_RIVALS + _table(["Reader", *POLICIES], _rows_by_policy(outcomes)),
            _TABLE_OF_GAIN + _table(["Policy", *_GROUPS], _rows_of_gain(outcomes)),
            "",
        ]
    )


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

_TABLE_OF_CONFIDENCE = """### Whether the stated confidence comes true

Each recipient's best time, advised or not. Advice is given from 0.9 on, and only where the gain is worth the wait.
Goal: within 0.05 in each tenth. The ± is two standard errors: in tenths with few answers, chance alone does as much.

"""

_TABLE_OF_RIVALS = f"""### Rivals: how often a habit is advised with {_COMPARED_WITH} mails

In brackets: the share of this advice that came true.

"""

_TABLE_OF_GAIN = f"""### What is gained, and how long it takes ({_COMPARED_WITH} mails)

True share of mail that is read within {READ_WITHIN // _HOUR} hours of being sent, and mean hours until it is sent. For
the sender's hours, all times are the same: waiting gains nothing.

"""


def _outcomes() -> Iterator[Outcome]:
    seed = REPORTED
    for cases in _GROUPS.values():
        for case in cases:
            for mails in MAILS:
                for _ in range(RECIPIENTS):
                    seed += 1
                    asked = question(case, Random(seed), mails)
                    for name, policy in POLICIES.items():
                        if name == "Heed" or mails == _COMPARED_WITH:
                            yield _outcome(case, mails, name, asked, policy(asked))


def _outcome(case: Case, mails: int, policy: str, asked: Question, answer: Answer) -> Outcome:
    then, instead = (asked.reader.share(at, READ_WITHIN) for at in (answer.at, asked.suggested_there))
    sent = answer.at if answer.is_advised else asked.suggested_there
    waited = (sent - asked.now.replace(tzinfo=None)) / _HOUR
    return Outcome(case, mails, policy, answer, then > instead + 1e-9, then if answer.is_advised else instead, waited)


def _rows_by_mails(heed: Sequence[Outcome]) -> Iterator[list[str]]:
    for name, cases in _GROUPS.items():
        yield [f"**{name}**", *("" for _ in MAILS)]
        for case in cases:
            of_case = [each for each in heed if each.case is case]
            yield [case.name, *(_advised(each for each in of_case if each.mails == mails) for mails in MAILS)]


def _rows_by_policy(outcomes: Sequence[Outcome]) -> Iterator[list[str]]:
    compared = [each for each in outcomes if each.mails == _COMPARED_WITH]
    for name, cases in _GROUPS.items():
        yield [f"**{name}**", *("" for _ in POLICIES)]
        for case in cases:
            of_case = [each for each in compared if each.case is case]
            yield [case.name, *(_advised(each for each in of_case if each.policy == policy) for policy in POLICIES)]


def _advised(outcomes: Iterable[Outcome]) -> str:
    each = list(outcomes)
    advised = [outcome for outcome in each if outcome.answer.is_advised]
    if not advised:
        return "0 %"
    return f"{len(advised) / len(each):.0%} ({fmean(outcome.comes_true for outcome in advised):.0%})".replace("%", " %")


def _rows_by_tenth(heed: Sequence[Outcome]) -> Iterator[list[str]]:
    tenths = defaultdict[int, list[Outcome]](list)
    for outcome in heed:
        tenths[min(int(outcome.answer.confidence * 10), 9)].append(outcome)
    for tenth, outcomes in sorted(tenths.items()):
        stated = fmean(each.answer.confidence for each in outcomes)
        true = fmean(each.comes_true for each in outcomes)
        error = 2 * (max(true * (1 - true), 0.01) / len(outcomes)) ** 0.5
        span = f"{tenth / 10:.1f} to {(tenth + 1) / 10:.1f}"
        yield [span, str(len(outcomes)), f"{stated:.3f}", f"{true:.3f} ± {error:.3f}"]


def _rows_of_gain(outcomes: Sequence[Outcome]) -> Iterator[list[str]]:
    compared = [each for each in outcomes if each.mails == _COMPARED_WITH]
    for policy in POLICIES:
        row = [policy]
        for cases in _GROUPS.values():
            some = [each for each in compared if each.policy == policy and each.case in cases]
            share = f"{fmean(each.share for each in some):.0%}".replace("%", " %")
            row.append(f"{share}, {fmean(each.waited for each in some):.0f} h")
        yield row


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
