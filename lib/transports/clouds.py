"""Scopes of tokens in the clouds of Azure, by the addresses of services.

Source: https://learn.microsoft.com/en-us/graph/deployments (Graph's addresses),
https://learn.microsoft.com/en-us/azure/key-vault/general/about-keys-secrets-certificates (vaults' suffixes).
"""

from __future__ import annotations

from urllib.parse import urlsplit

_GRAPH = "graph.microsoft.com"
_GRAPHS = frozenset({_GRAPH, "graph.microsoft.us", "dod-graph.microsoft.us", "microsoftgraph.chinacloudapi.cn"})
_VAULT = "vault.azure.net"
_VAULTS = frozenset({_VAULT, "vault.usgovcloudapi.net", "vault.azure.cn"})


def graph_scope(url: str) -> str:
    """Return the scope for Microsoft Graph at this address. A proxy before Graph is taken for the public cloud's."""
    host = (urlsplit(url).hostname or "").lower()
    return f"https://{host if host in _GRAPHS else _GRAPH}/.default"


def vault_scope(url: str | None) -> str:
    """Return the scope for the key vault at this address, such as `https://acme.vault.azure.net`."""
    suffix = (urlsplit(url or "").hostname or "").lower().partition(".")[2]
    return f"https://{suffix if suffix in _VAULTS else _VAULT}/.default"
