"""Images of the body: hosted and counted where the mail is followed, inside it where it is not."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest

from lib.storage import Unavailable
from lib.storage.memory import MemoryBlobs
from lib.tokens import Claim
from pixel_fn import PIXEL
from tests.support.attachments import PDF, SVG, blobs, content, parts, send
from tests.support.heed import ADMIN_KEY, Heed
from tests.support.pictures import ALL, jpeg, png


async def upload(heed: Heed, message: str, data: bytes | None = None, name: str = "logo.png") -> Any:
    path = f"/messages/{message}/images?filename={quote(name)}"
    answer = await heed.api("POST", path, png() if data is None else data)
    assert answer.status == 201, answer.body
    return answer.json


async def with_images(heed: Heed, *pictures: bytes, **fields: Any) -> tuple[str, list[str]]:
    """A draft whose HTML shows these images, and their cids."""
    message = await heed.draft(**fields)
    cids = [(await upload(heed, message, each))["cid"] for each in pictures]
    shown = "".join(f'<img src="cid:{cid}" alt="a picture">' for cid in cids)
    await heed.api("PATCH", f"/messages/{message}", {"html": f"<html><body><p>Hi</p>{shown}</body></html>"})
    return message, cids


def hosted(heed: Heed) -> list[str]:
    return re.findall(r'"https://heed\.test(/i/[^"]+)"', content(parts(heed)["text/html"]).decode())


async def opens(heed: Heed, message: str) -> tuple[int, int, int]:
    """Human ones, all of them, and events in the timeline."""
    await heed.work()
    kpis = (await heed.get(f"/messages/{message}"))["kpis"]
    return kpis["opens"], kpis["raw"]["opens"], len((await heed.get(f"/messages/{message}/timeline"))["items"])


@pytest.mark.parametrize("kind", ALL)
async def test_a_hosted_image_is_served_as_what_its_bytes_are(heed: Heed, kind: str) -> None:
    message, _ = await with_images(heed, ALL[kind])
    await send(heed, message)
    [path] = hosted(heed)
    assert path.endswith("/logo.png")

    answer = await heed.hit(path)

    assert (answer.status, answer.body) == (200, ALL[kind])
    assert answer.headers["content-type"] == kind
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "cid:" not in content(parts(heed)["text/html"]).decode()
    assert set(parts(heed)) == {"text/plain", "text/html"}


async def test_images_and_pixel_of_one_reading_are_one_open(heed: Heed) -> None:
    message, _ = await with_images(heed, png(), jpeg())
    await send(heed, message)
    heed.clock.move(minutes=90)
    first, second = hosted(heed)
    for path in (first, heed.urls("o")[0], second, first):
        await heed.hit(path)
        heed.clock.move(seconds=2)
    assert await opens(heed, message) == (1, 1, 1)

    heed.clock.move(minutes=10)
    await heed.hit(second)
    assert await opens(heed, message) == (2, 2, 2)


async def test_an_unfollowed_mail_holds_the_images_that_it_shows(heed: Heed) -> None:
    message, [cid] = await with_images(heed, png(), follow=False)
    await upload(heed, message, jpeg(), "unused.jpg")

    await send(heed, message)

    mail = parts(heed)
    assert f'src="cid:{cid}"' in content(mail["text/html"]).decode()
    assert (mail["logo.png"]["Content-ID"], content(mail["logo.png"])) == (f"<{cid}>", png())
    assert mail["logo.png"].get_content_disposition() == "inline"
    assert "unused.jpg" not in mail


PLACES = (
    '<div style="background:url(cid:{})">Hi</div>',
    "<div style='background:url(\"cid:{}\") no-repeat'>Hi</div>",
    '<div style="background:url(&quot;cid:{}&quot;)">Hi</div>',
    "<div style=background:url(cid:{})>Hi</div>",
    '<table background="cid:{}"><tr><td>Hi</table>',
    "<td BACKGROUND = CID:{}>Hi</td>",
    '<body background=" cid:{} "><p>Hi</body>',
    '<img srcset="cid:{} 2x, https://e.example/x.png 1x" src="https://e.example/x.png">',
    '<picture><source srcset="https://e.example/x.png, cid:{} 600w"></picture>',
    "<style>.hero {{ background: url('cid:{}') }}</style><p>Hi",
    "<!--[if mso]><style>td {{ background-image: url( cid:{} ) }}</style><![endif]--><p>Hi",
    '<!--[if gte mso 9]><v:rect><v:fill type="frame" src="cid:{}" color="#fff"/></v:rect><![endif]--><p>Hi',
    '<!--[if mso]><v:image src="cid:{}" style="width:1in"/><![endif]--><p>Hi',
    '<!--[if vml]><v:shape><v:imagedata src="cid:{}"/></v:shape><![endif]--><p>Hi',
    '<!--[if mso]><td background="cid:{}"><![endif]--><p>Hi',
    '<svg><a></a></svg><p title=">"><td background="cid:{}">Hi',
)


@pytest.mark.parametrize("place", PLACES)
async def test_an_image_is_hosted_wherever_the_html_shows_it(heed: Heed, place: str) -> None:
    message, [cid] = await with_images(heed, png())
    await heed.api("PATCH", f"/messages/{message}", {"html": place.format(cid)})
    await send(heed, message)

    html = content(parts(heed)["text/html"]).decode()
    [path] = re.findall(r"https://heed\.test(/i/[\w-]+/logo\.png)", html)
    assert (await heed.hit(path)).body == png()
    assert "cid:" not in html.lower()
    assert set(parts(heed)) == {"text/plain", "text/html"}


@pytest.mark.parametrize("place", PLACES)
async def test_a_mail_that_is_not_followed_holds_the_image_wherever_it_shows_it(heed: Heed, place: str) -> None:
    message, [cid] = await with_images(heed, png(), follow=False)
    await heed.api("PATCH", f"/messages/{message}", {"html": place.format(cid)})
    await send(heed, message)

    assert content(parts(heed)["text/html"]).decode().replace("\r\n", "\n") == place.format(cid)
    assert parts(heed)["logo.png"]["Content-ID"] == f"<{cid}>"


@pytest.mark.parametrize("place", PLACES)
async def test_a_cid_without_an_image_is_remarked_wherever_it_stands(heed: Heed, place: str) -> None:
    message = await heed.draft(html=place.format("nowhere@x"))
    await send(heed, message)

    assert [each["code"] for each in (await heed.get(f"/messages/{message}"))["remarks"]] == ["no-such-image"]


@pytest.mark.parametrize(
    "text",
    [
        "<p>url(cid:{})</p>",
        '<p title="url(cid:{})">x</p>',
        "<!-- <td background='cid:{}'> -->",
        "<textarea><td background='cid:{}'></textarea>",
        "<style>.cid:hover {{ color: red }} /* cid:{} */</style>",
    ],
)
async def test_what_shows_no_image_stays_as_it_is(heed: Heed, text: str) -> None:
    message, [cid] = await with_images(heed, png())
    await heed.api("PATCH", f"/messages/{message}", {"html": text.format(cid)})
    await send(heed, message)

    assert text.format(cid) in content(parts(heed)["text/html"]).decode()


@pytest.mark.parametrize(
    "place", ['<td background="{}">', '<p style="background:url({})">', "<style>a{{b:url('{}')}}</style>"]
)
async def test_a_background_of_older_mail_that_is_quoted_is_shown_and_tells_nobody(heed: Heed, place: str) -> None:
    older, _ = await with_images(heed, png())
    await send(heed, older)
    [path] = hosted(heed)
    newer = await heed.draft(html=place.format(f"https://heed.test{path}"))
    await send(heed, newer)
    heed.clock.move(minutes=90)

    html = content(parts(heed)["text/html"]).decode()
    [shown] = re.findall(r"https://heed\.test(/i/[\w-]+/logo\.png)", html)
    assert (await heed.hit(shown)).body == png()
    assert await opens(heed, older) == (0, 0, 0)


async def test_a_cid_without_an_image_stays_and_its_author_is_told_where(heed: Heed) -> None:
    message = await heed.draft(html='<p>Hi</p>\n<img src="cid:nowhere@x"><img src="https://example.com/a.png">')
    await send(heed, message)
    assert 'src="cid:nowhere@x"' in content(parts(heed)["text/html"]).decode()
    [remark] = (await heed.get(f"/messages/{message}"))["remarks"]
    assert (remark["code"], remark["place"]) == ("no-such-image", "html line 2, column 11")


async def test_an_image_of_older_mail_that_is_quoted_is_shown_and_tells_nobody(heed: Heed) -> None:
    older, _ = await with_images(heed, png())
    await send(heed, older)
    [path] = hosted(heed)
    newer = await heed.draft(html=f'<p>As I wrote:</p><blockquote><img src="https://heed.test{path}"></blockquote>')
    await send(heed, newer)
    heed.clock.move(minutes=90)
    [quoted] = hosted(heed)

    assert quoted != path
    assert (await heed.hit(quoted)).body == png()
    assert await opens(heed, older) == (0, 0, 0)
    assert await opens(heed, newer) == (0, 0, 0)


async def test_a_bad_token_and_storage_that_is_down_show_the_pixel_and_never_an_error(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    message, _ = await with_images(heed, png())
    await send(heed, message)
    [path] = hosted(heed)

    async def down(blobs: MemoryBlobs, container: str, name: str) -> bytes:
        raise Unavailable("storage does not answer")

    monkeypatch.setattr(MemoryBlobs, "read_blob", down)
    for each in (path, "/i/nonsense/a.png", "/i/" + heed.urls("o")[0][3:-4] + "/a.png"):
        answer = await heed.hit(each)
        assert (answer.status, answer.body, answer.headers["content-type"]) == (200, PIXEL, "image/gif")


async def test_an_image_that_fails_in_an_unforeseen_way_is_the_pixel_and_an_open_all_the_same(
    heed: Heed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    message, _ = await with_images(heed, png())
    await send(heed, message)
    [image] = hosted(heed)

    async def broken(*of: object) -> bytes:
        raise RuntimeError("nobody has thought of this")

    monkeypatch.setattr(MemoryBlobs, "read_blob", broken)
    answer = await heed.hit(image)
    assert (answer.status, answer.body) == (200, PIXEL)
    assert "nobody has thought of this" in caplog.text
    assert (await opens(heed, message))[1] == 1


async def test_an_image_that_was_shown_is_shown_again_without_storage(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    message, _ = await with_images(heed, png())
    await send(heed, message)
    [path] = hosted(heed)
    await heed.hit(path)
    monkeypatch.delattr(MemoryBlobs, "read_blob")
    assert (await heed.hit(path)).body == png()


async def test_only_so_many_bytes_of_images_stay_in_memory(heed: Heed) -> None:
    from lib.files.hosted_images import HostedImages
    from lib.tokens import Claim

    images = HostedImages(heed.storage.blobs, heed.services.organizations, heed.clock, most_bytes=2 * len(png()))
    for name in "abc":
        await heed.storage.blobs.put_blob("heed-acme", f"images/m/{name}", png(), "image/png")
        assert await images.read_image(Claim("acme", "m", destination=name)) == (png(), "image/png")
        await heed.storage.blobs.delete_blob("heed-acme", f"images/m/{name}")
    found = [await images.read_image(Claim("acme", "m", destination=name)) for name in "abc"]
    assert [each is not None for each in found] == [False, True, True]


@pytest.mark.parametrize("data", [b"", SVG, png()[:-5], b"<html>", PDF, b"BM" + bytes(80)])
async def test_what_is_no_whole_image_of_a_known_kind_is_refused(heed: Heed, data: bytes) -> None:
    message = await heed.draft()
    answer = await heed.api("POST", f"/messages/{message}/images?filename=a.png", data)
    assert (answer.status, answer.json["errors"][0]["loc"]) == (422, ["body"])
    assert blobs(heed) == []


async def test_an_image_has_at_most_five_megabytes(heed: Heed) -> None:
    message = await heed.draft()
    large = jpeg()[:-2] + bytes(5 * 1024 * 1024) + b"\xff\xd9"
    assert (await heed.api("POST", f"/messages/{message}/images?filename=a.jpg", large)).status == 413


async def test_a_sent_message_and_another_organizations_get_no_image(heed: Heed) -> None:
    message = await heed.draft()
    other = await heed.organization("other")
    path = f"/messages/{message}/images?filename=a.png"
    assert (await heed.request("POST", f"/api/orgs/other{path}", png(), key=other)).status == 404
    await send(heed, message)
    assert (await heed.api("POST", path, png())).status == 409
    assert blobs(heed) == []


async def test_an_upload_is_told_which_limit_the_picture_exceeds(heed: Heed) -> None:
    message = await heed.draft()

    answer = await heed.api("POST", f"/messages/{message}/images?filename=logo.png", jpeg(65_535, 65_535))

    assert answer.status == 422
    assert answer.json["errors"][0]["loc"] == ["body"]
    assert "65,535 by 65,535 pixels; a side has at most 16,384 pixels" in answer.json["detail"]


async def shown_in(heed: Heed) -> str:
    """The path of an image that was shown, and is in memory since."""
    message, _ = await with_images(heed, png())
    await send(heed, message)
    [path] = hosted(heed)
    assert (await heed.hit(path)).body == png()
    return path


@pytest.mark.parametrize("made_again", [False, True])
async def test_images_of_a_deleted_organization_leave_memory_within_a_minute(heed: Heed, made_again: bool) -> None:
    path = await shown_in(heed)
    await heed.organization("other")

    await heed.request("DELETE", "/api/orgs/acme", key=ADMIN_KEY)
    heed.clock.move(seconds=61)
    if made_again:
        heed.clock.move(minutes=1)
        await heed.start()

    assert (await heed.hit(path)).body == PIXEL


async def test_an_image_of_another_organization_has_a_deleted_ones_dropped(heed: Heed) -> None:
    path = await shown_in(heed)
    await heed.organization("other")
    await heed.request("DELETE", "/api/orgs/acme", key=ADMIN_KEY)
    heed.clock.move(seconds=61)

    other = Claim("other", "0" * 32, None, 0x8000, "none")
    assert await heed.services.recipients.hosted_images.read_image(other) is None

    heed.clock.move(seconds=-61)  # no further look can drop it
    assert (await heed.hit(path)).body == PIXEL


async def test_an_image_in_memory_is_shown_while_the_registry_does_not_answer(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await shown_in(heed)
    looks = 0

    async def down(organization: str) -> Any:
        nonlocal looks
        looks += 1
        raise Unavailable(organization)

    monkeypatch.setattr(heed.services.organizations, "load_organization", down)
    heed.clock.move(minutes=10)

    assert [(await heed.hit(path)).body for _ in range(3)] == [png()] * 3
    assert looks == 1
