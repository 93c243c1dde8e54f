"""Addresses of which nobody expects that they are followed."""

import pytest

from lib.rewrite.links import is_left_alone


@pytest.mark.parametrize(
    "address",
    [
        "",
        " \r\n\t",
        "#",
        "#anchor",
        "mailto:someone@example.com",
        "MailTo:someone@example.com",
        " tel:+1555",
        "sms:+1555",
        "cid:logo@example.com",
        "data:text/html,x",
        "JavaScript:void(0)",
    ],
)
def test_what_is_no_web_address(address: str) -> None:
    assert is_left_alone(address)


@pytest.mark.parametrize(
    "address",
    [
        "{{ url }}",
        "https://example.com/{{ recipient.name }}",
        "https://example.com/?n={{name}}&x=1",
        "https://example.com/{% if x %}a{% endif %}",
        "*|UNSUB|*",
        "https://example.com/?e=*|EMAIL|*",
        "%%unsubscribe%%",
        "https://example.com/?e=%%email_name%%",
        "${url}",
        "https://example.com/${path}",
        "<%= url %>",
        "https://example.com/<% id %>",
        "[[url]]",
        "https://example.com/[[id]]",
    ],
)
def test_a_merge_field_that_was_not_filled_in(address: str) -> None:
    assert is_left_alone(address)


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com/",
        "https://example.com/#anchor",
        "https://example.com/?x={a}&y=$b&z=a|b*&w=[c]&v=50%%25",
        "https://example.com/?json={%22a%22:{%22b%22:1}}",
        "/relative",
        "ftp://example.com",
    ],
)
def test_everything_else_is_a_link(address: str) -> None:
    assert not is_left_alone(address)
