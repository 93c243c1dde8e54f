"""Scopes of tokens, in the public cloud and in others."""

from __future__ import annotations

import pytest

from lib.transports.clouds import graph_scope, vault_scope


@pytest.mark.parametrize(
    ("url", "scope"),
    [
        ("https://graph.microsoft.com/v1.0", "https://graph.microsoft.com/.default"),
        ("https://GRAPH.microsoft.us/v1.0", "https://graph.microsoft.us/.default"),
        ("https://dod-graph.microsoft.us/v1.0", "https://dod-graph.microsoft.us/.default"),
        ("https://microsoftgraph.chinacloudapi.cn/v1.0", "https://microsoftgraph.chinacloudapi.cn/.default"),
        ("http://127.0.0.1:8080/v1.0", "https://graph.microsoft.com/.default"),
        ("https://graph.microsoft.us.evil.example/v1.0", "https://graph.microsoft.com/.default"),
    ],
)
def test_a_token_for_graph_is_asked_for_in_the_cloud_of_its_address(url: str, scope: str) -> None:
    assert graph_scope(url) == scope


@pytest.mark.parametrize(
    ("url", "scope"),
    [
        (None, "https://vault.azure.net/.default"),
        ("https://acme.vault.azure.net", "https://vault.azure.net/.default"),
        ("https://acme.vault.usgovcloudapi.net", "https://vault.usgovcloudapi.net/.default"),
        ("https://acme.vault.azure.cn", "https://vault.azure.cn/.default"),
        ("https://vault.corp.example", "https://vault.azure.net/.default"),
    ],
)
def test_a_token_for_a_key_vault_is_asked_for_in_the_cloud_of_its_address(url: str | None, scope: str) -> None:
    assert vault_scope(url) == scope
