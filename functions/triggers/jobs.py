"""The queue `jobs`, whose pieces of long work are done, and the timer that looks after jobs."""

from __future__ import annotations

import azure.functions as func

from functions.loading import LoadServices
from functions.triggers.queues import on_queue
from lib.organizations.job_orders import DeletedUserOrder, read_job_order
from lib.settings import Settings
from lib.storage.layout import JOBS


def blueprint(settings: Settings, load_services: LoadServices) -> func.Blueprint:
    """Register the functions `work_on_job` (queue) and `tidy_jobs` (timer, every 5 minutes)."""
    triggers = func.Blueprint()

    @on_queue(triggers, settings, load_services, JOBS)
    async def work_on_job(body: bytes) -> None:
        services = await load_services()
        order = read_job_order(body)
        if isinstance(order, DeletedUserOrder):
            await services.deleted_users.do_piece(order)
        else:
            await services.subject_jobs.do_piece(order)

    @triggers.function_name("tidy_jobs")
    @triggers.timer_trigger("timer", "30 */5 * * * *")
    async def tidy_jobs(timer: func.TimerRequest) -> None:  # noqa: ARG001
        services = await load_services()
        await services.subject_jobs.tidy()

    return triggers
