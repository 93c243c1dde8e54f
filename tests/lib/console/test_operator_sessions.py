"""Sessions of the operator: sealed, short, and bound to the key."""

from __future__ import annotations

from datetime import timedelta

from pydantic import SecretStr

from lib.console.operator_sessions import LIFETIME, OperatorSessions
from lib.console.shares import WIDTH, share_bars
from tests.support.heed import Heed


async def test_a_session_holds_for_its_key_until_its_end() -> None:
    heed = Heed()
    ring, clock = heed.services.ring, heed.clock
    ours = OperatorSessions(ring, SecretStr("one"), clock)
    sealed = ours.begin_session()

    session = ours.check_session(sealed)
    assert session is not None
    assert session.accepts_form(session.form_token)
    assert not session.accepts_form("other")
    assert OperatorSessions(ring, SecretStr("two"), clock).check_session(sealed) is None
    assert OperatorSessions(ring, None, clock).check_session(sealed) is None
    assert ours.check_session(sealed[:-2]) is None
    clock.move(seconds=(LIFETIME - timedelta(seconds=1)).total_seconds())
    assert ours.check_session(sealed)
    clock.move(seconds=1)
    assert ours.check_session(sealed) is None


def test_shares_fill_the_bar_in_order() -> None:
    assert share_bars((1, 2, 1)) == [(0, WIDTH / 4), (WIDTH / 4, WIDTH / 2), (WIDTH * 3 / 4, WIDTH / 4)]
    assert share_bars((0, 0)) == []
