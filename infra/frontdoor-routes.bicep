// Routes of Front Door: what recipients request goes to one app, the rest to another (the same one in a small deployment).

@description('Name of the Front Door profile.')
param profileName string

@description('Name of the endpoint.')
param endpointName string

@description('Resource id of the tracking domain; empty for none.')
param customDomainId string

@description('Host name of the app that serves recipients.')
param recipientsHost string

@description('Host name of the app that serves CRMs.')
param crmHost string

var origins = [
  {
    name: 'recipients'
    host: recipientsHost
    patterns: [
      '/o/*'
      '/c/*'
      '/a/*'
      '/i/*'
      '/p/*'
    ]
  }
  {
    name: 'crm'
    host: crmHost
    patterns: [
      '/*'
    ]
  }
]
var domains = empty(customDomainId) ? [] : [
  {
    id: customDomainId
  }
]

resource profile 'Microsoft.Cdn/profiles@2025-06-01' existing = {
  name: profileName
}

resource endpoint 'Microsoft.Cdn/profiles/afdEndpoints@2025-06-01' existing = {
  parent: profile
  name: endpointName
}

// No probes: a group has one origin, and Front Door sends to it whatever a probe says. The availability test watches.
resource groups 'Microsoft.Cdn/profiles/originGroups@2025-06-01' = [for origin in origins: {
  parent: profile
  name: origin.name
  properties: {
    loadBalancingSettings: {
      additionalLatencyInMilliseconds: 0
      sampleSize: 4
      successfulSamplesRequired: 2
    }
    sessionAffinityState: 'Disabled'
  }
}]

resource hosts 'Microsoft.Cdn/profiles/originGroups/origins@2025-06-01' = [for (origin, index) in origins: {
  parent: groups[index]
  name: origin.name
  properties: {
    enabledState: 'Enabled'
    enforceCertificateNameCheck: true
    hostName: origin.host
    httpsPort: 443
    originHostHeader: origin.host
    priority: 1
    weight: 1000
  }
}]

resource routes 'Microsoft.Cdn/profiles/afdEndpoints/routes@2025-06-01' = [for (origin, index) in origins: {
  parent: endpoint
  name: origin.name
  properties: {
    customDomains: domains
    enabledState: 'Enabled'
    forwardingProtocol: 'HttpsOnly'
    httpsRedirect: 'Enabled'
    linkToDefaultDomain: 'Enabled'
    originGroup: {
      id: groups[index].id
    }
    patternsToMatch: origin.patterns
    supportedProtocols: [
      'Http'
      'Https'
    ]
  }
  dependsOn: [
    hosts
  ]
}]
