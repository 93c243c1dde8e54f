"""Judge all mail of an organization again, by the rules and catalogues of this copy of Heed.

    python -m infra.rejudge acme            says what would change
    python -m infra.rejudge acme --write    changes it

Settings come from the environment, as for the app itself. After an interruption, run it again.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, field

from infra.operator_command import is_known, run_command
from lib.assessment.rejudge import Reassessment
from lib.services import Services
from lib.verdicts import RULES_VERSION

_SHOWN = 20
_PROGRESS_EVERY = 100


@dataclass(slots=True)
class _Totals:
    messages: int = 0
    facts: int = 0
    reworded: int = 0
    changed: Counter[str] = field(default_factory=Counter)
    shown: int = 0

    def count_report(self, report: Reassessment) -> None:
        """Add a message's report to the totals."""
        self.messages += 1
        self.facts += report.facts
        self.reworded += report.reworded
        before, after = report.before, report.after
        for name in ("opens", "clicks", "attachment_views"):
            difference = getattr(after, name) - getattr(before, name)
            if difference:
                self.changed[f"{name} of people"] += difference
        self.changed["verdicts of another class"] += report.changed


async def rejudge(services: Services, organization: str, *, write: bool) -> _Totals:
    """Judge again, print the changes of the first messages, and count all. Raises StorageError."""
    totals = _Totals()
    async for report in services.rejudge.organization(organization, write=write):
        totals.count_report(report)
        if report.changed and totals.shown < _SHOWN:
            totals.shown += 1
            _show(report)
        if totals.messages % _PROGRESS_EVERY == 0:
            print(f"{totals.messages:,} messages, {totals.facts:,} facts …", file=sys.stderr, flush=True)
    return totals


def _show(report: Reassessment) -> None:
    print(f"message {report.message}: {report.changed} of {report.facts} verdicts change")
    for change in report.changes[:3]:
        print(f"  {change.at:%Y-%m-%d %H:%M} {change.kind}: {change.before} -> {change.now}. {change.because}")


def _conclude(totals: _Totals, *, write: bool) -> None:
    print(f"{totals.messages:,} messages with {totals.facts:,} facts, judged by rules {RULES_VERSION}.")
    for what, difference in sorted(totals.changed.items()):
        print(f"  {what}: {difference:+,}" if " of people" in what else f"  {what}: {difference:,}")
    print(f"  verdicts with another confidence or other reasons: {totals.reworded:,}")
    print("Written." if write else "Nothing was written; what other mails tell is as it stands. To write it: --write")


async def _rejudge(services: Services, organization: str, *, write: bool) -> int:
    if not await is_known(services, organization):
        return 1
    _conclude(await rejudge(services, organization, write=write), write=write)
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 1 for an unknown organization or failed storage, 2 for a wrong setting."""
    parser = argparse.ArgumentParser(prog="python -m infra.rejudge", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("organization")
    parser.add_argument("--write", action="store_true", help="write what changes; without it, only say it")
    given = parser.parse_args(arguments)
    return run_command(lambda services: _rejudge(services, given.organization, write=given.write))


if __name__ == "__main__":
    sys.exit(main())
