"""Blobs of Azure Storage, through its SDK."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterable, AsyncIterator
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobBlock, BlobSasPermissions, ContentSettings, UserDelegationKey, generate_blob_sas
from azure.storage.blob.aio import BlobServiceClient

from lib.clock import SystemClock
from lib.storage.azure.account import Account
from lib.storage.azure.errors import translated
from lib.storage.protocols import LARGEST_PIECE, Conflict, Grant, Missing

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
        await self.put_pieces(container, name, _slices(memoryview(data)), content_type)

    async def read_blob(self, container: str, name: str) -> bytes:
        with translated():
            stream = await self._service.get_blob_client(container, name).download_blob()
            data: bytes = await stream.readall()
            return data

    async def put_pieces(self, container: str, name: str, pieces: AsyncIterable[bytes], content_type: str) -> None:
        blob = self._service.get_blob_client(container, name)
        settings = ContentSettings(content_type=content_type)
        blocks = _in_blocks(pieces)
        first = await anext(blocks, b"")
        if len(first) < LARGEST_PIECE:
            with translated():
                await blob.upload_blob(first, overwrite=True, content_settings=settings)
            return
        # Blocks wait to be committed; Azure deletes those of a broken upload after a week. Their ids begin with one of
        # this upload, so that two uploads at a time do not mix.
        upload, staged, block = secrets.token_hex(8), list[BlobBlock](), first
        while block:
            staged.append(BlobBlock(block_id=f"{upload}{len(staged):06d}"))
            with translated():
                await blob.stage_block(staged[-1].id, block)
            block = await anext(blocks, b"")
        with translated():
            await blob.commit_block_list(staged, content_settings=settings)

    async def read_pieces(self, container: str, name: str) -> AsyncIterator[bytes]:
        blob, start, size, unchanged = self._service.get_blob_client(container, name), 0, 1, dict[str, Any]()
        while start < size:
            with translated():
                try:
                    stream = await blob.download_blob(start, LARGEST_PIECE, **unchanged)
                except HttpResponseError as error:
                    if error.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                        return  # the blob is empty
                    raise
                piece: bytes = await stream.readall()
            unchanged = {"etag": stream.properties.etag, "match_condition": MatchConditions.IfNotModified}
            size = int(str(stream.properties.content_range).rpartition("/")[2])
            start += len(piece)
            yield piece

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


async def _slices(data: memoryview) -> AsyncIterator[bytes]:
    for start in range(0, len(data), LARGEST_PIECE):
        yield bytes(data[start : start + LARGEST_PIECE])  # the SDK wants bytes: one block at a time is copied


async def _in_blocks(pieces: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Yield the same bytes in blocks of `LARGEST_PIECE`, the last one of what is left: a blob has 50,000 at most."""
    waiting = bytearray()
    async for piece in pieces:
        waiting += piece
        while len(waiting) >= LARGEST_PIECE:
            yield bytes(waiting[:LARGEST_PIECE])
            del waiting[:LARGEST_PIECE]
    if waiting:
        yield bytes(waiting)
