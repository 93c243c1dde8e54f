"""One template as the list shows it, with its recommendation: an endpoint that the console alone has."""

from __future__ import annotations

from pydantic import BaseModel

from functions.api.endpoint import Answer, Call, Endpoints
from functions.resources.templates import find_listed
from functions.shapes.template import TemplateItem

_own_endpoints = Endpoints("Console")


class ListedTemplate(BaseModel):
    item: TemplateItem | None
    """None for a deleted template."""


@_own_endpoints("GET", "/templates/{id}/listed", answers={200: ListedTemplate})
async def find_listed_template(call: Call) -> Answer:
    """Find a template in the list of all."""
    return Answer(200, ListedTemplate(item=await find_listed(call, call.path["id"])))


[listed_template] = _own_endpoints.all
