"""`python -m bench.traces`: score the judge and its rivals on labelled traces, and write bench/traces/RESULTS.md."""

import argparse
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bench.traces.explain import explain
from bench.traces.fit import both, fitted, observe, observe_organizations
from bench.traces.generate import REPORTING_SEEDS, TUNING_SEEDS, generate
from bench.traces.heed import heed
from bench.traces.judges import Judge
from bench.traces.organizations import REPORTING_SEEDS as REPORTED_ORGANIZATIONS
from bench.traces.organizations import TUNING_SEEDS as TUNED_ORGANIZATIONS
from bench.traces.organizations.explained import explain_kind
from bench.traces.organizations.kinds import DESCRIPTIONS
from bench.traces.organizations.play import play
from bench.traces.organizations.run import measure_organizations
from bench.traces.organizations.tables import render_one_carrier, render_organizations
from bench.traces.organizations.world import ONE_CARRIER, PHONES, USUAL
from bench.traces.report import render, title
from bench.traces.rivals import RIVALS
from bench.traces.scenarios import SCENARIOS
from bench.traces.score import Score
from lib.catalogues.networks import Networks
from lib.catalogues.registry import Catalogues, load_catalogues

TUNED_MESSAGES = 2000
REPORTED_MESSAGES = 8000
"""Of each seed. Half a per cent of the mails that only machines opened are some thirty: fewer would tell nothing."""

RESULTS = Path(__file__).with_name("RESULTS.md")


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    options = _options(arguments)
    catalogues = load_catalogues()
    tunes = options.tune or options.explain or options.fit
    messages = options.messages or (TUNED_MESSAGES if tunes else REPORTED_MESSAGES)
    seeds = options.seeds or (TUNING_SEEDS if tunes else REPORTING_SEEDS)
    if options.explain:
        for line in _explained(options, seeds[0], catalogues):
            print(line)
        return 0
    if options.fit:
        played = observe_organizations(options.seeds or TUNED_ORGANIZATIONS, catalogues)
        for line in fitted(both(observe(seeds, messages, catalogues), played)):
            print(line)
        return 0
    parts = [title()]
    if options.only != "mails":
        organizations = options.seeds or (TUNED_ORGANIZATIONS if tunes else REPORTED_ORGANIZATIONS)
        measured = measure_organizations(organizations, rivals=not options.no_rivals, jobs=options.jobs)
        parts.append(render_organizations(measured, organizations))
        print(f"\n{parts[-1]}", flush=True)
        sharing = measure_organizations(organizations, ONE_CARRIER, rivals=not options.no_rivals, jobs=options.jobs)
        parts.append(render_one_carrier(sharing, organizations))
        print(f"\n{parts[-1]}", flush=True)
    if options.only != "organizations":
        rivals = {} if options.no_rivals else RIVALS
        scores = _measure({"Heed": heed(catalogues), **rivals}, seeds, messages, catalogues.networks)
        parts.append(render(scores, seeds, messages))
        print(f"\n{parts[-1]}")
    if not (options.tune or options.seeds or options.only or options.no_rivals or options.messages):
        RESULTS.write_text("\n".join(parts), encoding="utf-8")
        print(f"Written: {RESULTS}")
    return 0


def _explained(options: argparse.Namespace, seed: int, catalogues: Catalogues) -> Iterable[str]:
    if options.explain in DESCRIPTIONS:
        first = options.seeds[0] if options.seeds else TUNED_ORGANIZATIONS[0]
        setting = ONE_CARRIER if options.explain == PHONES else USUAL
        return explain_kind(options.explain, play(first, setting=setting), options.count, catalogues)
    return explain(options.explain, seed, options.count, heed(catalogues), catalogues.networks)


def _measure(judges: Mapping[str, Judge], seeds: Sequence[int], messages: int, networks: Networks) -> dict[str, Score]:
    scores = {name: Score() for name in judges}
    for seed in seeds:
        began = time.perf_counter()
        for trace in generate(seed, messages):
            for name, judge in judges.items():
                scores[name].add(trace, judge, networks)
        print(f"seed {seed}: {messages:,} messages in {time.perf_counter() - began:.1f} s", flush=True)
    return scores


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.traces", description=__doc__)
    parser.add_argument("--tune", action="store_true", help="on the seeds for tuning; writes nothing")
    parser.add_argument("--fit", action="store_true", help="the weights that the seeds for tuning ask for")
    parser.add_argument(
        "--messages", type=int, help=f"how many of each seed ({REPORTED_MESSAGES}; for tuning {TUNED_MESSAGES})"
    )
    parser.add_argument("--seeds", type=_seeds, help="other seeds, separated by commas; writes nothing")
    parser.add_argument("--no-rivals", action="store_true", help="Heed alone")
    parser.add_argument("--only", choices=("mails", "organizations"), help="one part of the report; writes nothing")
    parser.add_argument("-j", "--jobs", type=int, default=1, help="processes that share the organizations (1)")
    parser.add_argument(
        "--explain",
        choices=sorted({*SCENARIOS, *DESCRIPTIONS}),
        metavar="NAME",
        help="show traces of a scenario, or an organization's mails with a kind of behavior",
    )
    parser.add_argument("--count", type=int, default=5, help="how many of these (5)")
    return parser.parse_args(arguments)


def _seeds(text: str) -> tuple[int, ...]:
    return tuple(int(seed) for seed in text.split(","))


sys.exit(main(sys.argv[1:]))
