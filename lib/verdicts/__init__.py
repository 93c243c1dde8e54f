"""The judge: who was it, a person or a machine; how sure that is, and why."""

from lib.verdicts.context import Sending
from lib.verdicts.evidence import Finding, Reason, Verdict
from lib.verdicts.judge import judge, judge_and_remember
from lib.verdicts.weights import RULES_VERSION

__all__ = ["RULES_VERSION", "Finding", "Reason", "Sending", "Verdict", "judge", "judge_and_remember"]
