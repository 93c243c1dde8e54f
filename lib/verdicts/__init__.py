"""The judge: who was it, a person or a machine; how sure that is, and why."""

from lib.verdicts.evidence import Evidence, Reason, Verdict
from lib.verdicts.judge import RULES_VERSION, judge

__all__ = ["RULES_VERSION", "Evidence", "Reason", "Verdict", "judge"]
