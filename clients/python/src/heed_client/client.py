"""Heed's API for programs: generated calls with keys, retries, errors and pages around them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar, cast

import httpx

from heed_client.errors import error_of, is_none_of_heeds, repeated_page
from heed_client.generated.api.events import list_events
from heed_client.generated.client import AuthenticatedClient
from heed_client.generated.models.events_read import EventsRead
from heed_client.generated.models.problem_document import ProblemDocument
from heed_client.generated.types import UNSET
from heed_client.repeating import AsyncRepeatingTransport, RepeatingTransport, Retries

Found = TypeVar("Found", covariant=True)
Item = TypeVar("Item", covariant=True)

_RETRIES = Retries()
_SECONDS = 30.0
_MOST_ITEMS = 200
"""Items that a page can hold at most."""


class Answer(Protocol[Found]):
    """The answer of a generated call."""

    @property
    def parsed(self) -> Found | None: ...


class Operation(Protocol[Found]):
    """An endpoint: a module of `heed_client.generated.api`."""

    def sync_detailed(self, *path: Any, **arguments: Any) -> Answer[Found | ProblemDocument]: ...

    def asyncio_detailed(self, *path: Any, **arguments: Any) -> Awaitable[Answer[Found | ProblemDocument]]: ...


class Page(Protocol[Item]):
    """A page of a list."""

    @property
    def items(self) -> Sequence[Item]: ...

    @property
    def next_(self) -> str | None: ...


class _Connection:
    """The generated client with its address, keys and options, for both kinds of programs."""

    def __init__(
        self,
        base_url: str,
        key: str,
        organization: str,
        *,
        user: str | None,
        timeout: float,
        transport: httpx.BaseTransport | httpx.AsyncBaseTransport,
        event_hooks: Mapping[str, Sequence[Callable[..., Any]]],
    ) -> None:
        _check_address(base_url)
        self.organization = organization
        """The id of the organization, which is the first part of each path."""

        self.client = AuthenticatedClient(
            base_url=base_url.rstrip("/"),
            token=key,
            headers={"User-Agent": _user_agent(), **({"X-Heed-User": user} if user else {})},
            timeout=httpx.Timeout(timeout),
            httpx_args={"transport": transport, "event_hooks": event_hooks},
        )
        """The `client` that generated functions take, for calls of no organization such as `health`."""


class Heed(_Connection):
    """Heed's API for one organization.

    with Heed("https://heed.example.com", key, "acme", user="rita") as heed:
        message = heed.call(make_message, body=NewMessage(from_="rita"))
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        organization: str,
        *,
        user: str | None = None,
        retries: Retries = _RETRIES,
        timeout: float = _SECONDS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Set up a client; nothing is sent yet.

        `user` is the acting user, whom a call may replace by `x_heed_user`. `timeout` is in seconds, for each attempt.
        `transport` replaces httpx's own, for proxies or certificates. Raises ValueError for an address that would
        show the key to others.
        """
        super().__init__(
            *(base_url, key, organization),
            user=user,
            timeout=timeout,
            transport=RepeatingTransport(transport or httpx.HTTPTransport(), retries),
            event_hooks={"request": [_read_file], "response": [_raise_problem]},
        )

    def __enter__(self) -> Self:
        self.client.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.__exit__(kind, error, trace)

    def call(self, operation: Operation[Found], *path: str, **arguments: Any) -> Found:
        """Call an endpoint of the organization, and return what it answers.

        `path` are the parts of its path after the organization; `arguments` are those of the generated function.
        Raises HeedError, and httpx.TransportError where no answer came.
        """
        answer = operation.sync_detailed(self.organization, *path, client=self.client, **arguments)
        return cast(Found, answer.parsed)

    def items(self, operation: Operation[Page[Item]], *path: str, **query: Any) -> Iterator[Item]:
        """Yield the items of a list, page after page, as they are needed."""
        cursor: Any = UNSET
        while cursor is not None:
            page = self.call(operation, *path, **{"limit": _MOST_ITEMS, **query, "cursor": cursor})
            if page.next_ == cursor:
                raise repeated_page()
            yield from page.items
            cursor = page.next_

    def changes(self, after: str | None = None, **query: Any) -> Iterator[EventsRead]:
        """Yield pages of the feed until there is no more for now.

        Deal with a page's `items`, then keep its `next_`: it is `after` of the next call, also after a restart.
        """
        cursor, more = after or UNSET, True
        while more:
            page = self.call(list_events, **{"limit": _MOST_ITEMS, **query, "after": cursor})
            if page.more and page.next_ == cursor:
                raise repeated_page()
            yield page
            cursor, more = page.next_, page.more


class AsyncHeed(_Connection):
    """Heed's API for one organization, for programs that wait for several things at once.

    async with AsyncHeed("https://heed.example.com", key, "acme", user="rita") as heed:
        message = await heed.call(make_message, body=NewMessage(from_="rita"))
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        organization: str,
        *,
        user: str | None = None,
        retries: Retries = _RETRIES,
        timeout: float = _SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Set up a client as `Heed` is."""
        super().__init__(
            *(base_url, key, organization),
            user=user,
            timeout=timeout,
            transport=AsyncRepeatingTransport(transport or httpx.AsyncHTTPTransport(), retries),
            event_hooks={"request": [_read_file_of_async], "response": [_raise_problem_of_async]},
        )

    async def __aenter__(self) -> Self:
        await self.client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.__aexit__(kind, error, trace)

    async def call(self, operation: Operation[Found], *path: str, **arguments: Any) -> Found:
        """Call an endpoint of the organization, as `Heed.call` does."""
        answer = await operation.asyncio_detailed(self.organization, *path, client=self.client, **arguments)
        return cast(Found, answer.parsed)

    async def items(self, operation: Operation[Page[Item]], *path: str, **query: Any) -> AsyncIterator[Item]:
        """Yield the items of a list, page after page, as they are needed."""
        cursor: Any = UNSET
        while cursor is not None:
            page = await self.call(operation, *path, **{"limit": _MOST_ITEMS, **query, "cursor": cursor})
            if page.next_ == cursor:
                raise repeated_page()
            for item in page.items:
                yield item
            cursor = page.next_

    async def changes(self, after: str | None = None, **query: Any) -> AsyncIterator[EventsRead]:
        """Yield pages of the feed until there is no more for now, as `Heed.changes` does."""
        cursor, more = after or UNSET, True
        while more:
            page = await self.call(list_events, **{"limit": _MOST_ITEMS, **query, "after": cursor})
            if page.more and page.next_ == cursor:
                raise repeated_page()
            yield page
            cursor, more = page.next_, page.more


def _check_address(base_url: str) -> None:
    url = httpx.URL(base_url)
    if url.scheme == "https" or (url.scheme == "http" and _is_this_machine(url.host)):
        return
    raise ValueError(f"{base_url} would show the key to others: use https")


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _user_agent() -> str:
    try:
        return f"heed-client/{version('heed-client')}"
    except PackageNotFoundError:  # a copy that is not installed
        return "heed-client"


def _read_file(request: httpx.Request) -> None:
    """Read a file that is uploaded, so that it can be sent again, and by either client."""
    request.read()


async def _read_file_of_async(request: httpx.Request) -> None:
    request.read()


def _raise_problem(response: httpx.Response) -> None:
    if response.is_error or is_none_of_heeds(response):
        response.read()
        raise error_of(response)


async def _raise_problem_of_async(response: httpx.Response) -> None:
    if response.is_error or is_none_of_heeds(response):
        await response.aread()
        raise error_of(response)
