"""The start of traces to Azure Monitor. It is imported and called in a thread, beside the work's libraries.

Only traces of Heed's own spans go out: logs and metrics reach Application Insights by the Functions host, and what
instrumentation of libraries would tell holds addresses of requests, with ids of organizations and signatures in them.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from lib.settings import Settings
from lib.tracing import use_tracing

log = logging.getLogger("heed.telemetry")

_LIBRARIES = ("azure_sdk", "django", "fastapi", "flask", "psycopg2", "requests", "urllib", "urllib3")
"""Libraries that the distribution of OpenTelemetry would have tell of every request."""


def start_telemetry(settings: Settings) -> None:
    """Send traces, where the app has Application Insights and traces are on. It takes up to two seconds.

    Nothing depends on traces: where they cannot be started, the log says so, and the app works without.
    """
    connection = settings.insights_connection_string
    if connection is None or settings.traces == "off":
        return
    try:
        _start(connection.get_secret_value(), settings)
    except Exception as error:
        # The text may hold the connection string.
        log.warning("traces could not be started: %s", type(error).__name__)


def _start(connection: str, settings: Settings) -> None:
    # Reports of the library on itself, to its makers.
    os.environ.setdefault("APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL", "true")
    os.environ.setdefault("APPLICATIONINSIGHTS_SDKSTATS_DISABLED", "true")
    from azure.core.settings import settings as azure_settings
    from azure.monitor.opentelemetry import configure_azure_monitor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import get_tracer_provider

    configure_azure_monitor(
        connection_string=connection,
        credential=_credential(settings),
        disable_logging=True,
        disable_metrics=True,
        disable_offline_storage=True,
        enable_live_metrics=False,
        enable_performance_counters=False,
        instrumentation_options={name: {"enabled": False} for name in _LIBRARIES},
    )
    azure_settings.tracing_enabled.set_value(False)
    provider = get_tracer_provider()
    if isinstance(provider, TracerProvider):
        use_tracing(provider)


def _credential(settings: Settings) -> Any:
    """The app's identity where Application Insights takes no key; None where the connection string is the proof."""
    if "Authorization=AAD" not in (settings.insights_authentication or ""):
        return None
    from azure.identity import ManagedIdentityCredential

    return ManagedIdentityCredential(client_id=settings.client_id)
