// Delivery reports of Communication Services, which Event Grid brings to one organization of Heed. Event Grid asks the
// app while this is deployed, so the app has to run and the organization's key has to be there.

@description('Hash that makes names unique.')
@minLength(8)
@maxLength(18)
param hash string

@description('Tags of every resource.')
param tags object

@description('Resource id of Communication Services.')
param communicationId string

@description('Public address of Heed.')
param baseUrl string

@description('Id of the organization.')
@minLength(1)
@maxLength(40)
param organization string

@description('A key of scope inbound of the organization. It travels in a header, so that no log shows it.')
@secure()
@minLength(16)
param key string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: 'evgt-heed-mail-${hash}'
  location: 'global'
  tags: tags
  properties: {
    source: communicationId
    topicType: 'Microsoft.Communication.CommunicationServices'
  }
}

resource subscription 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'delivery-reports-${organization}'
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    filter: {
      includedEventTypes: [
        'Microsoft.Communication.EmailDeliveryReportReceived'
      ]
    }
    destination: {
      endpointType: 'WebHook'
      properties: {
        endpointUrl: '${baseUrl}/api/orgs/${organization}/delivery-reports'
        minimumTlsVersionAllowed: '1.2'
        deliveryAttributeMappings: [
          {
            name: 'Authorization'
            type: 'Static'
            properties: {
              isSecret: true
              value: 'Bearer ${key}'
            }
          }
        ]
      }
    }
    retryPolicy: {
      eventTimeToLiveInMinutes: 1440
      maxDeliveryAttempts: 30
    }
  }
}
