"""Engagement of records: counts of what people did with mail to a record, last times, and a score that fades."""

from lib.records.engagements import Engagements
from lib.records.follower import RecordsFollower
from lib.records.rollups import Engagement, Rollup
from lib.records.shares import Contribution

__all__ = ["Contribution", "Engagement", "Engagements", "RecordsFollower", "Rollup"]
