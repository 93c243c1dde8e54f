"""The catalogue of agents: every row means what it says, a deployment's come before ours, a broken one is refused."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from lib.catalogues.agents import COLUMNS, FILE, AgentRow, load_agents, our_agents
from lib.catalogues.csv_rows import BrokenCatalogue
from lib.catalogues.devices import declared_robot, device_of, image_proxy

ROWS = our_agents().rows
SLACK = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Slack/4.46.99 Chrome/140.0 Safari/537.36"
)

Write = Callable[..., Path]


@pytest.fixture
def deployment(tmp_path: Path) -> Write:
    """Writes a deployment's own agents.csv; each row is pattern, meaning, name, example."""

    def write(*rows: tuple[str, str, str, str]) -> Path:
        with (tmp_path / FILE).open("w", encoding="utf-8", newline="") as file:
            lines = csv.writer(file)
            lines.writerow((*COLUMNS, "source", "as_of"))
            lines.writerows((*row, "our own logs", "2026-11") for row in rows)
        return tmp_path

    return write


@pytest.mark.parametrize("row", ROWS, ids=[row.pattern[:40] for row in ROWS])
def test_every_row_fits_its_example_and_says_of_it_what_it_means(row: AgentRow) -> None:
    ours = our_agents()

    assert re.search(row.pattern, row.example, re.IGNORECASE)
    assert ours.declared_robot(row.example) is (row.meaning == "robot")
    assert ours.robot_name(row.example) == (
        row.name or ours.robot_name(row.example) if row.meaning == "robot" else None
    )
    assert ours.app_name(row.example) == (row.name if row.meaning in ("person", "mail") else None)
    assert ours.mail_program(row.example) == (row.name if row.meaning == "mail" else None)
    assert ours.image_proxy(row.example) == (row.name if row.meaning == "proxy" else None)


def test_no_pattern_stands_there_twice_and_every_meaning_is_in_use() -> None:
    assert len({row.pattern for row in ROWS}) == len(ROWS)
    assert {row.meaning for row in ROWS} == {"robot", "person", "mail", "proxy", "device"}


def test_every_robot_of_ours_has_a_word_for_itself() -> None:
    assert all(our_agents().robot_name(row.example) for row in ROWS if row.meaning == "robot")


def test_a_deployment_makes_a_person_of_what_we_call_a_robot(deployment: Write) -> None:
    theirs = load_agents(
        deployment(("acme intranet", "person", "Acme's intranet", "Acme Intranet http://acme.example"))
    )

    assert declared_robot("Acme Intranet http://acme.example")
    assert not declared_robot("Acme Intranet http://acme.example", theirs)
    assert theirs.app_name("Acme Intranet http://acme.example") == "Acme's intranet"
    assert declared_robot("curl/8.9.1", theirs)


def test_a_deployment_makes_a_robot_of_what_we_call_a_person(deployment: Write) -> None:
    theirs = load_agents(deployment((r"\bslack/\d", "robot", "Acme's test of Slack", SLACK)))

    assert not declared_robot(SLACK)
    assert theirs.robot_name(SLACK) == "Acme's test of Slack"
    assert theirs.app_name(SLACK) is None
    assert device_of(SLACK, theirs)["client"] == "Acme's test of Slack"


def test_a_deployments_own_image_proxy_is_one_and_no_robot_even_by_its_own_robot_rows(deployment: Write) -> None:
    folder = deployment(("acme", "robot", "Acme", "acme/1"), ("acmemailproxy", "proxy", "Acme Mail", "AcmeMailProxy/1"))
    theirs = load_agents(folder)

    assert image_proxy("AcmeMailProxy/1", theirs) == "Acme Mail"
    assert not declared_robot("AcmeMailProxy/1", theirs)
    assert theirs.robot_name("acme/1") == "Acme"


def test_a_deployment_names_a_system_of_its_people(deployment: Write) -> None:
    theirs = load_agents(deployment(("acmeos", "device", "Acme's terminals", "Terminal (AcmeOS 3)")))

    assert declared_robot("Terminal (AcmeOS 3)")
    assert not declared_robot("Terminal (AcmeOS 3)", theirs)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (("(?:bot", "robot", "", ""), "the pattern is no regular expression"),
        (("", "robot", "", ""), "the pattern is missing"),
        (("bot|", "robot", "", ""), "the pattern fits everything"),
        (("a.*b", "robot", "", ""), r"the pattern repeats without a bound \(\*\)"),
        (("a+", "robot", "", ""), r"the pattern repeats without a bound \(\+\)"),
        (("a{2,}", "robot", "", ""), "the pattern repeats without a bound"),
        (("x(?:a{1,9}){1,9}", "robot", "", ""), "the pattern repeats a group"),
        (("x.{0,99}.{0,99}.{0,99}y", "robot", "", ""), "the pattern repeats too much"),
        (("x" + "a?" * 20, "robot", "", ""), "the pattern repeats too much"),
        (("(bot)", "robot", "", ""), "the pattern has a group"),
        (("(?P<r0>bot)", "robot", "", ""), "the pattern has a group"),
        (("bot", "machine", "", ""), "meaning is 'machine', and must be one of robot, person, mail, proxy, device"),
        (("mailproxy", "proxy", "", ""), "a proxy needs a name"),
    ],
)
def test_a_broken_row_is_refused_with_its_file_and_line(
    deployment: Write, row: tuple[str, str, str, str], complaint: str
) -> None:
    with pytest.raises(BrokenCatalogue, match=f"^agents.csv, line 3: {complaint}"):
        load_agents(deployment(("fine", "robot", "", ""), row))


def test_a_repeated_class_with_a_bound_and_signs_that_only_look_like_repeats_are_fine(deployment: Write) -> None:
    theirs = load_agents(
        deployment((r"c\+\+ [+*{(]tool[\])]{1,9} \(v\d{1,3}\)", "robot", "C++ tool", "C++ (tool]] (v12)"))
    )

    assert theirs.robot_name("Mozilla/5.0 (Windows NT 10.0) C++ (tool]] (v12)") == "C++ tool"
