"""Tables of the console as files for spreadsheets, with the columns of the API's own lists."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydantic import BaseModel

from functions.api.csv_lists import CSV, columns_of, write_csv
from functions.console.screen import Download

MOST_ROWS = 200
"""Rows of a file: those of the API's longest page."""


def csv_of(items: Sequence[BaseModel], model: type[BaseModel], filename: str) -> Download:
    """Write the items of a list as CSV."""
    page = json.dumps({"items": [json.loads(each.model_dump_json(by_alias=True)) for each in items]})
    return Download(write_csv(page.encode(), columns_of(model)), filename, CSV)
