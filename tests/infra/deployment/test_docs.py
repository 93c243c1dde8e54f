"""What the docs tell an administrator to set is what azd, the templates and the app know."""

import json
import re

import pytest

from infra.docs.deployment_tables import alert_rows
from infra.packaging.build import ROOT
from infra.template_checks.known import read_known
from infra.template_checks.syntax import read_template
from tests.infra.deployment.broken_copy import INFRA

PAGES = {path.name: path.read_text() for path in sorted((ROOT / "docs").glob("*.md"))}
VARIABLES = set(re.findall(r"\$\{(\w+)", (INFRA / "main.parameters.json").read_text()))
OUTPUTS = {each.name for each in read_template(INFRA / "main.bicep").all("output")}


@pytest.mark.parametrize("page", PAGES)
def test_azd_passes_on_what_the_docs_set(page: str) -> None:
    assert set(re.findall(r"azd env set (\w+)", PAGES[page])) <= VARIABLES


@pytest.mark.parametrize("page", PAGES)
def test_further_settings_in_the_docs_are_settings_of_the_app(page: str) -> None:
    objects = re.findall(r"azd env set (HEED_MORE_\w+) '(.+?)'", PAGES[page])
    for name, text in objects:
        given = json.loads(text)
        assert given.keys() <= read_known().settings, name
        assert all(isinstance(value, str) for value in given.values())


def test_commands_of_the_installation_use_outputs_that_are_there() -> None:
    used = set(re.findall(r"\$((?:AZURE|SERVICE|TRACKING|APPLICATIONINSIGHTS)_\w+)", PAGES["install.md"]))
    assert used | {"TRACKING_DOMAIN_PROOF", "TRACKING_DOMAIN_TARGET"} <= OUTPUTS
    assert {"AZURE_FUNCTION_NAME", "SERVICE_HEED_URI", "AZURE_CLIENT_ID"} <= used


def test_the_installation_leads_to_everything_else_that_is_needed() -> None:
    text = PAGES["install.md"]
    assert all(word in text for word in ("deployment.md#parameters", "costs.md", "make package", "infra.smoke"))


SECTIONS = dict(re.findall(r"^### `([\w-]+)`\n(.*?)(?=^##)", PAGES["operations.md"], re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("alert", [name.strip("`") for name, _, _ in alert_rows()])
def test_each_alert_has_a_section_on_what_it_means_and_what_to_do(alert: str) -> None:
    text = SECTIONS[alert]
    assert re.search(r"\*\*Meaning\b.*\*\*First look\b.*\*\*Remedy\b", text, re.DOTALL), text


def test_no_section_is_about_an_alert_that_is_not_there() -> None:
    assert set(SECTIONS) <= {name.strip("`") for name, _, _ in alert_rows()}
