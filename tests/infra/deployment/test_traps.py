"""Traps that others have met on Azure, each with what keeps the templates out of it."""

import re
from pathlib import Path

import pytest

from infra.packaging.build import ROOT
from infra.template_checks.known import app_functions
from infra.template_checks.syntax import Object, read_template, text_of
from tests.infra.deployment.broken_copy import INFRA

WORKFLOWS = ROOT / ".github" / "workflows"


def body(file: str, kind: str, name: str) -> str:
    """Text of a variable's value, of a resource or of a module."""
    found = re.search(rf"^{kind} {name} .*?(?=^\n|\Z)", read_template(INFRA / file).text, re.MULTILINE | re.DOTALL)
    assert found is not None, name
    return found[0]


def test_a_workflow_that_deploys_is_given_no_roles_of_a_person() -> None:
    """azd names whoever deploys, and Azure refuses a role for a `User` that is none."""
    assert "if (!empty(principalId) && principalType == 'User')" in body("main.bicep", "module", "personRoles")
    assert '"${AZURE_PRINCIPAL_TYPE=User}"' in (INFRA / "main.parameters.json").read_text()


def test_a_tracking_domain_has_the_front_door_that_it_needs() -> None:
    variable = read_template(INFRA / "main.bicep").find("var", "hasFrontDoor")
    assert variable is not None
    assert "!empty(trackingDomain)" in text_of(variable.value)


def test_recipients_wait_for_no_secret_that_they_may_not_read() -> None:
    """A reference that cannot be resolved stops the start, and a host without functions answers 404 to recipients."""
    assert "= part == 'recipients' ? {} :" in body("app.bicep", "var", "referenceSettings")
    roles = read_template(INFRA / "roles.bicep").find("var", "readSecrets")
    assert roles is not None
    assert isinstance(roles.value, Object)
    assert "moreSecretNames" not in text_of(roles.value.find("recipients"))
    assert "moreSecretNames" in text_of(roles.value.find("crm"))


def test_availability_tests_ask_for_pages_that_are_there() -> None:
    paths = re.findall(r"path: '(.+)'", (INFRA / "alerts.bicep").read_text())
    routes = {f"/{getattr(each.trigger, 'route', None)}" for each in app_functions()}
    assert len(paths) == 2
    assert set(paths) <= routes


def test_an_alert_that_goes_on_is_told_each_hour() -> None:
    assert "muteActionsDuration: 'PT1H'" in body("alerts.bicep", "resource", "logRules")


@pytest.mark.parametrize("path", sorted(WORKFLOWS.glob("*.yml")), ids=lambda path: path.name)
def test_conditions_of_jobs_ask_for_variables_of_the_repository(path: Path) -> None:
    """Variables of an environment are not there yet when a job's condition is asked."""
    asked = set(re.findall(r"^    if: .*\bvars\.(\w+)", path.read_text(), re.MULTILINE))
    assert asked <= {"AZURE_SUBSCRIPTION_ID"}
    assert "The repository has the variable `AZURE_SUBSCRIPTION_ID`" in (ROOT / "docs" / "deployment.md").read_text()


@pytest.mark.parametrize("name", ["drift.yml", "infrastructure.yml"])
def test_a_preview_has_the_parameters_of_production_and_needs_no_leave_to_write(name: str) -> None:
    text = (WORKFLOWS / name).read_text()
    step = text[: text.index("az deployment sub what-if")].rpartition("- name:")[2]
    assert "HEED_PARAMETERS: ${{ vars.HEED_PARAMETERS }}" in step
    assert "--validation-level ProviderNoRbac" in text
    assert "environment: production-preview" in text


def test_front_door_keeps_no_answer() -> None:
    """A pixel out of a cache is an open that no one records. Front Door keeps nothing where no cache is configured."""
    assert "cacheConfiguration" not in (INFRA / "frontdoor-routes.bicep").read_text()


def test_behind_a_front_door_no_one_else_is_let_in() -> None:
    """Another's Front Door has the same addresses: its requests lack our id."""
    only = body("app.bicep", "var", "onlyFrontDoor")
    assert "ipSecurityRestrictionsDefaultAction: 'Deny'" in only
    assert "ipAddress: 'AzureFrontDoor.Backend'" in only
    assert re.search(r"'x-azure-fdid': \[\s+frontDoorId\s+\]", only)
    assert "empty(frontDoorId) ? everyone : onlyFrontDoor" in body("app.bicep", "resource", "site")
    assert "scmIpSecurityRestrictionsUseMain: false" in body("app.bicep", "resource", "site")
