"""Requests with an Idempotency-Key over a real Azurite: their keys, their blobs, and etags of its own form."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest

from lib.clock import SetClock
from lib.ids import new_id
from lib.operations.write_check import WriteCheck
from lib.organizations.idempotency import Answered, AnswerGone, Begun, Idempotency
from lib.organizations.kept_answers import KeptAnswers
from lib.organizations.registry import Organizations, OrganizationSpec
from lib.storage import Storage
from lib.storage.layout import table
from lib.storage.protocols import EVERYTHING
from lib.storage.versions import IfMatch, check_version, etag_of
from lib.tokens import KeyRing
from lib.workers.pool import OffLoop
from tests.support.heed import START, TOKEN_KEYS


async def test_kept_answers_go_with_their_message_and_with_their_day(storage: Storage) -> None:
    # Long before other tests that share the account, whose requests are not to be deleted.
    clock, name, message = SetClock(START - timedelta(days=1000)), f"i{uuid4().hex[:12]}", new_id()
    organizations = Organizations(storage, clock)
    _, version, _ = await organizations.save_organization(name, OrganizationSpec(name="I"), None)
    idempotency = Idempotency(storage, KeyRing.parse(TOKEN_KEYS), clock, OffLoop())
    kept = KeptAnswers(storage, organizations, clock)
    large = bytes(range(256)) * 1000

    for key in ("goes", "stays"):
        begun = await idempotency.begin(name, "path", key, b"{}")
        assert isinstance(begun, Begun)
        await idempotency.complete(name, begun, 201, large, version, message if key == "goes" else None)
    await kept.forget_message(name, message)

    with pytest.raises(AnswerGone, match="deleted with the message"):
        await idempotency.begin(name, "path", "goes", b"{}")
    assert await idempotency.begin(name, "path", "stays", b"{}") == Answered(201, large, version)
    clock.move(hours=26)
    await kept.delete_expired()
    assert [row async for row in storage.tables.query(table(name, "requests"), EVERYTHING)] == []


async def test_an_etag_hides_the_form_of_storage_and_is_understood(storage: Storage) -> None:
    organizations = Organizations(storage, SetClock(START))
    name = f"i{uuid4().hex[:12]}"
    _, version, _ = await organizations.save_organization(name, OrganizationSpec(name="I"), None)
    found = await organizations.load_organization(name)

    assert found is not None
    assert version.startswith("W/")
    assert re.fullmatch('"[0-9a-f]{32}"', etag_of(version))
    check_version(IfMatch.parse(etag_of(version)), found[1])


async def test_health_writes_into_shared_storage(storage: Storage) -> None:
    clock = SetClock(START)
    check = WriteCheck(storage.tables, clock)

    await check.check()
    clock.move(minutes=2)
    await check.check()
