"""Transactions as raw requests: what the service may answer, and what becomes of it. (Azurite is asked elsewhere.)"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from azure.core.credentials import AccessToken

from lib.storage import Change, Conflict, Delete, Insert, Missing, Row, StorageError, Unavailable, Upsert
from lib.storage.azure.account import Account
from lib.storage.azure.requests import RestSession
from lib.storage.azure.transactions import RestTransactions

CHANGES: list[Change] = [
    Insert(Row("p", "secret key", {"text": "secret text"})),
    Upsert(Row("p", "b", {"n": 1})),
    Delete("p", "c"),
]
ID = "0123456789ab"

# As "Performing entity group transactions" shows them.
_HEAD = (
    "--batchresponse_4c637ba4-b2f8-40f8-8856-c2d10d163a83\r\n"
    "Content-Type: multipart/mixed; boundary=changesetresponse_03d3\r\n\r\n"
)
_PART = (
    "--changesetresponse_03d3\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    "HTTP/1.1 204 No Content\r\nContent-ID: {number}\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-cache\r\n"
    "Preference-Applied: return-no-content\r\nDataServiceVersion: 3.0;\r\n{etag}\r\n"
)
_ETAG = "ETag: W/\"datetime'2026-05-04T09%3A30%3A0{number}.4474015Z'\"\r\n"
_END = "--changesetresponse_03d3--\r\n--batchresponse_4c637ba4-b2f8-40f8-8856-c2d10d163a83--\r\n"
_FAILED = (
    "--changesetresponse_03d3\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    "HTTP/1.1 {status} Whatever\r\nDataServiceVersion: 3.0;\r\n"
    "Content-Type: application/json;odata=minimalmetadata;streaming=true;charset=utf-8\r\n\r\n"
    '{{"odata.error":{{"code":"{code}","message":{{"lang":"en-US","value":"1:It is about secret key."}}}}}}\r\n'
)


def accepted(*parts: str) -> tuple[int, str]:
    return 202, _HEAD + "".join(parts) + _END


def done(number: int, *, etag: bool = True) -> str:
    return _PART.format(number=number, etag=_ETAG.format(number=number) if etag else "")


@dataclass(slots=True)
class Service:
    """Answers every transaction with what it is told to, and keeps what it was shown."""

    account: Account
    answer: tuple[int, str] = (202, "")
    shown: list[tuple[dict[str, str], str]] = field(default_factory=list)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async def serve(request: web.Request) -> web.Response:
        made.shown.append((dict(request.headers), (await request.read()).decode("ascii")))
        status, text = made.answer
        return web.Response(status=status, text=text)

    app = web.Application()
    app.router.add_post("/$batch", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    made = Service(Account("acct", url, url, url, key=None))
    yield made
    await runner.cleanup()


class Identity:
    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return AccessToken("token", int(time.time() + 3600))


async def write(service: Service) -> list[str | None]:
    session = RestSession(service.account, Identity())  # type: ignore[arg-type]
    try:
        return await RestTransactions(session, service.account.table_endpoint).write_rows("table", CHANGES, ID)
    finally:
        await session.close()


async def test_every_change_has_its_etag_and_a_delete_none(service: Service) -> None:
    service.answer = accepted(done(1), done(2), done(3, etag=False))

    assert await write(service) == [
        "W/\"datetime'2026-05-04T09%3A30%3A01.4474015Z'\"",
        "W/\"datetime'2026-05-04T09%3A30%3A02.4474015Z'\"",
        None,
    ]


async def test_an_identity_shows_its_token(service: Service) -> None:
    service.answer = accepted(done(1), done(2), done(3, etag=False))
    await write(service)

    [(headers, body)] = service.shown
    assert headers["Authorization"] == "Bearer token"
    assert "x-ms-version" in headers
    assert body.count("\r\nPOST ") == body.count("\r\nPUT ") == body.count("\r\nDELETE ") == 1


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (409, "EntityAlreadyExists", Conflict),
        (412, "UpdateConditionNotSatisfied", Conflict),
        (404, "ResourceNotFound", Missing),
        (404, "TableNotFound", Missing),
        (400, "PropertyValueTooLarge", StorageError),
        (500, "InternalError", Unavailable),
        (503, "ServerBusy", Unavailable),
    ],
)
async def test_a_change_that_fails_fails_the_transaction_with_the_services_own_word(
    service: Service, status: int, code: str, error: type[StorageError]
) -> None:
    service.answer = accepted(_FAILED.format(status=status, code=code))

    with pytest.raises(StorageError, match=code) as caught:
        await write(service)
    assert type(caught.value) is error
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, StorageError), (403, StorageError), (413, StorageError), (404, Missing), (408, Unavailable),
     (429, Unavailable), (500, Unavailable), (503, Unavailable)],
)  # fmt: skip
async def test_a_transaction_that_is_refused_as_a_whole_says_what_can_be_done(
    service: Service, status: int, error: type[StorageError]
) -> None:
    service.answer = status, "<Error><Code>ItsReason</Code><Message>About secret key</Message></Error>"

    with pytest.raises(StorageError) as caught:
        await write(service)
    assert type(caught.value) is error
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("parts", [(), (done(1),), (done(1), done(2))])
async def test_an_answer_that_breaks_off_may_be_asked_for_again(service: Service, parts: tuple[str, ...]) -> None:
    service.answer = 202, _HEAD + "".join(parts)

    with pytest.raises(Unavailable):
        await write(service)
