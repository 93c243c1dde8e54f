"""Links whose key was taken off the ring: the page says that they are too old, and says it of nothing else."""

from __future__ import annotations

import base64

import pytest

from tests.functions.recipient_facing.test_attachment_views import followed
from tests.support.heed import TOKEN_KEYS, Heed

NEW_KEYS = "k2:" + base64.urlsafe_b64encode(bytes(range(64, 128))).decode().rstrip("=")


async def paths_of_both(heed: Heed) -> list[str]:
    _, [attachment] = await followed(heed)
    return [heed.urls("c")[0], attachment]


async def test_a_link_whose_key_was_retired_is_told_to_be_too_old(heed: Heed) -> None:
    later = Heed(storage=heed.storage, settings={"HEED_TOKEN_KEYS": NEW_KEYS})

    for path in await paths_of_both(heed):
        answer = await later.hit(path)
        assert (answer.status, answer.headers["cache-control"]) == (404, "no-store")
        assert b"This link is too old" in answer.body


@pytest.mark.parametrize("end", ["x", ".", "%20"])
async def test_a_link_that_was_changed_on_its_way_is_told_to_be_incomplete(heed: Heed, end: str) -> None:
    later = Heed(storage=heed.storage, settings={"HEED_TOKEN_KEYS": f"{NEW_KEYS},{TOKEN_KEYS}"})

    for path in await paths_of_both(heed):
        kind, token, *name = path.strip("/").split("/")
        other = "y" if token.endswith(end) else end  # a token may end so by chance
        for broken in (token[:-1] + other, token[:20], "zz" + token[2:20]):
            answer = await later.hit("/".join(["", kind, broken, *name]))
            assert answer.status == 404
            assert b"This link is not complete" in answer.body, broken
