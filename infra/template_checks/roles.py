"""The table of roles in roles.bicep: right ids, enough for what each part does, and not more than it needs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from infra.template_checks.syntax import Object, Template, text_of

FILE = "roles.bicep"

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Role:
    """A built-in role. Source: Microsoft's list of built-in roles, of November 2026."""

    id: str
    permissions: frozenset[str]


def _role(id: str, permissions: str) -> Role:
    return Role(id, frozenset(permissions.split()))


ROLES: Mapping[str, Role] = {
    "storageBlobDataOwner": _role(
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b", "blob.read blob.write blob.containers blob.sign"
    ),
    "storageBlobDataReader": _role("2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", "blob.read blob.sign"),
    "storageQueueDataContributor": _role(
        "974c5e8b-45b9-4653-ba55-5f855dd0fb88", "queue.create queue.send queue.receive"
    ),
    "storageQueueDataMessageSender": _role("c6a89b2d-59bc-44d0-9896-0f6e12d7b80a", "queue.send"),
    "storageTableDataContributor": _role("0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3", "table.rows table.create"),
    "serviceBusDataOwner": _role("090c5cfd-751d-490a-894a-3ce6f1109419", "bus.send bus.receive bus.measure"),
    "serviceBusDataReceiver": _role("4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0", "bus.receive"),
    "serviceBusDataSender": _role("69a216fc-b8fb-44d8-bc22-1f3c2cd27a39", "bus.send"),
    "keyVaultSecretsUser": _role("4633458b-17de-408a-b874-0445c86b69e6", "vault.read"),
    "keyVaultSecretsOfficer": _role("b86a8fe4-44ce-4948-aee5-eccb2c155cd7", "vault.read vault.write"),
    "monitoringMetricsPublisher": _role("3913510d-42f4-4e42-8a64-420c390055eb", "telemetry.write"),
    "communicationAndEmailServiceOwner": _role("09976791-48a7-449e-bb21-39d1a415f350", "mail.send"),
}

_CALLS: Mapping[str, str] = {
    r"\.create_container\(|\.delete_container\(": "blob.containers",
    r"\.upload_blob\(|\.stage_block\(|\.commit_block_list\(": "blob.write",
    r"\.download_blob\(|\.get_blob_properties\(": "blob.read",
    r"\.get_user_delegation_key\(": "blob.sign",
    r"\.create_queue\(": "queue.create",
    r"\.send_message\(": "queue.send",
    r"\.receive_messages?\(": "queue.receive",
    r"\.create_table\(|\.delete_table\(": "table.create",
    r"\.get_queue_sender\(": "bus.send",
    r"\.get_queue_receiver\(": "bus.receive",
    r"https://vault\.azure\.net": "vault.read",
    r"https://communication\.azure\.com": "mail.send",
}
"""Calls of Azure's libraries, and token scopes, that the code may hold, each with the permission that it needs."""

_SCOPE = re.compile(r"https://([\w.]+)/\.default")
_ENTERED = {"communication.azure.com", "graph.microsoft.com", "storage.azure.com", "vault.azure.net"}
"""Services that the code asks tokens for. Graph's permissions are given by the directory, not here."""

_BY_THE_HOST = frozenset({"bus.measure", "telemetry.write", "table.rows"})
"""What the Functions host does in the name of the app (scaling, telemetry), and rows, which are raw requests."""

_NEEDED: Mapping[str, frozenset[str]] = {
    "recipients": frozenset({"blob.read", "blob.sign", "table.rows", "queue.send", "bus.send"}),
    "crm": frozenset({"blob.read", "blob.write", "blob.containers", "blob.sign", "table.rows", "table.create"})
    | frozenset({"queue.create", "queue.send", "queue.receive", "bus.send", "bus.receive"}),
}
"""What parts of the code do, where that is not everything, but for telemetry and secrets, which all of them need."""

_COMES_ALONG = {"recipients": frozenset({"table.create"})}
"""Permissions that a part does not need and that no smaller built-in role leaves out."""

_FOR_EVERYONE = frozenset({"telemetry.write", "vault.read"})
_PLACES_OF_SOME = {
    "ownedContainers": frozenset[str](),
    "readSecrets": frozenset({"vault.read"}),
    "sentQueues": frozenset({"queue.send", "bus.send"}),
}
"""Tables that name containers of the host, secrets or queues instead of roles; each with what they stand for."""


def wrong_roles(templates: list[Template], lib: Path) -> list[str]:
    """One line for each wrong id, and for each permission that a part lacks or has without need."""
    template = next((each for each in templates if each.file == FILE), None)
    if template is None:
        return [f"there is no {FILE}"]
    wrong = [*_wrong_ids(template), *_ids_elsewhere(templates), *_unknown_services(lib)]
    for part, needed in _needed_by_part(lib).items():
        has = _permissions(template, part)
        extra = has - needed - _COMES_ALONG.get(part, frozenset())
        wrong += [f"{FILE}: {part} needs {each} and has no role for it" for each in sorted(needed - has)]
        wrong += [f"{FILE}: {part} has {each} and does not need it" for each in sorted(extra)]
    return wrong


@cache
def permissions_of_code(lib: Path) -> frozenset[str]:
    """Permissions that the calls in the code need."""
    text = "\n".join(path.read_text() for path in lib.rglob("*.py"))
    return frozenset(permission for call, permission in _CALLS.items() if re.search(call, text))


@cache
def _unknown_services(lib: Path) -> tuple[str, ...]:
    return tuple(
        f"{FILE}: the code enters {service} ({path.name}), and it is not known which role that needs"
        for path in sorted(lib.rglob("*.py"))
        for service in _SCOPE.findall(path.read_text())
        if service not in _ENTERED
    )


def _needed_by_part(lib: Path) -> Mapping[str, frozenset[str]]:
    everything = permissions_of_code(lib) | _BY_THE_HOST | _FOR_EVERYONE
    parts = {part: (needed & everything) | _FOR_EVERYONE for part, needed in _NEEDED.items()}
    return {"all": everything, "work": everything, **parts}


def _wrong_ids(template: Template) -> Iterator[str]:
    table = template.find("var", "roleIds")
    if table is None or not isinstance(table.value, Object):
        yield f"{FILE} has no table roleIds"
        return
    for each in table.value.properties:
        role = ROLES.get(each.name)
        if role is None or each.value != role.id:
            yield f"{FILE}:{each.line}: {each.value} is not the id of {each.name}"


def _ids_elsewhere(templates: list[Template]) -> Iterator[str]:
    for each in templates:
        count = len(_ID.findall(each.text))
        if each.file != FILE and count:
            yield f"{each.file}: ids of roles belong into {FILE}"
        assignments = "Microsoft.Authorization/roleAssignments" in each.text
        if each.file != FILE and assignments:
            yield f"{each.file}: role assignments belong into {FILE}"


def _permissions(template: Template, part: str) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for variable in template.all("var"):
        if not isinstance(variable.value, Object) or not variable.name.endswith(("Roles", *_PLACES_OF_SOME)):
            continue
        words = set(re.findall(r"[\w-]+", text_of(variable.value.find(part))))
        if variable.name in _PLACES_OF_SOME:
            found |= _PLACES_OF_SOME[variable.name] if words else frozenset()
        else:
            found = found.union(*(ROLES[word].permissions for word in words if word in ROLES))
    return found
