"""Tables of docs/deployment.md."""

import json

from infra.docs.deployment_tables import alert_rows, parameter_rows, role_rows
from tests.infra.deployment.broken_copy import INFRA


def test_every_parameter_has_a_row_with_the_variable_that_sets_it() -> None:
    rows = {row[0].strip("`"): row for row in parameter_rows()}
    assert rows.keys() == json.loads((INFRA / "main.parameters.json").read_text())["parameters"].keys()
    assert rows["size"][1:4] == ("`HEED_SIZE`", "`small`", "`small`, `large`")
    assert rows["httpConcurrency"][1:4] == ("`HEED_HTTP_CONCURRENCY`", "`32`", "1 to 1000")
    assert rows["adminKey"][2] == "**secret**; required"


def test_no_secret_has_a_default_in_the_docs() -> None:
    assert all("`" not in row[2] for row in parameter_rows() if row[0] in ("`smtpPassword`", "`tokenKeys`"))


def test_every_alert_has_a_row_and_the_most_severe_come_first() -> None:
    rows = alert_rows()
    text = (INFRA / "alerts.bicep").read_text()
    assert {name.strip("`").removesuffix("-does-not-answer") for name, *_ in rows} >= {
        line.split("'")[1] for line in text.splitlines() if line.startswith("    name: '") and "-" in line
    }
    assert [row[1] for row in rows] == sorted(row[1] for row in rows)


def test_roles_are_named_as_azure_shows_them() -> None:
    rows = {row[0]: row[1:] for row in role_rows()}
    assert rows["Communication Services"] == (
        "Communication and Email Service Owner",
        "",
        "",
        "Communication and Email Service Owner",
        "",
    )
    assert rows["secrets of the settings"][:4] == ("", "Key Vault Secrets User", "Key Vault Secrets User", "")
