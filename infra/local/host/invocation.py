"""Runs a function's handler: coroutines on the event loop, plain functions in a pool of threads."""

import asyncio
import inspect
import logging
import threading
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import azure.functions as func

from infra.local.host.application import Function
from infra.local.host.log_lines import Invocation, call_under, enter

logger = logging.getLogger("heed.host")

Invoke = Callable[[Any], Awaitable[Any]]
"""Takes what the trigger hands over, gives what the handler returned; raises InvocationError."""


class InvocationError(Exception):
    """The handler raised; the reason stands in the log already."""


class InvocationContext(func.Context):
    """What a handler with a `context` parameter is told about its run."""

    def __init__(self, function_name: str, invocation_id: str) -> None:
        self._function_name = function_name
        self._invocation_id = invocation_id
        self._thread_local_storage = threading.local()

    @property
    def invocation_id(self) -> str:
        return self._invocation_id

    @property
    def function_name(self) -> str:
        return self._function_name

    @property
    def function_directory(self) -> str:
        return ""

    @property
    def thread_local_storage(self) -> Any:
        return self._thread_local_storage

    @property
    def trace_context(self) -> Any:
        return None

    @property
    def retry_context(self) -> Any:
        return None


def make_invoke(function: Function, threads: ThreadPoolExecutor) -> Invoke:
    """Return the coroutine function that runs the handler once and logs what it raises."""
    handler = function.handler
    parameter = function.parameter
    is_coroutine = inspect.iscoroutinefunction(handler)

    async def invoke(argument: Any) -> Any:
        arguments = {parameter: argument}
        invocation = Invocation()
        outside = enter(invocation)
        # An id costs more than the rest of this function, so it is made only for whoever looks at it.
        invocation_id = None
        if function.wants_context:
            invocation_id = str(uuid.uuid4())
            arguments["context"] = InvocationContext(function.name, invocation_id)
        try:
            if is_coroutine:
                return await handler(**arguments)
            call = partial(call_under, invocation, partial(handler, **arguments))
            return await asyncio.get_running_loop().run_in_executor(threads, call)
        except Exception as error:
            invocation_id = invocation_id or str(uuid.uuid4())
            logger.exception("Function %s failed (invocation %s)", function.name, invocation_id)
            raise InvocationError(function.name) from error
        finally:
            invocation.has_ended = True
            enter(outside)

    return invoke
