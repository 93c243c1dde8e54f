"""The judge: who it was, how sure that is, and a reason that a salesperson understands."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.agents import declared_robot, device_of
from lib.facts import Fact, Kind
from lib.verdicts import Verdict, judge
from lib.verdicts.asks import GMAIL_PREFETCH
from tests.heed import CHROME

AGENTS = Path(__file__).parents[3] / "shared" / "data" / "agents"


def verdict_on(agent: str | None, kind: Kind = "open", method: str = "GET", **headers: str) -> Verdict:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    fact = Fact("0" * 13 + "-" + "0" * 12, "0" * 32, kind, 0, method, agent=agent, headers=named)
    return judge([fact])[fact.key]


def test_the_same_apple_agent_is_unknowable_for_an_open_and_nothing_special_for_a_click() -> None:
    agent = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"

    assert verdict_on(agent).kind == "uncertain"
    assert verdict_on(agent, "click").kind == "human"


def test_gmails_prefetch_is_a_machine_and_its_proxy_a_person() -> None:
    proxy = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"

    assert verdict_on(GMAIL_PREFETCH).kind == "machine"
    assert verdict_on(proxy).kind == "human"


def test_more_evidence_makes_it_surer() -> None:
    one, two = verdict_on(CHROME, method="HEAD"), verdict_on(None, method="HEAD", purpose="prefetch")

    assert one.kind == two.kind == "machine"
    assert two.confidence >= one.confidence
    assert [reason.code for reason in two.reasons] == ["head-request", "prefetch-header", "no-agent"]


@given(
    st.one_of(st.none(), st.text(max_size=600)),
    st.sampled_from(["open", "click"]),
    st.sampled_from(["GET", "HEAD"]),
    st.text(max_size=50),
)
def test_every_verdict_has_a_confidence_and_a_reason(agent: str | None, kind: Kind, method: str, header: str) -> None:
    verdict = verdict_on(agent, kind, method, sec_purpose=header)

    assert 0 <= verdict.confidence <= 1
    assert all(reason.text.endswith(".") for reason in verdict.reasons)
    assert verdict.reasons


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (CHROME, ("desktop", "Windows", "Chrome")),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/18.5 Mobile/15E148 Safari/604.1",
            ("phone", "iOS", "Mobile Safari"),
        ),
        ("Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Win64; x64; Microsoft Outlook 16.0.1)",
         ("desktop", "Windows", "Outlook")),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.2.0",
         ("desktop", "Linux", "Thunderbird")),
        ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
         (None, None, "Gmail (image proxy)")),
        (None, (None, None, None)),
        ("\x00\x01", (None, None, None)),
    ],
)  # fmt: skip
def test_devices_are_told_where_the_agent_tells(agent: str | None, device: tuple[str | None, ...]) -> None:
    assert tuple(device_of(agent).values()) == device


@pytest.mark.skipif(not AGENTS.is_dir(), reason=f"there are no sample agents in {AGENTS}")
def test_no_device_breaks_on_real_agents() -> None:
    for file in AGENTS.glob("*.txt"):
        for agent in file.read_text().splitlines():
            assert set(device_of(agent)) == {"type", "os", "client"}
            assert declared_robot(agent) in (True, False)
