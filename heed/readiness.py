"""`readiness`: how ready an organization is to send mail that arrives and is followed, and what is to be done."""

from __future__ import annotations

from heed.running import ExitCode, OrganizationName, load_known, run_command, tell
from lib.readiness.report import ReadinessReport
from lib.services import Services


def show(report: ReadinessReport) -> None:
    """Print the report, a line for each check and one for what to do."""
    for check in report.checks:
        tell(f"{check.state:8} {check.code:16} {check.sentence}")
        if check.what_to_do:
            tell(f"{'':8} {'':16} -> {check.what_to_do}")


def tell_readiness(organization: OrganizationName) -> None:
    """Tell what keeps an organization's mail from arriving or being followed. Nothing is sent or changed."""

    async def tell_report(services: Services) -> ExitCode:
        found, _ = await load_known(services, organization)
        report = await services.readiness.report(organization, found.settings)
        show(report)
        return ExitCode.FOUND if report.state == "problem" else ExitCode.DONE

    run_command(tell_report)
