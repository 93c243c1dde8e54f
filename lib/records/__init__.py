"""What people made of the mail to a record: counts, last times, and a score that fades."""

from lib.records.engagements import Engagements
from lib.records.follower import RecordsFollower
from lib.records.rollups import Engagement, Rollup
from lib.records.shares import Contribution

__all__ = ["Contribution", "Engagement", "Engagements", "RecordsFollower", "Rollup"]
