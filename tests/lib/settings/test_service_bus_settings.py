"""HEED_QUEUES and what it needs: missing or wrong stops the start, with a line that does not tell the key."""

from __future__ import annotations

import pytest

from lib.services import Services
from lib.settings import SettingsError, load_settings
from lib.storage.azure.queues import AzureQueues
from lib.storage.service_bus.queues import ServiceBusQueues
from tests.support.heed import SETTINGS

SECRET = "c2VjcmV0IGtleQ=="
GIVEN = f"Endpoint=sb://heed.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey={SECRET}"


def refusal(**settings: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings({**SETTINGS, **settings})
    said = str(caught.value)
    assert "\n" not in said
    assert SECRET not in said
    return said


def test_queues_are_the_storage_accounts_unless_it_is_said_otherwise() -> None:
    assert load_settings(SETTINGS).queues == "storage"


def test_a_connection_string_names_the_namespace() -> None:
    settings = load_settings({**SETTINGS, "HEED_QUEUES": "servicebus", "HEED_SERVICEBUS": f" {GIVEN}; "})

    assert settings.service_bus().connection_string == f"{GIVEN};"
    assert SECRET not in repr(settings) + repr(settings.service_bus())


async def test_the_setting_chooses_where_messages_go() -> None:
    for settings, kind in (
        ({}, AzureQueues),
        ({"HEED_QUEUES": "servicebus", "HEED_SERVICEBUS": GIVEN}, ServiceBusQueues),
    ):
        services = Services(load_settings({**SETTINGS, **settings}))
        assert isinstance(services.storage.queues, kind)
        await services.close()


def test_a_host_name_does_with_a_managed_identity() -> None:
    host = {"HEED_SERVICEBUS__fullyQualifiedNamespace": "heed.servicebus.windows.net"}

    namespace = load_settings({**SETTINGS, "HEED_QUEUES": "servicebus", **host}).service_bus()

    assert (namespace.host, namespace.connection_string) == ("heed.servicebus.windows.net", None)


def test_service_bus_without_a_namespace_is_said_with_both_ways_to_mend_it() -> None:
    said = refusal(HEED_QUEUES="servicebus")

    assert said.startswith("HEED_SERVICEBUS is missing: set it to ")
    assert "HEED_SERVICEBUS__fullyQualifiedNamespace" in said
    assert "as HEED_QUEUES is servicebus" in said


@pytest.mark.parametrize(
    "wrong",
    [
        "heed.servicebus.windows.net",
        f"SharedAccessKeyName=send;SharedAccessKey={SECRET}",
        f"Endpoint=https://heed.example.com;SharedAccessKeyName=send;SharedAccessKey={SECRET}",
        f"Endpoint=sb://heed.servicebus.windows.net/;SharedAccessKey={SECRET}",
    ],
)
def test_what_is_no_connection_string_is_said(wrong: str) -> None:
    said = refusal(HEED_QUEUES="servicebus", HEED_SERVICEBUS=wrong)

    assert said.startswith("HEED_SERVICEBUS is wrong (")
    assert said.endswith("): set it to the Service Bus namespace's connection string")


def test_another_backend_or_a_host_name_that_is_none_is_said() -> None:
    assert refusal(HEED_QUEUES="rabbitmq").startswith("HEED_QUEUES is wrong (")
    assert refusal(HEED_SERVICEBUS__fullyQualifiedNamespace="sb://heed").startswith(
        "HEED_SERVICEBUS__fullyQualifiedNamespace is wrong ("
    )


def test_without_service_bus_nobody_looks_at_its_settings() -> None:
    assert load_settings({**SETTINGS, "HEED_SERVICEBUS": "nonsense"}).queues == "storage"
