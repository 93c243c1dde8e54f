"""The OpenAPI document, and the page that shows it."""

from __future__ import annotations

import re
from typing import Any

from tests.support.heed import BASE_URL, Heed


async def test_the_document_describes_every_endpoint_with_its_shapes(heed: Heed) -> None:
    document = (await heed.request("GET", "/api/openapi.json")).json

    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": BASE_URL}]
    post = document["paths"]["/api/orgs/{org}/messages"]["post"]
    assert post["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/NewMessage"}
    assert {"/o/{token}.gif", "/c/{token}", "/api/health"} <= set(document["paths"])
    spec = document["components"]["schemas"]["NewMessage"]
    assert "from" in spec["properties"]
    assert spec["additionalProperties"] is False


async def test_every_reference_in_the_document_leads_somewhere(heed: Heed) -> None:
    document = (await heed.request("GET", "/api/openapi.json")).json

    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            found = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return found + [ref for value in node.values() for ref in references(value)]
        return [ref for value in node for ref in references(value)] if isinstance(node, list) else []

    names = {ref.removeprefix("#/components/schemas/") for ref in references(document)}
    assert names <= set(document["components"]["schemas"])
    ids = [each["operationId"] for methods in document["paths"].values() for each in methods.values()]
    assert len(ids) == len(set(ids))


async def test_every_shape_says_what_it_is_and_times_are_called_times(heed: Heed) -> None:
    document = (await heed.request("GET", "/api/openapi.json")).json

    shapes = document["components"]["schemas"]
    assert [name for name, shape in shapes.items() if not shape.get("description")] == []
    assert shapes["MessageRead"]["properties"]["created_at"] == {
        "type": "string",
        "format": "date-time",
        "title": "Created At",
    }


async def test_the_page_shows_the_document_and_loads_nothing_from_elsewhere(heed: Heed) -> None:
    answer = await heed.request("GET", "/api/docs")

    page = answer.body.decode()
    assert answer.headers["content-type"].startswith("text/html")
    assert "/api/orgs/{org}/messages/{message}/timeline" in page
    assert "<script" not in page
    assert not re.search(r"""(?:src|href)=["']https?:""", page)
