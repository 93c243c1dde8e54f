"""Subscriptions in storage: rows of the table `feed`, partition `webhooks`.

The row `all` names them, and changes with each that is made or deleted, so that their number stays within bounds
where several are made at the same time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

from lib.clock import Clock
from lib.errors import NotAllowed, Stale, WrongField
from lib.feed.store import Feed
from lib.outside import NotOutside
from lib.outside.http import check_address
from lib.storage import Change, Conflict, Delete, Missing, Range, Replace, Row, Tables, put_if_unchanged
from lib.storage.documents import UnreadableRow, pack, unpack
from lib.storage.late_tables import write_late_rows
from lib.storage.layout import FEED, table
from lib.storage.retry import retry_on_conflict
from lib.storage.versions import IfMatch, check_version
from lib.tokens import KeyRing, Purpose, Resealed, reseal_one
from lib.webhooks.deliveries import Deliveries
from lib.webhooks.models import MOST_WEBHOOKS, StoredSecret, StoredWebhook, WebhookRead, WebhookSpec
from lib.webhooks.signing import new_secret
from lib.webhooks.waking import ALL, KNOWN_FOR, SUBSCRIPTIONS, DeliveryOrders

BOTH_SECRETS = timedelta(hours=24)
"""Time for which deliveries are signed with the old secret as well, once there is a new one."""

_MOST_SECRETS = 5
"""Secrets that sign at once. The one that was in use first stays: others may be of answers that were lost."""

WEBHOOK_ROWS = "id|"
"""Begins the keys of subscriptions."""


class Webhooks:
    """Subscriptions of every organization. With `loopback`, receivers on this machine are allowed, by http as well."""

    def __init__(
        self,
        tables: Tables,
        feed: Feed,
        deliveries: Deliveries,
        wake: DeliveryOrders,
        ring: KeyRing,
        clock: Clock,
        *,
        loopback: bool = False,
    ) -> None:
        self._tables = tables
        self._feed = feed
        self._deliveries = deliveries
        self._wake = wake
        self._ring = ring
        self._clock = clock
        self._loopback = loopback

    async def load_webhook(self, organization: str, webhook: str) -> tuple[StoredWebhook, str] | None:
        """Load a subscription with its etag; None if there is none. Raises StorageError."""
        row = await self._tables.read_row(table(organization, FEED), SUBSCRIPTIONS, f"{WEBHOOK_ROWS}{webhook}")
        return None if row is None else (unpack(StoredWebhook, row), row.etag or "")

    async def list_webhooks(self, organization: str, after: str | None, limit: int) -> AsyncIterator[WebhookRead]:
        """List subscriptions as they are answered, by id. Raises StorageError."""
        keys = Range.prefix(WEBHOOK_ROWS)
        keys = Range(low=keys.low, high=keys.high, after=f"{WEBHOOK_ROWS}{after}" if after else None)
        async for row in self._tables.query(table(organization, FEED), SUBSCRIPTIONS, keys, limit):
            yield read_webhook(unpack(StoredWebhook, row), row.etag or "")

    async def save_webhook(
        self, organization: str, webhook: str, spec: WebhookSpec, if_match: IfMatch | None
    ) -> tuple[WebhookRead, str | None]:
        """Make or change a subscription; return it, and the secret of a new one, which is not shown again.

        A new one gets the events from then on. Raises WrongField, NotAllowed, Stale, StorageError.
        """
        self._check(spec)
        found = await self.load_webhook(organization, webhook)
        check_version(if_match, found[1] if found else None)
        if found is not None:
            is_still_off = not (spec.enabled or found[0].enabled)
            because = found[0].disabled_because if is_still_off else None
            changed = found[0].model_copy(update={**spec.model_dump(), "disabled_because": because})
            etag = await self._change(organization, changed, found[1])
            await self._deliveries.resume(organization, webhook)
            await self._wake.order_soon(organization, webhook)
            return read_webhook(changed, etag), None
        secret = new_secret()
        made = StoredWebhook(
            id=webhook,
            made_at=self._clock.now(),
            secrets=[self._sealed(organization, webhook, secret)],
            **spec.model_dump(),
        )
        await self._deliveries.delete_left(organization, webhook)
        await self._deliveries.begin(organization, webhook, await self._feed.find_end(organization))
        etag = await self._enter(organization, made)
        return read_webhook(made, etag), secret

    async def rotate_secret(self, organization: str, webhook: str) -> str:
        """Make another secret and return it; those that signed until now sign as well for `BOTH_SECRETS`.

        The receiver may know any of these: an answer with a new secret can get lost.

        Raises Missing, Stale, StorageError.
        """
        found = await self.load_webhook(organization, webhook)
        if found is None:
            raise Missing(f"there is no webhook {webhook}")
        now, secret = self._clock.now(), new_secret()
        signing = [each for each in found[0].secrets if each.until is None or each.until > now]
        old = [each if each.until else each.model_copy(update={"until": now + BOTH_SECRETS}) for each in signing]
        if len(old) >= _MOST_SECRETS:
            old = [*old[: _MOST_SECRETS - 2], old[-1]]
        changed = found[0].model_copy(update={"secrets": [self._sealed(organization, webhook, secret), *old]})
        await self._change(organization, changed, found[1])
        return secret

    async def disable(self, organization: str, webhook: StoredWebhook, etag: str, because: str) -> None:
        """Switch a subscription off. Raises Stale, StorageError."""
        update = {"enabled": False, "disabled_because": because}
        await self._change(organization, webhook.model_copy(update=update), etag)

    async def remove_webhook(self, organization: str, webhook: str, if_match: IfMatch | None) -> None:
        """Remove a subscription with its deliveries. Raises Missing, Stale, StorageError."""
        found = await self.load_webhook(organization, webhook)
        if found is None:
            await self._deliveries.delete_all(organization, webhook)  # an earlier try may have failed before that
            raise Missing(f"there is no webhook {webhook}")
        check_version(if_match, found[1])
        changes = await self._all_without(organization, webhook)
        await self._write(organization, [*changes, Delete(SUBSCRIPTIONS, f"{WEBHOOK_ROWS}{webhook}", found[1])])
        self._wake.forget(organization)
        await self._deliveries.delete_all(organization, webhook)

    def secrets_of(self, organization: str, webhook: StoredWebhook) -> list[str]:
        """Return the secrets that sign now, the newest one first; none where the key that has sealed them is gone."""
        now, found = self._clock.now(), list[str]()
        for secret in webhook.secrets:
            if secret.until is None or secret.until > now:
                plain = self._ring.unseal(Purpose.WEBHOOK, secret.sealed, organization, webhook.id)
                if plain is not None:
                    found.append(plain.decode())
        return found

    async def reseal_secrets(self, organization: str, *, write: bool = True) -> Resealed:
        """Seal secrets with the first token key that an older one has sealed. Again is the same.

        Raises Stale, StorageError.
        """
        done = Resealed()
        async for row in self._tables.query(table(organization, FEED), SUBSCRIPTIONS, Range.prefix(WEBHOOK_ROWS)):
            name = row.key.removeprefix(WEBHOOK_ROWS)
            try:
                done += await retry_on_conflict(
                    f"webhook {name}", partial(self._reseal, organization, name, write=write), on=Stale
                )
            except UnreadableRow:
                done += Resealed(unreadable=1)
        return done

    async def _reseal(self, organization: str, webhook: str, *, write: bool) -> Resealed:
        found = await self.load_webhook(organization, webhook)
        if found is None:
            return Resealed()
        done, secrets = Resealed(), list[StoredSecret]()
        for secret in found[0].secrets:
            sealed, outcome = reseal_one(self._ring, Purpose.WEBHOOK, secret.sealed, organization, webhook)
            secrets.append(secret.model_copy(update={"sealed": sealed}))
            done += outcome
        if write and done.sealed_anew:
            await self._change(organization, found[0].model_copy(update={"secrets": secrets}), found[1])
        return done

    def _check(self, spec: WebhookSpec) -> None:
        try:
            check_address(spec.url, loopback=self._loopback)
        except NotOutside as error:
            raise WrongField(["url"], f"{error}") from None

    def _sealed(self, organization: str, webhook: str, secret: str) -> StoredSecret:
        return StoredSecret(sealed=self._ring.seal(Purpose.WEBHOOK, secret.encode(), organization, webhook))

    async def _enter(self, organization: str, made: StoredWebhook) -> str:
        """Write a new subscription; return its etag. Raises NotAllowed, Stale."""
        row = await self._tables.read_row(table(organization, FEED), SUBSCRIPTIONS, ALL)
        ids = row.text("ids").split() if row else []
        if len(ids) >= MOST_WEBHOOKS:
            raise NotAllowed(f"There are {MOST_WEBHOOKS} webhooks already: delete one.")
        named = Row(SUBSCRIPTIONS, ALL, {"v": 1, "ids": " ".join([*ids, made.id])}, row.etag if row else None)
        new = Row(SUBSCRIPTIONS, f"{WEBHOOK_ROWS}{made.id}", pack(made))
        etags = await self._write(organization, [put_if_unchanged(named), put_if_unchanged(new)])
        self._wake.forget(organization)
        # Other processes may not know of it for a while.
        await self._wake.order_soon(organization, made.id, 2 * KNOWN_FOR)
        return etags[1] or ""

    async def _all_without(self, organization: str, webhook: str) -> list[Change]:
        row = await self._tables.read_row(table(organization, FEED), SUBSCRIPTIONS, ALL)
        if row is None:
            return []
        ids = [each for each in row.text("ids").split() if each != webhook]
        return [Replace(Row(SUBSCRIPTIONS, ALL, {"v": 1, "ids": " ".join(ids)}, row.etag))]

    async def _change(self, organization: str, changed: StoredWebhook, etag: str) -> str:
        [new] = await self._write(
            organization, [Replace(Row(SUBSCRIPTIONS, f"{WEBHOOK_ROWS}{changed.id}", pack(changed), etag))]
        )
        return new or ""

    async def _write(self, organization: str, changes: list[Change]) -> list[str | None]:
        try:
            return await write_late_rows(self._tables, organization, FEED, changes)
        except (Conflict, Missing) as error:
            raise Stale("the webhooks have changed") from error


def read_webhook(webhook: StoredWebhook, etag: str) -> WebhookRead:
    """Show a subscription."""
    fields = webhook.model_dump(include=set(WebhookRead.model_fields))
    return WebhookRead(**fields, created_at=webhook.made_at, etag=etag)
