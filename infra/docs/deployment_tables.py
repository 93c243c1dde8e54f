"""Tables of docs/deployment.md, rendered from the Bicep templates."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from infra.template_checks.syntax import Declaration, Object, Template, literals_of, objects_of, read_template, text_of

_TEMPLATES = Path(__file__).parents[1]

_PLACES = {
    "storageRoles": "storage account",
    "ownedContainers": "containers of the host and of the package",
    "sentQueues": "queues that it sends to (those of Service Bus: `serviceBusDataSender`)",
    "serviceBusRoles": "Service Bus",
    "vaultRoles": "vault",
    "readSecrets": "secrets of the settings",
    "insightsRoles": "Application Insights",
    "communicationRoles": "Communication Services",
}
_ROLES_OF_LISTS = {
    "ownedContainers": "storageBlobDataOwner",
    "readSecrets": "keyVaultSecretsUser",
    "sentQueues": "storageQueueDataMessageSender",
}
"""Tables of roles.bicep that list places, each with the role that is given on them."""

Rows = list[tuple[str, ...]]


def parameter_rows() -> Rows:
    """One row for each parameter: name, azd's variable, default, values, meaning."""
    parameters = json.loads((_TEMPLATES / "main.parameters.json").read_text())["parameters"]
    return [
        (
            f"`{each.name}`",
            _variable(parameters[each.name]["value"]),
            _default_of(each),
            _values_of(each),
            str(each.decorators["description"]).replace("<", "&lt;"),
        )
        for each in _template("main.bicep").all("param")
    ]


def alert_rows() -> Rows:
    """One row for each alert: name, severity, meaning."""
    return sorted(_alerts(), key=lambda row: (row[1], row[0]))


def role_rows() -> Rows:
    """One row for each place on which roles are given: place, and the roles of each part."""
    template = _template("roles.bicep")
    return [
        (place, *(_roles(template, table, part) for part in ("all", "recipients", "crm", "work", "person")))
        for table, place in _PLACES.items()
    ]


def _template(name: str) -> Template:
    return read_template(_TEMPLATES / name)


def _variable(value: object) -> str:
    found = re.match(r"\$\{(\w+)", str(value))
    return f"`{found[1]}`" if found else "set in `infra/main.parameters.json`"


def _default_of(parameter: Declaration) -> str:
    if "secure" in parameter.decorators:
        return "**secret**; required" if not parameter.has_default else "**secret**"
    if not parameter.has_default:
        return "required"
    value = parameter.value
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "none" if text == "" or isinstance(value, Object) else f"`{text}`"


def _values_of(parameter: Declaration) -> str:
    decorators = parameter.decorators
    if "allowed" in decorators:
        return ", ".join(f"`{each}`" for each in literals_of(decorators["allowed"]))
    if "minValue" in decorators:
        return f"{decorators['minValue']} to {decorators['maxValue']}"
    return "`true`, `false`" if parameter.target == "bool" else ""


def _alerts() -> Iterator[tuple[str, ...]]:
    template = _template("alerts.bicep")
    for variable in template.all("var"):
        for each in objects_of(variable.value):
            if each.find("description") is not None:
                severity = each.find("severity")
                is_test = each.find("path") is not None
                name = f"{each.find('name')}-does-not-answer" if is_test else str(each.find("name"))
                yield (
                    f"`{name}`",
                    str(severity if severity is not None else 1 if is_test else 2),
                    str(each.find("description")),
                )
    yield "`secrets-run-out`", "3", "A secret of Heed runs out within 30 days, or has run out."
    yield "budget", "", "50, 80 or 100 % of the budget are spent, or 100 % are forecast."


def _roles(template: Template, table: str, part: str) -> str:
    variable = template.find("var", table)
    assert variable is not None, table
    assert isinstance(variable.value, Object), table
    value = variable.value.find(part)
    if table in _ROLES_OF_LISTS:
        return _words(_ROLES_OF_LISTS[table]) if re.search(r"\w", text_of(value).replace("[]", "")) else ""
    return "; ".join(_words(str(each)) for each in literals_of(value))


def _words(role: str) -> str:
    """A role's name with spaces, as Azure shows it."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", role[0].upper() + role[1:]).replace("And", "and")
