"""A setting that is missing or wrong stops the start with one line that says which, and how to mend it."""

import base64
import os

import pytest
from pydantic import SecretStr

from lib.settings import Settings, SettingsError, load_settings
from lib.tokens import Claim, Purpose
from tests.support.heed import ADMIN_KEY, SETTINGS, TOKEN_KEYS

SECRET = "hunter2hunter2"
ACCOUNT_KEY = base64.b64encode(SECRET.encode()).decode()


def refusal(**settings: str | None) -> str:
    """What is said of the usual settings with these put in place of theirs, or left out."""
    given = {name: value for name, value in {**SETTINGS, **settings}.items() if value is not None}
    with pytest.raises(SettingsError) as caught:
        load_settings(given)
    said = str(caught.value)
    assert "\n" not in said
    return said


def test_the_usual_settings_are_enough() -> None:
    settings = load_settings(SETTINGS)
    assert settings.base_url == "https://heed.test"
    assert settings.account().name == "devstoreaccount1"
    assert settings.smtp_host is None


def test_the_environment_is_where_settings_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    assert load_settings().base_url == "https://heed.test"


def test_settings_that_are_handed_in_are_not_mixed_with_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEED_SMTP_HOST", "mail.example.com")
    assert load_settings(SETTINGS).smtp_host is None


@pytest.mark.parametrize("absent", [None, ""])
@pytest.mark.parametrize(
    ("name", "mending"),
    [
        ("HEED_BASE_URL", "https://mail.example.com"),
        ("HEED_ADMIN_KEY", "the administrator's key"),
        ("HEED_TOKEN_KEYS", "make one with python3 -c"),
        ("AzureWebJobsStorage", "AzureWebJobsStorage__accountName"),
    ],
)
def test_a_missing_setting_is_named_with_what_it_should_be(name: str, mending: str, absent: str | None) -> None:
    said = refusal(**{name: absent})
    assert said.startswith(f"{name} is missing: set it to ")
    assert mending in said


@pytest.mark.parametrize(
    ("name", "value", "mending"),
    [
        ("HEED_BASE_URL", "heed.example.com", "https://mail.example.com"),
        ("HEED_BASE_URL", "ftp://heed.example.com", "https://mail.example.com"),
        ("HEED_BASE_URL", "https://", "https://mail.example.com"),
        ("HEED_BASE_URL", "https://heed.example.com/?a=1", "https://mail.example.com"),
        ("HEED_BASE_URL", "https://heed.example.com/#top", "https://mail.example.com"),
        ("HEED_BASE_URL", "https://[heed", "https://mail.example.com"),
        ("HEED_BASE_URL", "https://heed.example.com\n", "https://mail.example.com"),
        ("HEED_BASE_URL", "https://heed.example.com /", "https://mail.example.com"),
        ("HEED_ADMIN_KEY", "short", "at least 16 characters"),
        ("HEED_ADMIN_KEY", "fifteen-letters", "at least 16 characters"),
        ("HEED_TOKEN_KEYS", "k1:tooshort", "entry 1"),
        ("HEED_TOKEN_KEYS", f"{TOKEN_KEYS},{TOKEN_KEYS}", "k1 stands there twice"),
        ("HEED_TRUSTED_HOPS", "-1", "0 to 10"),
        ("HEED_TRUSTED_HOPS", "eleven", "0 to 10"),
        ("HEED_SMTP_PORT", "0", "the mail server's port"),
        ("HEED_SMTP_PORT", "65536", "the mail server's port"),
        ("HEED_SMTP_SECURITY", "ssl", "starttls (demanded)"),
        ("HEED_SMTP_TIMEOUT", "0", "seconds"),
        ("HEED_MX_LOOKUP", "maybe", "on (ask DNS"),
        ("HEED_CATALOGUES", "/no/such/folder", "a folder with catalogues of your own"),
        ("HEED_SMTP_TIMEOUT", "soon", "seconds"),
        ("AzureWebJobsStorage", "nonsense", "the storage account's connection string"),
        ("AzureWebJobsStorage", "AccountName=acct", "the storage account's connection string"),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_should_be(name: str, value: str, mending: str) -> None:
    said = refusal(**{name: value})
    assert said.startswith(f"{name} is wrong (")
    assert "set it to " in said
    assert mending in said


def test_a_login_without_a_password_is_named() -> None:
    assert "HEED_SMTP_PASSWORD is missing" in refusal(HEED_SMTP_USER="heed")


@pytest.mark.parametrize(
    "settings",
    [
        {"HEED_TOKEN_KEYS": f"k1:{SECRET}"},
        {"HEED_TOKEN_KEYS": f"{TOKEN_KEYS},k0:{SECRET}"},
        {"HEED_ADMIN_KEY": SECRET[:7]},
        {"AzureWebJobsStorage": f"AccountName=acct;AccountKey={SECRET}!"},
        {"AzureWebJobsStorage": f"AccountKey={ACCOUNT_KEY}"},
        {"AzureWebJobsStorage": f"BlobEndpoint=https://x;SharedAccessSignature={SECRET}"},
        {"HEED_SMTP_PASSWORD": SECRET, "HEED_SMTP_PORT": "x"},
        {"HEED_BASE_URL": f"heed:{SECRET}@example.com"},
    ],
    ids=repr,
)
def test_no_refusal_shows_a_secret(settings: dict[str, str]) -> None:
    said = refusal(**settings)
    assert SECRET[:7] not in said
    assert ACCOUNT_KEY not in said


def test_settings_do_not_show_their_secrets_when_they_are_printed() -> None:
    settings = load_settings(
        {
            **SETTINGS,
            "AzureWebJobsStorage": f"AccountName=acct;AccountKey={ACCOUNT_KEY}",
            "HEED_SMTP_USER": "heed",
            "HEED_SMTP_PASSWORD": SECRET,
        }
    )
    shown = repr(settings)
    for secret in (ACCOUNT_KEY, SECRET, ADMIN_KEY, TOKEN_KEYS[3:]):
        assert secret not in shown


def test_the_base_url_ends_without_a_slash() -> None:
    assert load_settings({**SETTINGS, "HEED_BASE_URL": "https://heed.test/path/"}).base_url == "https://heed.test/path"


def test_the_token_keys_are_the_ring_that_they_describe() -> None:
    claim = Claim("acme", "0" * 32)
    first, second = load_settings(SETTINGS).token_keys, load_settings(SETTINGS).token_keys
    assert second.open(Purpose.OPEN, first.mint(Purpose.OPEN, claim)) == claim


def test_an_account_name_alone_stands_for_a_managed_identity() -> None:
    given = {name: value for name, value in SETTINGS.items() if name != "AzureWebJobsStorage"}
    account = load_settings({**given, "AzureWebJobsStorage__accountName": "acct"}).account()
    assert account.key is None
    assert account.table_endpoint == "https://acct.table.core.windows.net"


def test_a_connection_string_of_azure_names_the_endpoints_of_its_cloud() -> None:
    connection = (
        f"DefaultEndpointsProtocol=https;AccountName=acct;AccountKey={ACCOUNT_KEY};EndpointSuffix=core.example.cloud"
    )
    account = load_settings({**SETTINGS, "AzureWebJobsStorage": connection}).account()
    assert account.queue_endpoint == "https://acct.queue.core.example.cloud"
    assert account.key == SECRET.encode()


def test_a_connection_string_may_name_its_endpoints_itself() -> None:
    connection = f"AccountName=acct;AccountKey={ACCOUNT_KEY};TableEndpoint=http://127.0.0.1:1/acct/"
    account = load_settings({**SETTINGS, "AzureWebJobsStorage": connection}).account()
    assert account.table_endpoint == "http://127.0.0.1:1/acct"
    assert account.blob_endpoint == "https://acct.blob.core.windows.net"


def test_settings_of_others_in_the_environment_do_not_matter() -> None:
    assert load_settings({**dict(os.environ), **SETTINGS, "HEED_UNKNOWN": "x"}).base_url == "https://heed.test"


@pytest.mark.parametrize(
    ("base_url", "given", "name"),
    [
        ("https://mail.example.com:8443/heed", None, "mail.example.com"),
        ("https://mail.example.com", "smtp.acme.example", "smtp.acme.example"),
        ("http://192.0.2.7:7071", None, "[192.0.2.7]"),
        ("http://[2001:db8::7]:7071", None, "[IPv6:2001:db8::7]"),
        ("http://192.0.2.7", "heed.acme.example", "heed.acme.example"),
        ("https://mail.example.com", "[192.0.2.7]", "[192.0.2.7]"),
    ],
)
def test_heed_greets_mail_servers_by_the_base_urls_host_unless_another_name_is_set(
    base_url: str, given: str | None, name: str
) -> None:
    settings = {**SETTINGS, "HEED_BASE_URL": base_url, **({"HEED_SMTP_EHLO": given} if given else {})}
    assert load_settings(settings).ehlo_name() == name


@pytest.mark.parametrize("name", ["two words", "acme.example\r\nMAIL", "[not an address]", "-", "x" * 256])
def test_a_name_that_cannot_stand_in_a_greeting_is_refused(name: str) -> None:
    assert "HEED_SMTP_EHLO is wrong" in refusal(HEED_SMTP_EHLO=name)


def test_on_one_machine_the_administrators_key_may_be_shorter() -> None:
    local = {**SETTINGS, "HEED_ADMIN_KEY": "local-admin", "AZURE_FUNCTIONS_ENVIRONMENT": "Development"}
    assert load_settings(local).admin_key == SecretStr("local-admin")

    for elsewhere in ("Production", "Staging", "development "):
        said = refusal(HEED_ADMIN_KEY="local-admin", AZURE_FUNCTIONS_ENVIRONMENT=elsewhere)
        assert said.startswith("HEED_ADMIN_KEY is wrong (it has 11 characters): set it to ")

    said = refusal(HEED_ADMIN_KEY="short", AZURE_FUNCTIONS_ENVIRONMENT="Development")
    assert said.startswith("HEED_ADMIN_KEY is wrong (it has 5 characters): set it to ")


@pytest.mark.parametrize("part", ["all", "crm", "work"])
def test_the_administrators_key_is_required_but_for_the_app_that_recipients_reach(part: str) -> None:
    without = {name: value for name, value in SETTINGS.items() if name != "HEED_ADMIN_KEY"}
    assert load_settings({**without, "HEED_FUNCTIONS": "recipients"}).admin_key is None

    with pytest.raises(SettingsError, match=r"^HEED_ADMIN_KEY is missing: set it to the administrator's key"):
        load_settings({**without, "HEED_FUNCTIONS": part})


@pytest.mark.parametrize(
    "name", [*(str(field.alias) for field in Settings.model_fields.values()), "HEED_DATA_DIR", "AzureWebJobsOther"]
)
@pytest.mark.parametrize(
    "reference",
    [
        "@Microsoft.KeyVault(SecretUri=https://vault.example/secrets/admin)",
        "@microsoft.keyvault(VaultName=vault;SecretName=admin)",
        " @Microsoft.KeyVault(",
    ],
)
def test_a_key_vault_reference_that_was_not_resolved_is_never_a_setting(name: str, reference: str) -> None:
    said = refusal(**{name: reference})
    assert said.startswith(f"{name} is an unresolved Key Vault reference")
    assert "Key Vault Secrets User" in said


def test_other_programs_settings_are_their_own_matter() -> None:
    assert load_settings({**SETTINGS, "OTHER": "@Microsoft.KeyVault(SecretUri=https://vault.example/x)"})


def test_a_secret_of_one_mailbox_does_not_stop_the_start() -> None:
    assert load_settings(
        {**SETTINGS, "HEED_MAILBOX_ACME_REP": "@Microsoft.KeyVault(SecretUri=https://vault.example/x)"}
    )


def test_denied_hosts_are_a_list_with_commas() -> None:
    settings = load_settings({**SETTINGS, "HEED_DENY_HOSTS": "Evil.example, bad.example."})
    assert settings.deny_hosts == ("evil.example", "bad.example")
    assert load_settings(SETTINGS).deny_hosts is None


def test_a_denied_host_that_is_none_is_named() -> None:
    assert "https://evil.example is no host name" in refusal(HEED_DENY_HOSTS="a.example,https://evil.example")
