"""What people made of the mail to a record: counts, last times, and a score that fades."""

from lib.engagement.engagements import Engagements
from lib.engagement.rollups import Engagement, Rollup
from lib.engagement.shares import Contribution
from lib.engagement.tallies import Tallies, tally

__all__ = ["Contribution", "Engagement", "Engagements", "Rollup", "Tallies", "tally"]
