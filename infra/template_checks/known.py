"""Names that the code has and templates use: settings, queues, tables, functions, log marks, metrics, paths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import get_args

from functions.app import make_app
from infra.local.host.application import Function, list_functions
from lib.metrics import LOG_MARK as METRIC_MARK
from lib.metrics import METRICS
from lib.operations.dead_letters import LOG_MARK as DEAD_LETTERS_MARK
from lib.recipient_services import RecipientServices
from lib.settings import NOT_NEEDED_BY, Settings, load_settings
from lib.storage.layout import DUE, ORGANIZATIONS, QUEUES
from lib.tracking.journal import LOG_MARK as FACT_MARK

LIB = Path(__file__).parents[2] / "lib"
PARTS = get_args(Settings.model_fields["functions"].annotation)

_ENOUGH_TO_BUILD = {
    "HEED_BASE_URL": "https://heed.example.com",
    "HEED_ADMIN_KEY": "0" * 16,
    "HEED_TOKEN_KEYS": f"k1:{'A' * 86}",
    "AzureWebJobsStorage__accountName": "heed",
}


@dataclass(frozen=True, slots=True)
class Known:
    """Names that the code has."""

    settings: frozenset[str]
    """Names of all settings."""

    required: Mapping[str, frozenset[str]]
    """By part, names of the settings without which its app does not start, but for the storage account, which has
    several."""

    not_needed: Mapping[str, frozenset[str]]
    """By part, names of the settings that are required elsewhere and that its app must not have."""

    queues: tuple[str, ...]
    tables: frozenset[str]
    """Tables of all organizations together."""

    alarms: frozenset[str]
    """Log marks that someone must be told of."""

    words: frozenset[str]
    """Other words that lines of the log hold: the metrics' mark, their names and labels."""

    functions: frozenset[str]
    """Names of the app's functions."""

    recipient_paths: frozenset[str]
    """First segments of the paths that recipients request."""


def read_known() -> Known:
    """Read the names from the code of this repository."""
    fields = Settings.model_fields.values()
    functions = app_functions()
    required = {str(each.alias) for each in fields if each.is_required()}
    not_needed = {part: frozenset(name for name, parts in NOT_NEEDED_BY.items() if part in parts) for part in PARTS}
    labels = {value for metric in METRICS for values in metric.labels.values() for value in values}
    return Known(
        settings=frozenset(str(each.alias) for each in fields),
        required={part: frozenset(required | {*NOT_NEEDED_BY} - not_needed[part]) for part in PARTS},
        not_needed=not_needed,
        queues=QUEUES,
        tables=frozenset({ORGANIZATIONS, DUE}),
        alarms=frozenset({FACT_MARK.strip(), DEAD_LETTERS_MARK.strip()}),
        words=frozenset({METRIC_MARK.strip(), *(metric.name for metric in METRICS), *labels}),
        functions=frozenset(each.name for each in functions),
        recipient_paths=frozenset(path for each in functions if (path := _first_segment(each)) not in _OF_CRMS),
    )


_OF_CRMS = ("", "api", "console", "outlook")
"""First segments of the paths that CRMs and users request."""


@cache
def app_functions() -> tuple[Function, ...]:
    """Describe all functions of the app."""
    return tuple(list_functions(make_app(RecipientServices(load_settings(_ENOUGH_TO_BUILD)))))


def _first_segment(function: Function) -> str:
    return str(getattr(function.trigger, "route", "") or "").strip("/").partition("/")[0]
