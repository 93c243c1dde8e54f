"""One reading is one open, however many images it loads; one download is one view, however often it is asked for."""

import random
from collections.abc import Sequence

import pytest

from lib.tracking.facts import FIRST_IMAGE, Fact, HitKind
from lib.verdicts import Verdict
from lib.verdicts.kpis import views
from lib.verdicts.repeats import as_repeat, is_repeat, repeats

CHROME, SAFARI = "Chrome", "Safari"
HUMAN = Verdict("human", 0.9, (), "1", 0.9)


def fact(
    kind: HitKind,
    seconds: float,
    item: int = 0,
    *,
    agent: str = CHROME,
    network: str = "192.0.2.0/24",
    recipient: int = 0,
    method: str = "GET",
    wanted: str | None = None,
) -> Fact:
    at = int(seconds * 1000)
    headers = {} if wanted is None else {"range": wanted}
    return Fact(
        f"{at:013d}-{random.getrandbits(48):012x}", "0" * 32, kind, at, method, recipient, item, agent, network,
        headers=headers,
    )  # fmt: skip


def image(seconds: float, number: int = 0, **fields: object) -> Fact:
    return fact("open", seconds, FIRST_IMAGE + number, **fields)  # type: ignore[arg-type]


def view(seconds: float, item: int = 0, **fields: object) -> Fact:
    return fact("attachment_view", seconds, item, **fields)  # type: ignore[arg-type]


def counted(*facts: Fact) -> int:
    """How many there are, whatever the order in which they are told."""
    found = {tuple(sorted(repeats(order).items(), key=str)) for order in _orders(facts)}
    assert len(found) == 1
    return len(facts) - len(repeats(facts))


def _orders(facts: Sequence[Fact]) -> list[list[Fact]]:
    return [list(facts), list(reversed(facts)), *(random.sample(facts, len(facts)) for _ in range(5))]


def test_the_pixel_and_the_images_of_a_reading_are_one_open() -> None:
    assert counted(fact("open", 100), image(100.1), image(101, 1), image(159, 2)) == 1


def test_images_that_come_before_their_pixel_are_part_of_its_open() -> None:
    early, pixel = image(100), fact("open", 130)
    assert repeats([early, pixel]) == {early.key: pixel.key}


def test_images_without_a_pixel_are_one_open_until_a_minute_goes_by_without_any() -> None:
    assert counted(image(100), image(130, 1), image(189, 2)) == 1
    assert counted(image(100), image(161, 1)) == 2


def test_two_pixels_are_two_opens() -> None:
    assert counted(fact("open", 100), fact("open", 101)) == 2


def test_image_proxies_load_each_image_from_another_network_and_it_is_one_open() -> None:
    assert counted(fact("open", 100), image(101, network="198.51.100.0/24")) == 1


@pytest.mark.parametrize("other", [{"agent": SAFARI}, {"recipient": 1}, {"method": "HEAD"}])
def test_an_image_that_somebody_else_loads_is_another_open(other: dict[str, object]) -> None:
    assert counted(fact("open", 100), image(101, **other)) == 2  # type: ignore[arg-type]


def test_a_download_that_is_asked_for_again_within_a_minute_counts_once() -> None:
    assert counted(view(100), view(101), view(160.9)) == 1
    assert counted(view(100), view(161)) == 2


@pytest.mark.parametrize(
    "other", [{"agent": SAFARI}, {"recipient": 1}, {"method": "HEAD"}, {"network": "198.51.100.0/24"}, {"item": 1}]
)
def test_somebody_elses_download_and_that_of_another_file_count_each(other: dict[str, object]) -> None:
    assert counted(view(100), view(101, **other)) == 2  # type: ignore[arg-type]


@pytest.mark.parametrize("wanted", ["bytes=1000-", "bytes=1-1", "bytes = 0500-999", "bytes=-500", "bytes=5-,0-4"])
def test_a_later_piece_is_part_of_the_download_also_after_hours_and_from_elsewhere(wanted: str) -> None:
    whole, piece = view(100), view(9000, wanted=wanted, network="198.51.100.0/24")
    assert repeats([whole, piece]) == {piece.key: whole.key}


@pytest.mark.parametrize("wanted", ["bytes=0-", "bytes=0-0", "bytes=00-99", "nonsense", "pages=2-"])
def test_a_piece_from_the_start_is_a_download(wanted: str) -> None:
    assert counted(view(100), view(9000, wanted=wanted)) == 2


def test_a_piece_without_its_beginning_counts_nowhere() -> None:
    piece = view(100, wanted="bytes=1000-")
    assert repeats([piece]) == {piece.key: None}


def test_clicks_are_never_part_of_anything() -> None:
    assert counted(fact("click", 100), fact("click", 100.5)) == 2


def test_a_repeat_says_that_it_is_one_and_keeps_the_verdict() -> None:
    said = as_repeat(HUMAN, image(1))
    assert (said.kind, said.confidence, said.reasons[0].code) == ("human", 0.9, "same-reading")
    assert is_repeat(said)
    assert is_repeat(as_repeat(HUMAN, view(1)))
    assert not is_repeat(HUMAN)


def test_views_by_people_are_counted_for_each_attachment() -> None:
    facts = [view(1), view(100), view(200, 3), view(300, 3)]
    verdicts = {each.key: HUMAN for each in facts[:3]} | {facts[3].key: Verdict("machine", 1.0, (), "1", 0.0)}
    assert views(facts, verdicts) == {0: 2, 3: 1}
