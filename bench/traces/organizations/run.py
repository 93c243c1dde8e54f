"""Measures Heed and its rivals on several organizations, one after the other or in processes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from bench.traces.organizations import DAYS
from bench.traces.organizations.measures import Figures, measure, measure_alone
from bench.traces.organizations.play import play
from bench.traces.organizations.replay import Forgetful, HeedInAnOrganization
from bench.traces.organizations.sessions import play_sessions
from bench.traces.organizations.world import USUAL, Setting
from bench.traces.rivals import RIVALS
from lib.catalogues.registry import load_catalogues
from lib.tracking.requests import network_of

HEED, CONSOLE = "Heed", "Heed, senders use the console"

Measured = dict[tuple[str, str], Figures]
"""Figures by judge and history. Rivals do not remember: theirs stand under no history, on the same mails."""


def measure_organizations(
    seeds: Sequence[int], setting: Setting = USUAL, *, rivals: bool = True, jobs: int = 1, days: int = DAYS
) -> Measured:
    """Figures of all seeds together; `jobs` processes share the seeds."""
    work = partial(_measure_one, setting=setting, rivals=rivals, days=days)
    if jobs == 1:
        return _sum(work(seed) for seed in seeds)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        return _sum(pool.map(work, seeds))


def _measure_one(seed: int, *, setting: Setting, rivals: bool, days: int) -> Measured:
    began = time.perf_counter()
    catalogues, mails, sessions = load_catalogues(), play(seed, days, setting), play_sessions(seed, days, setting)
    worked = {(each.sender, network_of(each.address)) for each in sessions}
    found: Measured = {}
    for name, known in ((HEED, []), (CONSOLE, sessions)):
        make = partial(HeedInAnOrganization, catalogues, known)
        for history, figures in measure(mails, make, catalogues.networks, worked).items():
            found[name, history] = figures
    for name, judge in RIVALS.items() if rivals else ():
        found[name, "0 days"] = measure_alone(mails, partial(Forgetful, judge), catalogues.networks)
    passed = time.perf_counter() - began
    print(f"organization {seed} {setting.name}: {len(mails):,} mails in {passed:.1f} s", flush=True)
    return found


def _sum(each: Iterable[Measured]) -> Measured:
    total: Measured = {}
    for measured in each:
        for key, figures in measured.items():
            total.setdefault(key, Figures()).update(figures)
    return total
