"""Kill switches: links that are switched off show a plain page, and nothing is recorded."""

from __future__ import annotations

import pytest

from tests.support.attachments import add
from tests.support.heed import ADMIN_KEY, Heed

TWO_LINKS = '<p><a href="https://example.com/a">a</a> <a href="https://example.com/b">b</a></p>'


async def statuses(heed: Heed) -> list[int]:
    return [(await heed.hit(link)).status for link in heed.urls("c")]


async def raw_clicks(heed: Heed, message: str) -> int:
    await heed.work()
    return int((await heed.get(f"/messages/{message}"))["kpis"]["raw"]["clicks"])


async def test_a_link_that_is_switched_off_shows_a_page_and_the_others_lead_on(heed: Heed) -> None:
    message = await heed.sent(html=TWO_LINKS)
    listed = (await heed.get(f"/messages/{message}/links"))["items"]
    assert listed == [
        {"link": 0, "url": "https://example.com/a", "switched_off": False},
        {"link": 1, "url": "https://example.com/b", "switched_off": False},
    ]
    path = f"/messages/{message}/links/1/switch-off"
    assert await heed.put(path, None) == {"switched_off": True}
    answer = await heed.hit(heed.urls("c")[1])
    assert (answer.status, "location" in answer.headers) == (410, False)
    assert b"switched off" in answer.body
    assert b'lang="en"' in answer.body
    assert await statuses(heed) == [302, 410]
    assert await raw_clicks(heed, message) == 1
    assert [each["switched_off"] for each in (await heed.get(f"/messages/{message}/links"))["items"]] == [False, True]

    assert (await heed.api("DELETE", path)).json == {"switched_off": False}
    assert await statuses(heed) == [302, 302]


async def test_a_message_that_is_switched_off_takes_its_links_and_files_along(heed: Heed) -> None:
    message = await heed.draft(html=TWO_LINKS)
    await add(heed, message, "offer.pdf", b"%PDF-1.4 offer")
    await heed.post(f"/messages/{message}/send")
    await heed.work()
    files = heed.urls("a")
    await heed.put(f"/messages/{message}/links/switch-off", None)
    assert await statuses(heed) == [410, 410]
    assert [(await heed.hit(f"{file}/offer.pdf")).status for file in files] == [410] * len(files)
    assert files
    pixel = await heed.hit(heed.urls("o")[0])
    assert (pixel.status, len(pixel.body)) == (200, 43)
    await heed.sent(html=TWO_LINKS)
    assert await statuses(heed) == [302, 302]


async def test_an_organization_is_switched_off_by_administrators_alone(heed: Heed) -> None:
    await heed.sent(html=TWO_LINKS)
    path = "/api/orgs/acme/switch-off"
    made = await heed.request("POST", "/api/orgs/acme/keys", {"scope": "admin"}, key=ADMIN_KEY)
    for method in ("GET", "PUT", "DELETE"):
        assert (await heed.request(method, path, key=heed.key)).status == 403
    assert await statuses(heed) == [302, 302]
    for key in (ADMIN_KEY, made.json["key"]):
        assert (await heed.request("PUT", path, key=key)).json == {"switched_off": True}
        assert (await heed.request("GET", path, key=key)).json == {"switched_off": True}
        assert await statuses(heed) == [410, 410]
        assert (await heed.request("DELETE", path, key=key)).json == {"switched_off": False}
        assert (await heed.request("GET", path, key=key)).json == {"switched_off": False}
        assert await statuses(heed) == [302, 302]


async def test_another_instance_follows_when_it_reads_its_list_again(heed: Heed) -> None:
    message = await heed.sent(html=TWO_LINKS)
    other = Heed(clock=heed.clock, storage=heed.storage)
    [link, *_] = heed.urls("c")
    assert (await other.hit(link)).status == 302
    await heed.put(f"/messages/{message}/links/switch-off", None)
    await other.services.stops.list.refresh()
    assert (await other.hit(link)).status == 410
    await other.services.close()


@pytest.mark.parametrize("link", ["2", "99999", "-1", "0x1", "²", "1000000"])
async def test_a_link_that_is_not_there_is_404(heed: Heed, link: str) -> None:
    message = await heed.sent(html=TWO_LINKS)
    assert (await heed.api("PUT", f"/messages/{message}/links/{link}/switch-off")).status == 404


async def test_another_organizations_links_are_out_of_reach(heed: Heed) -> None:
    message = await heed.sent(html=TWO_LINKS)
    other = await heed.organization("globex")
    for path in (f"/messages/{message}/links/switch-off", f"/messages/{message}/links/0/switch-off"):
        assert (await heed.request("PUT", f"/api/orgs/globex{path}", key=other)).status == 404
        assert (await heed.request("PUT", f"/api/orgs/acme{path}", key=other)).status == 404
    assert (await heed.request("PUT", "/api/orgs/nothere/switch-off", key=ADMIN_KEY)).status == 404
    assert await statuses(heed) == [302, 302]
