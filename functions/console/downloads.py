"""Tables of the console as files for spreadsheets, with the columns of the API's own lists."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from functions.api.csv_lists import BYTE_ORDER_MARK, CSV, columns_of, write_items, write_rows
from functions.api.paging import Page
from functions.console.screen import Download
from functions.console.visit import Visit

MOST_ROWS = 10_000
"""Rows of a file. A longer list says in its last row that there are more."""

_MOST_PAGES = 200
"""Pages that are read for a file: some lists give short ones."""

_PAGE = 200


async def csv_of(
    visit: Visit, endpoint: str, query: Mapping[str, object], model: type[BaseModel], filename: str
) -> Download:
    """Write a whole list as CSV. Raises Problem and refusals of its endpoint."""
    columns = columns_of(model)
    parts = [BYTE_ORDER_MARK.encode(), write_rows([columns])]
    count, cursor = 0, ""
    for _ in range(_MOST_PAGES):
        page: Page[BaseModel] = await visit.ask(endpoint, query={**query, "limit": _PAGE, "cursor": cursor})
        written = page.model_dump_json(by_alias=True).encode()
        parts.append(await visit.services.off_loop.run(visit.org, len(written), write_items, written, columns))
        count, cursor = count + len(page.items), page.next or ""
        if not cursor or count >= MOST_ROWS:
            break
    if cursor:
        parts.append(write_rows([[f"Only the first {count:,} rows are here: narrow the list down to get the others."]]))
    return Download(b"".join(parts), filename, CSV)
