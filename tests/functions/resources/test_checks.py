"""What an author is told of a mail before it is sent: on the draft, in a simulation and in a prepared mail alike."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from lib.checks import CHECKS, CheckCode, make_check
from lib.storage import Range, Unavailable
from lib.transports.memory import MemoryTransport
from lib.transports.protocol import Accepted, RecipientRefusal
from tests.support.attachments import add
from tests.support.heed import Heed

LOGO = '<img src="https://example.com/logo.png" width="120">'


def codes(answer: Any) -> list[str]:
    return [check["code"] for check in answer["check"]]


async def everywhere(heed: Heed, **fields: Any) -> list[list[str]]:
    """The codes on a draft, in a simulation and in a prepared mail."""
    message = await heed.draft(**fields)
    read = await heed.get(f"/messages/{message}")
    given = {name: read[name] for name in ("from", "to", "subject", "html", "text", "follow")}
    simulated = await heed.post("/simulate", given)
    prepared = await heed.post(f"/messages/{message}/prepare")
    return [codes(read), codes(simulated), codes(prepared)]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"html": f"<p>Hi</p>{LOGO}"}, []),
        ({"html": "<p>Hi</p>"}, ["no_visible_image"]),
        ({"html": "<p>Hi</p>", "follow": False}, []),
        ({"html": None, "text": "Hi"}, ["text_only"]),
        ({"html": None, "text": "Hi", "follow": False}, []),
        ({"html": f"<p>{'x' * 103_000}</p>{LOGO}"}, ["clipped"]),
        ({"html": f"<p>{'x' * 103_000}</p>", "follow": False}, ["clipped"]),
        ({"html": f"<p>{'x' * 500_000}</p>"}, ["clipped", "no_visible_image"]),
        # The links of ours are what makes it too large.
        ({"html": LOGO + '<a href="https://example.com/">a</a>' * 900}, ["clipped"]),
    ],
)
async def test_the_same_is_said_wherever_a_mail_is_looked_at(
    heed: Heed, fields: dict[str, Any], expected: list[str]
) -> None:
    assert await everywhere(heed, **fields) == [expected] * 3


async def test_a_scheduled_mail_is_held_against_the_providers_limits_alone(heed: Heed) -> None:
    message = await heed.draft(html="<p>Hi</p>", deliver_at="2026-05-05T09:00:00Z")
    before = codes(await heed.get(f"/messages/{message}"))
    await heed.post(f"/messages/{message}/send")
    assert (before, codes(await heed.get(f"/messages/{message}"))) == (["no_visible_image"], [])


async def test_a_followed_file_with_a_sensitive_name_is_pointed_out(heed: Heed) -> None:
    message = await heed.draft(html=LOGO)
    file = await add(heed, message, "Payslip May.pdf")
    await add(heed, message, "Contract.pdf", followed=False)
    await add(heed, message, "Offer.pdf")

    read = await heed.get(f"/messages/{message}")
    prepared = await heed.post(f"/messages/{message}/prepare")

    assert codes(file) == codes(read) == codes(prepared) == ["sensitive_file"]
    assert read["check"][0]["text"].startswith("Payslip May.pdf: by the name this looks sensitive.")
    assert await everywhere(heed, html=LOGO) == [[], [], []]


async def bounced(heed: Heed, email: str = "ada@example.com", text: str = "550: 5.1.1 user unknown") -> str:
    """A mail to two people, whose server knows one of them; its id."""
    assert isinstance(heed.transport, MemoryTransport)
    heed.transport.outcomes.append(Accepted(refused=(RecipientRefusal(email, "550", text, False),)))
    message = await heed.draft(to=[{"email": email}, {"email": "eve@example.com"}], follow=False)
    await heed.post(f"/messages/{message}/send")
    await heed.work()
    return message


async def test_a_recipient_whose_address_was_unknown_is_pointed_out_until_a_mail_is_taken(heed: Heed) -> None:
    to = [{"email": "ADA@example.com"}, {"email": "eve@example.com"}]
    assert await everywhere(heed, html=LOGO, to=to) == [[], [], []]
    await bounced(heed)

    [draft, simulated, prepared] = await everywhere(heed, html=LOGO, to=to)
    [check] = (await heed.get(f"/messages/{await heed.draft(html=LOGO, to=to)}"))["check"]
    await heed.sent(to=to)

    assert draft == simulated == prepared == ["bounced_before"]
    assert check["text"] == (
        "Earlier mail to ADA@example.com was refused because the address is unknown, or came back. "
        "Make sure that it is right."
    )
    assert await everywhere(heed, html=LOGO, to=to) == [[], [], []]


async def test_a_full_mailbox_says_nothing_about_the_address(heed: Heed) -> None:
    await bounced(heed, text="552: 5.2.2 mailbox full")
    assert await everywhere(heed, html=LOGO) == [[], [], []]


async def test_what_is_kept_of_an_unknown_address_does_not_name_it(heed: Heed) -> None:
    await bounced(heed)
    rows = [row async for row in heed.storage.tables.query("heedacmepeople", Range.prefix("bounce|"))]
    assert len(rows) == 1
    assert "ada" not in f"{rows[0].partition}{rows[0].values}"


async def test_mail_is_sent_where_unknown_addresses_cannot_be_noted(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any) -> None:
        raise Unavailable("storage is down")

    monkeypatch.setattr(heed.services.bounces, "note_bounce", fails)
    monkeypatch.setattr(heed.services.bounces, "clear_bounces", fails)

    message = await bounced(heed)

    recipients = (await heed.get(f"/messages/{message}/recipients"))["items"]
    assert [each["delivery"]["state"] for each in recipients] == ["refused", "accepted"]


def test_every_code_has_a_meaning_and_a_sentence() -> None:
    assert set(CHECKS) == set(get_args(CheckCode))
    assert all(kind.meaning.endswith(".") for kind in CHECKS.values())


@pytest.mark.parametrize(
    ("names", "text"),
    [(["a"], "a"), (["a", "b"], "a and b"), (list("abc"), "a, b and c"), (list("abcdefg"), "a, b, c, d, e and 2 more")],
)
def test_a_sentence_names_the_first_and_counts_the_rest(names: list[str], text: str) -> None:
    assert f" here: {text}." in make_check("unknown_record", names).text


async def test_links_to_denied_hosts_are_told_of_and_stay_direct() -> None:
    heed = await Heed(settings={"HEED_DENY_HOSTS": "evil.example, bad.example"}).start(deny_hosts=["worse.example"])
    links = "".join(f'<a href="https://{host}/">x</a>' for host in ("www.evil.example", "worse.example", "ok.example"))
    for found in await everywhere(heed, html=f"{LOGO}{links}"):
        assert found == ["denied_host"]
    await heed.sent(html=f"{LOGO}{links}")
    [link] = heed.urls("c")
    assert (await heed.hit(link)).headers["location"] == "https://ok.example/"
    assert b"https://www.evil.example/" in heed.mail()


async def test_a_host_that_looks_like_another_is_told_of_and_followed(heed: Heed) -> None:
    for found in await everywhere(heed, html=f'{LOGO}<a href="https://p\u0430ypal.com/">x</a>'):
        assert found == ["lookalike_host"]
