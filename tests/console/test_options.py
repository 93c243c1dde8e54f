"""My options in the console: following, networks of one's own, and alerts."""

from __future__ import annotations

import re
from typing import Any, get_args
from urllib.parse import urlencode

from functions.console.screens.options import KINDS
from lib.people.alert_choices import CardKind
from tests.console.site import Visitor
from tests.console.test_people import limit, reader, shown
from tests.console.world import World
from tests.support.heed import ADMIN_KEY, Response

YOU = {"opt_in": "yes", "time_zone": "Europe/Vienna", "inbound": "replies", "networks": ""}
SLACK = "https://hooks.slack.com/services/T0/B0/x"


async def send(visitor: Visitor, path: str, *fields: tuple[str, str]) -> Response:
    """Send a form some of whose fields stand in it more than once."""
    token = (await visitor.page("options")).partition('name="form_token" value="')[2].partition('"')[0]
    body = urlencode([("form_token", token), *fields]).encode()
    headers = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
    headers["cookie"] = visitor.cookie
    return await visitor.heed.request("POST", f"/console/{path}", body, headers=headers)


async def chosen(visitor: Visitor) -> Any:
    return await visitor.heed.get("/users/rep1/alerts")


def alerts(*more: tuple[str, str]) -> list[tuple[str, str]]:
    """The fields of the form, with every kind of card wanted."""
    return [("most_a_day", "20"), *[("kind", kind) for kind in KINDS], *more]


def test_every_kind_of_card_can_be_muted() -> None:
    assert set(KINDS) == set(get_args(CardKind))


async def test_a_user_opts_in_and_names_networks(visitor: Visitor) -> None:
    await visitor.heed.api("PATCH", "/users/rep1", {"opt_in": False})
    assert "You have not opted in" in await visitor.page("options")

    await visitor.post("options/you", {**YOU, "networks": "192.0.2.7/24\r\n2001:db8::/48"})

    page = await visitor.page("options?did=you")
    assert "You have opted in" in page
    assert "192.0.2.0/24\n2001:db8::/48</textarea>" in page
    assert "Times are yours (Europe/Vienna)" in page


async def test_a_user_opts_out(visitor: Visitor) -> None:
    fields = {name: value for name, value in YOU.items() if name != "opt_in"}

    await visitor.post("options/you", fields)

    assert (await visitor.heed.get("/users/rep1"))["opt_in"] is False


async def test_what_is_wrong_is_named_and_stays_as_it_was_typed(visitor: Visitor) -> None:
    answer = await visitor.post("options/you", {**YOU, "networks": "192.0.2.0/24\r\noffice", "time_zone": "Vienna"})

    page = answer.body.decode()
    assert answer.status == 422
    assert "Please look at these fields:" in page
    assert 'id="time_zone-wrong"' in page
    assert "“office”: not a network, such as 192.0.2.0/24" in page.partition('id="networks-wrong"')[2]
    assert "192.0.2.0/24\noffice</textarea>" in page.replace("\r", "")
    assert 'value="Vienna"' in page
    assert (await visitor.heed.get("/users/rep1"))["time_zone"] == "UTC"


async def test_networks_of_colleagues_are_shown(visitor: Visitor) -> None:
    user = {"email": "rep2@acme.example", "networks": ["198.51.100.0/24"]}
    await visitor.heed.put("/users/rep2", user)

    assert "count as your own side, too, such as 198.51.100.0/24." in shown(await visitor.page("options"))


async def test_what_the_organization_tracks_is_said(visitor: Visitor) -> None:
    assert "unless its recipient has said no" in await visitor.page("options")
    body = {"settings": {"tracking": "consent", "require_opt_in": False}}
    await visitor.heed.request("PATCH", "/api/orgs/acme", body, key=ADMIN_KEY)
    await limit(visitor.heed)

    page = await visitor.page("options")

    assert "only to recipients who have said yes" in page
    assert "does not ask users to opt in" in page
    assert "see their own mail alone" in page


async def test_alerts_are_chosen(visitor: Visitor) -> None:
    digest = [("digest", "yes"), ("digest_at", "07:30"), ("day", "1"), ("day", "3")]
    quiet = [("quiet", "yes"), ("quiet_start", "19:00"), ("quiet_end", "06:30")]
    kinds = [("kind", "reply"), ("kind", "reminder")]

    answer = await send(visitor, "options/alerts", *digest, *quiet, *kinds, ("slack", SLACK), ("most_a_day", "5"))

    assert answer.headers["location"] == "/console/options?did=alerts#alerts"
    found = await chosen(visitor)
    assert found["digest"] == {"at": "07:30", "days": [1, 3]}
    assert found["quiet_hours"] == {"start": "19:00", "end": "06:30"}
    assert set(found["muted_kinds"]) == set(KINDS) - {"reply", "reminder"}
    assert (found["most_a_day"], [each["channel"] for each in found["channels"]]) == (5, ["slack"])
    page = await visitor.page("options")
    assert SLACK not in page
    assert re.search(r'name="digest" value="yes" checked', page)
    assert re.search(r'name="day" value="3" checked', page)
    assert not re.search(r'name="day" value="2" checked', page)


async def test_a_channel_stays_until_it_is_taken_away(visitor: Visitor) -> None:
    await send(visitor, "options/alerts", *alerts(("slack", SLACK)))
    await send(visitor, "options/alerts", *alerts(("slack", "")))
    assert [each["channel"] for each in (await chosen(visitor))["channels"]] == ["slack"]

    await send(visitor, "options/alerts", *alerts(("slack", ""), ("no_slack", "yes")))

    assert (await chosen(visitor))["channels"] == []


async def test_a_wrong_choice_of_alerts_changes_nothing(visitor: Visitor) -> None:
    wrong = [
        ("slack", "https://elsewhere.example/hook"),
        ("digest", "yes"),  # without a time and a day
        ("quiet", "yes"),
        ("most_a_day", "x"),
    ]
    for field in wrong:
        rest = [each for each in alerts() if each[0] != field[0]]
        answer = await send(visitor, "options/alerts", *rest, field)
        assert answer.status == 422, field
        assert "Please look at" in answer.body.decode()
    assert (await visitor.heed.api("GET", "/users/rep1/alerts")).status == 404


async def test_a_message_is_muted_from_its_page(world: World, rita: Visitor) -> None:
    link = re.findall(r'href="/console/(options\?mute=[^"#]*)#alerts"', await rita.page(f"messages/{world.offer}"))[0]
    page = await rita.page(link)
    assert f'name="muted_message" value="{world.offer}" checked' in page

    await send(rita, "options/alerts", *alerts(("muted_message", world.offer)))
    assert (await chosen(rita))["muted_messages"] == [world.offer]
    await send(rita, "options/alerts", *alerts())
    assert (await chosen(rita))["muted_messages"] == []


async def test_alerts_end(visitor: Visitor) -> None:
    assert "End all alerts" not in await visitor.page("options")
    await send(visitor, "options/alerts", *alerts())
    assert "End all alerts" in await visitor.page("options")

    answer = await visitor.post("options/alerts/end")

    assert answer.headers["location"] == "/console/options?did=ended#alerts"
    assert "Alerts have ended" in await visitor.page("options?did=ended")
    assert (await visitor.heed.api("GET", "/users/rep1/alerts")).status == 404


async def test_a_trial_says_what_became_of_it(visitor: Visitor) -> None:
    assert (await visitor.post("options/alerts/try")).status == 409

    page = await visitor.page("options?tried_slack=failed&tried_teams=told&tried_slack2=x")

    assert "Slack refuses the trial: look at its address." in page
    assert "Teams took the trial." in page


async def test_a_key_that_only_reads_changes_nothing(world: World) -> None:
    visitor = await reader(world.heed)

    page = await visitor.page("options")

    assert 'name="opt_in" value="yes" checked disabled' in page
    assert "Save" not in shown(page)
    assert (await visitor.post("options/you", YOU)).status == 403


async def test_an_administrator_has_options_too(world: World) -> None:
    visitor = await reader(world.heed, "admin")
    assert "Follow my mail" in await visitor.page("options")
