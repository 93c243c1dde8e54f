"""The command: what it prints, and that tuning leaves no trace."""

import subprocess
import sys
from pathlib import Path

from bench.traces.explain import explain
from bench.traces.heed import heed
from bench.traces.report import by_scenario, compared, reliability, render
from bench.traces.rivals import everything_counts
from bench.traces.score import score
from lib.catalogues.registry import load_catalogues
from lib.tracking.facts import Fact
from tests.bench_traces.making import hit, mail

ROOT = Path(__file__).parents[2]


def test_heed_s_judge_answers_for_each_fact() -> None:
    catalogues = load_catalogues()
    made = mail(hit("machine", "open", 5, agent="curl/8.9.1"), hit("person", "click", 3700))
    facts: list[Fact] = made.facts(catalogues.networks)
    decisions = heed(catalogues)(facts, made.sending)
    assert set(decisions) == {fact.key for fact in facts}
    assert decisions[facts[0].key].kind == "machine"
    assert decisions[facts[0].key].human_probability < 0.1
    assert decisions[facts[0].key].reasons


def test_an_explanation_names_each_request_its_truth_and_the_verdict() -> None:
    catalogues = load_catalogues()
    text = "\n".join(explain("safe-links-at-click", 1, 3, heed(catalogues), catalogues.networks))
    assert text.count("safe-links-at-click ") == 3
    assert "truth person" in text
    assert "truth machine" in text
    assert "judged " in text


def test_the_report_compares_judges_and_shows_scenarios_and_calibration() -> None:
    found = score([mail(hit("machine", "click", 5), hit("person", "click", 3700))], everything_counts)
    text = render({"Heed": found, "Another": found}, (1, 2), 1)
    assert "| Heed | 100.0 % | 0.0 % | 50.0 % |" in text
    assert "| Another | 100.0 % |" in text
    assert "| by-hand | 1 | 100.0 % | 1 | 0.0 % |" in text
    assert "| 0.9 to 1.0 | 2 | 1.000 | 0.500 |" in text
    assert "seeds 1, 2" in text


def test_tables_have_as_many_cells_in_each_row_as_in_the_head() -> None:
    found = score([mail(hit("machine", "click", 5), hit("person", "open", 3700))], everything_counts)
    for table in (compared({"Heed": found}), by_scenario(found), reliability(found)):
        assert len({line.count("|") for line in table.strip().splitlines()}) == 1


def test_tuning_prints_and_writes_nothing() -> None:
    results = ROOT / "bench" / "traces" / "RESULTS.md"
    before = results.read_bytes() if results.exists() else None
    command = [sys.executable, "-m", "bench.traces", "--tune", "--only", "mails", "--messages", "5"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    assert "| Heed |" in done.stdout
    assert (results.read_bytes() if results.exists() else None) == before
