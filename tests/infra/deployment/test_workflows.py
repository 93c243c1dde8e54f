"""Workflows and azure.yaml: whose code they run, what they may do, and that they name what is there."""

import re
import subprocess
from pathlib import Path

import pytest

from infra.deployment_parameters import parameter_types
from infra.packaging.build import ROOT
from infra.template_checks.syntax import read_template
from tests.infra.deployment.broken_copy import INFRA

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    used = re.findall(r"uses: (.+)", path.read_text())
    others = [each for each in used if not each.startswith("./")]
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+(\.\d+)*", each) for each in others), others


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read_unless_a_job_says_more(path: Path) -> None:
    assert re.search(r"^permissions:\n  contents: read\n(?! )", path.read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_password_opens_azure(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"client-secret|AZURE_CREDENTIALS|creds:", text, re.IGNORECASE)
    if "azure/login" in text or "azd auth login" in text:
        assert "id-token: write" in text


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_secret_and_no_foreign_text_is_pasted_into_a_command(path: Path) -> None:
    for line in path.read_text().splitlines():
        if re.match(r"\s+(- )?run: ", line) or "azd " in line or "az " in line:
            assert "${{" not in line, line


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_commands_and_files_of_ours_are_there(path: Path) -> None:
    text = path.read_text()
    for module in re.findall(r"python3? -m (infra[\w.]*)", text):
        assert (ROOT / f"{module.replace('.', '/')}.py").exists() or (ROOT / module.replace(".", "/")).is_dir()
    for file in re.findall(r"infra/[\w.-]+\.(?:bicep|json)", text):
        assert (ROOT / file).exists(), file


def test_production_waits_for_staging() -> None:
    text = (ROOT / ".github" / "workflows" / "deploy.yml").read_text()
    assert re.search(r"  production:\n    needs: staging\n", text)
    assert re.search(r"  staging:\n    needs: package\n", text)


def test_the_smoke_test_is_the_last_step_of_a_deployment() -> None:
    text = (ROOT / ".github" / "workflows" / "deploy-environment.yml").read_text()
    steps = [text.index(word) for word in ("azd provision", "azd deploy", "python3 -m infra.smoke")]
    assert steps == sorted(steps)


def test_each_part_of_the_template_has_a_service_that_deploys_the_package() -> None:
    text = (ROOT / "azure.yaml").read_text()
    services = re.findall(r"^  (\w+):\n    project: \.\n    dist: dist/package\n", text, re.MULTILINE)
    assert services == ["heed", "recipients", "crm", "work"]
    assert text.count("remoteBuild: false") == len(services)
    main = read_template(INFRA / "main.bicep").text
    assert "serviceName: part == 'all' ? 'heed' : part" in main
    assert "['recipients', 'crm', 'work'] : ['all']" in main


@pytest.mark.parametrize(
    ("size", "deployed"),
    [(None, ["heed"]), ("small", ["heed"]), ("large", ["recipients", "crm", "work"])],
)
def test_the_first_deployment_takes_the_services_of_its_size(size: str | None, deployed: list[str]) -> None:
    """No output of the templates is there yet. The shell expands the conditions as azd does."""
    text = (ROOT / "azure.yaml").read_text()
    conditions = dict(re.findall(r"^  (\w+):\n(?:    .+\n)*?    condition: '(.+)'$", text, re.MULTILINE))
    environment = {} if size is None else {"HEED_SIZE": size}
    chosen = []
    for service, condition in conditions.items():
        ran = subprocess.run(
            ["/bin/bash", "-c", f'printf %s "{condition}"'], env=environment, capture_output=True, text=True, check=True
        )
        chosen += [service] if ran.stdout == "true" else []
    assert chosen == deployed


@pytest.mark.parametrize("hook", ["prepackage", "predeploy"])
def test_no_command_of_azd_deploys_a_package_of_other_sources(hook: str) -> None:
    """`azd deploy` alone runs no hook for packaging."""
    found = re.search(rf"^  {hook}:\n((?:    .+\n)+)", (ROOT / "azure.yaml").read_text(), re.MULTILINE)
    assert found is not None
    commands = re.findall(r"run: (.+)", found[1])
    assert commands == ["python3 -m infra.packaging --if-changed", "python -m infra.packaging --if-changed"]


def test_azd_gets_all_outputs_that_it_needs() -> None:
    outputs = {each.name for each in read_template(INFRA / "main.bicep").all("output")}
    assert {
        "AZURE_LOCATION",
        "AZURE_TENANT_ID",
        "AZURE_RESOURCE_GROUP",
        "SERVICE_HEED_URI",
        "AZURE_CLIENT_ID",
    } <= outputs


def test_every_parameter_has_a_type_that_can_be_filled_in() -> None:
    assert set(parameter_types((INFRA / "main.bicep").read_text()).values()) == {"string", "int", "bool", "object"}
