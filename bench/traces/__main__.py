"""`python -m bench.traces`: score the judge and its rivals on labelled traces, and write bench/traces/RESULTS.md."""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.traces.explain import explain
from bench.traces.fit import fitted, observe
from bench.traces.generate import REPORTING_SEEDS, TUNING_SEEDS, generate
from bench.traces.heed import heed
from bench.traces.judges import Judge
from bench.traces.report import by_scenario, compared, reliability, render
from bench.traces.rivals import RIVALS
from bench.traces.scenarios import SCENARIOS
from bench.traces.score import Score
from lib.catalogues.networks import Networks
from lib.catalogues.registry import load_catalogues

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
    judge = heed(catalogues)
    seeds = options.seeds or (TUNING_SEEDS if tunes else REPORTING_SEEDS)
    if options.explain:
        for line in explain(options.explain, seeds[0], options.count, judge, catalogues.networks):
            print(line)
        return 0
    if options.fit:
        for line in fitted(observe(seeds, messages, catalogues)):
            print(line)
        return 0
    rivals = {} if options.no_rivals else RIVALS
    scores = _measure({"Heed": judge, **rivals}, seeds, messages, catalogues.networks)
    report = render(scores, seeds, messages)
    print(f"\n{compared(scores)}\n{by_scenario(scores['Heed'])}\n{reliability(scores['Heed'])}")
    if not options.tune and not options.seeds:
        RESULTS.write_text(report, encoding="utf-8")
        print(f"Written: {RESULTS}")
    return 0


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
    parser.add_argument("--explain", choices=sorted(SCENARIOS), metavar="SCENARIO", help="show traces of a scenario")
    parser.add_argument("--count", type=int, default=5, help="how many of these (5)")
    return parser.parse_args(arguments)


def _seeds(text: str) -> tuple[int, ...]:
    return tuple(int(seed) for seed in text.split(","))


sys.exit(main(sys.argv[1:]))
