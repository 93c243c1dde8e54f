"""The form of the page's words. Every language gives all of them; a missing one is an error of types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lib.tracking.facts import FactKind
from lib.verdicts.evidence import Class


@dataclass(frozen=True, slots=True)
class Words:
    """All that the page says. `{organization}`, `{email}` and the like stand for values."""

    title: str
    languages: str
    intro: str
    intro_without_name: str

    stop: str
    stop_text: str
    stop_button: str
    several_text: str
    address: str
    address_hint: str
    address_wrong: str

    see: str
    see_text: str
    see_button: str
    see_without_mail: str

    allow: str
    allow_text: str
    allow_button: str

    stopped: str
    stopped_text: str
    take_back_button: str
    stop_asked: str
    stop_asked_text: str
    allowed: str
    allowed_text: str
    allow_asked: str
    allow_asked_text: str
    link_asked: str
    link_asked_text: str

    gone: str
    gone_text: str
    broken: str
    broken_text: str
    unreachable: str
    unreachable_text: str
    too_often: str
    too_often_text: str
    again_button: str
    back: str

    proof: str
    proof_text: str
    proof_button: str
    proof_old: str
    proof_old_text: str

    recorded: str
    recorded_text: str
    state_on: str
    state_stopped: str
    mails: str
    no_mails: str
    sent_to_you: str
    sent_by_you: str
    not_followed: str
    nothing_recorded: str
    shared: str
    more_acts: str
    further_text: str
    further_button: str

    what: str
    when: str
    network: str
    device: str
    judged: str
    because: str
    unknown: str
    kinds: Mapping[FactKind, str]
    classes: Mapping[Class, str]
    device_types: Mapping[str, str]

    consents: str
    no_consents: str
    said_yes: str
    said_no: str
    basis: str
    source: str
    own_page: str

    responsible: str
    responsible_text: str
    lawful_basis: str
    bases: Mapping[str, str]
    notice: str
    other_data: str

    erase: str
    erase_text: str
    erase_button: str
    confirm: str
    confirm_text: str
    confirm_button: str
    erasing: str
    erasing_text: str
    erased: str
    erased_text: str

    months: tuple[str, ...]
    date: str
    """The form of a date, of `{day}`, `{month}`, `{year}` and `{time}`."""
