"""`rejudge`: all mail of an organization judged again, by the rules and catalogues of this copy of Heed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from heed.running import DryRun, OrganizationName, load_known, progress, run_command, tell
from lib.assessment.rejudge import Reassessment
from lib.services import Services
from lib.verdicts import RULES_VERSION

_SHOWN = 20


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
    with progress("messages") as counter:
        async for report in services.rejudge.organization(organization, write=write):
            totals.count_report(report)
            counter.count()
            if report.changed and totals.shown < _SHOWN:
                totals.shown += 1
                _show(report)
    return totals


def _show(report: Reassessment) -> None:
    tell(f"message {report.message}: {report.changed} of {report.facts} verdicts change")
    for change in report.changes[:3]:
        tell(f"  {change.at:%Y-%m-%d %H:%M} {change.kind}: {change.before} -> {change.now}. {change.because}")


def _conclude(totals: _Totals, *, write: bool) -> None:
    tell(f"{totals.messages:,} messages with {totals.facts:,} facts, judged by rules {RULES_VERSION}.")
    for what, difference in sorted(totals.changed.items()):
        tell(f"  {what}: {difference:+,}" if " of people" in what else f"  {what}: {difference:,}")
    tell(f"  verdicts with another confidence or other reasons: {totals.reworded:,}")
    tell(
        "Written."
        if write
        else "Nothing was written; what other mails tell is as it stands. To write it, leave out --dry-run."
    )


def rejudge_organization(organization: OrganizationName, dry_run: DryRun = False) -> None:
    """Judge all mail of an organization again, by the rules and catalogues of this copy of Heed. Again is the same."""

    async def rejudge_all(services: Services) -> None:
        await load_known(services, organization)
        _conclude(await rejudge(services, organization, write=not dry_run), write=not dry_run)

    run_command(rejudge_all)
