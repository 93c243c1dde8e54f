"""`/o/health`: whether an app of recipients' functions answers, for probes and availability tests.

The path lies below `/o`, so that a front door that sends `/o` to this app leads here as well. The answer says nothing
of storage: recipients are answered without it, and taking an instance away for it would help no one. `/api/health`, in
the part `crm`, tells of storage.
"""

from __future__ import annotations

import azure.functions as func


def blueprint() -> func.Blueprint:
    """Register the function `recipients_health`."""
    triggers = func.Blueprint()

    @triggers.function_name("recipients_health")
    @triggers.route("o/health", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def recipients_health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
        return func.HttpResponse('{"status":"ok"}', mimetype="application/json", headers={"Cache-Control": "no-store"})

    return triggers
