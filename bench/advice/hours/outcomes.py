"""Simulated recipients, what each policy answers for them, and what is true."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import Pool
from random import Random

from bench.advice.hours.cases import CASES, MIX, Case, Question, question
from bench.advice.hours.rivals import POLICIES, Answer
from lib.send_time.habits import COST_OF_A_DAY, LEAST_GAIN, READ_WITHIN
from lib.send_time.reading import is_at_night

COMPARED_WITH = 12
"""Mails with which policies are compared."""
HOUR = timedelta(hours=1)
_SEEDS_OF_A_CELL = 10_000
"""So many seeds belong to each case and number of mails: those of fewer recipients are among those of more."""


@dataclass(frozen=True, slots=True)
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


def outcomes(first: int, recipients: int) -> list[Outcome]:
    """Ask about the recipients of each case in the mix, so many for each part of it, with seeds from `first` on.

    Takes all processors that the process may use, and prints how far it is.
    """
    cells = [(case, mails) for case in range(len(CASES)) for mails in MIX]
    jobs = [
        (case, mails, first + place * _SEEDS_OF_A_CELL + part * recipients, recipients)
        for place, (case, mails) in enumerate(cells)
        for part in range(MIX[mails])
    ]
    found = list[Outcome]()
    with Pool(len(os.sched_getaffinity(0))) as pool:
        for done, some in enumerate(pool.imap(_cell, jobs), 1):
            found += some
            if done % sum(MIX.values()) == 0:
                print(f"{done / len(jobs):.0%} of {len(jobs) * recipients:,} recipients", file=sys.stderr, flush=True)
    return found


def _cell(job: tuple[int, int, int, int]) -> Sequence[Outcome]:
    """Ask about recipients of a (case, number of mails, first seed, number of recipients)."""
    number, mails, first, recipients = job
    case, found = CASES[number], list[Outcome]()
    for seed in range(first, first + recipients):
        asked = question(case, Random(seed), mails)
        is_right = not _is_time_worth_more(asked)
        for name, policy in POLICIES.items():
            if name == "Heed" or mails == COMPARED_WITH:
                found.append(_outcome(case, mails, name, asked, policy(asked), is_right))
    return found


def _is_time_worth_more(asked: Question) -> bool:
    """Whether there truly is a time that should be advised in the place of office hours."""
    suggested = asked.suggested_there
    instead = asked.reader.share(suggested, READ_WITHIN)
    hours = (suggested.replace(minute=0) + hour * HOUR for hour in range(1, 168))
    return any(
        asked.reader.share(at, READ_WITHIN) - instead >= LEAST_GAIN + COST_OF_A_DAY * ((at - suggested) / (24 * HOUR))
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
        (sent - asked.now.replace(tzinfo=None)) / HOUR,
    )
