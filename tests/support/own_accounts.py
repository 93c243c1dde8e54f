"""A shared storage in memory, and organizations' own ones beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from lib.storage import Storage
from lib.storage.accounts import KnownAccounts, NamedAccount, Routes, resolve_account, routed_storage
from lib.storage.azure.account import Account
from lib.storage.memory import MemoryTables, memory_storage
from tests.support.failing import Failure, failing_storage

SHARED = Account.entered_by_identity("shared", {})
CONNECTION = "AccountName=fromsetting;AccountKey=a2V5"


@dataclass(slots=True)
class OwnAccounts:
    """Accounts by name. `environment` has the app's settings."""

    shared: Storage = field(default_factory=memory_storage)
    own: dict[str, Storage] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=lambda: {"HEED_STORAGE_ACME": CONNECTION})

    now: Callable[[], float] = monotonic
    """The clock by which processes forget accounts, in seconds."""

    failure: Failure = field(default_factory=Failure)
    """Makes an operation of the own accounts fail."""

    failures: dict[str, Failure] = field(default_factory=dict)
    """Those of accounts that fail by themselves, by name."""

    def storage(self) -> Storage:
        """Make the storage of one process, which knows no organization's account yet."""
        return routed_storage(Routes(self.shared, KnownAccounts(self.now), self._open))

    def _open(self, organization: str, own: NamedAccount) -> Storage:
        account = resolve_account(organization, own, self.environment, SHARED)
        failure = self.failures.get(account.name, self.failure)
        return failing_storage(self.own.setdefault(account.name, memory_storage()), failure)

    def tables(self, name: str = "") -> list[str]:
        """Names of the tables in an own account; without a name, of those in the shared one."""
        tables = (self.own[name] if name else self.shared).tables
        assert isinstance(tables, MemoryTables)
        return tables.names()
