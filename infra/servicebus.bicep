// A Service Bus namespace with the queues. Private endpoints need the tier Premium.

@description('Hash that makes names unique.')
@minLength(8)
@maxLength(18)
param hash string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Whether only private endpoints lead to the namespace.')
param isPrivate bool

var premium = {
  name: 'Premium'
  tier: 'Premium'
  capacity: 1
}
var standard = {
  name: 'Standard'
  tier: 'Standard'
}
var queueNames = [
  'interactions'
  'outbox'
  'inbound'
  'jobs'
  'webhooks'
]

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: 'sb-heed-${hash}'
  location: location
  tags: tags
  sku: isPrivate ? premium : standard
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
  }
}

resource queues 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = [for name in queueNames: {
  parent: namespace
  name: name
  properties: {
    deadLetteringOnMessageExpiration: true
    duplicateDetectionHistoryTimeWindow: 'PT10M'
    lockDuration: 'PT1M'
    maxDeliveryCount: 10
    requiresDuplicateDetection: true
    requiresSession: false
  }
}]

@description('Resource id.')
output id string = namespace.id

@description('Name of the namespace.')
output name string = namespace.name

@description('Host name that clients connect to.')
output host string = split(replace(namespace.properties.serviceBusEndpoint, 'https://', ''), ':')[0]
