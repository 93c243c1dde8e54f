"""The section on templates of bench/advice/RESULTS.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from multiprocessing import Pool
from random import Random

from bench.advice.templates.cases import GAPS, SIZES, TRAPS, Case, many_templates, plain_case
from bench.advice.templates.coverage import RUNS, covered
from bench.advice.templates.learning import DAYS, Chooser, heeds_choice, reached, rivals_choice
from bench.advice.templates.policies import RIVALS, candidates, heed, rival
from bench.advice.templates.worlds import NOW, count_mails, decide_fates, raw_rates

REPORTED = "reported"
"""Seeds of what is reported. Thresholds are chosen with others: `python -m bench.advice.templates` prints those."""
_MUCH_WORSE = 0.02
_LEARNING_RUNS = 8
_INTRODUCTION = """## Templates

Best: the share of runs in which the truly best template is recommended. Wrong: those in which one is that is worse than
another by 2 points or more. The rest of Heed's runs recommend nothing and offer trials, which are marked as such.
Rivals always pick one. Mails are each template's. The 30/90 rule: thirty mails of each, then the highest rate, and one
time in ten any. Thresholds were chosen with other seeds than those of these tables, and were not changed for them.
"""


_PLAIN = (*(plain_case(gap, size) for gap in GAPS for size in SIZES), many_templates())
_CASES = (*_PLAIN, *TRAPS)


def section(seeds: str = REPORTED) -> str:
    """Simulate everything, in some minutes; return the section."""
    parts = [
        _INTRODUCTION,
        _table("Two templates, sent alike", _PLAIN, seeds),
        _table("Traps: the first template is better in every group", TRAPS, seeds),
        _learning(seeds),
        _coverage(seeds),
    ]
    return "\n".join(parts)


def _table(title: str, cases: Sequence[Case], seeds: str) -> str:
    heads = " | ".join(f"{name}: best | wrong" for name in ("Heed", *RIVALS))
    lines = [f"### {title}", "", f"| case | runs | {heads} |", "|---|" + "---:|" * (2 * len(RIVALS) + 3)]
    with Pool(2) as pool:
        played = pool.starmap(_play, [(_CASES.index(case), seeds) for case in cases], chunksize=1)
    for case, found in zip(cases, played, strict=True):
        cells = []
        for name in ("Heed", *RIVALS):
            best, wrong = _judge(case, found[name])
            cells.append(f"{100 * best:.1f} % | {100 * wrong:.1f} %")
        lines.append(f"| {case.name} | {case.runs} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return "\n".join([*lines, ""])


def _play(place: int, seeds: str) -> dict[str, Counter[int | None]]:
    """Return how often each policy picks each template in a case."""
    case = _CASES[place]
    found: dict[str, Counter[int | None]] = {name: Counter() for name in ("Heed", *RIVALS)}
    for run in range(case.runs):
        chance = Random(f"{seeds}|{case.name}|{run}")
        mails = case.make_mails(chance)
        decide_fates(mails, chance, case.likeness)
        some = candidates(count_mails(mails, chance), len(case.rates), case.series, NOW)
        advice = heed(some, None, NOW, case.by, replies_seen=case.replies_seen)
        found["Heed"][next((int(name) for name, each in advice.items() if each.recommended), None)] += 1
        rates = raw_rates(mails, len(case.rates))
        for name in RIVALS:
            found[name][rival(name, rates, chance)] += 1
    return found


def _judge(case: Case, picks: Counter[int | None]) -> tuple[float, float]:
    """Return the shares of runs in which the best one, and a much worse one, was picked."""
    best = max(case.rates)
    wrong = sum(number for pick, number in picks.items() if pick is not None and _is_worse(case, pick, best))
    right = sum(number for pick, number in picks.items() if pick is not None and case.rates[pick] == best)
    return right / case.runs, wrong / case.runs


def _is_worse(case: Case, pick: int, best: float) -> bool:
    return best - case.rates[pick] > _MUCH_WORSE - 1e-9


def _learning(seeds: str) -> str:
    lines = [
        "### Ten templates: the open rate reached",
        "",
        "The best has 50 %, the mean is 41 %. Five users make ten mails a day of their day's pick, for "
        f"{DAYS} days; opens come late.",
        "",
        "| policy | all mails | last ten days |",
        "|---|---:|---:|",
    ]
    with Pool(2) as pool:
        learned = pool.starmap(_learn, [(name, seeds) for name in _CHOOSERS], chunksize=1)
    for name, found in zip(_CHOOSERS, learned, strict=True):
        whole, last = (sum(each[place] for each in found) / len(found) for place in (0, 1))
        lines.append(f"| {name} | {100 * whole:.1f} % | {100 * last:.1f} % |")
        print(lines[-1], flush=True)
    return "\n".join([*lines, ""])


_CHOOSERS: Mapping[str, Chooser] = {
    "Heed, 10 % trials": heeds_choice(0.1),
    "Heed, 30 % trials": heeds_choice(0.3),
    **{name: rivals_choice(name) for name in RIVALS},
}


def _learn(name: str, seeds: str) -> list[tuple[float, float]]:
    return [reached(_CHOOSERS[name], f"{seeds}|learning|{run}") for run in range(_LEARNING_RUNS)]


_COVERED = (
    (10, 10, 0.5, 0.2),
    (10, 10, 0.3, 0.2),
    (10, 10, 0.5, 0.5),
    (10, 10, 0.3, 0.5),
    (10, 10, 0.1, 0.2),
    (30, 5, 0.3, 0.3),
    (200, 1, 0.3, 0.0),
    (1000, 1, 0.1, 0.0),
)
"""People, mails to each, the true rate, and the correlation."""


def _coverage(seeds: str) -> str:
    lines = [
        "### Intervals: how often 95 % hold the true rate",
        "",
        f"Results of one person correlate. {RUNS} runs.",
        "",
        "| mails | rate | correlation | Heed | Wilson alone |",
        "|---|---:|---:|---:|---:|",
    ]
    with Pool(2) as pool:
        held = pool.starmap(covered, [(*cell, seeds) for cell in _COVERED], chunksize=1)
    for (people, each, rate, likeness), (ours, plain) in zip(_COVERED, held, strict=True):
        found = f"{100 * rate:.0f} % | {likeness} | {100 * ours:.1f} % | {100 * plain:.1f} %"
        lines.append(f"| {people} people, {each} each | {found} |")
        print(lines[-1], flush=True)
    return "\n".join([*lines, ""])
