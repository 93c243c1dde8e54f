"""Who calls itself a robot, and who does not: the agent alone must be right, or a person is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.catalogues.agents import AgentRow, Agents
from lib.catalogues.devices import app_name, declared_robot, device_of, image_proxy, robot_name

SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "agents"
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"there are no sample agents in {SAMPLES}")

_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
_LINUX = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "

PEOPLE = (
    _WINDOWS + "Chrome/142.0.0.0 Safari/537.36",
    _WINDOWS + "Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
    _WINDOWS + "Chrome/142.0.0.0 Safari/537.36 OPR/124.0.0.0",
    _LINUX + "Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 "
    "Safari/605.1.15",
    _IPHONE + "Version/26.0 Mobile/15E148 Safari/604.1",
    _IPHONE + "Mobile/15E148",
    _IPHONE + "Mobile/15E148 [LinkedInApp]/9.31.2054",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 11; CUBOT X30) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/99.0.4844.58 Mobile "
    "Safari/537.36",
    "Mozilla/5.0 (Linux; Android 7.1.2; M bot Tab 103) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/83.0.4103.106 "
    "Safari/537.36",
    "Mozilla/5.0 (Linux; Android 15; CPH2655 Build/AP3A.240617.008) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/119.0.6045.163 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; SM-S918B Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Version/4.0 Chrome/124.0.6367.123 Mobile Safari/537.36 CamScanner/6.60.0.2404120000",
    "Mozilla/5.0 (Linux; Android 13; SM-A525F; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/128.0.6613.88 Mobile Safari/537.36 Instagram 333.0.0.42.91 Android (31/12; 280dpi; CUBOT; X30; en_GB)",
    "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 5.1; Trident/4.0; Embedded Web Browser from: http://bsalsa.com/)",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.18925; Pro)",
    "Microsoft Office/16.0 (Microsoft Outlook 16.0.12329; Pro), Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
    "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
    "Outlook-iOS/711.3061168.prod.iphone (4.2.0)",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.4.0",
    "Mail/3826.700.81 CFNetwork/3860.100.1 Darwin/25.0.0",
    "Mozilla/4.0 (compatible; Lotus-Notes/6.0; Windows-NT)",
    "The Bat! 4.0.0.22",
    "eMClient/9.3.6041.0",
    "Superhuman",
    "SomeApp/1 CFNetwork/1568.100.1 Darwin/24.0.0",
    "Dalvik/2.1.0 (Linux; U; Android 12; SM-T500 Build/SP1A.210812.016)",
    _WINDOWS + "Slack/4.46.99 Chrome/140.0.7339.133 Electron/38.1.0 Safari/537.36",
    _WINDOWS + "discord/1.0.9212 Chrome/134.0.6998.205 Electron/35.3.0 Safari/537.36",
    "Lynx/2.8.9rel.1 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.7.1",
    "Safari%20Technology%20Preview/11601.7.4 CFNetwork/760.5.1 Darwin/15.5.0 (x86_64)",
    "Mozilla/5.0",
    "\x00\x01",
)

MACHINES = {
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)": "AhrefsBot",
    _LINUX + "Chrome/131.0.0.0 Safari/537.36; compatible; OAI-SearchBot/1.3; +https://openai.com/searchbot":
        "OAI-SearchBot",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)":
        "ClaudeBot",
    _IPHONE + "Version/9.0 Mobile/13B143 Safari/601.1 (compatible; AdsBot-Google-Mobile; +http://www.google.com/mobile)":
        "AdsBot-Google-Mobile",
    "Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)": "Sogou web spider",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)": "facebookexternalhit",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)": "Slackbot-LinkExpanding",
    "Slack-ImgProxy (+https://api.slack.com/robots)": "Slack-ImgProxy",
    "WhatsApp/2.23.20.0 A": "WhatsApp's preview",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5": "SkypeUriPreview Preview",
    "Mozilla/5.0 (compatible; Yahoo Ad monitoring; https://help.yahoo.com/kb/yahoo-ad-monitoring-SLN24857.html)":
        "Yahoo Ad monitoring",
    "Barracuda Sentinel (EE)": "Barracuda Sentinel",
    "Microsoft Office Existence Discovery": "Office's link check",
    "Kaspersky Lab CFR link resolver cfradmins@kaspersky.com": "Kaspersky Lab CFR link resolver",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 "
    "Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0": "Facebot Twitterbot",
    _LINUX + "HeadlessChrome/131.0.0.0 Safari/537.36": "headless Chrome",
    _LINUX + "Chrome/107.0 Safari/537.36 Ghost Inspector": "Ghost Inspector",
    _WINDOWS + "Chrome/120.0.0.0 Safari/537.36 Playwright/1.40.0": "Playwright",
    "Mozilla/5.0 (Linux; Android 7.0; Moto G (4)) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/84.0.4143.7 Mobile "
    "Safari/537.36 Chrome-Lighthouse": "Lighthouse",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:94.0) Gecko/20100101 Firefox/94.0 PTST/211202.211915": "WebPageTest",
    "Mozilla/5.0 (Windows NT 6.1; WOW64; rv:38.0; GomezAgent 3.0) Gecko/20100101 Firefox/38.0": "GomezAgent",
    "curl/8.9.1": "curl",
    "Wget/1.21.4": "Wget",
    "python-requests/2.32.3": "Python Requests",
    "Python/3.12 aiohttp/3.10.5": "Python",
    "Go-http-client/2.0": "Go",
    "okhttp/4.12.0": "OkHttp",
    "axios/1.7.7": "axios",
    "GuzzleHttp/7": "PHP",
    "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041.3031": "PowerShell",
    "kube-probe/1.15": "kube-probe",
    "ELB-HealthChecker/2.0": "ELB-HealthChecker",
    "PostmanRuntime/7.9.1": "PostmanRuntime",
    "Mozilla/5.0 (compatible; evc-batch/2.0)": "evc-batch",
    "https://tools.example.org/": "tools.example.org",
    "some-checker-of-ours": "some-checker-of-ours",
}  # fmt: skip


@pytest.mark.parametrize("agent", PEOPLE)
def test_people_are_no_robots_whatever_their_telephone_and_their_apps_are_called(agent: str) -> None:
    assert robot_name(agent) is None
    assert declared_robot(agent) is False


@pytest.mark.parametrize(("agent", "name"), MACHINES.items())
def test_robots_are_known_by_what_they_say_and_have_a_name_for_sentences(agent: str, name: str) -> None:
    assert robot_name(agent) == name
    assert declared_robot(agent) is True


@pytest.mark.parametrize(
    ("agent", "service"),
    [
        ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", "Gmail"),
        ("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", "Yahoo Mail"),
        ("FastmailUA/1.0", "Fastmail"),
        ("Mozilla/5.0 SeznamEmailProxy/2.0.174", "Seznam Email"),
    ],
)
def test_an_image_proxy_is_no_robot_although_it_looks_like_one(agent: str, service: str) -> None:
    assert image_proxy(agent) == service
    assert robot_name(agent) is None


def test_a_proxy_is_not_an_app_nor_an_app_a_proxy_nor_a_robot_either() -> None:
    assert app_name("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.4.0") == "Thunderbird"
    assert image_proxy("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.4.0") is None
    assert app_name("FastmailUA/1.0") is None
    assert app_name("curl/8.9.1") is image_proxy("curl/8.9.1") is None


def test_what_an_android_says_of_its_device_is_not_taken_for_its_name_but_the_rest_is() -> None:
    agent = (
        "Mozilla/5.0 (Linux; Android 6.0.1; {}Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/41.0 {}Safari"
    )

    assert not declared_robot(agent.format("Spider Bot 5 ", ""))
    assert robot_name(agent.format("Nexus 5X ", "Examplebot/2.1 ")) == "Examplebot"


def test_only_as_much_as_a_hit_keeps_of_an_agent_is_looked_at() -> None:
    browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0"

    assert declared_robot(f"{browser} examplebot")
    assert not declared_robot(f"{browser}{' ' * 512}examplebot")


@pytest.mark.parametrize("agent", ["EXAMPLEBOT/1.0", "examplebot/1.0", "Exampl\u00e9BOT/1.0", "T\u00e9\u017fter/1.0"])
def test_case_does_not_matter_in_ascii_and_beyond(agent: str) -> None:
    assert declared_robot(agent)


@pytest.mark.parametrize("pattern", ["PulseWatch", r"\x50ulse", r"[P-Q]ulse", r"pulse\D"])
@pytest.mark.parametrize("agent", ["Mozilla/5.0 Pulsewatch", "MOZILLA/5.0 PULSEWATCH"])
def test_a_pattern_with_capital_letters_finds_small_ones_too(pattern: str, agent: str) -> None:
    agents = Agents([], [AgentRow(pattern, "person", "Pulse", "PulseWatch")])

    assert agents.app_name(agent) == "Pulse"


def test_a_name_that_cannot_be_printed_is_none() -> None:
    assert robot_name("evil\x1b[31mbot (examplebot)") == "examplebot"
    assert robot_name("evil\x07bot") == ""


@given(st.one_of(st.text(max_size=600), st.from_regex(r"[ -~]{0,80}(bot|http://)[ -~]{0,80}", fullmatch=True)))
def test_no_agent_breaks_anything_and_names_are_short_and_printable(agent: str) -> None:
    name = robot_name(agent)

    assert declared_robot(agent) is (name is not None)
    assert len(name or "") <= 60
    assert (name or "").isprintable()
    assert set(device_of(agent)) == {"type", "os", "client"}


@needs_samples
def test_of_real_people_at_most_one_in_250_is_called_a_robot() -> None:
    people = (SAMPLES / "people.txt").read_text().splitlines()
    wrong = [agent for agent in people if declared_robot(agent)]

    assert len(people) > 200
    assert len(wrong) <= len(people) / 250, wrong


@needs_samples
def test_of_real_machines_at_least_95_in_100_are_called_robots() -> None:
    machines = (SAMPLES / "machines.txt").read_text().splitlines()
    missed = [agent for agent in machines if not declared_robot(agent)]

    assert len(machines) > 200
    assert len(missed) <= len(machines) * 0.05, missed


@needs_samples
def test_no_device_breaks_on_real_agents() -> None:
    for file in SAMPLES.glob("*.txt"):
        for agent in file.read_text().splitlines():
            assert device_of(agent)["type"] in (None, "phone", "tablet", "desktop")
