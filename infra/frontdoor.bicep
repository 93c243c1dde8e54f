// Front Door with its endpoint and the tracking domain. Where its requests go is in frontdoor-routes.bicep.

@description('Hash that makes names unique.')
@minLength(8)
@maxLength(18)
param hash string

@description('Tags of every resource.')
param tags object

@description('Tracking domain, such as mail.example.com; empty for none.')
@maxLength(253)
param trackingDomain string

resource profile 'Microsoft.Cdn/profiles@2025-06-01' = {
  name: 'afd-heed-${hash}'
  location: 'global'
  tags: tags
  sku: {
    name: 'Standard_AzureFrontDoor'
  }
  properties: {
    originResponseTimeoutSeconds: 240
  }
}

resource endpoint 'Microsoft.Cdn/profiles/afdEndpoints@2025-06-01' = {
  parent: profile
  name: 'heed-${hash}'
  location: 'global'
  tags: tags
  properties: {
    enabledState: 'Enabled'
  }
}

resource domain 'Microsoft.Cdn/profiles/customDomains@2025-06-01' = if (!empty(trackingDomain)) {
  parent: profile
  name: empty(trackingDomain) ? 'none' : replace(trackingDomain, '.', '-')
  properties: {
    hostName: trackingDomain
    tlsSettings: {
      certificateType: 'ManagedCertificate'
      minimumTlsVersion: 'TLS12'
    }
  }
}

@description('Name of the profile.')
output name string = profile.name

@description('Id that Front Door puts into the header X-Azure-FDID.')
output id string = profile.properties.frontDoorId

@description('Name of the endpoint.')
output endpointName string = endpoint.name

@description('Host name of the endpoint.')
output endpointHost string = endpoint.properties.hostName

@description('Resource id of the tracking domain; empty for none.')
output customDomainId string = empty(trackingDomain) ? '' : domain.id

@description('Value of the TXT record that proves the tracking domain; empty for none.')
output domainProof string = empty(trackingDomain) ? '' : domain!.properties.validationProperties.validationToken

@description('Public address of Heed.')
output baseUrl string = 'https://${empty(trackingDomain) ? endpoint.properties.hostName : trackingDomain}'
