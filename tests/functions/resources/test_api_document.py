"""The OpenAPI document, and the page that shows it."""

from __future__ import annotations

import csv
import gzip
import hashlib
import re
from html import unescape
from typing import Any

import pytest

from functions.pages.assets import VENDORED
from tests.support.heed import ADMIN_KEY, BASE_URL, Heed


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
    assert not re.search(r"""\bstyle=|\bon\w+=["']""", page)
    assert "unsafe-inline" not in answer.headers["content-security-policy"]
    assert not re.search(r"""(?:src|href)=["']https?:""", page)
    assert (await heed.request("GET", loaded_by(page)[0])).headers["content-type"].startswith("text/css")


def loaded_by(page: str) -> list[str]:
    return re.findall(r'<(?:link [^>]*href|script [^>]*src)="([^"]+)"', page)


async def test_files_of_pages_have_names_that_change_with_them_and_are_kept_by_browsers(heed: Heed) -> None:
    for path in loaded_by((await heed.request("GET", "/api/docs/try")).body.decode()):
        answer = await heed.request("GET", path)
        digest = hashlib.sha256(answer.body).hexdigest()
        assert digest.startswith(path.split(".")[1]), path
        assert "immutable" in answer.headers["cache-control"]
        older = await heed.request("GET", path.replace(path.split(".")[1], "0" * 16))
        assert (older.body, older.headers["cache-control"]) == (answer.body, "no-cache")
    nothing = await heed.request("GET", "/api/docs/files/passwd.0.css")
    assert (nothing.status, nothing.json["code"]) == (404, "unknown_path")


@pytest.mark.parametrize("path", ["/api/openapi.json", "/api/docs", "/api/llms.txt"])
async def test_large_texts_are_packed_for_those_who_take_them_so(heed: Heed, path: str) -> None:
    plain = await heed.request("GET", path)
    packed = await heed.request("GET", path, headers={"accept-encoding": "br, gzip"})

    assert "content-encoding" not in plain.headers
    assert (packed.headers["content-encoding"], packed.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) * 2 < len(plain.body)


def test_files_of_others_are_those_that_the_list_names_with_their_licences() -> None:
    with (VENDORED / "files.csv").open(encoding="utf-8", newline="") as file:
        listed = list(csv.DictReader(file))

    found = {path.relative_to(VENDORED).as_posix() for path in VENDORED.glob("*/*")}
    assert {row["file"] for row in listed} == found
    for row in listed:
        assert hashlib.sha256((VENDORED / row["file"]).read_bytes()).hexdigest() == row["sha256"], row["file"]
        assert row["package"]
        assert row["version"]
        assert f"{row['file'].partition('/')[0]}/LICENSE" in found


async def test_the_page_has_an_anchor_and_a_call_for_each_operation_and_messages_before_administration(
    heed: Heed,
) -> None:
    page = (await heed.request("GET", "/api/docs")).body.decode()
    document = (await heed.request("GET", "/api/openapi.json")).json

    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert f'<section class="operation" id="{operation["operationId"]}">' in page, path
            assert f"curl -X {method.upper()} " in page
    for event in document["webhooks"].values():
        assert f'<section class="operation" id="{event["post"]["operationId"]}">' in page
    assert page.index('id="make_message"') < page.index('id="put_organization"')
    anchors = re.findall(r'id="([^"]+)"', page)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(anchors)


async def test_the_call_of_an_operation_can_be_made_as_it_stands(heed: Heed) -> None:
    page = unescape((await heed.request("GET", "/api/docs")).body.decode())
    call = re.search(r"curl -X PUT '[^']*(/api/orgs/acme/users/rita)'.*?-d '(.*?)'</code>", page, re.DOTALL)

    assert call
    assert (await heed.request("PUT", call[1], call[2].encode(), key=heed.key)).status == 201


async def test_the_text_for_models_says_what_heed_is_how_to_begin_and_where_the_rest_stands(heed: Heed) -> None:
    answer = await heed.request("GET", "/api/llms.txt")
    text = answer.body.decode()
    document = (await heed.request("GET", "/api/openapi.json")).json

    assert answer.headers["content-type"].startswith("text/plain")
    assert text.startswith("# Heed\n\n> ")
    assert "Authorization: Bearer" in text
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (await heed.request("GET", link.removeprefix(BASE_URL))).status == 200, link
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"`{method.upper()} {path}`" in text


async def test_the_way_of_a_mail_in_the_text_for_models_can_be_gone(heed: Heed) -> None:
    text = (await heed.request("GET", "/api/llms.txt")).body.decode()
    steps = re.findall(r"^\d+\. .*: `(\w+) ([^`]+)`(?:\n   `(.*)`)?$", text, re.MULTILINE)

    assert len(steps) == 7
    key, message = ADMIN_KEY, ""
    for method, path, body in steps:
        answer = await heed.request(method, path.replace("{message}", message), body.encode() or None, key=key)
        assert answer.status in (200, 201, 202), (method, path, answer.body)
        key = answer.json.get("key", key)
        message = answer.json["id"] if path.endswith("/messages") else message
    await heed.work()
    assert (await heed.get(f"/messages/{message}"))["status"] == "sent"
