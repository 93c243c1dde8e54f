// A virtual network: a subnet for each app, and private endpoints of storage, vault and Service Bus.

@description('Hash that makes names unique.')
@minLength(8)
@maxLength(18)
param hash string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Parts of Heed that are apps of their own, each with a subnet.')
@minLength(1)
@maxLength(3)
param parts array

@description('Storage account.')
param storageName string

@description('Vault of the secrets.')
param vaultName string

@description('Service Bus namespace; empty for none.')
param serviceBusName string

var storageSuffix = environment().suffixes.storage
var storageTargets = [for kind in ['blob', 'queue', 'table']: {
  name: kind
  zone: 'privatelink.${kind}.${storageSuffix}'
  id: resourceId('Microsoft.Storage/storageAccounts', storageName)
  group: kind
}]
var vaultTargets = [
  {
    name: 'vault'
    zone: 'privatelink.vaultcore.azure.net'
    id: resourceId('Microsoft.KeyVault/vaults', vaultName)
    group: 'vault'
  }
]
var serviceBusTargets = empty(serviceBusName) ? [] : [
  {
    name: 'servicebus'
    zone: 'privatelink.servicebus.windows.net'
    id: resourceId('Microsoft.ServiceBus/namespaces', serviceBusName)
    group: 'namespace'
  }
]
var targets = concat(storageTargets, vaultTargets, serviceBusTargets)

resource vnet 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: 'vnet-heed-${hash}'
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        '10.0.0.0/22'
      ]
    }
  }
}

resource endpointSubnet 'Microsoft.Network/virtualNetworks/subnets@2025-05-01' = {
  parent: vnet
  name: 'endpoints'
  properties: {
    addressPrefix: '10.0.0.0/26'
    privateEndpointNetworkPolicies: 'Disabled'
  }
}

// One after the other: Azure changes one subnet of a network at a time.
@batchSize(1)
resource appSubnets 'Microsoft.Network/virtualNetworks/subnets@2025-05-01' = [for (part, index) in parts: {
  parent: vnet
  name: 'app-${part}'
  properties: {
    addressPrefix: '10.0.${index + 1}.0/24'
    delegations: [
      {
        name: 'flex-consumption'
        properties: {
          serviceName: 'Microsoft.App/environments'
        }
      }
    ]
  }
  dependsOn: [
    endpointSubnet
  ]
}]

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [for target in targets: {
  name: target.zone
  location: 'global'
  tags: tags
}]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [for (target, index) in targets: {
  parent: zones[index]
  name: 'heed'
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    virtualNetwork: {
      id: vnet.id
    }
  }
}]

resource endpoints 'Microsoft.Network/privateEndpoints@2025-05-01' = [for target in targets: {
  name: 'pe-heed-${target.name}-${hash}'
  location: location
  tags: tags
  properties: {
    subnet: {
      id: endpointSubnet.id
    }
    privateLinkServiceConnections: [
      {
        name: target.name
        properties: {
          privateLinkServiceId: target.id
          groupIds: [
            target.group
          ]
        }
      }
    ]
  }
}]

resource zoneGroups 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = [for (target, index) in targets: {
  parent: endpoints[index]
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: target.name
        properties: {
          privateDnsZoneId: zones[index].id
        }
      }
    ]
  }
}]

@description('Resource ids of the apps\' subnets, in the order of the parts.')
output appSubnetIds array = [for (part, index) in parts: appSubnets[index].id]
