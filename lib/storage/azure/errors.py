"""Errors of the service and exceptions of its SDK, translated into Heed's four."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)

from lib.storage.protocols import Conflict, Missing, StorageError, Unavailable

_CONFLICTS = {"EntityAlreadyExists", "UpdateConditionNotSatisfied", "ConditionNotMet", "TableBeingDeleted"}
_MISSING = {"ResourceNotFound", "TableNotFound", "EntityNotFound"}


def storage_error(status: int, code: str) -> StorageError:
    """The error for an answer without success; status 0 stands for one that could not be read."""
    if code in _CONFLICTS or status in (409, 412):
        return Conflict(code or str(status))
    if code in _MISSING or status == 404:
        return Missing(code or str(status))
    if status < 500 and status not in (0, 408, 429):
        return StorageError(f"storage refused: {status} {code}")
    return Unavailable(f"storage answers {status} {code}")


@contextmanager
def translated() -> Iterator[None]:
    """Translate what a call of the SDK raises into StorageError, or one of its kinds."""
    try:
        yield
    except HttpResponseError as error:
        code = str(getattr(error, "error_code", "") or "").rpartition(".")[2]
        status = error.status_code or 0
        if isinstance(error, ResourceExistsError | ResourceModifiedError):
            raise Conflict(code or str(status)) from error
        if isinstance(error, ResourceNotFoundError):
            raise Missing(code or str(status)) from error
        if isinstance(error, ClientAuthenticationError):
            raise StorageError(f"storage refused: {status} {code}") from error
        raise storage_error(status, code) from error
    except (ServiceRequestError, ServiceResponseError, TimeoutError) as error:
        raise Unavailable(f"storage does not answer: {type(error).__name__}") from error
