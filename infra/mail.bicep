// Communication Services with an email domain. Heed follows mail itself: the service's own tracking is off.

@description('Hash that makes names unique.')
@minLength(8)
@maxLength(18)
param hash string

@description('Tags of every resource.')
param tags object

@description('Place where data is kept.')
param dataLocation string

@description('Custom domain of the senders; empty for a domain that Azure manages.')
param domain string

@description('Whether the custom domain\'s DNS records are verified.')
param domainVerified bool

var isManaged = empty(domain)

resource email 'Microsoft.Communication/emailServices@2025-09-01' = {
  name: 'email-heed-${hash}'
  location: 'global'
  tags: tags
  properties: {
    dataLocation: dataLocation
  }
}

resource senders 'Microsoft.Communication/emailServices/domains@2025-09-01' = {
  parent: email
  name: isManaged ? 'AzureManagedDomain' : domain
  location: 'global'
  tags: tags
  properties: {
    domainManagement: isManaged ? 'AzureManaged' : 'CustomerManaged'
    userEngagementTracking: 'Disabled'
  }
}

resource communication 'Microsoft.Communication/communicationServices@2025-09-01' = {
  name: 'acs-heed-${hash}'
  location: 'global'
  tags: tags
  properties: {
    dataLocation: dataLocation
    disableLocalAuth: true
    linkedDomains: isManaged || domainVerified ? [senders.id] : []
  }
}

@description('Resource id of Communication Services.')
output id string = communication.id

@description('Name of Communication Services.')
output name string = communication.name

@description('Address that mail is handed to.')
output endpoint string = 'https://${communication.properties.hostName}'
