"""Filling in parameters as azd does, and telling what differs from the templates."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.deployment_parameters import MissingParameter, fill_in, main, parameter_types
from infra.drift import drift
from infra.drift import main as tell_drift
from tests.infra.deployment.broken_copy import INFRA

PARAMETERS = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
TYPES = parameter_types((INFRA / "main.bicep").read_text())
ENOUGH = {
    "AZURE_ENV_NAME": "test",
    "AZURE_LOCATION": "westeurope",
    "HEED_ALERT_EMAIL": "operators@example.com",
    "HEED_BUDGET_START": "2026-12-01",
    "HEED_ADMIN_KEY": "not-a-key-of-anything",
    "HEED_TOKEN_KEYS": f"k1:{'A' * 86}",
}


def values(**environment: str) -> dict[str, Any]:
    filled = fill_in(PARAMETERS, TYPES, {**ENOUGH, **environment})
    return {name: each["value"] for name, each in filled["parameters"].items()}


def test_defaults_have_the_templates_types() -> None:
    found = values()
    assert (found["size"], found["memory"], found["vnetEnabled"]) == ("small", 2048, False)
    assert found["smtpPassword"] == ""


def test_the_environment_wins() -> None:
    found = values(HEED_SIZE="large", HEED_MEMORY="4096", VNET_ENABLED="true", HEED_SMTP_HOST="mail.example.com")
    assert (found["size"], found["memory"], found["vnetEnabled"]) == ("large", 4096, True)
    assert found["smtpHost"] == "mail.example.com"


def test_more_settings_are_an_object_or_left_to_the_template() -> None:
    found = values(HEED_MORE_SETTINGS='{"HEED_TOKEN_FORM": "1"}')
    assert found["moreSettings"] == {"HEED_TOKEN_FORM": "1"}
    assert "moreReferences" not in found
    with pytest.raises(ValueError, match="Expecting"):
        values(HEED_MORE_SETTINGS="HEED_TOKEN_FORM=1")


def test_an_empty_variable_is_none() -> None:
    assert values(HEED_MEMORY="")["memory"] == 2048


def test_what_is_missing_is_named_at_once() -> None:
    with pytest.raises(MissingParameter, match="set AZURE_ENV_NAME, AZURE_LOCATION, HEED_ALERT_EMAIL"):
        fill_in(PARAMETERS, TYPES, {})


def test_the_command_writes_what_azure_reads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in ENOUGH.items():
        monkeypatch.setenv(name, value)
    assert main() == 0
    assert json.loads(capsys.readouterr().out)["parameters"]["environmentName"] == {"value": "test"}
    monkeypatch.delenv("HEED_ALERT_EMAIL")
    assert main() == 1
    assert capsys.readouterr().err == "set HEED_ALERT_EMAIL\n"


def change(kind: str, resource: str, *paths: str) -> dict[str, Any]:
    delta = [{"path": path, "propertyChangeType": "Modify", "before": 1, "after": 2} for path in paths]
    return {"changeType": kind, "resourceId": f"/subscriptions/1/resourceGroups/g/providers/{resource}", "delta": delta}


ACCOUNT = "Microsoft.Storage/storageAccounts/stheed"


def test_a_switch_that_was_thrown_by_hand_is_drift() -> None:
    by_hand = change("Modify", ACCOUNT)
    by_hand["delta"] = [
        {
            "path": "properties",
            "propertyChangeType": "NoEffect",
            "children": change("Modify", "", "allowSharedKeyAccess")["delta"],
        }
    ]
    assert drift({"changes": [by_hand]}) == [f"Modify: {ACCOUNT} (properties.allowSharedKeyAccess)"]


@pytest.mark.parametrize("kind", ["Create", "Delete", "Deploy"])
def test_a_resource_that_is_missing_or_too_much_is_drift(kind: str) -> None:
    assert drift({"changes": [change(kind, ACCOUNT)]}) == [f"{kind}: {ACCOUNT}"]


@pytest.mark.parametrize(
    "same",
    [
        change("NoChange", ACCOUNT),
        change("Ignore", ACCOUNT),
        change("Modify", ACCOUNT),
        change("Modify", "Microsoft.KeyVault/vaults/kv/secrets/heed-admin-key", "properties.value"),
        change("Create", "Microsoft.Web/sites/func/config/appsettings"),
    ],
)
def test_what_azure_does_not_give_back_is_no_drift(same: dict[str, Any]) -> None:
    assert drift({"changes": [same]}) == []


def test_the_command_fails_where_something_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = tmp_path / "what-if.json"
    result.write_text(json.dumps({"changes": [change("Delete", ACCOUNT)]}))
    assert tell_drift([str(result)]) == 1
    result.write_text(json.dumps({"changes": []}))
    assert tell_drift([str(result)]) == 0
    assert capsys.readouterr().out == f"Delete: {ACCOUNT}\nNothing differs.\n"
