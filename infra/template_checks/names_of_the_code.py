"""Settings, queues and tables: the templates' names are those of the code, both ways."""

from __future__ import annotations

import re
from collections.abc import Iterator

from infra.template_checks.known import Known
from infra.template_checks.properties import resolved
from infra.template_checks.syntax import (
    BicepValue,
    Declaration,
    Expression,
    Object,
    Template,
    literals_of,
    objects_of,
    text_of,
)
from lib.storage.accounts import SETTING_PREFIX

_READ_BY_THE_PLATFORM = {
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "AzureWebJobsDisableHomepage",
    "AzureWebJobsStorage__credential",
    "HEED_SERVICEBUS__credential",
    "HEED_SERVICEBUS__clientId",
}
"""Settings that the host, the SDK or the registration of functions reads."""

_REQUIRED_TOO = {"AzureWebJobsStorage__accountName", "AzureWebJobsStorage__clientId", "HEED_FUNCTIONS"}

_WITH_KEYS = {"AzureWebJobsStorage", "HEED_ACS_CONNECTION_STRING", "HEED_SERVICEBUS"}
"""Settings that hold keys; an empty one is taken, too, and fails."""

_NOT_ON_FLEX = ("ENABLE_ORYX_BUILD", "FUNCTIONS_", "SCM_DO_BUILD_DURING_DEPLOYMENT", "WEBSITE_")
"""Beginnings of settings that Flex Consumption has properties of its own for."""

_ON_PART = re.compile(r"part (?P<operator>==|!=) '(?P<part>\w+)' \?")
"""A condition that asks for the part alone."""

_OF_OWN_ACCOUNTS = f"startsWith(each.key, '{SETTING_PREFIX}')"
"""Lets settings with connection strings of organizations' own storage accounts pass."""

_SECRETS_OF_OWN_ACCOUNTS = "storageSecretNames"
"""The parameter with the names of these settings' secrets."""

_QUEUES = ("Microsoft.Storage/storageAccounts/queueServices/queues", "Microsoft.ServiceBus/namespaces/queues")
_TABLES = "Microsoft.Storage/storageAccounts/tableServices/tables"


def wrong_names(templates: list[Template], known: Known) -> list[str]:
    """One line for each setting, queue or table that one side has and the other has not."""
    wrong = [line for each in templates for line in (*_wrong_settings(each, known), *_wrong_secrets(each, known))]
    return wrong + [line for each in templates for line in _wrong_queues_and_tables(each, known)]


def _wrong_settings(template: Template, known: Known) -> Iterator[str]:
    for resource in template.all("resource"):
        if not resource.target.startswith("Microsoft.Web/sites/config@"):
            continue
        variables = {each.name: each.value for each in template.all("var")}
        given = {
            each.name: each.line
            for settings in objects_of(resolved(resource.body.find("properties"), variables))
            for each in settings.properties
        }
        for name, line in given.items():
            if name in _WITH_KEYS or name.startswith(_NOT_ON_FLEX):
                yield f"{template.file}:{line}: {name} must not be set"
            elif name not in known.settings | _READ_BY_THE_PLATFORM:
                yield f"{template.file}:{line}: nothing reads the setting {name}"
        place, value = f"{template.file}:{resource.line}", resource.body.find("properties")
        for part, required in known.required.items():
            own = _for_part(resolved(value, variables), part)
            names = {each.name for settings in objects_of(own) for each in settings.properties}
            for name in sorted((required | _REQUIRED_TOO) - names):
                yield f"{place}: the setting {name} is missing for {part}"
            for name in sorted(known.not_needed[part] & names):
                yield f"{place}: {part} has the setting {name} and does not need it"
        if not any(_OF_OWN_ACCOUNTS in text for text in _leaves(_for_part(resolved(value, variables), "recipients"))):
            yield f"{place}: recipients has no settings {SETTING_PREFIX}…, by which it finds organizations' own storage"


def _wrong_secrets(template: Template, known: Known) -> Iterator[str]:
    """Secrets that a part may read and has no setting for, and those of own storage accounts, which recipients need."""
    table = template.find("var", "readSecrets")
    if table is None or not isinstance(table.value, Object):
        return
    for part, names in known.not_needed.items():
        readable = set(literals_of(table.value.find(part)))
        for secret in sorted({name.lower().replace("_", "-") for name in names} & readable):
            yield f"{template.file}:{table.line}: {part} may read the secret {secret} and does not need it"
    if _SECRETS_OF_OWN_ACCOUNTS not in text_of(table.value.find("recipients")):
        yield f"{template.file}:{table.line}: recipients may not read the secrets of organizations' own storage"


def _for_part(value: BicepValue, part: str) -> BicepValue:
    """The value in the app of one part: of conditions on the part, the branch that holds for it."""
    if not isinstance(value, Expression):
        return value
    if condition := _ON_PART.match(value.text):
        is_so = (condition["part"] == part) == (condition["operator"] == "==")
        return _for_part(value.parts[0 if is_so else 1], part)
    return Expression(value.text, tuple(_for_part(each, part) for each in value.parts), value.line)


def _leaves(value: BicepValue) -> Iterator[str]:
    """Texts of the expressions that the value is made of and that are no objects."""
    if isinstance(value, Expression):
        if not value.parts:
            yield value.text
        for part in value.parts:
            yield from _leaves(part)


def _wrong_queues_and_tables(template: Template, known: Known) -> Iterator[str]:
    for resource in template.all("resource"):
        kind = resource.target.partition("@")[0]
        if kind in _QUEUES:
            yield from _compare(template, resource, set(known.queues), "queue")
        elif kind == _TABLES:
            yield from _compare(template, resource, set(known.tables), "table")


def _compare(template: Template, resource: Declaration, names: set[str], what: str) -> Iterator[str]:
    place = f"{template.file}:{resource.line}"
    found = set(_names_of(template, resource))
    for name in sorted(found - names):
        yield f"{place}: the code has no {what} {name}"
    if not resource.is_existing:
        for name in sorted(names - found):
            yield f"{place}: the {what} {name} is missing"


def _names_of(template: Template, resource: Declaration) -> Iterator[str]:
    """The resource's own name, or the names that its loop goes through."""
    name = resource.body.find("name")
    if isinstance(name, str):
        yield name
        return
    loop = template.text.splitlines()[resource.line - 1].partition("[for ")[2]
    variable = template.find("var", re.split(r"[\[:]", loop.partition(" in ")[2])[0].strip())
    values = objects_of(variable.value) if variable else ()
    yield from map(str, literals_of(variable.value if variable else None))
    for each in values:
        for one in each.properties:
            yield from map(str, literals_of(one.value))
