"""A mail that is sent in Outlook: it leaves once, with what Heed prepared, or as it was written; never later than after
3 seconds of waiting for Heed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from tests.outlook.stage import BOB, HTML, Outlook, Stage, staged, written
from tests.support.heed import Heed
from tests.support.inbound import raw_mail, receive

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECONDS = 3 * 8
"""The deadline as the tab counts it: 8 times longer, as a busy machine answers late."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with staged(tmp_path_factory.mktemp("outlook")) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def outlook(stage: Stage) -> AsyncIterator[Outlook]:
    """The runtime of Outlook's events, for the user rep1, who has signed in."""
    stage.heed = await Heed().start()
    shown = await stage.open("launch", written(), token=await stage.token())
    await shown.tab.clock.install()
    stretched = "{ const start = setTimeout; setTimeout = (act, after, ...more) => start(act, 8 * after, ...more); }"
    await shown.tab.evaluate(stretched)
    yield shown
    await shown.tab.context.close()


async def test_a_mail_leaves_byte_by_byte_as_prepared_and_is_reported(stage: Stage, outlook: Outlook) -> None:
    async with outlook.tab.expect_response("**/prepare") as answered:
        await outlook.send()
    prepared = await (await answered.value).json()
    left = await outlook.left()

    [copy] = prepared["copies"]
    assert left["allowEvent"] is True
    assert left["body"] == copy["html"]
    assert "/c/k1" in left["body"]
    assert left["headers"] == {"X-Heed-Message": prepared["mark"]}
    [message] = (await stage.heed.get("/messages?view=followed"))["items"]
    assert left["properties"] == {"heed-message": message["id"], "heed-prepared": message["id"]}
    assert (message["status"], message["copies"], message["from"]) == ("sent", "one", "rep1")
    assert message["to"] == [{"email": "ada@example.com", "name": "Ada Lovett", "record": None}]
    assert outlook.complaints == []


async def test_a_mail_of_text_stays_text_with_the_links_that_heed_gave(outlook: Outlook) -> None:
    async with outlook.tab.expect_response("**/prepare") as answered:
        await outlook.send(written(body="See https://shop.example/offer", bodyType="text"))
    prepared = await (await answered.value).json()

    assert (await outlook.left())["body"] == prepared["copies"][0]["text"]
    assert "/c/k1" in prepared["copies"][0]["text"]


async def test_recipients_share_one_mail_and_a_no_leaves_it_without_tracking(stage: Stage, outlook: Outlook) -> None:
    await outlook.send(written(cc=[BOB]))
    assert "/o/k1" in (await outlook.left())["body"]
    await stage.heed.put("/consents/bob@fabrikam.example", {"follow": "do_not_allow", "source": "phone"})

    await outlook.send(written(cc=[BOB]))
    left = await outlook.left()

    assert left["body"] == HTML
    sent = await stage.heed.get(f"/messages/{left['properties']['heed-message']}")
    assert (sent["status"], sent["follow_state"]["blocked_by"]) == ("sent", ["bob@fabrikam.example"])


async def test_what_was_chosen_in_the_pane_goes_along(stage: Stage, outlook: Outlook) -> None:
    reminder = {"title": "Call", "condition": "no_reply", "at": "2026-05-20T07:00:00Z"}
    draft = await stage.heed.draft(html=None, copies="one", reminder=reminder)

    await outlook.send(written(properties={"heed-message": draft}))

    assert (await outlook.left())["properties"] == {"heed-message": draft, "heed-prepared": draft}
    sent = await stage.heed.get(f"/messages/{draft}")
    assert (sent["status"], sent["subject"], sent["reminder"]["title"]) == ("sent", "Our offer", "Call")


async def test_a_mail_whose_draft_is_gone_or_another_organizations_becomes_a_message_of_its_own(
    stage: Stage, outlook: Outlook
) -> None:
    await outlook.send(written(properties={"heed-message": "0" * 32}))

    left = await outlook.left()

    assert "/o/k1" in left["body"]
    [message] = (await stage.heed.get("/messages?view=all"))["items"]
    assert left["properties"]["heed-message"] == message["id"]


async def test_an_outlook_that_keeps_no_ids_and_takes_no_headers_still_has_the_mail_followed(
    stage: Stage, outlook: Outlook
) -> None:
    await outlook.tab.evaluate("standIn.failing = ['internetHeaders.setAsync', 'customProperties.saveAsync']")

    await outlook.send()

    assert "/o/k1" in (await outlook.left())["body"]
    [message] = (await stage.heed.get("/messages?view=followed"))["items"]
    assert message["status"] == "sent"


async def test_a_body_that_outlook_does_not_take_leaves_as_it_was_written(stage: Stage, outlook: Outlook) -> None:
    await outlook.tab.evaluate("standIn.failing = ['body.setAsync']")

    async with outlook.tab.expect_response(lambda answer: answer.request.method == "DELETE"):
        await outlook.send()

    left = await outlook.left()
    assert (left["body"], left["headers"], left["properties"]) == (HTML, {}, {})
    assert (await stage.heed.get("/messages?view=all"))["items"] == []


async def test_a_mail_that_is_sent_again_leaves_as_it_is_and_stays_one_message(stage: Stage, outlook: Outlook) -> None:
    await outlook.send()
    first = await outlook.left()

    await outlook.send(written(body=first["body"], properties=first["properties"]))

    assert (await outlook.left())["body"] == first["body"]
    assert len((await stage.heed.get("/messages?view=all"))["items"]) == 1


async def test_a_mail_that_was_stopped_and_goes_to_another_who_says_no_is_not_followed(
    stage: Stage, outlook: Outlook
) -> None:
    """Nothing of the first time stays in it: its links would take the one recipient for the other."""
    await stage.heed.put("/consents/bob@fabrikam.example", {"follow": "do_not_allow", "source": "phone"})
    await outlook.send()
    first = await outlook.left()

    await outlook.send(written(to=[BOB], body=first["body"], properties=first["properties"]))

    left = await outlook.left()
    assert "/o/k1" in first["body"]
    assert "/o/k1" not in left["body"]
    assert "/c/k1" not in left["body"]
    assert left["properties"]["heed-message"] != first["properties"]["heed-message"]


async def test_a_mail_made_from_one_that_was_not_to_be_followed_is_not_followed(stage: Stage, outlook: Outlook) -> None:
    draft = await stage.heed.draft(html=None, copies="one", follow=False)
    await outlook.send(written(properties={"heed-message": draft}))
    first = await outlook.left()

    await outlook.send(written(to=[BOB], body=first["body"], properties=first["properties"]))

    assert "/o/k1" not in (await outlook.left())["body"]


async def test_names_and_a_subject_with_odd_characters_do_not_keep_a_mail_from_being_followed(
    stage: Stage, outlook: Outlook
) -> None:
    odd = {"emailAddress": " ada@example.com ", "displayName": f"{'a' * 199}\U0001f600"}
    line = {"emailAddress": "bob@fabrikam.example", "displayName": "Bob\t\r\nB\u2028."}
    await outlook.send(written(to=[odd, line], subject="Our\toffer\n"))

    assert "/o/k1" in (await outlook.left())["body"]
    [message] = (await stage.heed.get("/messages?view=followed"))["items"]
    assert [each["name"] for each in message["to"]] == ["a" * 199, "Bob   B ."]
    assert message["subject"] == "Our offer"


IMAGE = '<img src="cid:logo@acme.example" alt="">'
SHOWN = '<img src="data:image/png;base64,AA==" originalsrc="cid:logo@acme.example">'


@pytest.mark.parametrize(
    "fields",
    [
        {"body": f"<p>x</p>{IMAGE}", "composeType": "reply"},
        {"body": f"<p>x</p>{SHOWN}", "composeType": "forward"},
        {"body": f"<p>x</p>{IMAGE}", "inReplyTo": "<answer1@example.com>"},
        {"body": f"<p>x</p>{IMAGE * 10}"},
    ],
    ids=["answer", "forward", "draft of an answer", "many"],
)
async def test_a_mail_whose_images_outlook_would_lose_leaves_as_it_was_written(
    stage: Stage, outlook: Outlook, fields: dict[str, Any]
) -> None:
    shown = await stage.open("launch", written(**fields), token=await stage.token())

    await shown.send()

    assert (await shown.left())["body"] == fields["body"]
    assert (await stage.heed.get("/messages?view=all"))["items"] == []
    await shown.tab.context.close()


async def test_a_new_mail_with_a_logo_and_an_answer_without_images_are_followed(outlook: Outlook) -> None:
    for fields in ({"body": f"<p>x</p>{IMAGE}"}, {"composeType": "reply"}):
        await outlook.send(written(**fields))
        assert "/o/k1" in (await outlook.left())["body"]


async def test_a_draft_that_is_made_after_the_time_is_over_goes(stage: Stage, outlook: Outlook) -> None:
    waiting: list[Any] = []
    await outlook.tab.route("**/messages", lambda route: waiting.append(route))
    async with outlook.tab.expect_request("**/messages"):
        await outlook.send()
    await outlook.tab.clock.fast_forward(SECONDS * 1_000)
    assert (await outlook.left_by_now())["body"] == HTML

    async with outlook.tab.expect_response(lambda answer: answer.request.method == "DELETE"):
        await waiting[0].continue_()

    assert (await stage.heed.get("/messages?view=all"))["items"] == []


async def test_ids_that_outlook_refuses_once_are_kept(outlook: Outlook) -> None:
    await outlook.tab.evaluate("standIn.failingOnce = ['customProperties.saveAsync']")

    await outlook.send()

    assert set((await outlook.left())["properties"]) == {"heed-message", "heed-prepared"}


async def test_a_browser_that_keeps_frames_from_storage_still_signs_in(stage: Stage) -> None:
    """Some do so where a frame is of another site than the page around it."""
    stage.heed = await Heed().start()
    shown = await stage.open("launch", written())
    await shown.tab.add_init_script(
        "Object.defineProperty(globalThis, 'sessionStorage',"
        " { get() { throw new DOMException('no', 'SecurityError'); } });"
    )
    await shown.tab.reload()
    said: list[str] = []
    shown.tab.on("console", lambda each: said.append(each.text))

    await shown.send()

    assert (await shown.left())["body"] == HTML
    assert said == ["Heed: as_written not_signed_in"]
    await shown.tab.context.close()


async def test_an_answer_joins_the_thread_of_the_mail_that_it_answers(stage: Stage, outlook: Outlook) -> None:
    await outlook.send()
    first = (await outlook.left())["properties"]["heed-message"]
    known = (await stage.heed.get(f"/messages/{first}"))["message_id"]
    await receive(stage.heed, raw_mail(In_Reply_To=known))

    answer = await stage.open("launch", written(inReplyTo="<answer1@example.com>"), token=await stage.token())
    await answer.send()

    message = (await answer.left())["properties"]["heed-message"]
    assert (await stage.heed.get(f"/messages/{message}"))["conversation"] == first
    await answer.tab.context.close()


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"itemClass": "IPM.Note.SMIME.MultipartSigned"}, "signed"),
        ({"itemClass": "IPM.Schedule.Meeting.Request"}, "a meeting that is forwarded"),
        ({"from": {"emailAddress": "support@acme.example", "displayName": ""}}, "a shared mailbox"),
        ({"to": [{"emailAddress": f"a{n}@example.com", "displayName": ""} for n in range(501)]}, "501 recipients"),
        ({"to": [{"emailAddress": "nobody", "displayName": ""}]}, "an address that is none"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_heed_cannot_follow_leaves_as_it_was_written(
    stage: Stage, outlook: Outlook, fields: dict[str, Any], why: str
) -> None:
    await outlook.send(written(**fields))
    left = await outlook.left()

    assert left["allowEvent"] is True
    assert left["body"] == written(**fields)["body"]
    assert left["headers"] == {}
    assert (await stage.heed.get("/messages?view=all"))["items"] == []


async def test_10_megabytes_leave_as_they_were_written(stage: Stage, outlook: Outlook) -> None:
    await outlook.tab.evaluate("() => { standIn.item.body = 'x'.repeat(10_000_000); standIn.send(); }")

    await outlook.tab.evaluate("standIn.left")

    assert await outlook.tab.evaluate("standIn.completed[0].body === 'x'.repeat(10_000_000)")
    assert (await stage.heed.get("/messages?view=all"))["items"] == []


async def test_500_recipients_are_followed_together(outlook: Outlook) -> None:
    people = [{"emailAddress": f"a{number}@example.com", "displayName": ""} for number in range(500)]

    await outlook.send(written(to=people))

    assert "/o/k1" in (await outlook.left())["body"]


@pytest.mark.parametrize("path", ["**/whoami", "**/messages", "**/prepare", "**/sent"])
async def test_a_heed_that_hangs_holds_a_mail_up_for_3_seconds_at_most(outlook: Outlook, path: str) -> None:
    await outlook.tab.route(path, lambda route: None)
    async with outlook.tab.expect_request(path):
        await outlook.send()
    await outlook.tab.clock.fast_forward(SECONDS * 1_000)

    left = await outlook.left_by_now()

    assert left["allowEvent"] is True
    # Once the body is in place, only the report is missing, which the pane makes up for.
    assert (left["body"] == HTML) == (path != "**/sent")


@pytest.mark.parametrize(
    "method",
    ["getItemClassAsync", "body.getAsync", "body.setAsync", "customProperties.saveAsync", "internetHeaders.setAsync"],
)
async def test_an_outlook_that_does_not_answer_holds_a_mail_up_no_longer(outlook: Outlook, method: str) -> None:
    await outlook.tab.evaluate("method => { standIn.silent = [method]; }", method)
    await outlook.send()
    for _ in range(10):  # Heed's answers come in real time, the deadline in this one.
        await outlook.tab.clock.fast_forward(SECONDS * 100)
        await outlook.tab.evaluate("new Promise(done => setTimeout(done, 0))")
    await outlook.tab.clock.fast_forward(SECONDS * 1_000)

    assert (await outlook.left_by_now())["allowEvent"] is True


def refusing(status: int) -> Callable[[Any], Any]:
    """What answers a request with this status."""
    return lambda route: route.fulfill(status=status, body="{}", content_type="application/problem+json")


async def test_a_heed_that_refuses_lets_the_mail_leave_at_once(outlook: Outlook) -> None:
    left = []
    for status in (409, 422, 429, 500, 503):
        await outlook.tab.unroute_all()
        await outlook.tab.route("**/prepare", refusing(status))
        await outlook.send(written())
        left.append(await outlook.left())

    assert [(each["allowEvent"], each["body"], each["headers"]) for each in left] == [(True, HTML, {})] * 5


async def test_the_draft_of_a_mail_that_leaves_as_it_was_written_goes(stage: Stage, outlook: Outlook) -> None:
    await outlook.tab.route("**/prepare", refusing(503))

    async with outlook.tab.expect_response(lambda answer: answer.request.method == "DELETE"):
        await outlook.send()

    assert (await stage.heed.get("/messages?view=all"))["items"] == []


async def test_offline_a_mail_leaves_as_it_was_written(outlook: Outlook) -> None:
    await outlook.tab.context.set_offline(True)

    await outlook.send()

    assert (await outlook.left())["body"] == HTML


async def test_an_answer_that_comes_too_late_changes_nothing(outlook: Outlook) -> None:
    waiting: list[Any] = []
    await outlook.tab.route("**/prepare", lambda route: waiting.append(route))
    async with outlook.tab.expect_request("**/prepare"):
        await outlook.send()
    await outlook.tab.clock.fast_forward(SECONDS * 1_000)
    assert (await outlook.left_by_now())["body"] == HTML

    await waiting[0].continue_()
    await outlook.tab.clock.fast_forward(SECONDS * 1_000)

    assert (await outlook.item())["body"] == HTML
    assert (await outlook.item())["headers"] == {}


async def test_a_token_that_ran_out_while_writing_lets_the_mail_leave(stage: Stage, outlook: Outlook) -> None:
    stage.heed.clock.move(minutes=16)

    await outlook.send()
    left = await outlook.left()

    assert (left["allowEvent"], left["body"]) == (True, HTML)
    assert await outlook.tab.evaluate("sessionStorage.getItem('heed.token')") is None


async def test_two_clients_that_send_one_draft_make_one_message(stage: Stage, outlook: Outlook) -> None:
    draft = await stage.heed.draft(html=None, copies="one")
    other = await stage.open("launch", written(), token=await stage.token())

    for client in (outlook, other):
        await client.send(written(properties={"heed-message": draft}))
    bodies = [(await client.left())["body"] for client in (outlook, other)]

    assert any("/o/k1" in body for body in bodies)
    [message] = (await stage.heed.get("/messages?view=all"))["items"]
    assert (message["id"], message["status"]) == (draft, "sent")
    await other.tab.context.close()


async def test_nobody_who_has_not_signed_in_waits_for_heed(stage: Stage) -> None:
    stage.heed = await Heed().start()
    shown = await stage.open("launch", written())

    await shown.send()

    assert (await shown.left())["body"] == HTML
    await shown.tab.context.close()


async def test_classic_outlook_without_a_document_lets_mail_leave(stage: Stage) -> None:
    """Its runtime has neither a document nor a session storage."""
    script = (await stage.request("GET", "/outlook/-/launchevent.js")).body.decode()
    tab = await stage.browser.new_page()

    allowed = await tab.evaluate(
        """async script => {
            const handlers = {}, Office = { actions: { associate: (name, made) => { handlers[name] = made; } } };
            new Function("Office", "document", "sessionStorage", "location", script)(Office);
            return new Promise(done => handlers.onMessageSend({ completed: said => done(said.allowEvent) }));
        }""",
        script,
    )

    assert allowed is True
    await tab.close()
