// Every role assignment. The table says which role each part has, and on what; nothing else gives a role.

@description('Part whose roles these are; person is the one who deploys.')
@allowed([
  'all'
  'recipients'
  'crm'
  'work'
  'person'
])
param part string

@description('Object id that gets the roles.')
param principalId string

@description('Kind of the principal. Without it, an identity that was just made is not found yet.')
@allowed([
  'ServicePrincipal'
  'User'
])
param principalType string

@description('Storage account.')
param storageName string

@description('Vault of the secrets.')
param vaultName string

@description('Application Insights resource.')
param insightsName string

@description('Service Bus namespace; empty for none.')
param serviceBusName string

@description('Communication Services resource; empty for none.')
param communicationName string

@description('Name of the mail server\'s secret, in an array; an empty one for none.')
param smtpSecret array

@description('Names of further secrets that settings refer to.')
param moreSecretNames array

@description('Those of them that hold connection strings of organizations\' own storage accounts.')
param storageSecretNames array

var roleIds = {
  storageBlobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  storageBlobDataReader: '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
  storageQueueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  storageQueueDataMessageSender: 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'
  storageTableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  serviceBusDataOwner: '090c5cfd-751d-490a-894a-3ce6f1109419'
  serviceBusDataReceiver: '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0'
  serviceBusDataSender: '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39'
  keyVaultSecretsUser: '4633458b-17de-408a-b874-0445c86b69e6'
  keyVaultSecretsOfficer: 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
  monitoringMetricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
  communicationAndEmailServiceOwner: '09976791-48a7-449e-bb21-39d1a415f350'
}

// On the account: what all, crm, work and a person do. Blobs: the host's leases, making and dropping containers, links to
// files (the role includes the key that signs them). Recipients read blobs and sign links; they own the host's containers.
var storageRoles = {
  all: ['storageBlobDataOwner', 'storageQueueDataContributor', 'storageTableDataContributor']
  recipients: ['storageBlobDataReader', 'storageTableDataContributor']
  crm: ['storageBlobDataOwner', 'storageQueueDataContributor', 'storageTableDataContributor']
  work: ['storageBlobDataOwner', 'storageQueueDataContributor', 'storageTableDataContributor']
  person: ['storageBlobDataOwner', 'storageQueueDataContributor', 'storageTableDataContributor']
}
var ownedContainers = {
  all: []
  recipients: ['azure-webjobs-hosts', 'azure-webjobs-secrets', 'app-package-recipients']
  crm: []
  work: []
  person: []
}
// Queues that recipients' app sends to: what it is told by hits, and what people ask for on their page.
var sentQueues = {
  all: []
  recipients: ['interactions', 'outbox', 'jobs', 'webhooks']
  crm: []
  work: []
  person: []
}
// Owner for what triggers listen with: the scale controller reads the queues' lengths. The API sends, and looks at dead letters.
var serviceBusRoles = {
  all: ['serviceBusDataOwner']
  recipients: []
  crm: ['serviceBusDataReceiver', 'serviceBusDataSender']
  work: ['serviceBusDataOwner']
  person: []
}
// The whole vault where mailboxes are polled, whose secrets people add; the secrets of the settings elsewhere.
var vaultRoles = {
  all: ['keyVaultSecretsUser']
  recipients: []
  crm: []
  work: ['keyVaultSecretsUser']
  person: ['keyVaultSecretsOfficer']
}
var readSecrets = {
  all: []
  recipients: concat(['heed-token-keys'], storageSecretNames)
  crm: concat(['heed-admin-key', 'heed-token-keys'], smtpSecret, moreSecretNames)
  work: []
  person: []
}
var insightsRoles = {
  all: ['monitoringMetricsPublisher']
  recipients: ['monitoringMetricsPublisher']
  crm: ['monitoringMetricsPublisher']
  work: ['monitoringMetricsPublisher']
  person: []
}
// No built-in role does nothing but send.
var communicationRoles = {
  all: ['communicationAndEmailServiceOwner']
  recipients: []
  crm: []
  work: ['communicationAndEmailServiceOwner']
  person: []
}

var busRoles = empty(serviceBusName) ? [] : serviceBusRoles[part]
var busSentQueues = empty(serviceBusName) ? [] : sentQueues[part]
var mailRoles = empty(communicationName) ? [] : communicationRoles[part]

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageName
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' existing = {
  parent: storage
  name: 'default'
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = [for name in ownedContainers[part]: {
  parent: blobs
  name: name
}]

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-06-01' existing = {
  parent: storage
  name: 'default'
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' existing = [for name in sentQueues[part]: {
  parent: queueService
  name: name
}]

resource serviceBus 'Microsoft.ServiceBus/namespaces@2024-01-01' existing = {
  name: empty(serviceBusName) ? 'none' : serviceBusName
}

resource busQueues 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' existing = [for name in busSentQueues: {
  parent: serviceBus
  name: name
}]

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

resource secrets 'Microsoft.KeyVault/vaults/secrets@2024-11-01' existing = [for name in readSecrets[part]: {
  parent: vault
  name: name
}]

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource communication 'Microsoft.Communication/communicationServices@2025-09-01' existing = {
  name: empty(communicationName) ? 'none' : communicationName
}

resource onStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in storageRoles[part]: {
  name: guid(storage.id, principalId, roleIds[role])
  scope: storage
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[role])
  }
}]

resource onContainers 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (name, index) in ownedContainers[part]: {
  name: guid(storage.id, name, principalId, roleIds.storageBlobDataOwner)
  scope: containers[index]
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.storageBlobDataOwner)
  }
}]

resource onQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (name, index) in sentQueues[part]: {
  name: guid(storage.id, 'queue', name, principalId, roleIds.storageQueueDataMessageSender)
  scope: queues[index]
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.storageQueueDataMessageSender)
  }
}]

resource onServiceBus 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in busRoles: {
  name: guid(serviceBus.id, principalId, roleIds[role])
  scope: serviceBus
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[role])
  }
}]

resource onBusQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (name, index) in busSentQueues: {
  name: guid(serviceBus.id, name, principalId, roleIds.serviceBusDataSender)
  scope: busQueues[index]
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.serviceBusDataSender)
  }
}]

resource onVault 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in vaultRoles[part]: {
  name: guid(vault.id, principalId, roleIds[role])
  scope: vault
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[role])
  }
}]

resource onSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (name, index) in readSecrets[part]: {
  name: guid(vault.id, name, principalId, roleIds.keyVaultSecretsUser)
  scope: secrets[index]
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.keyVaultSecretsUser)
  }
}]

resource onInsights 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in insightsRoles[part]: {
  name: guid(insights.id, principalId, roleIds[role])
  scope: insights
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[role])
  }
}]

resource onCommunication 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in mailRoles: {
  name: guid(communication.id, principalId, roleIds[role])
  scope: communication
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[role])
  }
}]
