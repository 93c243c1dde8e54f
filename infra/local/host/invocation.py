"""Runs a function's handler: coroutines on the event loop, plain functions in a pool of threads."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from infra.local.host.application import Function
from infra.local.host.log_lines import Invocation, call_under, enter

logger = logging.getLogger("heed.host")

Invoke = Callable[[Any], Awaitable[Any]]
"""Runs the handler on an event of the trigger, and returns its result. Raises InvocationError."""


class InvocationError(Exception):
    """The handler raised an error, which stands in the log."""


def make_invoke(function: Function, threads: ThreadPoolExecutor) -> Invoke:
    """Return the coroutine function that runs the handler once and logs what it raises."""
    handler = function.handler
    parameter = function.parameter
    is_coroutine = inspect.iscoroutinefunction(handler)

    async def invoke(argument: Any) -> Any:
        """Run the handler once."""
        arguments = {parameter: argument}
        invocation = Invocation()
        outside = enter(invocation)
        try:
            if is_coroutine:
                return await handler(**arguments)
            call = partial(call_under, invocation, partial(handler, **arguments))
            return await asyncio.get_running_loop().run_in_executor(threads, call)
        except Exception as error:
            logger.exception("Function %s failed", function.name)
            raise InvocationError(function.name) from error
        finally:
            invocation.has_ended = True
            enter(outside)

    return invoke
