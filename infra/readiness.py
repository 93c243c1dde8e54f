"""Tell how ready an organization is to send mail that arrives and is followed, and what to do about what is missing.

    python -m infra.readiness acme

Settings come from the environment, as for the app itself. Nothing is sent and nothing is changed.
"""

from __future__ import annotations

import argparse
import sys

from infra.operator_command import run_command
from lib.readiness.report import ReadinessReport
from lib.services import Services


def show(report: ReadinessReport) -> None:
    """Print the report, a line for each check and one for what to do."""
    for check in report.checks:
        print(f"{check.state:8} {check.code:16} {check.sentence}")
        if check.what_to_do:
            print(f"{'':8} {'':16} -> {check.what_to_do}")


async def _readiness(services: Services, organization: str) -> int:
    found = await services.organizations.load_organization(organization)
    if found is None:
        print(f"There is no organization {organization}.", file=sys.stderr)
        return 1
    report = await services.readiness.report(organization, found[0].settings)
    show(report)
    return 1 if report.state == "problem" else 0


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 1 for a problem, an unknown organization or failed storage, 2 for a wrong setting."""
    parser = argparse.ArgumentParser(prog="python -m infra.readiness", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("organization")
    given = parser.parse_args(arguments)
    return run_command(lambda services: _readiness(services, given.organization))


if __name__ == "__main__":
    sys.exit(main())
