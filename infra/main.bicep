// Heed in one resource group. Sizes: `small` is one app; `large` is three apps from the same package behind Front Door,
// so that nothing that a CRM asks, and no queue, can slow a recipient down.
targetScope = 'subscription'

@description('Name of the environment, as azd has it; part of the resource group\'s name and of the hash in all others.')
@minLength(1)
@maxLength(32)
param environmentName string

@description('Azure region of everything that has one. It must offer Flex Consumption.')
@minLength(1)
param location string

@description('small: one app for everything. large: apps of their own for recipients, CRMs and work, behind Front Door.')
@allowed([
  'small'
  'large'
])
param size string = 'small'

@description('Object id of the one who deploys. azd sets it, in CI, too. A person may then read data and set secrets.')
@maxLength(36)
param principalId string = ''

@description('Kind of the one who deploys, as azd sets it. What is no person gets no roles.')
@allowed([
  'User'
  'Group'
  'ServicePrincipal'
])
param principalType string = 'User'

@description('Public https address that links in mail begin with, such as https://mail.example.com; empty for the host name that Azure gives.')
@maxLength(200)
param baseUrl string = ''

@description('Transport of outgoing mail. acs makes a Communication Services resource.')
@allowed([
  'smtp'
  'acs'
  'graph'
])
param transport string = 'smtp'

@description('Backend of the queues. servicebus makes a namespace.')
@allowed([
  'storage'
  'servicebus'
])
param queues string = 'storage'

@description('Replication of the storage account. ZRS keeps data through the loss of a zone.')
@allowed([
  'Standard_LRS'
  'Standard_ZRS'
  'Standard_GRS'
  'Standard_GZRS'
  'Standard_RAGZRS'
])
param storageSku string = 'Standard_ZRS'

@description('Memory of an instance, in MB: 512 has a quarter of a core, 2048 one, 4096 two.')
@allowed([
  512
  2048
  4096
])
param memory int = 2048

@description('HTTP requests that an instance works on at a time.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int = 32

@description('Instances for HTTP that are always ready, of the app that serves recipients. With 0, a cold start delays pixels and links.')
@minValue(0)
@maxValue(100)
param alwaysReadyHttp int = 1

@description('Instances that each app may have. A bound for bills, no hard limit in bursts.')
@minValue(1)
@maxValue(1000)
param maximumInstances int = 40

@description('Lets the apps reach storage, secrets and Service Bus by private endpoints of a virtual network, and closes the latter two to the internet. Service Bus becomes Premium.')
param vnetEnabled bool = false

@description('Closes storage to the internet, with vnetEnabled. Links to followed attachments then lead nowhere: recipients fetch files from storage by signed addresses.')
param storageClosed bool = false

@description('Spreads the instances of each app over zones. The region must offer it.')
param zoneRedundant bool = false

@description('Days for which logs are kept.')
@minValue(30)
@maxValue(730)
param retentionDays int = 30

@description('GB of logs a day at most; an alert tells when they are used up. -1 for no bound.')
@minValue(-1)
@maxValue(1000)
param dailyLogGigabytes int = 5

@description('Address that alerts and the budget\'s notices go to.')
@minLength(3)
@maxLength(254)
param alertEmail string

@description('Budget of the resource group a month, in the currency of the subscription.')
@minValue(1)
@maxValue(1000000)
param monthlyBudget int = 100

@description('First day of the budget: the first of a month. It must stay as it was once the budget is there.')
@minLength(10)
@maxLength(10)
param budgetStart string

@description('Proxies of ours that add to X-Forwarded-For, without Front Door, which is counted by itself.')
@minValue(0)
@maxValue(9)
param trustedHops int = 1

@description('Front Door before a small deployment as well. A large one, and a tracking domain, always have it.')
param frontDoorEnabled bool = false

@description('Tracking domain of Front Door, such as mail.example.com; empty for none. Its DNS must be set as docs/install.md says.')
@maxLength(253)
param trackingDomain string = ''

@description('Custom domain of the senders for Communication Services; empty for a domain that Azure manages.')
@maxLength(253)
param mailDomain string = ''

@description('Connects the senders\' custom domain. Only once its DNS records are verified.')
param mailDomainVerified bool = false

@description('Place where Communication Services keep data.')
@allowed([
  'Africa'
  'Asia Pacific'
  'Australia'
  'Brazil'
  'Canada'
  'Europe'
  'France'
  'Germany'
  'India'
  'Japan'
  'Korea'
  'Norway'
  'Switzerland'
  'UAE'
  'UK'
  'United States'
])
param mailDataLocation string = 'Europe'

@description('Organization whose delivery reports Event Grid brings; empty for none. The app must be running.')
@maxLength(40)
param deliveryReportsOrganization string = ''

@description('A key of scope inbound of that organization.')
@secure()
@maxLength(200)
param deliveryReportsKey string = ''

@description('Mail server that takes outgoing mail, for the transport smtp; empty for none.')
@maxLength(253)
param smtpHost string = ''

@description('Port of the mail server.')
@minValue(1)
@maxValue(65535)
param smtpPort int = 587

@description('Name to log in to the mail server with; empty for no login.')
@maxLength(254)
param smtpUser string = ''

@description('Password to log in to the mail server with.')
@secure()
@maxLength(1000)
param smtpPassword string = ''

@description('The administrator\'s key.')
@secure()
@minLength(16)
@maxLength(1000)
param adminKey string

@description('The ring of token keys, newest first: k1:<base64url of 64 random bytes>[,k0:...].')
@secure()
@minLength(88)
@maxLength(20000)
param tokenKeys string

@description('More settings of every app by name, as docs/settings.md has them: a JSON object of texts.')
param moreSettings object = {}

@description('More settings whose values are secrets: a JSON object of settings, each with the name of its secret in the vault. The app of recipients gets those of storage accounts (HEED_STORAGE_…) alone.')
param moreReferences object = {}

var hash = toLower(uniqueString(subscription().id, environmentName, location))
var tags = {
  'azd-env-name': environmentName
}
var parts = size == 'large' ? ['recipients', 'crm', 'work'] : ['all']
// Places of parts in the list; in a small deployment, all of them are the one app.
var crmIndex = min(1, length(parts) - 1)
var workIndex = length(parts) - 1
// A tracking domain is one of Front Door: without it, the domain would lead nowhere.
var hasFrontDoor = size == 'large' || frontDoorEnabled || !empty(trackingDomain)
var hasServiceBus = queues == 'servicebus'
var hasMail = transport == 'acs'
var smtpSecret = transport == 'smtp' && !empty(smtpUser) ? ['heed-smtp-password'] : []
var moreSecretNames = map(items(moreReferences), each => string(each.value))
var storageReferences = filter(items(moreReferences), each => startsWith(each.key, 'HEED_STORAGE_'))
var storageSecretNames = map(storageReferences, each => string(each.value))

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module monitor 'monitor.bicep' = {
  name: 'monitor'
  scope: group
  params: {
    hash: hash
    location: location
    tags: tags
    retentionDays: retentionDays
    dailyLogGigabytes: dailyLogGigabytes
  }
}

module storage 'storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    hash: hash
    location: location
    tags: tags
    sku: storageSku
    parts: parts
    isPrivate: vnetEnabled && storageClosed
  }
}

module vault 'vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    hash: hash
    location: location
    tags: tags
    isPrivate: vnetEnabled
    workspaceId: monitor.outputs.workspaceId
    adminKey: adminKey
    tokenKeys: tokenKeys
    smtpPassword: smtpPassword
    withSmtpPassword: !empty(smtpSecret)
  }
}

module serviceBus 'servicebus.bicep' = if (hasServiceBus) {
  name: 'servicebus'
  scope: group
  params: {
    hash: hash
    location: location
    tags: tags
    isPrivate: vnetEnabled
  }
}

module mail 'mail.bicep' = if (hasMail) {
  name: 'mail'
  scope: group
  params: {
    hash: hash
    tags: tags
    dataLocation: mailDataLocation
    domain: mailDomain
    domainVerified: mailDomainVerified
  }
}

module network 'network.bicep' = if (vnetEnabled) {
  name: 'network'
  scope: group
  params: {
    hash: hash
    location: location
    tags: tags
    parts: parts
    storageName: storage.outputs.name
    vaultName: vault.outputs.name
    serviceBusName: hasServiceBus ? serviceBus!.outputs.name : ''
  }
}

module frontDoor 'frontdoor.bicep' = if (hasFrontDoor) {
  name: 'frontdoor'
  scope: group
  params: {
    hash: hash
    tags: tags
    trackingDomain: trackingDomain
  }
}

module identities 'identity.bicep' = [for part in parts: {
  name: 'identity-${part}'
  scope: group
  params: {
    name: 'id-heed-${part}-${hash}'
    location: location
    tags: tags
  }
}]

module roles 'roles.bicep' = [for (part, index) in parts: {
  name: 'roles-${part}'
  scope: group
  params: {
    part: part
    principalId: identities[index].outputs.principalId
    principalType: 'ServicePrincipal'
    storageName: storage.outputs.name
    vaultName: vault.outputs.name
    insightsName: monitor.outputs.insightsName
    serviceBusName: hasServiceBus ? serviceBus!.outputs.name : ''
    communicationName: hasMail ? mail!.outputs.name : ''
    smtpSecret: smtpSecret
    moreSecretNames: moreSecretNames
    storageSecretNames: storageSecretNames
  }
}]

module personRoles 'roles.bicep' = if (!empty(principalId) && principalType == 'User') {
  name: 'roles-person'
  scope: group
  params: {
    part: 'person'
    principalId: principalId
    principalType: 'User'
    storageName: storage.outputs.name
    vaultName: vault.outputs.name
    insightsName: monitor.outputs.insightsName
    serviceBusName: hasServiceBus ? serviceBus!.outputs.name : ''
    communicationName: hasMail ? mail!.outputs.name : ''
    smtpSecret: smtpSecret
    moreSecretNames: moreSecretNames
    storageSecretNames: storageSecretNames
  }
}

module apps 'app.bicep' = [for (part, index) in parts: {
  name: 'app-${part}'
  scope: group
  dependsOn: [
    roles
  ]
  params: {
    part: part
    name: 'func-heed-${part}-${hash}'
    serviceName: part == 'all' ? 'heed' : part
    location: location
    tags: tags
    identityId: identities[index].outputs.id
    identityClientId: identities[index].outputs.clientId
    storageName: storage.outputs.name
    packageContainer: 'app-package-${part}'
    vaultName: vault.outputs.name
    insightsName: monitor.outputs.insightsName
    workspaceId: monitor.outputs.workspaceId
    serviceBusHost: hasServiceBus ? serviceBus!.outputs.host : ''
    acsEndpoint: hasMail ? mail!.outputs.endpoint : ''
    baseUrl: !empty(baseUrl) ? baseUrl : hasFrontDoor ? frontDoor!.outputs.baseUrl : ''
    frontDoorId: hasFrontDoor ? frontDoor!.outputs.id : ''
    trustedHops: hasFrontDoor ? trustedHops + 1 : trustedHops
    subnetId: vnetEnabled ? network!.outputs.appSubnetIds[index] : ''
    memory: memory
    httpConcurrency: httpConcurrency
    alwaysReadyHttp: part == 'all' || part == 'recipients' ? alwaysReadyHttp : 0
    maximumInstances: maximumInstances
    zoneRedundant: zoneRedundant
    transport: transport
    smtpHost: smtpHost
    smtpPort: smtpPort
    smtpUser: smtpUser
    moreSettings: moreSettings
    moreReferences: moreReferences
  }
}]

module routes 'frontdoor-routes.bicep' = if (hasFrontDoor) {
  name: 'frontdoor-routes'
  scope: group
  params: {
    profileName: hasFrontDoor ? frontDoor!.outputs.name : ''
    endpointName: hasFrontDoor ? frontDoor!.outputs.endpointName : ''
    customDomainId: hasFrontDoor ? frontDoor!.outputs.customDomainId : ''
    recipientsHost: apps[0].outputs.hostName
    crmHost: apps[crmIndex].outputs.hostName
  }
}

module reports 'delivery-reports.bicep' = if (hasMail && !empty(deliveryReportsOrganization)) {
  name: 'delivery-reports'
  scope: group
  params: {
    hash: hash
    tags: tags
    communicationId: hasMail ? mail!.outputs.id : ''
    baseUrl: apps[0].outputs.baseUrl
    organization: deliveryReportsOrganization
    key: deliveryReportsKey
  }
}

module alerts 'alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    hash: hash
    location: location
    tags: tags
    workspaceId: monitor.outputs.workspaceId
    insightsId: monitor.outputs.insightsId
    storageId: storage.outputs.id
    vaultId: vault.outputs.id
    serviceBusId: hasServiceBus ? serviceBus!.outputs.id : ''
    baseUrl: apps[0].outputs.baseUrl
    recipientsApart: size == 'large'
    alertEmail: alertEmail
    monthlyBudget: monthlyBudget
    budgetStart: budgetStart
  }
}

@description('Region of the deployment.')
output AZURE_LOCATION string = location

@description('Directory of the deployment.')
output AZURE_TENANT_ID string = tenant().tenantId

@description('Resource group that holds everything.')
output AZURE_RESOURCE_GROUP string = group.name

@description('Name of the app that recipients reach.')
output AZURE_FUNCTION_NAME string = apps[0].outputs.name

@description('Name of the app that sends mail: its identity is the one that Graph and mailboxes are opened to.')
output SERVICE_HEED_NAME string = apps[workIndex].outputs.name

@description('Public address of Heed.')
output SERVICE_HEED_URI string = apps[0].outputs.baseUrl

@description('Storage account that holds all data.')
output AZURE_STORAGE_ACCOUNT string = storage.outputs.name

@description('Vault of the secrets.')
output AZURE_KEY_VAULT_NAME string = vault.outputs.name

@description('Application Insights resource.')
output APPLICATIONINSIGHTS_NAME string = monitor.outputs.insightsName

@description('Client id of the identity that sends mail; Graph\'s permissions and mailboxes are given to it.')
output AZURE_CLIENT_ID string = identities[workIndex].outputs.clientId

@description('TXT record that proves the tracking domain: its value, at _dnsauth.<domain>. Empty without a tracking domain.')
output TRACKING_DOMAIN_PROOF string = hasFrontDoor ? frontDoor!.outputs.domainProof : ''

@description('Host name that the tracking domain\'s CNAME leads to. Empty without Front Door.')
output TRACKING_DOMAIN_TARGET string = hasFrontDoor ? frontDoor!.outputs.endpointHost : ''
