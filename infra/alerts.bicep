// Alerts, the availability test and the budget; all of them tell one action group.

@description('Hash that makes names unique.')
@minLength(8)
@maxLength(18)
param hash string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Workspace of the logs.')
param workspaceId string

@description('Resource id of Application Insights.')
param insightsId string

@description('Resource id of the storage account.')
param storageId string

@description('Resource id of the vault.')
param vaultId string

@description('Resource id of the Service Bus namespace; empty for none.')
param serviceBusId string

@description('Public address of Heed.')
param baseUrl string

@description('Whether recipients have an app of their own, which health does not ask.')
param recipientsApart bool

@description('Address that alerts go to.')
param alertEmail string

@description('Budget of the resource group a month.')
@minValue(1)
param monthlyBudget int

@description('First day of the budget: the first of a month.')
param budgetStart string

// Each query gives a row for what is wrong, and none while all is well.
var logAlerts = [
  {
    name: 'hits-only-in-the-log'
    description: 'Hits could not be stored, and are in the log for replay (docs/operations.md).'
    severity: 1
    window: 'PT15M'
    query: 'AppTraces | where Message has "heed.fact"'
  }
  {
    name: 'dead-letters'
    description: 'Messages failed every time and were put aside (docs/operations.md).'
    severity: 2
    window: 'PT15M'
    query: 'AppTraces | where Message has "heed.dead_letters"'
  }
  {
    name: 'recipients-wait-or-fail'
    description: 'Pixels, images, links or attachments fail, or 5 % of them take over a second.'
    severity: 2
    window: 'PT15M'
    query: 'AppRequests | where Name in ("pixel", "image", "redirect", "attachment") | summarize failed = countif(toint(ResultCode) >= 500), slow = percentile(DurationMs, 95) | where failed > 0 or slow > 1000'
  }
  {
    name: 'mail-or-reminders-are-late'
    description: 'Mail or reminders whose time has come have waited for over five minutes.'
    severity: 2
    window: 'PT15M'
    query: 'AppTraces | where Message has "heed.metric" | extend metric = parse_json(substring(Message, indexof(Message, "{"))) | where tostring(metric.name) == "oldest_overdue_seconds" and todouble(metric.value) > 300'
  }
  {
    name: 'the-sweep-does-not-run'
    description: 'A timer that finds mail that is due (each minute), or facts that queues have lost (every five), has told nothing for 15 minutes.'
    severity: 2
    window: 'PT15M'
    query: 'AppTraces | where Message has "heed.metric" | summarize mail = countif(Message has "oldest_overdue_seconds" and Message has "mail"), journals = countif(Message has "sweep_lag_seconds") | where mail == 0 or journals == 0'
  }
  {
    name: 'work-waits'
    description: 'Hits, mail or answers wait in a queue for over five minutes, or the journal of an organization cannot be swept.'
    severity: 2
    window: 'PT15M'
    query: 'AppTraces | where Message has "heed.metric" | extend metric = parse_json(substring(Message, indexof(Message, "{"))) | where tostring(metric.name) == "sweep_lag_seconds" or (tostring(metric.name) == "oldest_waiting_seconds" and (tostring(metric.queue) == "interactions" or tostring(metric.queue) == "outbox" or tostring(metric.queue) == "inbound")) | summarize looks = count(), least = min(todouble(metric.value)) by name = tostring(metric.name), queue = tostring(metric.queue) | where looks > 1 and least > 300'
  }
  {
    name: 'mail-fails'
    description: 'Over 10 mails of an hour have failed, or their outcome is uncertain.'
    severity: 3
    window: 'PT1H'
    query: 'AppTraces | where Message has "heed.metric" | extend metric = parse_json(substring(Message, indexof(Message, "{"))) | where tostring(metric.name) == "mail_outcomes" and (tostring(metric.outcome) == "failed" or tostring(metric.outcome) == "uncertain") | summarize mails = count() | where mails > 10'
  }
  {
    name: 'work-fails'
    description: 'Queue functions or timers have failed over 20 times: sending, assessing, taking mail in, polling.'
    severity: 3
    window: 'PT1H'
    query: 'AppRequests | where Name in ("send", "assess", "take_in_mail", "work_on_job", "deliver_events", "sweep_due", "sweep_journal", "remind", "tell_of_cards", "poll_mailboxes", "watch_dead_letters", "delete_kept_answers", "tidy_engaged_records", "tidy_jobs", "sweep_webhooks", "move_old_lists", "remove_old_data") and Success == false | summarize failures = count() | where failures > 20'
  }
  {
    name: 'the-log-is-full'
    description: 'The daily bound of the log is reached: until tomorrow, lost hits would not be in it.'
    severity: 2
    window: 'PT1H'
    query: '_LogOperation | where Category == "Ingestion" and Detail has "OverQuota"'
  }
]
var healthTest = [
  {
    name: 'health'
    path: '/api/health'
    description: 'Health is not 200 from two of three places, or the certificate runs out within 30 days.'
  }
]
// Below /o, so that the answer comes by the way of pixels. A pixel itself would count among recipients' requests.
var recipientsTest = [
  {
    name: 'recipients'
    path: '/o/health'
    description: 'The app of recipients does not answer from two of three places.'
  }
]
var availabilityTests = recipientsApart ? concat(healthTest, recipientsTest) : healthTest
var storageMetrics = [
  {
    name: 'storage-availability'
    description: 'Storage answers fewer than 99.9 % of requests.'
    metric: 'Availability'
    namespace: 'Microsoft.Storage/storageAccounts'
    target: storageId
    operator: 'LessThan'
    threshold: json('99.9')
    aggregation: 'Average'
  }
]
var serviceBusMetrics = empty(serviceBusId) ? [] : [
  {
    name: 'service-bus-dead-letters'
    description: 'A queue of Service Bus has dead letters.'
    metric: 'DeadletteredMessages'
    namespace: 'Microsoft.ServiceBus/namespaces'
    target: serviceBusId
    operator: 'GreaterThan'
    threshold: 0
    aggregation: 'Average'
  }
]
var metricAlerts = concat(storageMetrics, serviceBusMetrics)
var budgetMarks = {
  half: 50
  most: 80
  all: 100
}

resource actions 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-heed-${hash}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'heed'
    emailReceivers: [
      {
        name: 'operators'
        emailAddress: alertEmail
        useCommonAlertSchema: true
      }
    ]
  }
}

resource tests 'Microsoft.Insights/webtests@2022-06-15' = [for test in availabilityTests: {
  name: '${test.name}-${hash}'
  location: location
  tags: union(tags, { 'hidden-link:${insightsId}': 'Resource' })
  kind: 'standard'
  properties: {
    SyntheticMonitorId: '${test.name}-${hash}'
    Name: test.name
    Enabled: true
    Frequency: 300
    Timeout: 30
    Kind: 'standard'
    RetryEnabled: true
    Locations: [
      { Id: 'emea-nl-ams-azr' }
      { Id: 'emea-ch-zrh-edge' }
      { Id: 'us-va-ash-azr' }
    ]
    Request: {
      RequestUrl: '${baseUrl}${test.path}'
      HttpVerb: 'GET'
    }
    ValidationRules: {
      ExpectedHttpStatusCode: 200
      SSLCheck: true
      SSLCertRemainingLifetimeCheck: 30
    }
  }
}]

resource testAlerts 'Microsoft.Insights/metricAlerts@2018-03-01' = [for (test, index) in availabilityTests: {
  name: '${test.name}-does-not-answer'
  location: 'global'
  tags: tags
  properties: {
    description: test.description
    severity: 1
    enabled: true
    scopes: [
      tests[index].id
      insightsId
    ]
    evaluationFrequency: 'PT1M'
    windowSize: 'PT5M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.WebtestLocationAvailabilityCriteria'
      webTestId: tests[index].id
      componentId: insightsId
      failedLocationCount: 2
    }
    actions: [
      {
        actionGroupId: actions.id
      }
    ]
  }
}]

resource logRules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for alert in logAlerts: {
  name: alert.name
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: alert.name
    description: alert.description
    severity: alert.severity
    enabled: true
    scopes: [
      workspaceId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: alert.window
    criteria: {
      allOf: [
        {
          query: alert.query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: {
            minFailingPeriodsToAlert: 1
            numberOfEvaluationPeriods: 1
          }
        }
      ]
    }
    autoMitigate: false
    // What goes on is told each hour, not with each evaluation.
    muteActionsDuration: 'PT1H'
    // The tables come into being with the first line of a log.
    skipQueryValidation: true
    actions: {
      actionGroups: [
        actions.id
      ]
    }
  }
}]

resource metricRules 'Microsoft.Insights/metricAlerts@2018-03-01' = [for alert in metricAlerts: {
  name: alert.name
  location: 'global'
  tags: tags
  properties: {
    description: alert.description
    severity: 2
    enabled: true
    scopes: [
      alert.target
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: alert.metric
          criterionType: 'StaticThresholdCriterion'
          metricNamespace: alert.namespace
          metricName: alert.metric
          operator: alert.operator
          threshold: alert.threshold
          timeAggregation: alert.aggregation
        }
      ]
    }
    actions: [
      {
        actionGroupId: actions.id
      }
    ]
  }
}]

resource vaultTopic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: 'evgt-heed-vault-${hash}'
  location: location
  tags: tags
  properties: {
    source: vaultId
    topicType: 'Microsoft.KeyVault.vaults'
  }
}

resource secretsRunOut 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: vaultTopic
  name: 'secrets-run-out'
  properties: {
    eventDeliverySchema: 'CloudEventSchemaV1_0'
    filter: {
      includedEventTypes: [
        'Microsoft.KeyVault.SecretNearExpiry'
        'Microsoft.KeyVault.SecretExpired'
      ]
    }
    destination: {
      endpointType: 'MonitorAlert'
      properties: {
        actionGroups: [
          actions.id
        ]
        description: 'A secret of Heed runs out within 30 days, or has run out.'
        severity: 'Sev3'
      }
    }
  }
}

resource budget 'Microsoft.Consumption/budgets@2024-08-01' = {
  name: 'budget-heed-${hash}'
  properties: {
    amount: monthlyBudget
    category: 'Cost'
    timeGrain: 'Monthly'
    timePeriod: {
      startDate: budgetStart
    }
    notifications: {
      half: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: budgetMarks.half
        thresholdType: 'Actual'
        contactEmails: [alertEmail]
        contactGroups: [actions.id]
      }
      most: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: budgetMarks.most
        thresholdType: 'Actual'
        contactEmails: [alertEmail]
        contactGroups: [actions.id]
      }
      all: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: budgetMarks.all
        thresholdType: 'Actual'
        contactEmails: [alertEmail]
        contactGroups: [actions.id]
      }
      forecast: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: budgetMarks.all
        thresholdType: 'Forecasted'
        contactEmails: [alertEmail]
        contactGroups: [actions.id]
      }
    }
  }
}
