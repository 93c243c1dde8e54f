"""Sections of RESULTS.md that benches of their own write, each when it runs; `python -m bench` keeps them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from bench.machine import describe_machine

RESULTS = Path(__file__).with_name("RESULTS.md")
HOSTILE, NEIGHBORS, INBOUND = "Hostile bytes", "Beside the worst neighbor", "Reading inbound mail"
THREADS, INTAKE = "Answers find their messages", "Taking in mail"
COLD_START, APART = "Cold start", "Recipients apart from the rest"
FLOOD, NETWORKS, JUDGING = "A flood on one link", "Autonomous systems", "Judging"
INSTANCES, PAGES = "Several instances on one storage", "Pages of the console"
_KEPT = (HOSTILE, NEIGHBORS, INBOUND, THREADS, INTAKE, COLD_START, APART, FLOOD, NETWORKS, JUDGING, INSTANCES, PAGES)


def put(title: str, text: str, conditions: str) -> None:
    """Write one section, in place of what it said before. `conditions` say what else the machine did."""
    found = _sections(RESULTS.read_text(encoding="utf-8"))
    measured = f"Measured on {datetime.now(UTC):%d %B %Y} on {describe_machine()}; {conditions}."
    found[title] = f"## {title}\n\n{measured}\n\n{text.strip()}\n"
    RESULTS.write_text("\n".join(found.values()), encoding="utf-8")


def with_kept(results: str) -> str:
    """All other results, with these sections as they are."""
    there = _sections(RESULTS.read_text(encoding="utf-8"))
    return "\n".join([results, *(there[title] for title in _KEPT if title in there)])


def _sections(results: str) -> dict[str, str]:
    """By title, in order; what stands before the first one has none."""
    first, *others = ("\n" + results.strip()).split("\n## ")
    return {"": first.strip() + "\n"} | {each.partition("\n")[0]: f"## {each.strip()}\n" for each in others}
