"""What the program that asked says of itself, and what that means: mail programs, old browsers, checks, assistants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lib.catalogues.agents import COLUMNS
from lib.catalogues.registry import Catalogues, load_catalogues
from lib.tracking.facts import Fact, HitKind
from lib.verdicts import Sending, Verdict, judge
from lib.verdicts.rules.browsers import is_mail_program, out_of_date_from

CATALOGUES = load_catalogues()
SENT = 1_795_000_000_000
"""18 November 2026."""
HOUR = 3_600_000
SENDING = Sending(sent_at=SENT, links=4, gateways=(None, None))
SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "agents"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
GECKO = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"


def hit(kind: HitKind, after: int, agent: str | None, **fields: Any) -> Fact:
    """A hit from a home with this agent, so many milliseconds after the sending."""
    at = SENT + after
    return Fact(f"{at:013d}-{'0' * 12}", "0" * 32, kind, at, "GET", 0, 0, agent, "81.2.69.0/24",
                **{"headers": {"accept-language": "en"}, **fields})  # fmt: skip


def judged(
    agent: str | None, kind: HitKind, after: int = 2 * HOUR, catalogues: Catalogues = CATALOGUES, **fields: Any
) -> Verdict:
    """The verdict on one hit from a home with this agent, two hours after the sending."""
    one = hit(kind, after, agent, **fields)
    return judge([one], SENDING, catalogues)[one.key]


def codes(verdict: Verdict) -> set[str]:
    return {reason.code for reason in verdict.reasons}


@pytest.mark.parametrize(
    "agent",
    [
        WINDOWS + "Chrome/106.0.5249.199 Safari/537.36 Mailbird/3.0.24.0",
        WINDOWS + "eM Client/10.3.2619.0 Chrome/118.0.5993.159 Safari/537.36",
        WINDOWS + "Mailspring/1.7.4 Chrome/69.0.3497.128 Electron/4.2.2 Safari/537.36",
        WINDOWS + "QtWebEngine/5.15.16 Chrome/87.0.4280.144 Safari/537.36",
        WINDOWS + "Slack/4.4.2 Chrome/78.0.3904.130 Safari/537.36",
        "Mozilla/5.0 (Windows NT 10.0; WOW64; rv:52.0) Gecko/20100101 Firefox/52.0 Thunderbird/52.9.1",
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        "hey.com/imageproxy Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/94.0.0.0",
        "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Trident/7.0; Microsoft Outlook 16.0.19328; ms-office)",
    ],
)
def test_a_program_that_brings_an_old_engine_along_is_no_old_browser_and_imitates_none(agent: str) -> None:
    for kind in ("open", "click"):
        assert not {"old-browser", "imitated-browser"} & codes(judged(agent, kind))


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
        "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)",
        "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)",
        GECKO.format(60),
        GECKO.format(78),
        GECKO.format(102),
        WINDOWS + "Chrome/96.0.4664.110 Safari/537.36",
    ],
)
def test_a_browser_that_nobody_has_any_more_is_out_of_date(agent: str) -> None:
    assert "old-browser" in codes(judged(agent, "click"))


@pytest.mark.parametrize(
    "agent",
    [
        GECKO.format(157),
        GECKO.format(140),
        GECKO.format(128),
        "Mozilla/5.0 (Android 9; Mobile; rv:68.0) Gecko/68.0 Firefox/68.0",
        "Mozilla/5.0 (X11; Linux x86_64; rv:60.0) Gecko/20100101 Firefox/60.0 SeaMonkey/2.53.21",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 15_8 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/15.6.6 Mobile/15E148 Safari/604.1",
        WINDOWS + "Chrome/142.0.0.0 Safari/537.36",
    ],
)
def test_a_browser_that_people_still_have_is_not(agent: str) -> None:
    assert "old-browser" not in codes(judged(agent, "click"))


def test_a_browser_was_not_out_of_date_while_it_was_new() -> None:
    in_2022 = 1_665_000_000_000

    for agent in ("Mozilla/5.0 (Windows NT 10.0; Trident/7.0; rv:11.0) like Gecko", GECKO.format(102)):
        assert in_2022 <= out_of_date_from(agent)


@pytest.mark.parametrize(
    "agent",
    [
        WINDOWS + "Chrome/136.0.0.0 Safari/537.36 Edg/136.0.0.0 OneOutlook/1.2025.516.400",
        "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17928; Pro)",
        "Outlook-iOS/709.2226530.prod.iphone (3.24.1)",
        "Outlook-Android/2.0",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.4.0",
        "Mail/3826.700.81 CFNetwork/3860.100.1 Darwin/25.0.0",
        "Airmail/5.7 (Macintosh)",
        "SparkDesktop/3.26.0",
        "SamsungEmail/6.1.91.0",
        "Evolution/3.54.3",
        "Mozilla/4.0 (compatible; Lotus-Notes/6.0; Windows-NT)",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    ],
)
def test_an_open_in_a_mail_program_is_a_readers(agent: str) -> None:
    assert is_mail_program(agent)
    assert "mail-program" in codes(judged(agent, "open"))


@pytest.mark.parametrize(
    "agent",
    [
        WINDOWS + "Chrome/142.0.0.0 Safari/537.36",
        WINDOWS + "Slack/4.46.99 Chrome/140.0.0.0 Electron/38.1.0 Safari/537.36",
        WINDOWS + "QtWebEngine/5.15.16 Chrome/87.0.4280.144 Safari/537.36",
        "Microsoft Office Word 2013 (15.0.4693) Windows NT 6.2",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/18.5 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Mobile/15E148 Safari/604.1",
    ],
)
def test_a_browser_and_an_app_for_other_things_are_no_mail_programs(agent: str) -> None:
    assert not is_mail_program(agent)
    assert "mail-program" not in codes(judged(agent, "open"))


def test_a_deployment_names_a_mail_program_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "agents.csv").write_text(
        ",".join((*COLUMNS, "source", "as_of")) + "\nacmemail/,mail,Acme Mail,AcmeMail/1,our own logs,2026-11\n"
    )
    theirs = load_catalogues(tmp_path)
    agent = WINDOWS + "Chrome/79.0.3945.88 Safari/537.36 AcmeMail/1"

    assert "mail-program" in codes(judged(agent, "open", catalogues=theirs))
    assert "old-browser" in codes(judged(agent, "open"))


def test_a_mail_program_of_a_deployment_reads_mail_before_a_click_as_ours_do(tmp_path: Path) -> None:
    (tmp_path / "agents.csv").write_text(
        ",".join((*COLUMNS, "source", "as_of")) + "\nacmemail/,mail,Acme Mail,AcmeMail/1,our own logs,2026-11\n"
    )
    browser = WINDOWS + "Chrome/140.0.0.0 Safari/537.36"
    read = hit("open", 2 * HOUR, browser + " AcmeMail/1")
    clicked = hit("click", 2 * HOUR + 60_000, browser)

    with_their_rows = judge([read, clicked], SENDING, load_catalogues(tmp_path))[clicked.key]

    assert "read-at-the-same-place" in codes(with_their_rows)
    assert "read-at-the-same-place" not in codes(judge([read, clicked], SENDING, CATALOGUES)[clicked.key])


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
        "Microsoft Office Existence Discovery",
        "Microsoft Office Protocol Discovery",
        "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Word 16.0.17928; Pro)",
        WINDOWS + "Chrome/117.0.0.0 Safari/537.36 Edg/117.0.2045.47 OneOutlook/1.2023.927.100",
    ],
)
def test_office_at_a_click_checks_where_the_link_leads(agent: str) -> None:
    verdict = judged(agent, "click")

    assert verdict.kind == "machine"
    assert "office-check" in codes(verdict)


def test_office_loads_images_and_opens_documents_for_a_person() -> None:
    agent = "Mozilla/4.0 (compatible; ms-office; MSOffice 16)"

    assert judged(agent, "open").kind == "human"
    assert "office-check" not in codes(judged(agent, "attachment_view"))


@pytest.mark.parametrize("kind", ["click", "attachment_view"])
@pytest.mark.parametrize(
    "agent", ["YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", "FastmailUA/1.0"]
)
def test_an_image_proxy_opens_for_a_person_and_follows_nothing_for_one(agent: str, kind: HitKind) -> None:
    assert judged(agent, "open").kind == "human"
    verdict = judged(agent, kind)
    assert verdict.kind == "machine"
    assert "image-proxy-click" in codes(verdict)


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Claude-User/1.0; +Claude-User@anthropic.com)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; PerplexityBot/1.0; "
        "+https://perplexity.ai/perplexitybot)",
        WINDOWS + "Chrome/132.0.0.0 Safari/537.36; Perplexity-User/1.0",
        "Claude-User (claude-code/2.1.86)",
        WINDOWS + "Chrome/142.0.0.0 Safari/537.36 Example AntiVirus/7",
        "Kaspersky Lab CFR link resolver",
    ],
)
def test_an_assistant_or_an_antivirus_program_that_says_so_is_a_machine(agent: str) -> None:
    for kind in ("open", "click"):
        verdict = judged(agent, kind)
        assert verdict.kind == "machine"
        assert "declared-robot" in codes(verdict)


@pytest.mark.parametrize(
    "agent",
    [
        WINDOWS + "Chrome/150.0.0.0 Safari/537.36 Avast/150.0.0.0",
        WINDOWS + "Chrome/150.0.0.0 Safari/537.36 Norton/150.0.0.0",
        "Norton%20Private%20Browser/382 CFNetwork/3860.100.1 Darwin/25.0.0",
    ],
)
def test_a_browser_of_an_antivirus_maker_is_a_persons(agent: str) -> None:
    assert judged(agent, "click").kind == "human"


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"there are no sample agents in {SAMPLES}")
def test_of_real_crawlers_none_reads_mail() -> None:
    machines = (SAMPLES / "machines.txt").read_text().splitlines()

    assert [agent for agent in machines if CATALOGUES.agents.mail_program(agent)] == []
