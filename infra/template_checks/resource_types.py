"""Resource types that templates may use, each with the model of Azure's client library that knows its properties."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LibraryModel:
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

RESOURCE_TYPES: dict[str, LibraryModel | Names] = {
    "Microsoft.Authorization/roleAssignments": _names(
        properties=_names("principalId", "principalType", "roleDefinitionId", "description")
    ),
    "Microsoft.Cdn/profiles": LibraryModel("cdn", "Profile"),
    "Microsoft.Cdn/profiles/afdEndpoints": LibraryModel("cdn", "AFDEndpoint"),
    "Microsoft.Cdn/profiles/afdEndpoints/routes": LibraryModel("cdn", "Route"),
    "Microsoft.Cdn/profiles/customDomains": LibraryModel("cdn", "AFDDomain"),
    "Microsoft.Cdn/profiles/originGroups": LibraryModel("cdn", "AFDOriginGroup"),
    "Microsoft.Cdn/profiles/originGroups/origins": LibraryModel("cdn", "AFDOrigin"),
    "Microsoft.Communication/communicationServices": LibraryModel("communication", "CommunicationServiceResource"),
    "Microsoft.Communication/emailServices": LibraryModel("communication", "EmailServiceResource"),
    "Microsoft.Communication/emailServices/domains": LibraryModel("communication", "DomainResource"),
    "Microsoft.Consumption/budgets": LibraryModel("consumption", "Budget"),
    "Microsoft.EventGrid/systemTopics": LibraryModel("eventgrid", "SystemTopic"),
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": LibraryModel("eventgrid", "EventSubscription"),
    "Microsoft.Insights/actionGroups": LibraryModel("monitor", "ActionGroupResource"),
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
    "Microsoft.Insights/metricAlerts": LibraryModel("monitor", "MetricAlertResource"),
    "Microsoft.Insights/scheduledQueryRules": LibraryModel("monitor", "ScheduledQueryRuleResource"),
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
    "Microsoft.KeyVault/vaults": LibraryModel("keyvault", "VaultCreateOrUpdateParameters"),
    "Microsoft.KeyVault/vaults/secrets": LibraryModel("keyvault", "SecretCreateOrUpdateParameters"),
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
    "Microsoft.OperationalInsights/workspaces": LibraryModel("loganalytics", "Workspace"),
    "Microsoft.Resources/resourceGroups": _names("location", "tags"),
    "Microsoft.ServiceBus/namespaces": LibraryModel("servicebus", "SBNamespace"),
    "Microsoft.ServiceBus/namespaces/queues": LibraryModel("servicebus", "SBQueue"),
    "Microsoft.Storage/storageAccounts": LibraryModel("storage", "StorageAccountCreateParameters"),
    "Microsoft.Storage/storageAccounts/blobServices": LibraryModel("storage", "BlobServiceProperties"),
    "Microsoft.Storage/storageAccounts/blobServices/containers": LibraryModel("storage", "BlobContainer"),
    "Microsoft.Storage/storageAccounts/managementPolicies": LibraryModel("storage", "ManagementPolicy"),
    "Microsoft.Storage/storageAccounts/queueServices": LibraryModel("storage", "QueueServiceProperties"),
    "Microsoft.Storage/storageAccounts/queueServices/queues": LibraryModel("storage", "StorageQueue"),
    "Microsoft.Storage/storageAccounts/tableServices": LibraryModel("storage", "TableServiceProperties"),
    "Microsoft.Storage/storageAccounts/tableServices/tables": LibraryModel("storage", "Table"),
    "Microsoft.Web/serverfarms": LibraryModel("web", "AppServicePlan"),
    "Microsoft.Web/sites": LibraryModel("web", "Site"),
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": LibraryModel(
        "web", "CsmPublishingCredentialsPoliciesEntity"
    ),
    "Microsoft.Web/sites/config": LibraryModel("web", "StringDictionary"),
}

PREVIEWS_WITHOUT_RELEASE = {"Microsoft.Insights/diagnosticSettings@2021-05-01-preview"}
"""Preview API versions that may be used: the type has no later one, and none that is released with what is used."""
