"""The OpenAPI document, and the page that shows it."""

from __future__ import annotations

import re
from html import unescape
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

    for reference in references(document):
        kind, name = reference.removeprefix("#/components/").split("/")
        assert name in document["components"][kind]
    ids = [each["operationId"] for methods in document["paths"].values() for each in methods.values()]
    assert len(ids) == len(set(ids))


async def test_every_shape_says_what_it_is_and_times_are_called_times(heed: Heed) -> None:
    document = (await heed.request("GET", "/api/openapi.json")).json

    shapes = document["components"]["schemas"]
    assert [name for name, shape in shapes.items() if not shape.get("description")] == []
    assert shapes["MessageRead"]["properties"]["created_at"] == {
        "type": "string",
        "format": "date-time",
        "description": "when it was made",
    }


async def test_the_page_shows_the_document_and_loads_nothing_but_its_styles(heed: Heed) -> None:
    answer = await heed.request("GET", "/api/docs")

    page = answer.body.decode()
    assert answer.headers["content-type"].startswith("text/html")
    assert "/api/orgs/{org}/messages/{message}/timeline" in page
    assert "<script" not in page
    assert "<style" not in page
    assert "unsafe-inline" not in answer.headers["content-security-policy"]
    assert not re.search(r"""(?:src|href)=["']https?:""", page)
    assert (await heed.request("GET", "/api/docs/style.css")).status == 200


async def test_the_page_has_an_anchor_and_a_call_for_each_operation_and_messages_before_administration(
    heed: Heed,
) -> None:
    page = (await heed.request("GET", "/api/docs")).body.decode()
    document = (await heed.request("GET", "/api/openapi.json")).json

    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert f'<section class="operation" id="{operation["operationId"]}">' in page, path
            assert f"curl -X {method.upper()} " in page
    assert page.index('id="make_message"') < page.index('id="put_organization"')
    anchors = re.findall(r'id="([^"]+)"', page)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(anchors)


async def test_the_call_of_an_operation_can_be_made_as_it_stands(heed: Heed) -> None:
    page = unescape((await heed.request("GET", "/api/docs")).body.decode())
    call = re.search(r"curl -X PUT '[^']*(/api/orgs/acme/users/rita)'.*?-d '(.*?)'</code>", page, re.DOTALL)

    assert call
    assert (await heed.request("PUT", call[1], call[2].encode(), key=heed.key)).status == 201
