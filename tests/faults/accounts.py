"""Many storage accounts on one Azurite: each test, or each part of one, has queues and a due index of its own."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from itertools import count

from infra.local.servers.azurite import Azurite
from infra.local.settings import DEVELOPMENT_ACCOUNT
from lib.storage.azure.account import Account

_KEY = bytes(range(64))
_MOST = 200


def azurite_accounts() -> str:
    """The value of AZURITE_ACCOUNTS, by which Azurite knows them."""
    return ";".join(f"{_name(number)}:{base64.b64encode(_KEY).decode()}" for number in range(_MOST))


def _name(number: int) -> str:
    return f"account{number:03d}"


@dataclass(slots=True)
class Accounts:
    """Hands out accounts that nobody has used."""

    azurite: Azurite
    _numbers: count[int] = field(default_factory=count)

    def new(self) -> Account:
        name = _name(next(self._numbers))
        table, queue, blob = (
            url.replace(DEVELOPMENT_ACCOUNT, name)
            for url in (self.azurite.table_endpoint, self.azurite.queue_endpoint, self.azurite.blob_endpoint)
        )
        return Account(name, table, queue, blob, _KEY)
