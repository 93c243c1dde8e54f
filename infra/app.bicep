// One Functions app on a Flex Consumption plan of its own, and its settings. Its identity and roles are there before it.

@description('Part of Heed that the app serves (HEED_FUNCTIONS).')
@allowed([
  'all'
  'recipients'
  'crm'
  'work'
])
param part string

@description('Name of the app.')
@minLength(2)
@maxLength(60)
param name string

@description('Service of azure.yaml that is deployed to the app.')
param serviceName string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Resource id of the app\'s identity.')
param identityId string

@description('Client id of the app\'s identity.')
param identityClientId string

@description('Storage account.')
param storageName string

@description('Container that the app\'s package is deployed to.')
param packageContainer string

@description('Vault of the secrets.')
param vaultName string

@description('Application Insights resource.')
param insightsName string

@description('Workspace that takes the app\'s log.')
param workspaceId string

@description('Host name of the Service Bus namespace; empty where the queues are the storage account\'s.')
param serviceBusHost string

@description('Address of Communication Services; empty for other transports.')
param acsEndpoint string

@description('Public address of Heed; empty for the app\'s own host name.')
param baseUrl string

@description('Id of the Front Door that alone may reach the app; empty for everyone.')
param frontDoorId string

@description('Proxies that add to X-Forwarded-For.')
@minValue(0)
@maxValue(10)
param trustedHops int

@description('Subnet of the app; empty for none.')
param subnetId string

@description('Memory of an instance, in MB.')
@allowed([
  512
  2048
  4096
])
param memory int

@description('HTTP requests that an instance works on at a time.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int

@description('Instances for HTTP that are always ready.')
@minValue(0)
@maxValue(100)
param alwaysReadyHttp int

@description('Instances that the app may have.')
@minValue(1)
@maxValue(1000)
param maximumInstances int

@description('Whether instances are spread over zones.')
param zoneRedundant bool

@description('Transport of outgoing mail.')
param transport string

@description('Mail server; empty for none.')
param smtpHost string

@description('Port of the mail server.')
param smtpPort int

@description('Name to log in to the mail server with; empty for no login.')
param smtpUser string

@description('More settings by name.')
param moreSettings object

@description('More settings by name, each with the name of its secret.')
param moreReferences object

var sendsMail = part != 'recipients'
var pollsMailboxes = part == 'all' || part == 'work'
var secretText = '@Microsoft.KeyVault(VaultName=${vaultName};SecretName='

var serviceBusSettings = empty(serviceBusHost) ? {} : {
  HEED_SERVICEBUS__fullyQualifiedNamespace: serviceBusHost
  HEED_SERVICEBUS__credential: 'managedidentity'
  HEED_SERVICEBUS__clientId: identityClientId
}
var smtpLogin = empty(smtpUser) ? {} : {
  HEED_SMTP_USER: smtpUser
  HEED_SMTP_PASSWORD: '${secretText}heed-smtp-password)'
}
var smtpServer = empty(smtpHost) ? {} : {
  HEED_SMTP_HOST: smtpHost
  HEED_SMTP_PORT: string(smtpPort)
}
var acsSettings = empty(acsEndpoint) ? {} : {
  HEED_ACS_ENDPOINT: acsEndpoint
}
// Recipients' app sends nothing: it must know that there is a way out for mail, which its page offers, and has no login for it.
var smtpSettings = sendsMail ? union(smtpServer, smtpLogin) : smtpServer
var transportSettings = union({ HEED_TRANSPORT: transport }, transport == 'smtp' ? smtpSettings : acsSettings)
var mailboxSettings = pollsMailboxes ? { HEED_KEY_VAULT: 'https://${vaultName}${environment().suffixes.keyvaultDns}' } : {}
// Recipients' app reads the connection strings of organizations' own storage accounts alone, and may read no further secret. One
// that stays unresolved stops its organization, and any other would stop the start.
var referenceSettings = toObject(filter(items(moreReferences), each => part != 'recipients' || startsWith(each.key, 'HEED_STORAGE_')), each => each.key, each => '${secretText}${each.value})')
// No administrator calls the app that recipients reach.
var adminSettings = part == 'recipients' ? {} : { HEED_ADMIN_KEY: '${secretText}heed-admin-key)' }
var networkSettings = empty(subnetId) ? {} : {
  virtualNetworkSubnetId: subnetId
}
var everyone = {
  ipSecurityRestrictionsDefaultAction: 'Allow'
}
var onlyFrontDoor = {
  ipSecurityRestrictionsDefaultAction: 'Deny'
  ipSecurityRestrictions: [
    {
      name: 'front-door'
      description: 'Only the Front Door of this deployment: it is one of the hops that are trusted.'
      action: 'Allow'
      priority: 100
      tag: 'ServiceTag'
      ipAddress: 'AzureFrontDoor.Backend'
      headers: {
        'x-azure-fdid': [
          frontDoorId
        ]
      }
    }
  ]
}

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource site 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': serviceName })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: union({
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    siteConfig: union({
      minTlsVersion: '1.2'
      scmIpSecurityRestrictionsUseMain: false
    }, empty(frontDoorId) ? everyone : onlyFrontDoor)
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storage.properties.primaryEndpoints.blob}${packageContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.12'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: memory
        maximumInstanceCount: maximumInstances
        alwaysReady: alwaysReadyHttp == 0 ? [] : [
          {
            name: 'http'
            instanceCount: alwaysReadyHttp
          }
        ]
        triggers: {
          http: {
            perInstanceConcurrency: httpConcurrency
          }
        }
      }
      siteUpdateStrategy: {
        type: 'RollingUpdate'
      }
    }
  }, networkSettings)
}

resource scmCredentials 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: site
  name: 'scm'
  properties: {
    allow: false
  }
}

resource ftpCredentials 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: site
  name: 'ftp'
  properties: {
    allow: false
  }
}

// Each deployment replaces all settings: what was set by hand is gone. Set it by moreSettings.
resource settings 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: site
  name: 'appsettings'
  properties: union({
    APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    AZURE_CLIENT_ID: identityClientId
    AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential'
    AzureWebJobsStorage__accountName: storageName
    AzureWebJobsStorage__blobServiceUri: storage.properties.primaryEndpoints.blob
    AzureWebJobsStorage__queueServiceUri: storage.properties.primaryEndpoints.queue
    AzureWebJobsStorage__tableServiceUri: storage.properties.primaryEndpoints.table
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identityClientId
    // Makes room for Heed's own start page.
    AzureWebJobsDisableHomepage: 'true'
    HEED_FUNCTIONS: part
    HEED_BASE_URL: empty(baseUrl) ? 'https://${site.properties.defaultHostName}' : baseUrl
    HEED_TRUSTED_HOPS: string(trustedHops)
    HEED_QUEUES: empty(serviceBusHost) ? 'storage' : 'servicebus'
    HEED_TOKEN_KEYS: '${secretText}heed-token-keys)'
  }, adminSettings, serviceBusSettings, transportSettings, mailboxSettings, referenceSettings, moreSettings)
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: site
  name: 'function-logs'
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'FunctionAppLogs'
        enabled: true
      }
    ]
  }
}

@description('Name of the app.')
output name string = site.name

@description('Host name of the app itself.')
output hostName string = site.properties.defaultHostName

@description('Public address of Heed.')
output baseUrl string = empty(baseUrl) ? 'https://${site.properties.defaultHostName}' : baseUrl
