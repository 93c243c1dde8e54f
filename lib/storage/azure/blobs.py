"""Blobs of Azure Storage, through its SDK."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from azure.storage.blob import BlobBlock, BlobSasPermissions, ContentSettings, UserDelegationKey, generate_blob_sas
from azure.storage.blob.aio import BlobClient, BlobServiceClient

from lib.clock import SystemClock
from lib.storage.azure.account import Account
from lib.storage.azure.errors import translated
from lib.storage.protocols import Conflict, Grant, Missing

BLOCK = 4 * 1024 * 1024
"""Bytes of a blob that go out in one request."""

_KEY_LASTS = timedelta(days=1)
"""Life of a user delegation key."""

_KEY_SPARE = timedelta(hours=1)
"""Time before the end of a key at which a new one is asked for: an outage of that length does no harm."""

_CLOCKS_DIFFER = timedelta(minutes=15)
"""Time by which our clock may be ahead of the service's."""


class AzureBlobs:
    """Blobs of one account."""

    def __init__(self, service: BlobServiceClient, account: Account) -> None:
        self._service = service
        self._account = account
        self._delegation: tuple[UserDelegationKey, datetime] | None = None

    async def create(self, container: str) -> None:
        try:
            with translated():
                await self._service.create_container(container)
        except Conflict as conflict:
            if "BeingDeleted" in str(conflict):
                raise

    async def drop(self, container: str) -> None:
        try:
            with translated():
                await self._service.delete_container(container)
        except Missing:
            return

    async def put_blob(self, container: str, name: str, data: bytes | memoryview, content_type: str) -> None:
        blob = self._service.get_blob_client(container, name)
        settings = ContentSettings(content_type=content_type)
        with translated():
            if len(data) <= BLOCK:
                await blob.upload_blob(bytes(data), overwrite=True, content_settings=settings)
            else:
                blocks = [block async for block in _staged(blob, memoryview(data))]
                await blob.commit_block_list(blocks, content_settings=settings)

    async def read_blob(self, container: str, name: str) -> bytes:
        with translated():
            stream = await self._service.get_blob_client(container, name).download_blob()
            data: bytes = await stream.readall()
            return data

    async def delete_blob(self, container: str, name: str) -> None:
        try:
            with translated():
                await self._service.get_blob_client(container, name).delete_blob()
        except Missing:
            return

    async def list_blobs(self, container: str, after: str | None = None) -> AsyncIterator[str]:
        names = self._service.get_container_client(container).list_blob_names()
        try:
            with translated():
                async for name in names:
                    # The service can begin behind no name: what was seen before is passed over, 5,000 names a request.
                    if after is None or name > after:
                        yield name
        except Missing:
            return

    async def list_versions(self, container: str) -> AsyncIterator[tuple[str, str]]:
        blobs = self._service.get_container_client(container).list_blobs()
        try:
            with translated():
                async for blob in blobs:
                    yield blob.name, blob.etag
        except Missing:
            return

    async def join_blobs(self, container: str, name: str, parts: Sequence[str], content_type: str) -> None:
        blob = self._service.get_blob_client(container, name)
        upload, blocks = secrets.token_hex(8), list[BlobBlock]()
        for part in parts:
            data = memoryview(await self.read_blob(container, part))
            for start in range(0, len(data), BLOCK):
                block = f"{upload}{len(blocks):06d}"
                with translated():
                    await blob.stage_block(block, bytes(data[start : start + BLOCK]))
                blocks.append(BlobBlock(block_id=block))
        with translated():
            await blob.commit_block_list(blocks, content_settings=ContentSettings(content_type=content_type))

    async def reading_url(self, container: str, name: str, grant: Grant) -> str:
        """A URL that is signed with the account's key or, for a managed identity, with a user delegation key.

        Such a key is asked for once a day; signing itself needs no request. Raises StorageError where none can be had.
        """
        proof: dict[str, Any] = (
            {"account_key": self._account.encoded_key}
            if self._account.key is not None
            else {"user_delegation_key": await self._delegation_key(grant.until)}
        )
        url = f"{self._account.blob_endpoint}/{container}/{quote(name)}"
        signature = generate_blob_sas(
            self._account.name,
            container,
            name,
            **proof,
            permission=BlobSasPermissions(read=True),
            expiry=grant.until,
            # https alone, so that the URL stays secret on its way; Azurite on one machine has http alone.
            protocol="https" if url.startswith("https:") else "https,http",
            content_disposition=grant.disposition,
            content_type=grant.content_type,
        )
        return f"{url}?{signature}"

    async def _delegation_key(self, until: datetime) -> UserDelegationKey:
        if self._delegation is None or self._delegation[1] < until + _KEY_SPARE:
            now = SystemClock().now()  # the service compares it with the time that it has
            end = now + _KEY_LASTS
            with translated():
                key = await self._service.get_user_delegation_key(now - _CLOCKS_DIFFER, end)
            self._delegation = key, end
        return self._delegation[0]


async def _staged(blob: BlobClient, data: memoryview) -> AsyncIterator[BlobBlock]:
    """Send the blocks of a blob, which wait to be committed; Azure deletes those of a broken upload after a week.

    Their ids have a part of this upload's own, so that two uploads at a time do not mix.
    """
    upload = secrets.token_hex(8)
    for number, start in enumerate(range(0, len(data), BLOCK)):
        name = f"{upload}{number:06d}"
        # The SDK wants bytes: one block at a time is copied.
        await blob.stage_block(name, bytes(data[start : start + BLOCK]))
        yield BlobBlock(block_id=name)
