"""Delays, all of them lognormal: a median, and a scatter (sigma of the logarithm)."""

from __future__ import annotations

import math
from random import Random

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def lognormal(random: Random, median: float, sigma: float, least: float = 0.0, most: float = math.inf) -> float:
    """A delay with this median, in the median's unit, cut to what lies between `least` and `most`."""
    return min(max(random.lognormvariate(math.log(median), sigma), least), most)


def delivery(random: Random) -> int:
    """Milliseconds from the hand-off to the mailbox.

    Mostly seconds; 8 % wait for minutes (queues at the provider, greylisting, a sandbox before delivery). The shares
    are assumed; that the clock starts at the hand-off and minutes can pass is warmbly#438 and suped.com.
    """
    if random.random() < 0.08:
        return int(lognormal(random, 4 * MINUTE, 0.8, MINUTE, 40 * MINUTE))
    return int(lognormal(random, 3 * SECOND, 0.7, 400, 40 * SECOND))


def until_read(random: Random) -> int:
    """Milliseconds from the mailbox to a person's first look.

    Median 4 h, sigma 2.3: 27 % within an hour, 57 % within six, 78 % within a day, which is what i-Emailer (33, 53,
    78 %), Inntopia (27, 61 %) and MailerMailer (52 % in 6 h, 79 % in 24 h) counted. It gives 1 % within 70 s; the
    scenario of fast readers adds those who watch their inbox.
    """
    return int(lognormal(random, 4 * HOUR, 2.3, 4 * SECOND, 30 * DAY))


def until_read_at_once(random: Random) -> int:
    """A person at the inbox, or with a phone that has just buzzed: 3 to 60 s. Assumed."""
    return int(lognormal(random, 14 * SECOND, 0.7, 3 * SECOND, MINUTE))


def until_click(random: Random) -> int:
    """From a person's open to the first click. Litmus measured 9 to 13 s of reading for most mails; some ponder."""
    return int(lognormal(random, 14 * SECOND, 1.0, 1200, 30 * MINUTE))


def between_clicks(random: Random) -> int:
    """From one link to the next while a person looks at what the first one opened. Assumed."""
    return int(lognormal(random, 15 * SECOND, 1.0, 900, HOUR))


def between_tabs(random: Random) -> int:
    """From one link to the next when a person opens several in tabs, to read them later. Assumed: 0.6 to 4 s."""
    return int(lognormal(random, 1500, 0.5, 600, 4 * SECOND))


def until_scan(random: Random) -> int:
    """From the hand-off's other end to a delivery-time scan.

    Suped: most within seconds to two minutes, ten minutes is not unusual, thirty and more are seen after quarantine
    or a second look. Weights of the three parts are assumed.
    """
    draw = random.random()
    if draw < 0.80:
        return int(lognormal(random, 8 * SECOND, 1.1, 200, 2 * MINUTE))
    if draw < 0.95:
        return int(lognormal(random, 4 * MINUTE, 0.6, 2 * MINUTE, 12 * MINUTE))
    return int(lognormal(random, 30 * MINUTE, 0.7, 12 * MINUTE, 6 * HOUR))
