"""Measure what judging costs, beside an earlier version: `python -m bench.judging`.

Both versions judge the same facts in turn, each time in a fresh process: single mails, which nothing is known of
besides, and the mails of an organization, with what is remembered of their sources. The earlier version has no memory.
Loading the memory is not part of it.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import statistics
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import fields
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.judged import Case
from bench.sections import JUDGING, put
from bench.traces.generate import TUNING_SEEDS, generate
from bench.traces.organizations import TUNING_SEEDS as ORGANIZATIONS
from bench.traces.organizations.play import play
from bench.traces.organizations.replay import HeedInAnOrganization, replay
from bench.versions import in_turn
from infra.local.child import ROOT
from lib.catalogues.registry import Catalogues, load_catalogues
from lib.tracking.facts import Fact
from lib.verdicts.context import Sending
from lib.verdicts.judge import Judgement

BASE = "57eb3e6"
"""The version before the judge had a memory: rules version 4."""

MAILS, DAYS, ROUNDS = 4_000, 104, 5

_WITH_MEMORY = ("memory", "looked_at")
"""Fields that versions with a memory know."""

_WHY = """\
The goal is a ratio of 0.25. What keeps single mails above it is what is new in a mail: the place of a network, a
request by a program, a combination of findings. Each is found once and kept, so that a process that has seen little
saves little. An organization's mails are judged with rules that the earlier version does not have: they look
through all that is remembered of the company and of the source, and each mail is judged without that, too, so that
memory does not feed on itself. [Decision 45](../docs/decisions/0045-what-judging-costs.md) has the parts. Judging is
less than a tenth of the CPU that the assessor takes for a fact; reading, writing and what follows a verdict are the
rest.
"""
"""What the ratios are measured against, and what they are made of."""

_OF_LATER_VERSIONS = (*_WITH_MEMORY, "feedback", "prior_shift")


def main(arguments: list[str]) -> None:
    """Measure, and write the section."""
    parser = argparse.ArgumentParser(prog="python -m bench.judging", description=__doc__)
    parser.add_argument("--base", default=BASE, help=f"the commit to compare with ({BASE})")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"processes of each version ({ROUNDS})")
    parser.add_argument("--days", type=int, default=DAYS, help=f"days of the organization's mails ({DAYS})")
    options = parser.parse_args(arguments)
    with TemporaryDirectory() as name:
        folder = Path(name)
        kinds = _record(folder, options.days)
        _unpack(options.base, folder)
        roots = (folder, ROOT)
        figures: dict[Path, list[list[float]]] = {root: [] for root in roots}
        for number in range(options.rounds):
            for root in in_turn(roots, number):
                figures[root].append(_measure(root, kinds.values()))
    rows = [
        _row(kind, *([each[place] for each in figures[root]] for root in roots)) for place, kind in enumerate(kinds)
    ]
    table = "\n".join(rows)
    print(table)
    put(
        JUDGING,
        f"""CPU time that the judge takes for a fact, beside commit {options.base}, which has rules version 4 and no
memory; medians of {options.rounds} fresh processes each, in turn. The first half of the mails warms a process up, the
second half is measured. An organization's mails are judged again with every few facts that come, as in production, with
all that is remembered of their sources by then; loading that is not part of it.

| µs a fact | before | now | ratio |
|---|---:|---:|---:|
{table}

{_WHY}""",
        "the versions took turns",
    )


class _Recorder(HeedInAnOrganization):
    """A judge that keeps every third question, with what was remembered then."""

    def __init__(self, catalogues: Catalogues) -> None:
        super().__init__(catalogues)
        self.number = 0
        self.cases: list[Case] = []

    def judge(self, facts: Sequence[Fact], sending: Sending) -> Judgement:
        """Judge the facts as always."""
        self.number += 1
        if self.number % 3 == 0:
            self.cases.append(_case(facts, sending))
        return super().judge(facts, sending)


def _record(folder: Path, days: int) -> dict[str, Path]:
    """Write what the judge is asked, by kind of mail."""
    catalogues = load_catalogues()
    single = [_case(mail.facts(catalogues.networks), mail.sending) for mail in generate(TUNING_SEEDS[0], MAILS)]
    recorder = _Recorder(catalogues)
    replay(play(ORGANIZATIONS[0], days), recorder, catalogues.networks)
    paths = {}
    for number, (kind, cases) in enumerate({"single mails": single, "an organization's mails": recorder.cases}.items()):
        paths[kind] = folder / f"{number}.pickle"
        paths[kind].write_bytes(pickle.dumps([tuple(each) for each in cases]))
    return paths


def _case(facts: Iterable[Fact], sending: Sending) -> Case:
    known = {each.name: getattr(sending, each.name) for each in fields(sending) if each.name not in _OF_LATER_VERSIONS}
    plain = [{each.name: getattr(fact, each.name) for each in fields(fact)} for fact in facts]
    return Case(plain, known, pickle.dumps({name: getattr(sending, name) for name in _WITH_MEMORY}))


def _unpack(commit: str, folder: Path) -> None:
    command = ["git", "archive", commit, "lib"]
    packed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=BytesIO(packed)) as files:
        files.extractall(folder, filter="data")


def _measure(root: Path, paths: Iterable[Path]) -> list[float]:
    command = [sys.executable, str(ROOT / "bench" / "judged.py"), *map(str, paths)]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(command, cwd=root, env=environment, check=True, capture_output=True)
    figures: list[float] = json.loads(done.stdout)
    return figures


def _row(kind: str, before: Sequence[float], now: Sequence[float]) -> str:
    ratio = statistics.median(one / other for one, other in zip(now, before, strict=True))
    return f"| {kind} | {statistics.median(before):.1f} | {statistics.median(now):.1f} | {ratio:.2f} |"


if __name__ == "__main__":
    main(sys.argv[1:])
