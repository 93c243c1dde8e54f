"""Reads `host.json`: the part of it that the local host acts upon, with the Functions host's defaults."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from infra.local.errors import StartError

_TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,7}))?")


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """The options of `extensions.queues`: messages at once, tries, and pauses."""

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    visibility_timeout: timedelta = timedelta(0)
    max_polling_interval: timedelta = timedelta(minutes=1)
    message_encoding: str = "base64"


@dataclass(frozen=True, slots=True)
class ServiceBusOptions:
    """The options of `extensions.serviceBus`: messages of a function at once, and how long their locks are renewed."""

    max_concurrent_calls: int = 16
    prefetch_count: int = 0
    max_auto_lock_renewal_duration: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class HostOptions:
    """The options of `host.json` about routes and queues."""

    route_prefix: str = "api"
    queues: QueueOptions = field(default_factory=QueueOptions)
    service_bus: ServiceBusOptions = field(default_factory=ServiceBusOptions)


def read_host_json(path: Path) -> HostOptions:
    """Read the file; a missing file means all defaults."""
    if not path.exists():
        return HostOptions()
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StartError(f"{path} is not valid JSON: {error}.") from error
    return host_options(document)


def host_options(document: Mapping[str, Any]) -> HostOptions:
    """Pick the options out of a parsed `host.json`."""
    extensions = document.get("extensions", {})
    return HostOptions(
        route_prefix=str(extensions.get("http", {}).get("routePrefix", "api")).strip("/"),
        queues=_queue_options(extensions.get("queues", {})),
        service_bus=_service_bus_options(extensions.get("serviceBus", {})),
    )


def _queue_options(queues: Mapping[str, Any]) -> QueueOptions:
    defaults = QueueOptions()
    batch_size = int(queues.get("batchSize", defaults.batch_size))
    encoding = str(queues.get("messageEncoding", defaults.message_encoding)).lower()
    if not 1 <= batch_size <= 32:
        raise StartError(f"host.json: queues.batchSize must be 1 to 32, not {batch_size}.")
    if encoding not in ("base64", "none"):
        raise StartError(f'host.json: queues.messageEncoding must be "base64" or "none", not "{encoding}".')
    return QueueOptions(
        batch_size=batch_size,
        # The Functions host's default is half a batch.
        new_batch_threshold=int(queues.get("newBatchThreshold", batch_size // 2)),
        max_dequeue_count=int(queues.get("maxDequeueCount", defaults.max_dequeue_count)),
        visibility_timeout=_time_span("queues", queues, "visibilityTimeout", defaults.visibility_timeout),
        max_polling_interval=_time_span("queues", queues, "maxPollingInterval", defaults.max_polling_interval),
        message_encoding=encoding,
    )


def _service_bus_options(service_bus: Mapping[str, Any]) -> ServiceBusOptions:
    defaults = ServiceBusOptions()
    calls = int(service_bus.get("maxConcurrentCalls", defaults.max_concurrent_calls))
    if calls < 1:
        raise StartError(f"host.json: serviceBus.maxConcurrentCalls must be 1 or more, not {calls}.")
    if not service_bus.get("autoCompleteMessages", True):
        raise StartError(
            "host.json: serviceBus.autoCompleteMessages must be true: functions in Python settle no message themselves."
        )
    return ServiceBusOptions(
        max_concurrent_calls=calls,
        prefetch_count=int(service_bus.get("prefetchCount", defaults.prefetch_count)),
        max_auto_lock_renewal_duration=_time_span(
            "serviceBus", service_bus, "maxAutoLockRenewalDuration", defaults.max_auto_lock_renewal_duration
        ),
    )


def _time_span(section: str, options: Mapping[str, Any], name: str, default: timedelta) -> timedelta:
    text = options.get(name)
    if text is None:
        return default
    span = parse_time_span(str(text))
    if span is None:
        raise StartError(f'host.json: {section}.{name} must look like "00:00:10", not "{text}".')
    return span


def parse_time_span(text: str) -> timedelta | None:
    """Parse .NET's `[days.]hours:minutes:seconds[.fraction]`; None when the text is something else."""
    match = _TIME_SPAN.fullmatch(text.strip())
    if match is None:
        return None
    days, hours, minutes, seconds, fraction = match.groups(default="0")
    return timedelta(
        days=int(days),
        hours=int(hours),
        minutes=int(minutes),
        seconds=int(seconds),
        microseconds=int(float(f"0.{fraction}") * 1_000_000),
    )
