"""One app for all Heeds of a test process: registering its functions takes longer than most tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from functions.app import make_app
from infra.local.host.application import list_functions
from infra.local.host.http_triggers import HttpTriggers
from infra.local.host.invocation import Invoke, make_invoke
from lib.recipient_services import RecipientServices
from lib.services import Services

_SERVICES: ContextVar[Services] = ContextVar("services")
"""The services of the Heed that is being called, in this task and in those that it starts."""


@dataclass(frozen=True, slots=True)
class Functions:
    """The functions of an app, by what triggers them."""

    http: HttpTriggers
    queues: Mapping[str, Invoke]
    timers: Mapping[str, Invoke]


class _Called:
    """Services that stand for those of the Heed that is being called."""

    def __init__(self, read: Callable[[], Any]) -> None:
        self._read = read

    def __getattr__(self, name: str) -> Any:
        return getattr(self._read(), name)


@contextmanager
def calling(services: Services) -> Iterator[None]:
    """Have functions that are called in the block use these services."""
    outside = _SERVICES.set(services)
    try:
        yield
    finally:
        _SERVICES.reset(outside)


@lru_cache(maxsize=16)
def functions_of(settings: frozenset[tuple[str, str]]) -> Functions:
    """Return the functions of an app with these settings; they are called in a block of `calling`."""
    recipients = cast(RecipientServices, _Called(lambda: _SERVICES.get().recipients))
    app = make_app(recipients, cast(Services, _Called(_SERVICES.get)))
    http, queues, timers = HttpTriggers(""), dict[str, Invoke](), dict[str, Invoke]()
    threads = ThreadPoolExecutor(1)
    for function in list_functions(app):
        invoke = make_invoke(function, threads)
        if function.trigger_type == "httpTrigger":
            http.add_function(function, invoke)
        elif function.trigger_type == "queueTrigger":
            queues[function.trigger.queue_name] = invoke
        else:
            timers[function.name] = invoke
    return Functions(http, queues, timers)
