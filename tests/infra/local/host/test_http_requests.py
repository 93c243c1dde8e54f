"""What a function is told of an HTTP request, and what becomes of its answer."""

from collections.abc import AsyncIterator

import aiohttp
import azure.functions as func
import pytest

from infra.local.host.http_triggers import MAX_BODY_BYTES
from tests.support.hosts import running_host

NO_PREFIX = {"extensions": {"http": {"routePrefix": ""}}}


def make_application() -> func.FunctionApp:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("describe/{name}", methods=["GET", "POST"])
    async def describe(req: func.HttpRequest) -> func.HttpResponse:
        lines = [
            req.method,
            req.url,
            dict(req.params),
            dict(req.route_params),
            req.headers.get("X-Thing"),
            req.get_body(),
        ]
        return func.HttpResponse(repr(lines))

    @app.route("echo", methods=["POST"])
    def echo(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(req.get_body(), mimetype="application/octet-stream")

    @app.route("size", methods=["POST"])
    async def size(req: func.HttpRequest) -> str:
        return str(len(req.get_body()))

    @app.route("form", methods=["POST"])
    def form(req: func.HttpRequest) -> str:
        return str(req.form["action"])

    @app.route("pixel", methods=["GET", "HEAD"])
    async def pixel(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(b"GIF89a", mimetype="image/gif", headers={"Cache-Control": "no-store"})

    @app.route("two-cookies")
    async def two_cookies(req: func.HttpRequest) -> func.HttpResponse:
        response = func.HttpResponse(status_code=302, headers={"Location": "https://example.com/"})
        response.headers.add("Set-Cookie", "a=1")
        response.headers.add("Set-Cookie", "b=2")
        return response

    @app.route("typed")
    async def typed(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse("{}", headers={"Content-Type": "application/problem+json"})

    @app.route("nothing")
    async def nothing(req: func.HttpRequest) -> None:
        return None

    return app


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        running_host(make_application(), host_json=NO_PREFIX) as host,
        aiohttp.ClientSession(host.base_url) as session,
    ):
        yield session


async def described(response: aiohttp.ClientResponse) -> list[object]:
    assert response.status == 200
    return list(eval(await response.text()))


async def test_a_function_sees_method_url_parameters_headers_and_body(client: aiohttp.ClientSession) -> None:
    response = await client.post(
        "/describe/ada?q=1&Q=2&empty=&r=a%20b", data=b"\x00\xff", headers=[("X-Thing", "1"), ("X-Thing", "2")]
    )
    method, url, params, route_params, header, body = await described(response)
    assert method == "POST"
    assert url == str(response.url)
    # As the Functions host does: names in any case, repeated values joined, empty ones left out.
    assert params == {"q": "1,2", "r": "a b"}
    assert route_params == {"name": "ada"}
    assert header == "1,2"
    assert body == b"\x00\xff"


async def test_binary_bodies_come_and_go_unchanged(client: aiohttp.ClientSession) -> None:
    body = bytes(range(256)) * 4096
    response = await client.post("/echo", data=body)
    assert await response.read() == body
    assert response.headers["Content-Type"] == "application/octet-stream"


async def test_a_body_without_a_length_is_read_to_its_end(client: aiohttp.ClientSession) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"first "
        yield b"second"

    response = await client.post("/echo", data=chunks())
    assert await response.read() == b"first second"


async def test_forms_are_parsed(client: aiohttp.ClientSession) -> None:
    response = await client.post("/form", data={"action": "stop"})
    assert await response.text() == "stop"
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"


async def test_head_has_no_body_but_its_length(client: aiohttp.ClientSession) -> None:
    response = await client.head("/pixel")
    assert response.status == 200
    assert response.headers["Content-Length"] == "6"
    assert response.headers["Content-Type"] == "image/gif"
    assert response.headers["Cache-Control"] == "no-store"


async def test_repeated_answer_headers_are_all_sent(client: aiohttp.ClientSession) -> None:
    response = await client.get("/two-cookies", allow_redirects=False)
    assert response.status == 302
    assert response.headers["Location"] == "https://example.com/"
    assert response.headers.getall("Set-Cookie") == ["a=1", "b=2"]


async def test_a_content_type_among_the_headers_wins(client: aiohttp.ClientSession) -> None:
    response = await client.get("/typed")
    assert response.headers.getall("Content-Type") == ["application/problem+json"]


async def test_a_function_that_returns_nothing_answers_204(client: aiohttp.ClientSession) -> None:
    response = await client.get("/nothing")
    assert response.status == 204
    assert "Content-Length" not in response.headers


async def test_an_unknown_path_is_404_with_an_empty_body(client: aiohttp.ClientSession) -> None:
    response = await client.get("/nowhere")
    assert response.status == 404
    assert await response.read() == b""


async def test_a_method_that_no_function_has_is_404_with_an_empty_body(client: aiohttp.ClientSession) -> None:
    response = await client.delete("/pixel")
    assert response.status == 404
    assert await response.read() == b""
    assert "Allow" not in response.headers


async def test_head_is_answered_only_where_a_function_lists_it(client: aiohttp.ClientSession) -> None:
    response = await client.head("/describe/ada")
    assert response.status == 404


async def test_a_body_that_says_it_is_over_the_limit_is_413_before_it_is_sent(client: aiohttp.ClientSession) -> None:
    length = str(MAX_BODY_BYTES + 1)
    response = await client.post("/size", headers={"Content-Length": length, "Expect": "100-continue"}, data=b"")
    assert response.status == 413


async def pieces(size: int) -> AsyncIterator[bytes]:
    """A body of that size, which is sent in chunks and says nothing of its length."""
    piece = bytes(1024 * 1024)
    for start in range(0, size, len(piece)):
        yield piece[: size - start]


async def test_a_body_in_chunks_may_be_as_large_as_the_limit_and_no_larger(client: aiohttp.ClientSession) -> None:
    response = await client.post("/size", data=pieces(MAX_BODY_BYTES))
    assert await response.text() == str(MAX_BODY_BYTES)
    response = await client.post("/size", data=pieces(MAX_BODY_BYTES + 1))
    assert response.status == 413
    assert await response.read() == b""


async def test_a_client_that_goes_on_sending_hears_that_it_is_too_much(client: aiohttp.ClientSession) -> None:
    response = await client.post("/size", data=pieces(MAX_BODY_BYTES + 32 * 1024 * 1024))
    assert response.status == 413
    # The next request needs another connection, and gets one.
    assert (await client.post("/size", data=b"four")).status == 200


async def test_routes_have_the_prefix_api_unless_host_json_says_otherwise() -> None:
    async with running_host(make_application()) as host, aiohttp.ClientSession(host.base_url) as session:
        assert (await session.get("/api/pixel")).status == 200
        assert (await session.get("/pixel")).status == 404
