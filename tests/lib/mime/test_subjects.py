"""Subjects of mail in a thread: prefixes go, words stay, tokens lead back."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.mime.subjects import (
    LONGEST_SUBJECT,
    has_prefix,
    ids_begun_by_tokens,
    reply_subject,
    subject_words,
    with_token,
    without_prefixes,
)


@pytest.mark.parametrize(
    "prefix",
    [
        "Re: ", "RE:", "re[2]: ", "Re(3): ", "Re^2: ", "Re : ", "AW: ", "Antw: ", "WG: ", "SV: ", "VS: ", "Odp: ",
        "TR : ", "RV: ", "RES: ", "R: ", "I: ", "Fwd: ", "FW: ", "Ynt: ", "ILT: ", "Отв: ", "ΑΠ: ",
        "השב: ", "رد: ", "回复：", "答复: ", "返信：", "답장: ", "Automatic reply: ", "Automatische Antwort: ",
        "Undeliverable: ", "Accepted: ", "[EXTERN] ", "[EXT] Re: ", "***SPAM*** ", "Re: AW: Fwd: re: ", "  Re:  ",
    ],
)  # fmt: skip
def test_a_prefix_of_any_language_is_no_part_of_the_subject(prefix: str) -> None:
    assert without_prefixes(f"{prefix}Our offer") == "Our offer"
    assert has_prefix(f"{prefix}Our offer")
    assert reply_subject(f"{prefix}Our offer") == "Re: Our offer"


@pytest.mark.parametrize("subject", ["Rent: May", "Reply to our offer", "Awards: 3", "[Order 17] sent", "Re", "5: a"])
def test_a_subject_that_begins_like_a_prefix_stays(subject: str) -> None:
    assert without_prefixes(subject) == subject
    assert not has_prefix(subject)


def test_words_are_compared_without_case_signs_and_widths() -> None:
    assert subject_words("AW: Our  Offer, No. 17!") == subject_words("our offer no 17") == "our offer no 17"
    assert subject_words("Ｏｆｆｅｒ") == "offer"
    assert subject_words("Re: [EXT] …") == ""


def test_an_answer_to_a_subject_without_words_has_its_prefix_alone() -> None:
    assert reply_subject("") == "Re:"
    assert len(reply_subject("x" * 2000)) == LONGEST_SUBJECT


def test_a_token_leads_back_to_its_message_and_an_answer_has_one_token_not_two() -> None:
    message, answer = secrets.token_hex(16), secrets.token_hex(16)
    marked = with_token("Offer", message)
    assert message.startswith(ids_begun_by_tokens(f"AW: {marked.upper()}")[0])
    again = with_token(reply_subject(f"AW: {marked}"), answer)
    [begun] = ids_begun_by_tokens(again)
    assert answer.startswith(begun)
    assert again.startswith("Re: Offer [#")
    assert with_token("x" * LONGEST_SUBJECT, message) == "x" * LONGEST_SUBJECT


@given(st.text(max_size=300))
def test_an_answers_subject_stays_the_same_however_often_it_is_answered(subject: str) -> None:
    once = reply_subject(subject)
    assert reply_subject(once) == once
    assert subject_words(once) == subject_words(subject)


@given(st.lists(st.sampled_from(["Re: ", "AW:", "Fwd[2]: ", "[EXT] "]), max_size=15), st.sampled_from(["Offer", "Ω x"]))
def test_the_words_are_the_same_behind_any_prefixes(prefixes: list[str], subject: str) -> None:
    assert subject_words("".join(prefixes) + subject) == subject_words(subject)
