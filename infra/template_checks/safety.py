"""Switches that must be thrown on each kind of resource, and Front Door's paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from infra.template_checks.known import Known
from infra.template_checks.syntax import BicepValue, Declaration, Template, literals_of, objects_of

_MUST_BE: Mapping[str, Mapping[tuple[str, ...], BicepValue]] = {
    "Microsoft.Storage/storageAccounts": {
        ("properties", "allowBlobPublicAccess"): False,
        ("properties", "allowCrossTenantReplication"): False,
        ("properties", "allowSharedKeyAccess"): False,
        ("properties", "defaultToOAuthAuthentication"): True,
        ("properties", "minimumTlsVersion"): "TLS1_2",
        ("properties", "supportsHttpsTrafficOnly"): True,
    },
    "Microsoft.Storage/storageAccounts/blobServices/containers": {("properties", "publicAccess"): "None"},
    "Microsoft.ServiceBus/namespaces": {
        ("properties", "disableLocalAuth"): True,
        ("properties", "minimumTlsVersion"): "1.2",
    },
    "Microsoft.ServiceBus/namespaces/queues": {
        ("properties", "requiresDuplicateDetection"): True,
        ("properties", "deadLetteringOnMessageExpiration"): True,
        ("properties", "maxDeliveryCount"): 10,
    },
    "Microsoft.KeyVault/vaults": {
        ("properties", "enableRbacAuthorization"): True,
        ("properties", "enablePurgeProtection"): True,
        ("properties", "enableSoftDelete"): True,
    },
    "Microsoft.OperationalInsights/workspaces": {("properties", "features", "disableLocalAuth"): True},
    "Microsoft.Insights/components": {("properties", "DisableLocalAuth"): True},
    "Microsoft.Communication/communicationServices": {("properties", "disableLocalAuth"): True},
    "Microsoft.Communication/emailServices/domains": {("properties", "userEngagementTracking"): "Disabled"},
    "Microsoft.Web/sites": {
        ("properties", "httpsOnly"): True,
        ("properties", "siteConfig", "minTlsVersion"): "1.2",
        ("properties", "functionAppConfig", "siteUpdateStrategy", "type"): "RollingUpdate",
        ("properties", "functionAppConfig", "deployment", "storage", "authentication", "type"): "UserAssignedIdentity",
        ("identity", "type"): "UserAssigned",
    },
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": {("properties", "allow"): False},
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": {},
}

_ROUTES = "Microsoft.Cdn/profiles/afdEndpoints/routes"


def unsafe_resources(templates: list[Template], known: Known) -> list[str]:
    """One line for each switch that is not as it must be, each resource without tags, and each path without a route."""
    wrong = [line for each in templates for resource in each.all("resource") for line in _unsafe(each, resource)]
    return wrong + _missing_policies(templates) + _unrouted_paths(templates, known)


def _unsafe(template: Template, resource: Declaration) -> Iterator[str]:
    if resource.is_existing:
        return
    kind = resource.target.partition("@")[0]
    for path, expected in _MUST_BE.get(kind, {}).items():
        found = resource.body.find(*path)
        if found != expected or type(found) is not type(expected):
            yield f"{template.file}:{resource.line}: {kind}: {'.'.join(path)} must be {str(expected).lower()}"
    if resource.body.find("location") is not None and resource.body.find("tags") is None:
        yield f"{template.file}:{resource.line}: {resource.name} has no tags"
    for each in objects_of(resource.body.find("properties", "destination", "properties", "deliveryAttributeMappings")):
        if each.find("properties", "isSecret") is not True:
            yield f"{template.file}:{resource.line}: {resource.name} shows a header with a key"


def _missing_policies(templates: list[Template]) -> list[str]:
    """A file with a site needs both policies of publishing credentials, which are on by default."""
    wrong = []
    for each in templates:
        kinds = [(resource.target.partition("@")[0], resource.body.find("name")) for resource in each.all("resource")]
        names = {name for kind, name in kinds if kind == "Microsoft.Web/sites/basicPublishingCredentialsPolicies"}
        if any(kind == "Microsoft.Web/sites" for kind, _ in kinds) and names != {"scm", "ftp"}:
            wrong.append(f"{each.file}: publishing credentials are not off for scm and ftp")
    return wrong


def _unrouted_paths(templates: list[Template], known: Known) -> list[str]:
    """Paths that recipients request and that no pattern leads to their app."""
    files = [each for each in templates if any(_ROUTES in resource.target for resource in each.all("resource"))]
    patterns = {
        pattern
        for each in files
        for variable in each.all("var")
        for item in objects_of(variable.value)
        if item.find("name") == "recipients"
        for pattern in literals_of(item.find("patterns"))
    }
    return [
        f"{each.file}: /{path}/* does not lead to the recipients' app"
        for each in files
        for path in sorted(known.recipient_paths)
        if f"/{path}/*" not in patterns
    ]
