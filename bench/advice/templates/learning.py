"""Learning: the open rate that a team reaches with ten templates when each mail is made of the pick of the day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random

from bench.advice.templates.policies import candidates, heed, rival
from bench.advice.templates.worlds import NOW, Mail, count_mails, decide_fates, raw_rates
from lib.clock import milliseconds

RATES = (0.50, 0.44, 0.43, 0.42, 0.41, 0.40, 0.39, 0.38, 0.37, 0.36)
"""The mean is 41 %."""
DAYS = 60
_USERS = 5
_MAILS_A_DAY = 10
"""Of each user."""

Chooser = Callable[[list[Mail], int, Random], list[int]]
"""(mails so far, day, chance) to the template of each user's day."""


def reached(choose: Chooser, seed: str) -> tuple[float, float]:
    """Return the true open rate of the mails sent, of all and of the last ten days."""
    chance = Random(seed)
    mails: list[Mail] = []
    for day in range(DAYS):
        today = []
        for user, template in enumerate(choose(mails, day, chance)):
            for _ in range(_MAILS_A_DAY):
                hours = (DAYS - day) * 24 - chance.uniform(0, 8)
                today.append(Mail(template, RATES[template], sender=f"s{user}", hours=hours))
        decide_fates(today, chance)
        mails += today
    last = mails[-10 * _USERS * _MAILS_A_DAY :]
    return _mean(mails), _mean(last)


def _mean(mails: Sequence[Mail]) -> float:
    return sum(mail.rate for mail in mails) / len(mails)


def heeds_choice(trials: float) -> Chooser:
    """Return Heed's picks; where there is none, any template is taken."""

    def choose(mails: list[Mail], day: int, chance: Random) -> list[int]:
        now = NOW - timedelta(days=DAYS - day)
        some = candidates(count_mails(mails, chance, milliseconds(now)), len(RATES), 1, now)
        found = []
        for _ in range(_USERS):
            advice = heed(some, Random(chance.random()), now, trials=trials)
            picked = [int(name) for name, each in advice.items() if each.recommended]
            found.append(picked[0] if picked else chance.randrange(len(RATES)))
        return found

    return choose


def rivals_choice(name: str) -> Chooser:
    """Return a rival's picks, made anew for each user and day."""

    def choose(mails: list[Mail], day: int, chance: Random) -> list[int]:
        rates = raw_rates(mails, len(RATES), milliseconds(NOW - timedelta(days=DAYS - day)))
        return [rival(name, rates, chance) for _ in range(_USERS)]

    return choose
