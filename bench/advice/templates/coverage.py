"""Coverage: how often the interval of a rate holds the true rate, where people get several mails."""

from __future__ import annotations

from random import Random

from bench.advice.templates.policies import candidates
from bench.advice.templates.worlds import NOW, Mail, count_mails, decide_fates
from lib.templates.rates import Rate, rate_of

RUNS = 600


def covered(people: int, mails_each: int, rate: float, likeness: float, seeds: str) -> tuple[float, float]:
    """Return the shares of runs in which Heed's interval, and Wilson's alone, hold the true rate."""
    ours = plain = 0
    for run in range(RUNS):
        chance = Random(f"{seeds}|coverage|{people}|{mails_each}|{rate}|{likeness}|{run}")
        mails = [Mail(0, rate, person=number % people) for number in range(people * mails_each)]
        decide_fates(mails, chance, likeness)
        [only] = candidates(count_mails(mails, chance), 1, 1, NOW)
        number, hits = only.evidence.total("opened")
        ours += _holds(rate_of(hits, number, only.evidence.effect("opened")), rate)
        plain += _holds(rate_of(hits, number), rate)
    return ours / RUNS, plain / RUNS


def _holds(interval: Rate | None, rate: float) -> bool:
    return interval is not None and interval.low <= rate <= interval.high
