// The key vault and the secrets that the app's settings refer to. Mailboxes' secrets are added by people.

@description('Hash that makes names unique.')
@minLength(8)
@maxLength(18)
param hash string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Whether only private endpoints lead to the vault.')
param isPrivate bool

@description('Workspace that is told who reads secrets.')
param workspaceId string

@description('The administrator\'s key.')
@secure()
@minLength(16)
param adminKey string

@description('The ring of token keys.')
@secure()
@minLength(88)
param tokenKeys string

@description('Password of the mail server.')
@secure()
param smtpPassword string

@description('Whether there is a password of a mail server.')
param withSmtpPassword bool

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: 'kv-heed-${hash}'
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enablePurgeProtection: true
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
  }
}

resource adminKeySecret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'heed-admin-key'
  tags: tags
  properties: {
    value: adminKey
  }
}

resource tokenKeysSecret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'heed-token-keys'
  tags: tags
  properties: {
    value: tokenKeys
  }
}

resource smtpPasswordSecret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = if (withSmtpPassword) {
  parent: vault
  name: 'heed-smtp-password'
  tags: tags
  properties: {
    value: smtpPassword
  }
}

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: vault
  name: 'audit'
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'AuditEvent'
        enabled: true
      }
    ]
  }
}

@description('Resource id.')
output id string = vault.id

@description('Name of the vault.')
output name string = vault.name
