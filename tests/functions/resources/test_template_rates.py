"""What became of the mails that were made of a template: counts, lists, recommendations, and sales that were won."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lib.storage.documents import unpack
from lib.templates.outcomes import StoredOutcome
from lib.templates.shares import TemplateShare
from lib.templates.tallies import Tally
from lib.verdicts.weights import WEIGHTS, Weight
from tests.functions.resources.test_templates import INTRO, slow_heed
from tests.support.heed import GMAIL, Heed
from tests.support.judging import weigh_anew


async def used(heed: Heed, template: str, **tally: int) -> None:
    """Mails were made of it, all of them followed, and that is what came of them."""
    share = TemplateShare(generation=1, numbers=Tally(sent=tally["followed"], **tally).numbers())
    await heed.services.template_counts.enter_sale_share("acme", template, "many", share)


async def item(heed: Heed, template: str, query: str = "") -> dict[str, Any]:
    found: dict[str, Any]
    [found] = [each for each in (await heed.get(f"/templates{query}"))["items"] if each["id"] == template]
    return found


async def names(heed: Heed, query: str) -> list[str]:
    return [each["name"] for each in (await heed.get(f"/templates?{query}"))["items"]]


async def open_last(heed: Heed) -> None:
    """A person opens the last mail."""
    await heed.hit(heed.urls("o")[0], GMAIL, x_forwarded_for="66.249.84.1")
    heed.clock.move(seconds=30)
    await heed.work()


async def test_what_becomes_of_the_mail_is_counted(heed: Heed) -> None:
    await heed.put("/templates/t1", INTRO)
    await heed.sent(template="t1")
    await heed.hit(heed.urls("c")[0])
    await heed.work()
    await heed.sent(template="t1")
    await heed.sent(template="t1", follow=False)
    await heed.draft(template="t1")
    await used(heed, "t2", followed=40, replied=1)
    heed.clock.move(days=4)

    read = await heed.get("/templates/t1")

    assert read["sent_count"] == 3
    assert (read["open_rate"]["rate"], read["open_rate"]["count"]) == (0.5, 2)
    assert (read["click_rate"]["rate"], read["click_rate"]["count"]) == (0.5, 2)
    assert (read["reply_rate"]["rate"], read["reply_rate"]["count"]) == (0, 2)
    listed = await item(heed, "t1")
    assert {name: listed[name] for name in ("sent_count", "open_rate", "reply_rate", "click_rate", "won_count")} == {
        name: read[name] for name in ("sent_count", "open_rate", "reply_rate", "click_rate", "won_count")
    }


async def test_rates_follow_verdicts_backwards(heed: Heed, monkeypatch: pytest.MonkeyPatch) -> None:
    await heed.put("/templates/t1", INTRO)
    message = await heed.sent(template="t1")
    await open_last(heed)
    heed.clock.move(days=2)
    before = await heed.get("/templates/t1")
    monkeypatch.setitem(WEIGHTS, "image-proxy", Weight(-9.0, 0.0, "a test"))
    weigh_anew()

    for _ in range(2):
        await heed.post(f"/messages/{message}/reassess")

    after = await heed.get("/templates/t1")
    assert (before["open_rate"]["rate"], after["open_rate"]["rate"]) == (1, 0)
    assert before["sent_count"] == after["sent_count"] == 1


async def test_counts_can_be_narrowed_to_what_the_mail_is_about(heed: Heed) -> None:
    await heed.put("/templates/t1", INTRO)
    await heed.sent(template="t1", regarding={"type": "opportunity", "id": "o1"})
    await open_last(heed)
    await heed.sent(template="t1", regarding={"type": "case", "id": "k1"})
    heed.clock.move(days=2)

    counts = {name: await item(heed, "t1", f"?regarding={name}") for name in ("opportunity", "case", "lead")}

    assert [each["sent_count"] for each in counts.values()] == [1, 1, 0]
    assert counts["opportunity"]["open_rate"]["rate"] == 1
    assert counts["case"]["open_rate"]["rate"] == 0
    assert counts["lead"]["open_rate"] is None


async def test_an_organization_without_engagement_sees_no_rates(heed: Heed) -> None:
    await heed.put("/templates/t1", INTRO)
    await heed.sent(template="t1")
    await open_last(heed)

    await heed.start(engagement_enabled=False)

    found = await item(heed, "t1")
    assert (found["sent_count"], found["open_rate"], found["recommended"]) == (1, None, False)
    assert found["recommended_because"] == "The organization has switched engagement off."
    assert (await heed.get("/templates/t1"))["open_rate"] is None


async def test_templates_are_found_by_language_and_words(heed: Heed) -> None:
    for number, (name, language, subject) in enumerate(
        [("Übersicht", "de", "Hallo"), ("Gruß", "de-AT", "Servus"), ("Hello", "en", "Overview"), ("Bye", "den", "")]
    ):
        await heed.put(f"/templates/t{number}", {"name": name, "language": language, "subject": subject})

    assert await names(heed, "language=de") == ["Gruß", "Übersicht"]
    assert await names(heed, "language=DE-at") == ["Gruß"]
    assert await names(heed, "q=%C3%BCBER") == ["Übersicht"]
    assert await names(heed, "q=view%20hel") == ["Hello"]
    assert await names(heed, "q=nowhere") == []
    assert await names(heed, "") == ["Bye", "Gruß", "Hello", "Übersicht"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("name", ["a", "b", "c", "d"]),
        ("-name", ["d", "c", "b", "a"]),
        ("sent_count", ["d", "c", "a", "b"]),
        ("-sent_count", ["b", "a", "c", "d"]),
        ("open_rate", ["b", "a", "c", "d"]),
        ("-open_rate", ["c", "a", "b", "d"]),
        ("reply_rate", ["c", "b", "a", "d"]),
        ("-reply_rate", ["a", "b", "c", "d"]),
        ("click_rate", ["c", "a", "b", "d"]),
        ("-click_rate", ["b", "a", "c", "d"]),
        ("won_rate", ["b", "a", "c", "d"]),
        ("-won_rate", ["a", "b", "c", "d"]),
    ],
)
async def test_templates_are_listed_in_any_order_in_pages(heed: Heed, sort: str, expected: list[str]) -> None:
    for name in "abcd":
        await heed.put(f"/templates/{name}", {"name": name, "language": "en"})
    await used(heed, "a", followed=20, opened=10, replied=4, clicked=5, won=3, closed=4)
    await used(heed, "b", followed=30, opened=9, replied=3, clicked=9, won=0, closed=9)
    await used(heed, "c", followed=10, opened=10, replied=0, clicked=0)

    seen, path = [], f"/templates?limit=3&sort={sort}"
    while True:
        page = await heed.get(path)
        seen += [each["id"] for each in page["items"]]
        if page["next"] is None:
            break
        path = f"/templates?limit=3&sort={sort}&cursor={page['next']}"

    assert seen == expected


async def test_the_better_template_of_each_language_is_recommended(heed: Heed) -> None:
    for name, language in (("a", "en"), ("b", "en"), ("c", "de"), ("d", "de")):
        await heed.put(f"/templates/{name}", {"name": name.upper(), "language": language})
    await used(heed, "a", followed=300, opened=120, replied=36)
    await used(heed, "b", followed=300, opened=120, replied=15)
    await used(heed, "c", followed=300, opened=120, replied=15)
    await used(heed, "d", followed=300, opened=120, replied=90)

    items = {each["id"]: each for each in (await heed.get("/templates"))["items"]}

    assert [name for name, each in items.items() if each["recommended"]] == ["a", "d"]
    assert items["a"]["recommended_because"].startswith("12.0 % of 300 mails that were made of it were answered")
    assert items["b"]["recommended_because"].startswith("“A” does better")
    # What is not shown still counts.
    assert (await item(heed, "b", "?q=b"))["recommended"] is False


async def test_what_is_tried_changes_from_day_to_day_and_not_before(heed: Heed) -> None:
    for name in "abc":
        await heed.put(f"/templates/{name}", {"name": name, "language": "en"})
    await used(heed, "a", followed=300, opened=120, replied=36)
    await used(heed, "b", followed=300, opened=120, replied=15)

    days = []
    for _ in range(60):
        looks = [[each["recommended"] for each in (await heed.get("/templates"))["items"]] for _ in range(2)]
        assert looks[0] == looks[1]
        days.append(looks[0])
        heed.clock.move(days=1)

    assert {tuple(day) for day in days} == {(True, False, False), (False, False, True)}
    assert days.count([True, False, False]) > 45


async def test_a_sale_that_was_won_counts_for_the_templates_of_its_mail(heed: Heed) -> None:
    for name in ("t1", "t2", "t3", "t4"):
        await heed.put(f"/templates/{name}", INTRO)
    regarding = {"type": "opportunity", "id": "o1"}
    for template in ("t1", "t1", "t2"):
        await heed.sent(template=template, regarding=regarding)
    await heed.sent(template="t3", regarding={"type": "opportunity", "id": "o2"})
    await heed.sent(template="t3", to=[{"email": "a@example.com", "record": regarding}])
    await heed.draft(template="t4", regarding=regarding)
    await heed.sent(regarding=regarding)

    async def won() -> list[int]:
        return [(await heed.get(f"/templates/{name}"))["won_count"] for name in ("t1", "t2", "t3", "t4")]

    first = await heed.post("/records/opportunity/o1/outcome", {"won": True})
    await heed.sent(template="t3", regarding=regarding)
    again = await heed.post("/records/opportunity/o1/outcome", {"won": True})
    counted = await won()
    lost = await heed.post("/records/opportunity/o1/outcome", {"won": False})
    taken_back = await won()
    await heed.post("/records/opportunity/o1/outcome", {"won": True})

    assert sorted(first["templates"]) == ["t1", "t2"]
    assert again == first
    assert counted == [1, 1, 0, 0]
    assert (lost["won"], sorted(lost["templates"]), taken_back) == (False, ["t1", "t2", "t3"], [0, 0, 0, 0])
    assert await won() == [1, 1, 1, 0]
    assert (await item(heed, "t1", "?regarding=opportunity"))["won_count"] == 1


async def test_the_rate_of_won_sales_is_a_share_of_the_closed_ones_and_follows_every_change(heed: Heed) -> None:
    await heed.put("/templates/t1", INTRO)
    for sale in ("o1", "o1", "o2", "o3", "o4"):
        await heed.sent(template="t1", regarding={"type": "opportunity", "id": sale})

    async def close(sale: str, won: bool | None) -> tuple[Any, ...]:
        await heed.post(f"/records/opportunity/{sale}/outcome", {"won": won})
        read = await heed.get("/templates/t1")
        rate = read["won_rate"]
        return read["won_count"], rate and (rate["rate"], rate["count"])

    assert (await heed.get("/templates/t1"))["won_rate"] is None
    assert await close("o1", True) == (1, (1.0, 1))
    assert await close("o2", False) == (1, (0.5, 2))
    assert await close("o3", False) == (1, (0.3333, 3))
    assert await close("o3", None) == (1, (0.5, 2))
    assert await close("o3", True) == (2, (0.6667, 3))
    assert await close("o1", None) == (1, (0.5, 2))
    rate = (await item(heed, "t1"))["won_rate"]
    assert (rate["low"], rate["high"]) == (0.0945, 0.9055)


async def test_mail_that_went_out_after_a_sale_was_closed_does_not_count_for_it(heed: Heed) -> None:
    for name in ("t1", "t2"):
        await heed.put(f"/templates/{name}", INTRO)
    regarding = {"type": "opportunity", "id": "o1"}
    await heed.sent(template="t1", regarding=regarding)
    closed_at = heed.clock.now().isoformat()
    heed.clock.move(minutes=1)
    await heed.sent(template="t2", regarding=regarding)

    by_now = await heed.post("/records/opportunity/o1/outcome", {"won": True})
    told = await heed.post("/records/opportunity/o1/outcome", {"won": True, "at": closed_at})

    assert (sorted(by_now["templates"]), told["templates"]) == (["t1", "t2"], ["t1"])
    assert [(await heed.get(f"/templates/{name}"))["won_count"] for name in ("t1", "t2")] == [1, 0]


async def test_sales_that_were_won_before_closed_ones_were_counted_are_no_more_than_all(heed: Heed) -> None:
    await heed.put("/templates/t1", INTRO)
    await used(heed, "t1", followed=5, won=3)
    rate = (await heed.get("/templates/t1"))["won_rate"]
    assert (rate["rate"], rate["count"]) == (1.0, 3)


async def test_the_organization_chooses_what_the_recommended_template_is_best_at() -> None:
    best = {}
    for by in ("replies", "opens", "won"):
        heed = await Heed().start(recommend_by=by)
        for name in ("replies", "opens", "won"):
            await heed.put(f"/templates/{name}", {"name": name, "language": "en"})
        await used(heed, "replies", followed=300, opened=120, replied=90, won=10, closed=100)
        await used(heed, "opens", followed=300, opened=250, replied=15, won=12, closed=100)
        await used(heed, "won", followed=300, opened=130, replied=16, won=60, closed=100)
        items = (await heed.get("/templates"))["items"]
        best[by] = [each["id"] for each in items if each["recommended"]]
        because = {each["id"]: each["recommended_because"] for each in items}

    assert best == {"replies": ["replies"], "opens": ["opens"], "won": ["won"]}
    assert because["won"].startswith(
        "60.0 % of 100 closed sales that mails made of it were about were won, 12.0 % of 100 of the next best."
    )
    assert because["opens"].startswith("“won” does better: 60.0 % of 100 closed sales were won.")


async def test_an_outcome_that_failed_half_way_is_made_whole_by_saying_it_again(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("t1", "t2"):
        await heed.put(f"/templates/{name}", INTRO)
        await heed.sent(template=name, regarding={"type": "opportunity", "id": "o1"})
    real, calls = heed.services.template_counts.enter_sale_share, []

    async def dying(*arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) == 2:
            raise RuntimeError("it dies")
        await real(*arguments)

    monkeypatch.setattr(heed.services.template_counts, "enter_sale_share", dying)
    failed = await heed.api("POST", "/records/opportunity/o1/outcome", {"won": True})
    await heed.post("/records/opportunity/o1/outcome", {"won": True})

    assert failed.status == 500
    assert [(await heed.get(f"/templates/{name}"))["won_count"] for name in ("t1", "t2")] == [1, 1]


async def test_who_says_this_and_that_at_once_is_counted_as_what_was_said_last() -> None:
    heed = await slow_heed()
    await heed.put("/templates/t1", INTRO)
    await heed.sent(template="t1", regarding={"type": "opportunity", "id": "o1"})
    path = "/records/opportunity/o1/outcome"

    answers = await asyncio.gather(*(heed.api("POST", path, {"won": number % 2 == 0}) for number in range(7)))

    assert {answer.status for answer in answers} == {200}
    row = await heed.storage.tables.read_row("heedacmepeople", "outcome|opportunity", "o1")
    assert row is not None
    won = unpack(StoredOutcome, row).won
    assert (await heed.get("/templates/t1"))["won_count"] == int(bool(won))


async def test_a_sale_that_nobody_wrote_about_counts_for_nothing(heed: Heed) -> None:
    answer = await heed.post("/records/opportunity/o1/outcome", {"won": True})

    assert (answer["won"], answer["templates"]) == (True, [])
    assert (await heed.api("POST", "/records/opportunity/o1/outcome", {"won": "perhaps"})).status == 422
