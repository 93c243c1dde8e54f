"""Which transport is built, and what stops the start when its settings are missing."""

from __future__ import annotations

import pytest

from lib.services import Services
from lib.settings import SettingsError, load_settings
from lib.transports.acs import AcsTransport
from lib.transports.graph import GraphTransport
from lib.transports.smtp import SmtpTransport
from tests.support.heed import SETTINGS

KEY = "a2V5IG9mIHRlc3Rz"
CONNECTION = f"endpoint=https://acme.communication.azure.com/;accesskey={KEY}"


async def built(**settings: str) -> object:
    transport = Services(load_settings({**SETTINGS, **settings})).transport
    if transport is not None:
        await transport.close()
    return transport


async def test_the_setting_chooses_the_transport() -> None:
    assert await built() is None
    assert isinstance(await built(HEED_SMTP_HOST="127.0.0.1"), SmtpTransport)
    assert isinstance(await built(HEED_TRANSPORT="acs", HEED_ACS_CONNECTION_STRING=CONNECTION), AcsTransport)
    assert isinstance(await built(HEED_TRANSPORT="graph"), GraphTransport)


async def test_a_higher_quota_of_communication_services_is_a_setting() -> None:
    settings = {**SETTINGS, "HEED_TRANSPORT": "acs", "HEED_ACS_CONNECTION_STRING": CONNECTION}
    paces = {}
    for name, more in {"default": {}, "raised": {"HEED_ACS_PER_MINUTE": "600", "HEED_ACS_PER_HOUR": "900"}}.items():
        transport = Services(load_settings({**settings, **more})).transport
        assert isinstance(transport, AcsTransport)
        free = [transport._sends.take_turn(f"{number}") is None for number in range(1_000)]
        paces[name] = sum(free)
        await transport.close()

    assert paces == {"default": 30, "raised": 600}


def test_a_connection_string_names_endpoint_and_key_in_any_order() -> None:
    turned = ";".join(reversed(CONNECTION.split(";")))
    for text in (CONNECTION, turned):
        resource = load_settings({**SETTINGS, "HEED_ACS_CONNECTION_STRING": text}).acs_resource()
        assert (resource.endpoint, resource.key) == ("https://acme.communication.azure.com", KEY)
        assert KEY not in repr(resource)


def test_an_endpoint_alone_means_a_managed_identity() -> None:
    settings = {"HEED_TRANSPORT": "acs", "HEED_ACS_ENDPOINT": "https://acme.communication.azure.com/"}
    resource = load_settings({**SETTINGS, **settings}).acs_resource()
    assert (resource.endpoint, resource.key) == ("https://acme.communication.azure.com", None)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"HEED_TRANSPORT": "pigeon"}, "HEED_TRANSPORT is wrong"),
        ({"HEED_TRANSPORT": "acs"}, "HEED_ACS_CONNECTION_STRING is missing: set it to"),
        ({"HEED_TRANSPORT": "acs", "HEED_ACS_CONNECTION_STRING": "accesskey=a2V5"}, "it has no endpoint"),
        ({"HEED_TRANSPORT": "acs", "HEED_ACS_CONNECTION_STRING": "endpoint=https://x.test"}, "it has no accesskey"),
        (
            {"HEED_TRANSPORT": "acs", "HEED_ACS_CONNECTION_STRING": "endpoint=https://x.test;accesskey=?"},
            "its accesskey is not base64",
        ),
        ({"HEED_TRANSPORT": "acs", "HEED_ACS_ENDPOINT": "http://x.test"}, "HEED_ACS_ENDPOINT is wrong"),
        ({"HEED_TRANSPORT": "graph", "HEED_GRAPH_URL": "graph"}, "HEED_GRAPH_URL is wrong"),
    ],
)
def test_what_is_missing_or_wrong_is_named_in_one_line(settings: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({**SETTINGS, **settings})

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
