"""The Functions app: the functions of the part that `HEED_FUNCTIONS` names, or of all three.

- `recipients`: what mail leads to. Their modules are imported at the start.
- `crm`: the API. Its functions are registered from a table, and imported when they are first needed.
- `work`: queues and timers. Their services are imported when they are first needed.

Each function is in one part. An app of a part imports nothing of the others.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import azure.functions as func

from functions.loading import LateServices
from functions.presence import present
from functions.request_ids import identified
from functions.security_headers import secured
from lib.recipient_services import RecipientServices

if TYPE_CHECKING:
    from lib.services import Services


class HeedApp(func.FunctionApp):
    """The app with its services: a host that ends in order, as the local one does, closes them."""

    def __init__(self, services: LateServices) -> None:
        super().__init__()
        self._services = services
        self._imports: list[Callable[[], None]] = []
        self.imports_ahead = False
        """Whether imports begin when the host has taken the functions: the first time that it may be waited for."""

        self.tells_of_itself = False
        """Whether the instance tells that it is there, once one of its functions is called."""

    def add_functions(self, blueprints: list[func.Blueprint], *imports: Callable[[], None]) -> None:
        """Register functions; `imports` are what can be imported ahead for them."""
        for blueprint in blueprints:
            self.register_functions(blueprint)
        self._imports += [each for each in imports if each not in self._imports]

    def get_functions(self) -> list[Any]:
        """Give the host the functions, each HTTP function with security headers around its answers.

        Answers of the API have the id of their request, too.

        What the first requests need is imported from now on, in a thread.
        """
        functions: list[Any] = super().get_functions()
        base_url = self._services.recipients.settings.base_url
        for function in functions:
            if self.tells_of_itself:
                function._func = present(function.get_user_function(), self._services.recipients.presence)
            if function.is_http_function():
                # The SDK has no other way to put something around all functions.
                handler = secured(function.get_user_function(), base_url)
                function._func = identified(handler) if _is_of_the_api(function) else handler
        if self.imports_ahead:
            self.imports_ahead = False
            # No daemon: a process that ends while one imports would crash.
            threading.Thread(target=self._import_all).start()
        return functions

    def _import_all(self) -> None:
        for each in self._imports:
            each()
        gc.freeze()  # as at the start: what is imported stays for good

    async def close(self) -> None:
        """Close all that the services have opened."""
        await self._services.close()


def _is_of_the_api(function: Any) -> bool:
    return str(function.get_trigger().route).startswith("api/")


def make_app(recipients: RecipientServices, services: Services | None = None) -> HeedApp:
    """Register the functions of the part that the settings name.

    Services other than those of recipients' functions are made when they are first needed, unless they are given.
    """
    late = LateServices(recipients, services)
    app, part = HeedApp(late), recipients.settings.functions
    if part in ("all", "recipients"):
        _add_recipients(app, late)
    if part in ("all", "crm"):
        _add_crm(app, late)
    if part in ("all", "work"):
        _add_work(app, late)
    return app


def _add_recipients(app: HeedApp, services: LateServices) -> None:
    import attachment_fn
    import pixel_fn
    import redirect_fn
    from functions.triggers import recipient_page, recipients_health

    recipients = services.recipients
    blueprints = [each.blueprint(recipients) for each in (pixel_fn, redirect_fn, attachment_fn)]
    blueprints += [recipient_page.blueprint(services.load), recipients_health.blueprint()]
    app.add_functions(blueprints, recipients.import_hits, recipients.import_files)


def _add_crm(app: HeedApp, services: LateServices) -> None:
    from functions.api_functions import ApiFunctions
    from functions.console import triggers as console
    from functions.outlook import triggers as outlook

    api = ApiFunctions(services)
    blueprints = [*api.blueprints(), console.blueprint(services.load, api.load_endpoints)]
    blueprints.append(outlook.blueprint(services.load))
    app.add_functions(blueprints, services.make, api.import_endpoints)


def _add_work(app: HeedApp, services: LateServices) -> None:
    import reminder_fn
    import scheduler_fn
    from functions.triggers import (
        alerts,
        dead_letters,
        engaged_records,
        inbound,
        interactions,
        jobs,
        kept_answers,
        mailboxes,
        old_lists,
        retention,
        webhooks,
    )

    settings, load = services.recipients.settings, services.load
    timers = (reminder_fn, alerts, engaged_records, kept_answers, old_lists, retention, dead_letters, mailboxes)
    queues = (scheduler_fn, interactions, inbound, jobs, webhooks)
    blueprints = [
        *(each.blueprint(load) for each in timers),
        *(each.blueprint(settings, load) for each in queues),
    ]
    app.add_functions(blueprints, services.make)
