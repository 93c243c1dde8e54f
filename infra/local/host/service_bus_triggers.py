"""Runs functions triggered by queues of Azure Service Bus, as the Functions host does.

A message is locked, and the lock renewed while the function runs. Success completes the message; failure abandons it,
so that it comes again, until the broker has it among the dead letters after the queue's `MaxDeliveryCount`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from azure.core.exceptions import AzureError
from azure.functions.servicebus import ServiceBusMessage
from azure.servicebus import ServiceBusReceivedMessage
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver
from azure.servicebus.exceptions import MessageLockLostError

from infra.local.errors import StartError
from infra.local.host.host_json import ServiceBusOptions
from infra.local.host.invocation import InvocationError, Invoke
from infra.local.host.running_tasks import RunningTasks, start_in_background

logger = logging.getLogger("heed.host")

POLL_SECONDS = 0.5
SHORTEST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
CLOSING_SECONDS = 2.0
_UNTYPED_MESSAGE: Any = ServiceBusMessage
_ERRORS = (AzureError, OSError, TimeoutError, ValueError)
"""Errors of a broken connection. The SDK raises ValueError for a receiver that was closed meanwhile."""


@dataclass(frozen=True, slots=True)
class ServiceBusConnection:
    """A connection string, or the host name of a namespace for an identity that has logged in."""

    connection_string: str = ""
    host: str = ""

    @asynccontextmanager
    async def client(self) -> AsyncIterator[ServiceBusClient]:
        """Open a client without retries of its own, which would hide an outage."""
        if self.connection_string:
            async with ServiceBusClient.from_connection_string(self.connection_string, retry_total=0) as client:
                yield client
            return
        from azure.identity.aio import DefaultAzureCredential

        async with DefaultAzureCredential() as identity, ServiceBusClient(self.host, identity, retry_total=0) as client:
            yield client


def service_bus_connection(settings: Mapping[str, str], name: str, function_name: str) -> ServiceBusConnection:
    """Read the connection `name` from the settings. Raises StartError when they do not have it."""
    if text := settings.get(name):
        return ServiceBusConnection(connection_string=text)
    if host := settings.get(f"{name}__fullyQualifiedNamespace"):
        return ServiceBusConnection(host=host)
    raise StartError(f"Function {function_name} needs the setting {name}: set it to a Service Bus connection string.")


class ServiceBusTrigger:
    """A function and the queue that it works off."""

    def __init__(
        self,
        function_name: str,
        queue_name: str,
        connection: ServiceBusConnection,
        invoke: Invoke,
        options: ServiceBusOptions,
    ) -> None:
        self._function_name = function_name
        self._queue_name = queue_name
        self._connection = connection
        self._invoke = invoke
        self._options = options
        self._messages = RunningTasks()
        self._stopping = asyncio.Event()
        self._is_down = False
        self._loop: asyncio.Task[None] | None = None
        self._stop_seconds = 0.0

    def start(self) -> None:
        """Begin to receive."""
        self._loop = start_in_background(self._receive())

    async def stop(self, seconds: float) -> None:
        """Take no more messages, and wait at most that long for those under way."""
        self._stop_seconds = seconds
        self._stopping.set()
        if self._loop is not None:
            await asyncio.wait([self._loop], timeout=seconds + CLOSING_SECONDS)
            self._loop.cancel()
        await self._messages.finish(0)

    async def _receive(self) -> None:
        pause = SHORTEST_PAUSE_SECONDS
        while not self._stopping.is_set():
            try:
                await self._receive_while_connected()
                pause = SHORTEST_PAUSE_SECONDS
            except _ERRORS as error:
                pause = pause if self._is_down else SHORTEST_PAUSE_SECONDS
                self._say_once_that_it_is_down(error)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _receive_while_connected(self) -> None:
        async with AsyncExitStack() as opened:
            client = await opened.enter_async_context(self._connection.client())
            receiver = await opened.enter_async_context(
                client.get_queue_receiver(self._queue_name, prefetch_count=self._options.prefetch_count)
            )
            self._say_that_it_is_up()
            while not self._stopping.is_set():
                await self._messages.until_at_most(self._options.max_concurrent_calls - 1)
                # One at a time: of more, the SDK waits for the last before it hands over the first.
                for message in await receiver.receive_messages(max_message_count=1, max_wait_time=POLL_SECONDS):
                    self._messages.start(self._handle(receiver, message))
            # While there is a receiver: those under way have yet to be settled.
            await self._messages.finish(self._stop_seconds)

    async def _handle(self, receiver: ServiceBusReceiver, message: ServiceBusReceivedMessage) -> None:
        """Run the function on one message and settle the message by the outcome. Its lock is renewed meanwhile."""
        renewal = asyncio.create_task(self._renew_lock(receiver, message))
        succeeded = False
        try:
            await self._invoke(_as_function_sees_it(message))
            succeeded = True
        except InvocationError:
            pass
        finally:
            renewal.cancel()
            await asyncio.gather(renewal, return_exceptions=True)
        await self._settle(receiver, message, succeeded)

    async def _renew_lock(self, receiver: ServiceBusReceiver, message: ServiceBusReceivedMessage) -> None:
        end = datetime.now(UTC) + self._options.max_auto_lock_renewal_duration
        locked_until = message.locked_until_utc
        while locked_until is not None and (now := datetime.now(UTC)) < min(locked_until, end):
            await asyncio.sleep(max(SHORTEST_PAUSE_SECONDS, (locked_until - now).total_seconds() / 2))
            try:
                locked_until = await receiver.renew_message_lock(message)
            except _ERRORS as error:
                logger.warning("The lock of message %s was not renewed: %s", message.message_id, error)

    async def _settle(self, receiver: ServiceBusReceiver, message: ServiceBusReceivedMessage, succeeded: bool) -> None:
        """Tell the broker the outcome. A message whose outcome never arrives comes again when its lock is over."""
        try:
            if succeeded:
                await receiver.complete_message(message)
            else:
                await receiver.abandon_message(message)
        except MessageLockLostError:
            logger.warning("Message %s of queue %s went to someone else", message.message_id, self._queue_name)
        except _ERRORS as error:
            logger.warning(
                "Function %s: message %s of queue %s could not be settled: %s",
                self._function_name,
                message.message_id,
                self._queue_name,
                error,
            )

    def _say_once_that_it_is_down(self, error: Exception) -> None:
        if not self._is_down:
            self._is_down = True
            logger.error("Service Bus does not answer: queue %s: %s", self._queue_name, error)

    def _say_that_it_is_up(self) -> None:
        if self._is_down:
            self._is_down = False
            logger.warning("Service Bus answers again: queue %s", self._queue_name)


def _as_function_sees_it(message: ServiceBusReceivedMessage) -> Any:
    properties = {_text(name): _text(value) for name, value in (message.application_properties or {}).items()}
    return _UNTYPED_MESSAGE(
        body=_body(message),
        application_properties=properties,
        content_type=message.content_type,
        correlation_id=message.correlation_id,
        # The host counts this delivery, AMQP those before it.
        delivery_count=(message.delivery_count or 0) + 1,
        enqueued_sequence_number=message.enqueued_sequence_number,
        enqueued_time_utc=message.enqueued_time_utc,
        expires_at_utc=message.expires_at_utc,
        label=message.subject,
        locked_until=message.locked_until_utc,
        lock_token=str(message.lock_token),
        message_id=message.message_id or "",
        reply_to=message.reply_to,
        scheduled_enqueue_time_utc=message.scheduled_enqueue_time_utc,
        sequence_number=message.sequence_number,
        subject=message.subject,
        time_to_live=message.time_to_live,
        to=message.to,
        user_properties=properties,
    )


def _body(message: ServiceBusReceivedMessage) -> bytes:
    body = message.body
    return body if isinstance(body, bytes) else b"".join(bytes(piece) for piece in body)


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
