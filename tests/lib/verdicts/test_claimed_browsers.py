"""Headers that do not fit the browser that an agent claims to be, and requests of people that only look odd."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from lib.catalogues.registry import load_catalogues
from lib.tracking.facts import Fact, HitKind
from lib.verdicts import Sending, judge

CATALOGUES = load_catalogues()
SENT = 1_795_000_000_000
HOUR = 3_600_000
CODE = "headers-do-not-fit"

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
CHROME = WINDOWS + "Chrome/152.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:157.0) Gecko/20100101 Firefox/157.0"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
SAFARI = MAC + "Version/26.1 Safari/605.1.15"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.6 Mobile/15E148 Safari/604.1"
)
PAGE = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8"
IMAGE = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
NAVIGATES = {"sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
LOADS_IMAGE = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
HINTS = {
    "sec-ch-ua": '"Chromium";v="152", "Google Chrome";v="152", "Not_A Brand";v="24"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Windows"',
}
OVER_HTTPS = {"accept-encoding": "gzip, deflate, br, zstd"}
OVER_HTTP = {"accept-encoding": "gzip, deflate"}


def is_doubted(agent: str, kind: HitKind, headers: Mapping[str, str], **fields: Any) -> bool:
    """Whether the judge says of a hit with these headers that they do not fit the agent."""
    at = SENT + 2 * HOUR
    every = {"accept-language": "en", **headers}
    one = Fact(f"{at:013d}-{'0' * 12}", "0" * 32, kind, at, "GET", 0, 0, agent, "81.2.69.0/24", headers=every, **fields)
    verdict = judge([one], Sending(sent_at=SENT, links=4, gateways=(None, None)), CATALOGUES)[one.key]
    return CODE in {reason.code for reason in verdict.reasons}


@pytest.mark.parametrize(
    ("agent", "kind", "headers"),
    [
        (CHROME, "open", {"accept": IMAGE, **OVER_HTTPS, **LOADS_IMAGE, **HINTS}),
        (CHROME, "open", {"accept": PAGE, **OVER_HTTPS, **NAVIGATES, **HINTS}),
        (CHROME, "click", {"accept": PAGE, **OVER_HTTPS, **NAVIGATES, **HINTS}),
        (CHROME + " Edg/152.0.0.0", "click", {"accept": PAGE, **OVER_HTTPS, **NAVIGATES, **HINTS}),
        (CHROME, "click", {"accept": PAGE, **OVER_HTTPS, **NAVIGATES}),
        (FIREFOX, "open", {"accept": "image/webp,*/*", **OVER_HTTPS, **LOADS_IMAGE}),
        (SAFARI, "click", {"accept": "text/html,*/*;q=0.8", **OVER_HTTPS, **NAVIGATES}),
        (IPHONE, "open", {"accept": "image/webp,video/*;q=0.8", **OVER_HTTPS, **LOADS_IMAGE}),
        (CHROME, "open", {"accept": "*/*", **OVER_HTTPS, "sec-fetch-dest": "empty", "sec-fetch-mode": "cors"}),
    ],
)
def test_a_browsers_own_headers_fit(agent: str, kind: HitKind, headers: dict[str, str]) -> None:
    assert not is_doubted(agent, kind, headers)


@pytest.mark.parametrize("agent", [CHROME, CHROME + " Edg/152.0.0.0", FIREFOX, SAFARI, IPHONE])
@pytest.mark.parametrize(
    ("kind", "headers"),
    [
        ("click", {"accept": "*/*", **OVER_HTTP}),
        ("click", {"accept": "*/*"}),
        ("click", OVER_HTTP),
        ("click", {"accept": PAGE, **OVER_HTTPS}),
        ("open", {"accept": "*/*", **OVER_HTTP}),
        ("open", {"accept": IMAGE, **OVER_HTTPS}),
    ],
)
def test_a_library_that_copies_a_browsers_agent_is_doubted(agent: str, kind: HitKind, headers: dict[str, str]) -> None:
    assert is_doubted(agent, kind, headers)


@pytest.mark.parametrize(
    ("agent", "changed"),
    [
        (FIREFOX, {}),
        (IPHONE, {}),
        (WINDOWS + "Chrome/148.0.0.0 Safari/537.36", {}),
        (CHROME, {"sec-ch-ua": '"HeadlessChrome";v="152", "Chromium";v="152"'}),
        (CHROME, {"sec-ch-ua-platform": '"Linux"'}),
        (MAC.replace("605.1.15", "537.36") + "Chrome/152.0.0.0 Safari/537.36", {}),
    ],
)
def test_client_hints_that_tell_of_another_browser_or_system_than_the_agent_are_doubted(
    agent: str, changed: dict[str, str]
) -> None:
    assert is_doubted(agent, "click", {"accept": PAGE, **OVER_HTTPS, **NAVIGATES, **HINTS, **changed})


@pytest.mark.parametrize("system", ["Linux", "Android", "Chrome OS"])
def test_a_phone_that_asks_for_the_pages_of_desktops_is_not_doubted(system: str) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/152.0.0.0 Safari/537.36"

    hints = {**HINTS, "sec-ch-ua-platform": f'"{system}"'}
    assert not is_doubted(agent, "click", {"accept": PAGE, **OVER_HTTPS, **NAVIGATES, **hints})


@pytest.mark.parametrize("headers", [{}, {"sec-gpc": "0"}, {"range": "bytes=0-"}])
@pytest.mark.parametrize("kind", ["open", "click"])
def test_a_fact_of_an_earlier_release_is_not_judged_by_headers_that_it_did_not_keep(
    kind: HitKind, headers: dict[str, str]
) -> None:
    assert not is_doubted(CHROME, kind, headers)


@pytest.mark.parametrize("agent", [CHROME, FIREFOX, SAFARI])
@pytest.mark.parametrize(("kind", "accept"), [("open", IMAGE), ("click", PAGE)])
def test_a_browser_over_plain_http_sends_no_metadata_and_is_not_doubted(agent: str, kind: HitKind, accept: str) -> None:
    assert not is_doubted(agent, kind, {"accept": accept, **OVER_HTTP})


@pytest.mark.parametrize(
    "agent",
    [
        WINDOWS + "Chrome/79.0.3945.88 Safari/537.36",
        FIREFOX.replace("157", "89"),
        MAC + "Version/16.3 Safari/605.1.15",
    ],
)
def test_a_browser_of_before_fetch_metadata_need_not_send_it(agent: str) -> None:
    assert not is_doubted(agent, "click", {"accept": PAGE, **OVER_HTTPS})


@pytest.mark.parametrize(
    "agent",
    [
        CHROME + " OneOutlook/1.2026.804.100",
        WINDOWS + "Chrome/106.0.5249.199 Safari/537.36 Mailbird/3.0.24.0",
        WINDOWS + "Slack/4.46.99 Chrome/140.0.7339.133 Electron/38.1.0 Safari/537.36",
        "Mozilla/5.0 (Linux; Android 16; Pixel 9 Build/BP2A.250605.031; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Version/4.0 Chrome/152.0.7000.100 Mobile Safari/537.36",
        IPHONE.replace("Version/18.6 ", ""),
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Thunderbird/140.4.0",
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        "Mozilla/5.0",
    ],
)
def test_a_mail_program_an_app_and_an_image_proxy_load_things_in_their_own_way(agent: str) -> None:
    assert not is_doubted(agent, "open", {"accept": "*/*", **OVER_HTTP})


def test_a_mail_services_network_and_a_download_manager_are_not_doubted() -> None:
    assert not is_doubted(CHROME, "open", {"accept": "*/*"}, owner="exchange-online")
    assert is_doubted(CHROME, "click", {"accept": "*/*"}, owner="exchange-online")
    assert not is_doubted(CHROME, "attachment_view", {"accept": "*/*"})


def test_headers_alone_make_no_machine() -> None:
    at = SENT + 2 * HOUR
    one = Fact(f"{at:013d}-{'0' * 12}", "0" * 32, "click", at, "GET", 0, 0, CHROME, "81.2.69.0/24",
               headers={"accept-language": "en", "accept": "*/*"})  # fmt: skip

    assert judge([one], Sending(sent_at=SENT, links=4), CATALOGUES)[one.key].kind != "machine"
