"""Resource types that templates may use, each with the model of Azure's client library that knows its properties."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Model:
    """A model of a package `azure.mgmt.<package>`."""

    package: str
    name: str


@dataclass(frozen=True, slots=True)
class Names:
    """Property names of a type that no library here knows, as Microsoft's reference has them."""

    properties: dict[str, Names] = field(default_factory=dict)
    """Names, each with those below; none where anything may stand."""


FREE = Names()


def _names(*leaves: str, **nested: Names) -> Names:
    return Names({**dict.fromkeys(leaves, FREE), **nested})


_LOG_SETTINGS = _names("category", "categoryGroup", "enabled")

RESOURCE_TYPES: dict[str, Model | Names] = {
    "Microsoft.Authorization/roleAssignments": _names(
        properties=_names("principalId", "principalType", "roleDefinitionId", "description")
    ),
    "Microsoft.Cdn/profiles": Model("cdn", "Profile"),
    "Microsoft.Cdn/profiles/afdEndpoints": Model("cdn", "AFDEndpoint"),
    "Microsoft.Cdn/profiles/afdEndpoints/routes": Model("cdn", "Route"),
    "Microsoft.Cdn/profiles/customDomains": Model("cdn", "AFDDomain"),
    "Microsoft.Cdn/profiles/originGroups": Model("cdn", "AFDOriginGroup"),
    "Microsoft.Cdn/profiles/originGroups/origins": Model("cdn", "AFDOrigin"),
    "Microsoft.Communication/communicationServices": Model("communication", "CommunicationServiceResource"),
    "Microsoft.Communication/emailServices": Model("communication", "EmailServiceResource"),
    "Microsoft.Communication/emailServices/domains": Model("communication", "DomainResource"),
    "Microsoft.Consumption/budgets": Model("consumption", "Budget"),
    "Microsoft.EventGrid/systemTopics": Model("eventgrid", "SystemTopic"),
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": Model("eventgrid", "EventSubscription"),
    "Microsoft.Insights/actionGroups": Model("monitor", "ActionGroupResource"),
    "Microsoft.Insights/components": _names(
        "location",
        "tags",
        "kind",
        properties=_names(
            "Application_Type",
            "DisableLocalAuth",
            "IngestionMode",
            "RetentionInDays",
            "SamplingPercentage",
            "WorkspaceResourceId",
        ),
    ),
    "Microsoft.Insights/diagnosticSettings": _names(
        properties=_names("workspaceId", "logAnalyticsDestinationType", logs=_LOG_SETTINGS, metrics=_LOG_SETTINGS)
    ),
    "Microsoft.Insights/metricAlerts": Model("monitor", "MetricAlertResource"),
    "Microsoft.Insights/scheduledQueryRules": Model("monitor", "ScheduledQueryRuleResource"),
    "Microsoft.Insights/webtests": _names(
        "location",
        "kind",
        tags=FREE,
        properties=_names(
            "Description",
            "Enabled",
            "Frequency",
            "Kind",
            "Name",
            "RetryEnabled",
            "SyntheticMonitorId",
            "Timeout",
            Locations=_names("Id"),
            Request=_names("FollowRedirects", "Headers", "HttpVerb", "RequestBody", "RequestUrl"),
            ValidationRules=_names(
                "ContentValidation",
                "ExpectedHttpStatusCode",
                "IgnoreHttpStatusCode",
                "SSLCertRemainingLifetimeCheck",
                "SSLCheck",
            ),
        ),
    ),
    "Microsoft.Insights/workbooks": _names(
        "location",
        "tags",
        "kind",
        properties=_names("category", "description", "displayName", "serializedData", "sourceId", "version"),
    ),
    "Microsoft.KeyVault/vaults": Model("keyvault", "VaultCreateOrUpdateParameters"),
    "Microsoft.KeyVault/vaults/secrets": Model("keyvault", "SecretCreateOrUpdateParameters"),
    "Microsoft.ManagedIdentity/userAssignedIdentities": _names("location", "tags"),
    "Microsoft.Network/privateDnsZones": _names("location", "tags"),
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": _names(
        "location", "tags", properties=_names("registrationEnabled", "resolutionPolicy", virtualNetwork=_names("id"))
    ),
    "Microsoft.Network/privateEndpoints": _names(
        "location",
        "tags",
        properties=_names(
            subnet=_names("id"),
            privateLinkServiceConnections=_names(
                "name", properties=_names("groupIds", "privateLinkServiceId", "requestMessage")
            ),
        ),
    ),
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": _names(
        properties=_names(privateDnsZoneConfigs=_names("name", properties=_names("privateDnsZoneId")))
    ),
    "Microsoft.Network/virtualNetworks": _names(
        "location", "tags", properties=_names(addressSpace=_names("addressPrefixes"))
    ),
    "Microsoft.Network/virtualNetworks/subnets": _names(
        properties=_names(
            "addressPrefix",
            "privateEndpointNetworkPolicies",
            delegations=_names("name", properties=_names("serviceName")),
        )
    ),
    "Microsoft.OperationalInsights/workspaces": Model("loganalytics", "Workspace"),
    "Microsoft.Resources/resourceGroups": _names("location", "tags"),
    "Microsoft.ServiceBus/namespaces": Model("servicebus", "SBNamespace"),
    "Microsoft.ServiceBus/namespaces/queues": Model("servicebus", "SBQueue"),
    "Microsoft.Storage/storageAccounts": Model("storage", "StorageAccountCreateParameters"),
    "Microsoft.Storage/storageAccounts/blobServices": Model("storage", "BlobServiceProperties"),
    "Microsoft.Storage/storageAccounts/blobServices/containers": Model("storage", "BlobContainer"),
    "Microsoft.Storage/storageAccounts/managementPolicies": Model("storage", "ManagementPolicy"),
    "Microsoft.Storage/storageAccounts/queueServices": Model("storage", "QueueServiceProperties"),
    "Microsoft.Storage/storageAccounts/queueServices/queues": Model("storage", "StorageQueue"),
    "Microsoft.Storage/storageAccounts/tableServices": Model("storage", "TableServiceProperties"),
    "Microsoft.Storage/storageAccounts/tableServices/tables": Model("storage", "Table"),
    "Microsoft.Web/serverfarms": Model("web", "AppServicePlan"),
    "Microsoft.Web/sites": Model("web", "Site"),
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": Model("web", "CsmPublishingCredentialsPoliciesEntity"),
    "Microsoft.Web/sites/config": Model("web", "StringDictionary"),
}

PREVIEWS_WITHOUT_RELEASE = {"Microsoft.Insights/diagnosticSettings@2021-05-01-preview"}
"""Preview API versions that may be used: the type has no later one, and none that is released with what is used."""
