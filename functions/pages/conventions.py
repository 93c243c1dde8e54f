"""Conventions of all endpoints, in a few sentences each: for the page of the API and the text for language models."""

from __future__ import annotations

from collections.abc import Mapping

CONVENTIONS: Mapping[str, str] = {
    "Keys": "A key goes in the header `Authorization: Bearer <key>`. Keys of an organization begin with `heed_`; the "
    "administrator makes them by `POST /api/orgs/{org}/keys`, and each is shown once. A key never leaves a server: a "
    "browser or an app gets a token of 15 minutes by `POST /api/orgs/{org}/users/{user}/tokens`.",
    "Acting user": "`X-Heed-User: <user id>` names the user of the CRM who acts. Texts such as `status_text` are in "
    "that user's time zone.",
    "Ids": "Ids are texts. With `PUT` the CRM chooses them, with `POST` Heed makes them.",
    "Times": "Times are RFC 3339, in any offset as they come in, in UTC with `Z` as they go out.",
    "Fields": "Answers have every field that is described here, and may get more: ignore fields that you do not know, "
    "and words of enumerations that you do not know. A request with a field that is not described is refused.",
    "Errors": "Errors are `application/problem+json` (RFC 9457). Decide by `code`; for 422, `errors` names the fields.",
    "Versions": "`etag` names the version of a thing. Send it as `If-Match` with `PUT`, `PATCH` or `DELETE`: 412 says "
    "that the thing has changed. `If-None-Match` with the header `ETag` of an answer is 304 while the answer is the "
    "same.",
    "Repeating": "A `POST` with an `Idempotency-Key` can be sent again for 24 hours: it is done once, and the first "
    "answer comes again. `PUT` and `DELETE` can be repeated as they are.",
    "Lists": "Lists are `items` and `next`, at most 200 a page. `next` is the `cursor` of the next page, null on the "
    "last one. A page may be short, or empty, and still have a `next`.",
    "Limits": "A key may send 50 requests a second unless the operator says otherwise; `RateLimit` tells what is left. "
    "More is 429 with `Retry-After`.",
    "News": "Do not poll messages: read the feed, `GET /api/orgs/{org}/events`, or have its events posted to you by a "
    "webhook. Verdicts change when more is known, so that counts can go down, too.",
}
"""Sentences by their heading. What stands in `backticks` is code."""
