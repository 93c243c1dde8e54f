"""The log: levels of libraries, and the id of the request in each line that belongs to one."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import Any

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is being answered; None outside of requests, and for those of recipients."""


def quiet_libraries() -> None:
    """Take only warnings and errors of the Azure SDK.

    At INFO it writes lines for each request to storage, with the ids of organizations and messages in the address, and
    lines for each token and each connection of Service Bus.
    """
    logging.getLogger("azure").setLevel(logging.WARNING)


def name_requests() -> None:
    """Begin each line of Heed's that belongs to a request with the request's id.

    The Functions host formats lines by itself, and keeps no fields beside their text.
    """
    make_record = logging.getLogRecordFactory()
    if getattr(make_record, "names_requests", False):
        return

    def make_named_record(*arguments: Any, **named: Any) -> logging.LogRecord:
        record = make_record(*arguments, **named)
        request = REQUEST_ID.get()
        if request is not None and record.name.startswith("heed"):
            record.msg = f"request {request}: {record.msg}"
        return record

    make_named_record.names_requests = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(make_named_record)
