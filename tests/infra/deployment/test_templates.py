"""The Bicep templates: no check finds a fault, and every check finds the fault that it is for."""

from pathlib import Path

import pytest

from infra.template_checks.check import faults
from infra.template_checks.known import Known, read_known
from infra.template_checks.syntax import syntax_errors
from tests.infra.deployment.broken_copy import INFRA, copy_templates, replace_in


@pytest.fixture(scope="module")
def known() -> Known:
    return read_known()


def test_the_templates_have_no_fault(known: Known) -> None:
    assert faults(INFRA, known) == []


@pytest.mark.parametrize("path", sorted(INFRA.glob("*.bicep")), ids=lambda path: path.name)
def test_a_missing_brace_is_found_in_each_file(path: Path, tmp_path: Path, known: Known) -> None:
    folder = copy_templates(tmp_path)
    broken = folder / path.name
    lines = broken.read_text().splitlines()
    last = max(number for number, line in enumerate(lines) if line.startswith(("}", "]", "  }")))
    broken.write_text("\n".join(lines[:last] + lines[last + 1 :]) + "\n")
    assert any(path.name in each for each in syntax_errors(broken))
    assert faults(folder, known) != []


FAULTS = {
    "a setting that nothing reads": (
        ("app.bicep", "HEED_BASE_URL:", "HEED_BASE_ADDRESS:"),
        "nothing reads the setting HEED_BASE_ADDRESS",
    ),
    "a required setting that is not set": (
        ("app.bicep", "    HEED_TOKEN_KEYS: '${secretText}heed-token-keys)'\n", ""),
        "the setting HEED_TOKEN_KEYS is missing for recipients",
    ),
    "an app of the API without the administrator's key": (
        ("app.bicep", "adminSettings = part == 'recipients' ?", "adminSettings = part != 'work' ?"),
        "the setting HEED_ADMIN_KEY is missing for crm",
    ),
    "an app of recipients with the administrator's key": (
        ("app.bicep", "adminSettings = part == 'recipients' ?", "adminSettings = part == 'work' ?"),
        "recipients has the setting HEED_ADMIN_KEY and does not need it",
    ),
    "an app of recipients that may read the administrator's key": (
        ("roles.bicep", "recipients: concat(['heed-token-keys']", "recipients: concat(['heed-admin-key']"),
        "recipients may read the secret heed-admin-key and does not need it",
    ),
    "an app of recipients that does not find organizations' own storage": (
        ("app.bicep", " || startsWith(each.key, 'HEED_STORAGE_')", ""),
        "recipients has no settings HEED_STORAGE_…",
    ),
    "an app of recipients that may not read the keys of organizations' own storage": (
        ("roles.bicep", "(['heed-token-keys'], storageSecretNames)", "(['heed-token-keys'])"),
        "recipients may not read the secrets of organizations' own storage",
    ),
    "a setting in a branch that nothing reads": (
        ("app.bicep", "HEED_SMTP_USER: smtpUser", "HEED_SMTP_LOGIN: smtpUser"),
        "nothing reads the setting HEED_SMTP_LOGIN",
    ),
    "a connection string as a setting": (
        (
            "app.bicep",
            "    AzureWebJobsStorage__accountName",
            "    AzureWebJobsStorage: ''\n    AzureWebJobsStorage__accountName",
        ),
        "AzureWebJobsStorage must not be set",
    ),
    "a setting that Flex Consumption does without": (
        ("app.bicep", "    AZURE_CLIENT_ID:", "    WEBSITE_RUN_FROM_PACKAGE: '1'\n    AZURE_CLIENT_ID:"),
        "WEBSITE_RUN_FROM_PACKAGE must not be set",
    ),
    "a role id with a wrong digit": (
        ("roles.bicep", "b7e6dc6d-f1e8-4753-8033-0f276bb0955b", "b7e6dc6d-f1e8-4753-8033-0f276bb0955c"),
        "is not the id of storageBlobDataOwner",
    ),
    "a role under another's name": (
        ("roles.bicep", "'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'", "'974c5e8b-45b9-4653-ba55-5f855dd0fb88'"),
        "is not the id of storageQueueDataMessageSender",
    ),
    "a part without a role that its code needs": (
        ("roles.bicep", "recipients: ['interactions', 'outbox', 'jobs', 'webhooks']", "recipients: []"),
        "recipients needs queue.send",
    ),
    "a part with a role that it does not need": (
        ("roles.bicep", "recipients: ['storageBlobDataReader', ", "recipients: ['storageBlobDataOwner', "),
        "recipients has blob.write and does not need it",
    ),
    "mail without its role": (
        ("roles.bicep", "work: ['communicationAndEmailServiceOwner']", "work: []"),
        "work needs mail.send",
    ),
    "a role that is assigned elsewhere": (
        ("vault.bicep", "resource audit ", "var officer = 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'\nresource audit "),
        "vault.bicep: ids of roles belong into roles.bicep",
    ),
    "keys of storage that work": (
        ("storage.bicep", "allowSharedKeyAccess: false", "allowSharedKeyAccess: true"),
        "allowSharedKeyAccess must be false",
    ),
    "keys of storage by default": (
        ("storage.bicep", "    allowSharedKeyAccess: false\n", ""),
        "allowSharedKeyAccess must be false",
    ),
    "public blobs": (
        ("storage.bicep", "allowBlobPublicAccess: false", "allowBlobPublicAccess: true"),
        "allowBlobPublicAccess must be false",
    ),
    "keys of Service Bus that work": (
        ("servicebus.bicep", "disableLocalAuth: true", "disableLocalAuth: false"),
        "Microsoft.ServiceBus/namespaces: properties.disableLocalAuth must be true",
    ),
    "keys of Communication Services that work": (
        ("mail.bicep", "    disableLocalAuth: true\n", ""),
        "Microsoft.Communication/communicationServices: properties.disableLocalAuth must be true",
    ),
    "mail that the service follows, too": (
        ("mail.bicep", "userEngagementTracking: 'Disabled'", "userEngagementTracking: 'Enabled'"),
        "userEngagementTracking must be disabled",
    ),
    "telemetry that anyone may send": (
        ("monitor.bicep", "DisableLocalAuth: true", "DisableLocalAuth: false"),
        "DisableLocalAuth must be true",
    ),
    "a vault by access policies": (
        ("vault.bicep", "enableRbacAuthorization: true", "enableRbacAuthorization: false"),
        "enableRbacAuthorization must be true",
    ),
    "publishing by password": (
        ("app.bicep", "name: 'ftp'", "name: 'scm'"),
        "publishing credentials are not off",
    ),
    "an update that kills what is running": (
        ("app.bicep", "type: 'RollingUpdate'", "type: 'Recreate'"),
        "siteUpdateStrategy.type must be rollingupdate",
    ),
    "a key that is read from a resource": (
        ("storage.bicep", "output name string = account.name", "output name string = account.listKeys().keys[0].value"),
        "a key is read from a resource",
    ),
    "a secret in an output": (
        ("vault.bicep", "output name string = vault.name", "output name string = adminKey"),
        "the output name tells a secret",
    ),
    "a secret's value in an output": (
        ("vault.bicep", "output name string = vault.name", "output name string = tokenKeysSecret.properties.value"),
        "the output name tells a secret",
    ),
    "a secret that deployments show": (
        ("main.bicep", "@secure()\n@minLength(16)", "@minLength(16)"),
        "the parameter adminKey is not secure",
    ),
    "a secret with a default": (
        ("main.bicep", "param smtpPassword string = ''", "param smtpPassword string = 'secret'"),
        "is a secret with a default",
    ),
    "a header with a key that is shown": (
        ("delivery-reports.bicep", "isSecret: true", "isSecret: false"),
        "shows a header with a key",
    ),
    "a preview": (
        ("servicebus.bicep", "namespaces@2024-01-01'", "namespaces@2024-01-01-preview'"),
        "is a preview",
    ),
    "a property that is misspelt": (
        ("app.bicep", "perInstanceConcurrency", "perInstanceConcurency"),
        "has no property perInstanceConcurency",
    ),
    "a property that is misspelt in a type that no library knows": (
        ("network.bicep", "groupIds: [", "groupId: ["),
        "has no property groupId",
    ),
    "a property at the wrong place": (
        ("frontdoor.bicep", "      certificateType: 'ManagedCertificate'\n", "      hostName: trackingDomain\n"),
        "tlsSettings has no property hostName",
    ),
    "a property that is misspelt in a variable": (
        ("app.bicep", "  virtualNetworkSubnetId: subnetId", "  virtualNetworkSubnet: subnetId"),
        "has no property virtualNetworkSubnet",
    ),
    "a value that Azure does not know": (
        ("frontdoor.bicep", "enabledState: 'Enabled'", "enabledState: 'On'"),
        "cannot be On",
    ),
    "a resource type that Azure does not know": (
        ("identity.bicep", "userAssignedIdentities@", "userAssignedIdentity@"),
        "the resource type Microsoft.ManagedIdentity/userAssignedIdentity is not known",
    ),
    "a queue that the code does not have": (
        ("servicebus.bicep", "  'outbox'\n", "  'outgoing'\n"),
        "the code has no queue outgoing",
    ),
    "a queue that is missing": (("storage.bicep", "  'inbound'\n", ""), "the queue inbound is missing"),
    "a table that the code does not have": (
        ("storage.bicep", "'heeddue'", "'heeddues'"),
        "the code has no table heeddues",
    ),
    "a role on a queue that the code does not have": (
        ("roles.bicep", "recipients: ['interactions', ", "recipients: ['hits', "),
        "the code has no queue hits",
    ),
    "an alert on a mark that no code writes": (
        ("alerts.bicep", 'has "heed.fact"', 'has "heed.lost"'),
        "the code does not log heed.lost",
    ),
    "a mark that no alert looks for": (
        ("alerts.bicep", 'has "heed.dead_letters"', 'has "heed.metric"'),
        "no alert looks for heed.dead_letters",
    ),
    "an alert on a metric that no code writes": (
        ("alerts.bicep", '== "oldest_overdue_seconds"', '== "oldest_seconds"'),
        "the code does not log oldest_seconds",
    ),
    "an alert on a function that is not there": (
        ("alerts.bicep", '"redirect", "attachment")', '"redirects", "attachment")'),
        "there is no function redirects",
    ),
    "an alert that cannot be read": (
        ("alerts.bicep", "| summarize mails = count()", "| sumarize mails = count()"),
        "the operator sumarize is not understood",
    ),
    "an alert on a metric that Azure does not have": (
        ("alerts.bicep", "metric: 'Availability'", "metric: 'Available'"),
        "Azure has no metric Available",
    ),
    "a function in the workbook that is not there": (
        ("workbook.json", '\\"pixel\\"', '\\"pixels\\"'),
        "workbook.json: Recipients: requests by outcome: there is no function pixels",
    ),
    "a workbook that is no JSON": (("workbook.json", "{", "["), "workbook.json cannot be read"),
    "a parameter that is missing in the parameters' file": (
        ("main.parameters.json", '"storageSku"', '"storageKind"'),
        "main.parameters.json lacks storageSku",
    ),
    "a default that differs in the parameters' file": (
        ("main.parameters.json", "HEED_MEMORY=2048", "HEED_MEMORY=512"),
        "the default of memory is 512",
    ),
    "a parameter without bounds": (
        ("main.bicep", "@maxLength(200)\nparam baseUrl", "param baseUrl"),
        "the parameter baseUrl has no bounds",
    ),
    "a parameter without a description": (
        ("mail.bicep", "@description('Place where data is kept.')\n", ""),
        "the parameter dataLocation has no description",
    ),
    "a parameter that a module does not have": (
        ("main.bicep", "    retentionDays: retentionDays\n", "    days: retentionDays\n"),
        "monitor.bicep has no parameter days",
    ),
    "a parameter that a module is not given": (
        ("main.bicep", "    sku: storageSku\n", "    // sku: storageSku\n"),
        "the module storage lacks the parameter sku",
    ),
    "a module that is not there": (
        ("main.bicep", "'network.bicep'", "'vnet.bicep'"),
        "there is no vnet.bicep",
    ),
    "an output that a module does not have": (
        ("main.bicep", "network!.outputs.appSubnetIds", "network!.outputs.subnetIds"),
        "network.bicep has no output subnetIds",
    ),
    "a name that is not declared": (
        ("frontdoor-routes.bicep", "customDomains: domains", "customDomains: domain"),
        "domain is not declared",
    ),
    "a parameter that nothing uses": (
        ("monitor.bicep", "dailyQuotaGb: dailyLogGigabytes", "dailyQuotaGb: 5"),
        "dailyLogGigabytes is not used",
    ),
    "a path of recipients that goes to the CRM's app": (
        ("frontdoor-routes.bicep", "      '/i/*'\n", ""),
        "/i/* does not lead to the recipients' app",
    ),
    "a resource without tags": (
        ("servicebus.bicep", "  tags: tags\n", ""),
        "namespace has no tags",
    ),
}


@pytest.mark.parametrize(("change", "said"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_found(change: tuple[str, str, str], said: str, tmp_path: Path, known: Known) -> None:
    file, found, put = change
    folder = copy_templates(tmp_path)
    replace_in(folder / file, found, put)
    assert any(said in each for each in faults(folder, known)), faults(folder, known)


def test_every_file_has_a_fault_to_find() -> None:
    files = {path.name for path in (*INFRA.glob("*.bicep"), INFRA / "main.parameters.json", INFRA / "workbook.json")}
    assert {change[0] for change, _ in FAULTS.values()} == files


def test_an_empty_folder_is_no_deployment(tmp_path: Path, known: Known) -> None:
    assert faults(tmp_path, known) == [f"there is no template in {tmp_path}"]
