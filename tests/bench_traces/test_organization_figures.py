"""Judges of organizations are asked in the order of time, and their figures count what a user would notice."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from bench.traces.judges import MACHINE, PERSON, Decision
from bench.traces.organizations.copies import Answer
from bench.traces.organizations.explained import explain_kind
from bench.traces.organizations.measures import READ_AT_WORK, WINDOWS, Difficulty, Figures, measure, measure_alone
from bench.traces.organizations.play import PlayedMail, play
from bench.traces.organizations.replay import LAST_LOOKS, Forgetful, HeedInAnOrganization, Question, replay
from bench.traces.organizations.run import HEED, measure_organizations
from bench.traces.organizations.sessions import Session
from bench.traces.organizations.tables import by_kind, compare, render_one_carrier, render_organizations
from bench.traces.organizations.world import ONE_CARRIER, START
from bench.traces.rivals import everything_counts
from bench.traces.timing import DAY, MINUTE
from bench.traces.trace import Request
from lib.catalogues.registry import load_catalogues
from tests.bench_traces.making import CHROME, SENT, hit, mail

CATALOGUES = load_catalogues()
NETWORKS = CATALOGUES.networks


def played(
    number: int, *requests: Request, sent_at: int = SENT, read: bool = False, answers: tuple[Answer, ...] = ()
) -> PlayedMail:
    """A mail of its own, whose requests come as late after `sent_at` as they come after `SENT`."""
    moved = tuple(replace(each, at=each.at - SENT + sent_at) for each in requests)
    trace = replace(mail(*moved, read=read), message=f"{number:032x}", sent_at=sent_at)
    return PlayedMail(trace, "sender@seller.example", ("anna@company.example",), answers)


class Recorder:
    """A judge that keeps its questions, and answers as it is told."""

    def __init__(self, say: Callable[[Question], Decision] = lambda _: MACHINE) -> None:
        self.questions: list[Question] = []
        self._say = say

    async def answer(self, question: Question) -> Mapping[str, Decision]:
        self.questions.append(question)
        return {fact.key: self._say(question) for fact in question.facts}


def test_questions_come_in_the_order_of_time_and_hold_nothing_that_is_still_to_come() -> None:
    recorder = Recorder()
    replay(play(5, days=10), recorder, NETWORKS)

    times = [question.now for question in recorder.questions]
    assert times == sorted(times)
    assert len({question.mail.trace.message for question in recorder.questions[:50]}) > 10
    assert all(fact.at <= question.now for question in recorder.questions for fact in question.facts)


def test_each_fact_is_new_once_and_the_last_question_is_about_all_of_them() -> None:
    made = played(1, hit("person", after=100), hit("person", "click", 105), hit("person", after=5000))
    recorder = Recorder()
    replay([made], recorder, NETWORKS)

    assert [len(question.new) for question in recorder.questions] == [2, 1, 0, 0]
    assert [len(question.facts) for question in recorder.questions] == [2, 3, 3, 3]
    assert recorder.questions[-1].now == SENT + 5_000_000 + LAST_LOOKS[-1]


def test_an_answer_is_told_when_it_comes_and_only_to_those_who_look_at_answers() -> None:
    made = played(1, hit("person"), answers=(Answer("reply", SENT + 7_200_000, 0),), read=True)
    recorder = Recorder()
    replay([made], recorder, NETWORKS)
    (outcome,) = replay([made], Forgetful(everything_counts), NETWORKS)

    assert [[fact.kind for fact in question.new] for question in recorder.questions] == [["open"], ["reply"], [], []]
    assert len(outcome.decisions) == 1


def test_an_alert_that_is_taken_back_was_raised_and_is_not_left_standing() -> None:
    made = played(1, hit("machine"))
    judge = Recorder(lambda question: PERSON if question.new else MACHINE)
    found = Figures()
    (outcome,) = replay([made], judge, NETWORKS)
    found.count(outcome, NETWORKS)

    assert (found.all.alerts.mails, found.all.alerts.raised, found.all.alerts.standing) == (1, 1, 0)
    assert found.by_kind["by-hand"].alerts.raised == 1


def test_a_mail_that_a_person_has_read_raises_no_false_alert() -> None:
    found = Figures()
    (outcome,) = replay([played(1, hit("machine"), hit("person", after=9000), read=True)], Recorder(), NETWORKS)
    found.count(outcome, NETWORKS)

    assert found.all.alerts.mails == 0


def test_what_nothing_tells_counts_apart_and_in_all() -> None:
    hidden = replace(hit("machine", "click"), nothing_tells=True)
    found = Figures()
    (outcome,) = replay([played(1, hidden, hit("machine", "click", 4000))], Recorder(lambda _: PERSON), NETWORKS)
    found.count(outcome, NETWORKS)

    assert [group.clicks.of("machine") for group in (found.knowable, found.hidden, found.all)] == [1, 1, 2]
    assert sum(count for count, _, _ in found.hidden_facts.bins) == 1
    assert found.clicks.expected_error == 1.0


def test_what_apple_loads_counts_in_the_error_of_the_probability_alone() -> None:
    found = Figures()
    (outcome,) = replay([played(1, hit("machine", unknowable=True))], Recorder(lambda _: PERSON), NETWORKS)
    found.count(outcome, NETWORKS)

    assert found.all.opens.of("machine") == 0
    assert found.opens.expected_error == 1.0


def test_without_history_every_day_has_a_judge_of_its_own() -> None:
    first, last = WINDOWS["0 days"][0], WINDOWS["0 days"][-1]
    days = (first, first, last)
    mails = [played(place, hit("machine"), sent_at=START + day * DAY + place) for place, day in enumerate(days)]
    judges: list[Recorder] = []

    def make() -> Recorder:
        judges.append(Recorder())
        return judges[-1]

    found = measure_alone(mails, make, NETWORKS)

    assert found.mails == 3
    asked = [{question.mail.day for question in judge.questions} for judge in judges if judge.questions]
    assert asked == [{first}, {last}]


def test_history_is_what_the_same_judge_was_asked_before() -> None:
    mails = [played(day, hit("machine"), sent_at=START + day * DAY) for day in (0, 8, 31, 95)]
    judges: list[Recorder] = []

    def make() -> Recorder:
        judges.append(Recorder())
        return judges[-1]

    found = measure(mails, make, NETWORKS)

    assert {question.mail.day for question in judges[0].questions} == {0, 8, 31, 95}
    assert {name: figures.mails for name, figures in found.items()} == {
        "0 days": 1, "7 days": 1, "30 days": 1, "90 days": 1, "all days": 4,
    }  # fmt: skip


def test_heed_knows_what_a_source_asked_at_other_mails_as_in_production() -> None:
    mails = [played(number, hit("machine", after=2 + number)) for number in range(5)]
    judge = HeedInAnOrganization(CATALOGUES)
    outcomes = replay(mails, judge, NETWORKS)
    reasons = [" ".join(next(iter(outcome.decisions.values())).reasons) for outcome in outcomes]
    (alone,) = replay(mails[:1], HeedInAnOrganization(CATALOGUES), NETWORKS)

    assert all("many-mails-at-once" in each for each in reasons)
    assert "many-mails-at-once" not in " ".join(next(iter(alone.decisions.values())).reasons)


def test_what_comes_long_after_the_sending_is_not_remembered_by_today_s_judge() -> None:
    mails = [played(number, hit("machine", after=11 * MINUTE / 1000 + number)) for number in range(5)]
    outcomes = replay(mails, HeedInAnOrganization(CATALOGUES), NETWORKS)

    assert not any("many-mails" in each for o in outcomes for d in o.decisions.values() for each in d.reasons)


def test_processes_that_share_the_work_measure_the_same() -> None:
    one = measure_organizations((5, 6), ONE_CARRIER, rivals=False, days=2)
    two = measure_organizations((5, 6), ONE_CARRIER, rivals=False, days=2, jobs=2)

    assert one == two
    assert one[HEED, "all days"].mails > 40


def test_tables_have_as_many_cells_in_each_row_as_in_the_head() -> None:
    measured = measure_organizations((5,), days=3)
    for table in (compare(measured), by_kind(measured[HEED, "all days"])):
        assert len({line.count("|") for line in table.strip().splitlines()}) == 1


def test_the_report_names_the_seeds_the_goal_and_what_nothing_tells() -> None:
    text = render_organizations(measure_organizations((5,), rivals=False, days=3), (5,))

    assert "seeds 5;" in text
    assert "| *goal* |" in text
    assert "### What nothing tells" in text
    assert "| Heed | 30 days |" in text
    assert "| Heed, senders use the console | 30 days |" in text


def test_the_report_on_one_carrier_shows_its_readers_and_the_senders_looks() -> None:
    text = render_one_carrier(measure_organizations((5,), ONE_CARRIER, rivals=False, days=3), (5,))

    assert "| phone-behind-one-carrier |  | " in text
    assert "| own-look-from-elsewhere |" in text
    assert "| Heed | 7 days |" in text


def test_an_explanation_says_what_the_kind_is_and_shows_mails_with_it() -> None:
    text = "\n".join(explain_kind("own-look-in-the-office", play(5, days=8), 2, CATALOGUES))

    assert text.startswith("The sender or a colleague")
    assert text.count("truth machine, own-look-in-the-office") >= 2
    assert "judged " in text


def test_figures_of_two_organizations_add_up() -> None:
    one, other = Difficulty(), Difficulty()
    one.clicks.add("machine", "machine")
    other.clicks.add("machine", "human")
    other.alerts.mails = 3
    one.update(other)

    assert one.clicks.machine_recall == 0.5
    assert one.alerts.mails == 3


def test_heed_knows_the_sessions_of_the_sender_that_were_by_then_and_since_it_began() -> None:
    outlook = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.19231; Pro)"
    mails = [played(1, hit("machine", after=9_000, agent=outlook))]
    at = SENT + 9_000_000

    def codes(*times: int, sender: str = "sender@seller.example") -> str:
        sessions = [Session(each, sender, "91.2.3.77", CHROME) for each in times]
        (outcome,) = replay(mails, HeedInAnOrganization(CATALOGUES, sessions), NETWORKS)
        return " ".join(next(iter(outcome.decisions.values())).reasons)

    assert "perhaps-own-place" in codes(at - MINUTE, at + DAY)
    assert "own-place" not in codes(at + DAY, at + 30 * DAY)
    assert "own-place" not in codes(at - DAY, at - MINUTE)
    assert "own-place" not in codes(at - MINUTE, at + DAY, sender="another@seller.example")


def test_people_who_read_where_the_sender_works_count_once_more() -> None:
    made = played(1, hit("person"), hit("person", "click", 4_000), hit("machine", after=9_000))
    found = Figures()
    (outcome,) = replay([made], Recorder(lambda _: PERSON), NETWORKS)
    found.count(outcome, NETWORKS, {("sender@seller.example", "91.2.3.0/24"), ("other@seller.example", "10.0.0.0/24")})

    counted = found.by_kind[READ_AT_WORK]
    assert (counted.opens.of("person"), counted.clicks.of("person"), counted.opens.of("machine")) == (1, 1, 0)
    assert READ_AT_WORK not in by_kind(found)
    assert found.all.opens.of("person") == 1
