"""Templates: put, read, list with their rates, render and preview them; and outcomes of sales, which count for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from pydantic import BaseModel, Field, ValidationError

from functions.api.endpoint import LARGEST_BODY, Answer, Call, Deleted, Endpoints
from functions.api.paging import Page, PageQuery, last_key, page
from functions.api.problems import answering_not_there, invalid, not_there
from functions.shapes.template import TemplateItem, TemplateRead, template_item, template_read, visible_counts
from lib.fields import ChosenId, Model, Moment, QueryNumber, RecordRef, RecordType
from lib.lists.store import scope_of
from lib.messages.models import Recipient
from lib.people.records import StoredRecord
from lib.people.users import StoredUser
from lib.templates.greeting import MOST_GREETED, joined_values
from lib.templates.learned import learn
from lib.templates.listing import Shown, TemplateSort, chosen, evidence_of, ordered, shown
from lib.templates.merge_values import EXAMPLE, MergeValues, recipient_values, regarding_values, sender_values
from lib.templates.models import (
    LONGEST_HTML,
    LONGEST_TEXT,
    MergeRecipient,
    MergeSpec,
    Rendered,
    StoredTemplate,
    StoredVersion,
    TemplateSpec,
)
from lib.templates.rates import TemplateCounted, counted
from lib.templates.recommend import PickTerms
from lib.templates.rendering import TooLong, rendered
from lib.templates.shares import CountsByTemplate, has_replies

endpoints = Endpoints("Templates")

_LARGEST_TEMPLATE = 12 * (LONGEST_HTML + LONGEST_TEXT) + LARGEST_BODY
"""Bytes: a character may take twelve in JSON (`\ud83e\udd80`)."""


class TemplatesQuery(PageQuery):
    language: str | None = Field(None, max_length=35, description="a language tag; de finds de-AT, too")
    q: str | None = Field(None, max_length=200, description="words that name or subject hold, without regard to case")
    regarding: RecordType | None = Field(
        None, description="counts and recommends by mails that regard records of this type alone"
    )
    sort: TemplateSort = "name"


class VersionQuery(BaseModel):
    model_config = {"extra": "forbid"}

    version: QueryNumber | None = Field(None, ge=1, description="the newest where none is given")


class OutcomeSpec(Model):
    """The outcome of a sale."""

    won: bool | None = Field(description="true: won; false: lost; null: open again")
    at: Moment | None = Field(None, description="when it was closed, now by default; mails sent later do not count")


class OutcomeRead(BaseModel):
    """The outcome of a sale, and the templates for which it counts."""

    won: bool | None
    at: Moment
    templates: list[ChosenId] = Field(
        description="of the mails about the sale that went out before it was closed; it counts once for each"
    )


@endpoints(
    "PUT",
    "/templates/{id}",
    body=TemplateSpec,
    answers={201: TemplateRead, 200: TemplateRead},
    largest_body=_LARGEST_TEMPLATE,
    may=("full",),
)
async def put_template(call: Call) -> Answer:
    """Make a template, or replace it. Changed content makes a new version; old versions stay."""
    template, etag, made = await call.services.templates.save_template(
        call.org, call.path["id"], call.body, call.if_match
    )
    return Answer(201 if made else 200, await _read(call, template, etag, template.version), etag)


@endpoints("GET", "/templates/{id}", query=VersionQuery, answers={200: TemplateRead})
async def get_template(call: Call) -> Answer:
    """Read a template, or an older version."""
    template, etag = await _found(call)
    return Answer(200, await _read(call, template, etag, call.query.version or template.version), etag or None)


@endpoints("DELETE", "/templates/{id}", answers={200: Deleted}, may=("full",))
async def delete_template(call: Call) -> Answer:
    """Delete a template: no list shows it and no mail can be made of it. Its versions can still be read by number."""
    template, _ = await _found(call)
    with answering_not_there("template"):
        await call.services.templates.delete_template(call.org, template.id, call.if_match)
    return Answer(200, Deleted(deleted=template.id))


async def _found(call: Call) -> tuple[StoredTemplate, str]:
    """Load the template of the path, and its etag; a deleted one if the query names a version. Raises Problem."""
    found = await call.services.templates.load_template(call.org, call.path["id"])
    if found is None and getattr(call.query, "version", None):
        gone = await call.services.templates.load_even_deleted(call.org, call.path["id"])
        found = (gone, "") if gone else None
    if found is None:
        raise not_there("template")
    return found


async def _version(call: Call, template: StoredTemplate, number: int) -> StoredVersion:
    version = await call.services.templates.load_version(call.org, template.id, number)
    if version is None:
        raise not_there("version of the template")
    return version


async def _read(call: Call, template: StoredTemplate, etag: str, number: int) -> TemplateRead:
    version, counts = await asyncio.gather(
        _version(call, template, number), call.services.template_counts.load_counts(call.org)
    )
    evidence = evidence_of(template, counts, learn(counts, call.now), call.now)
    seen = await replies_are_seen(call, counts)
    return template_read(call, template, etag, version, counted(evidence, template.series_of(None), replies_seen=seen))


async def replies_are_seen(call: Call, counts: CountsByTemplate) -> bool:
    """Whether replies can be seen: there is a mailbox, or mail was received, or a mail of a template was answered."""
    if any(has_replies(each) for each in counts.values()):
        return True
    return any(
        await asyncio.gather(
            _has_any(call.services.mailboxes.list_mailboxes(call.org, None, 1)),
            _has_any(call.services.lists.page(call.org, scope_of(), "received", "-sent_at", None, 1)),
        )
    )


async def _has_any(found: AsyncIterator[object]) -> bool:
    async for _ in found:
        return True
    return False


async def find_recommendations(
    call: Call, templates: Sequence[tuple[StoredTemplate, str]], counts: CountsByTemplate, regarding: str | None
) -> tuple[list[Shown], bool]:
    """Attach evidence and recommendations to templates; return them, and whether replies can be seen."""
    settings, seen = call.organization.settings, await replies_are_seen(call, counts)
    terms = PickTerms(by=settings.recommend_by, trials=settings.template_trials, replies_seen=seen)
    # Stable for a day: a user who looks twice sees the same.
    seed = f"{call.org}|{regarding or ''}|{call.user() or ''}|{call.now.date()}"
    return shown(templates, counts, regarding, seed, call.now, terms), seen


@endpoints("GET", "/templates", query=TemplatesQuery, answers={200: Page[TemplateItem]})
async def list_templates(call: Call) -> Answer:
    """List the templates, with the rates of the mails that were made of them, and the recommended ones."""
    query: TemplatesQuery = call.query
    after = last_key(call)
    everything, seen = await _everything(call, query.regarding)
    found = [(each, _counts(call, each, seen)) for each in chosen(everything, query.language, query.q)]
    entries = ordered(found, query.sort)
    items = [(key, template_item(call, each, counts)) for key, each, counts in entries if after is None or key > after]
    return Answer(200, page(call, items[: query.limit + 1]))


async def find_listed(call: Call, template_id: str) -> TemplateItem | None:
    """Return a template as lists show it; None where no list does."""
    everything, seen = await _everything(call, None)
    found = next((each for each in everything if each.template.id == template_id), None)
    return template_item(call, found, _counts(call, found, seen)) if found else None


async def _everything(call: Call, regarding: str | None) -> tuple[list[Shown], bool]:
    """Return all templates with their recommendations, and whether replies can be seen."""
    templates, counts = await asyncio.gather(
        call.services.templates.list_templates(call.org), call.services.template_counts.load_counts(call.org)
    )
    return await find_recommendations(call, templates, counts, regarding)


def _counts(call: Call, each: Shown, seen: bool) -> TemplateCounted:
    return visible_counts(call, counted(each.evidence, each.template.series_of(None), replies_seen=seen))


@endpoints("POST", "/templates/{id}/render", body=MergeSpec, answers={200: Rendered})
async def render_template(call: Call) -> Answer:
    """Render a template: values take the place of its merge fields."""
    spec: MergeSpec = call.body
    found = await call.services.templates.load_template(call.org, call.path["id"])
    if found is None:
        raise not_there("template")
    version = await _version(call, found[0], spec.version or found[0].version)
    done = await _rendered(call, version, await _values(call, spec, found[0].language))
    return Answer(200, done, size=len(done.html or "") + len(done.text or ""))


async def render_newest(call: Call, template: StoredTemplate, spec: MergeSpec) -> Rendered:
    """Render the newest version of a template. Raises Problem."""
    return await _rendered(
        call, await _version(call, template, template.version), await _values(call, spec, template.language)
    )


async def _rendered(call: Call, version: StoredVersion, values: MergeValues) -> Rendered:
    size = len(version.html or "") + len(version.text or "")
    try:
        with call.services.large_requests.place(call.org, size):
            return await call.services.off_loop.run(call.org, size, rendered, version, values)
    except TooLong as error:
        raise invalid([error.part], f"{error}") from None


async def _values(call: Call, spec: MergeSpec, language: str) -> MergeValues:
    """Return the values of all merge fields, in a template of this language. Raises Problem."""
    regarding, people = spec.regarding, [spec.recipient, *spec.others]
    if len(people) > MOST_GREETED:
        people = [MergeRecipient()]
    sender, about, each = await asyncio.gather(
        _sender(call, spec.sender),
        _record(call, regarding),
        asyncio.gather(*(_recipient_values(call, spec, who) for who in people)),
    )
    return {
        **sender_values(sender),
        **joined_values(each, language),
        **regarding_values(regarding, about),
        "org.name": call.organization.name,
    }


async def _recipient_values(call: Call, spec: MergeSpec, given: MergeRecipient) -> MergeValues:
    record = await _recipient_record(call, spec, given)
    company = given.company or (record and record.company)
    parent = await _record(call, record.parent) if record and not company else None
    return recipient_values(given, record, parent)


async def _recipient_record(call: Call, spec: MergeSpec, given: MergeRecipient) -> StoredRecord | None:
    """Read the recipient's record: the named one, or the one that a mail to the address would belong to."""
    if given.record or not given.email:
        return await _record(call, given.record)
    try:
        recipient = Recipient(email=given.email)
    except ValidationError:
        return None
    by, sender = call.organization.settings.resolve_recipients, spec.sender or call.user() or ""
    known = await call.services.recipient_lookup.look_up(call.org, by, [recipient], spec.regarding, sender)
    match = known.recipients[0].match
    return match.possible[0] if match.record else None


async def _sender(call: Call, sender: str | None) -> StoredUser | None:
    name = sender or call.user()
    user = await call.services.people.user(call.org, name) if name else None
    if user is None and sender is not None:
        raise invalid(["sender"], f"the sender {sender} is no user of this organization")
    return user


async def _record(call: Call, ref: RecordRef | None) -> StoredRecord | None:
    found = await call.services.people.standing_record(call.org, RecordRef(type=ref.type, id=ref.id)) if ref else None
    return found[0] if found else None


@endpoints("GET", "/templates/{id}/preview", query=VersionQuery, answers={200: str})
async def preview_template(call: Call) -> Answer:
    """Show the template with example names, on a page that runs no script and loads nothing from elsewhere."""
    from functions.pages.template_preview import (  # Jinja is loaded when it is first needed
        HEADERS,
        template_preview_page,
    )

    template, _ = await _found(call)
    version = await _version(call, template, call.query.version or template.version)
    own = {name: value for name, value in sender_values(await _sender(call, None)).items() if value}
    values = {**EXAMPLE, **own, "org.name": call.organization.name}
    return Answer(
        200, template_preview_page(template, version.version, await _rendered(call, version, values)), headers=HEADERS
    )


@endpoints("POST", "/records/opportunity/{id}/outcome", body=OutcomeSpec, answers={200: OutcomeRead})
async def put_outcome(call: Call) -> Answer:
    """Say whether an opportunity was won or lost, or is open again; the templates of the mails about it count it."""
    spec: OutcomeSpec = call.body
    outcome = await call.services.outcomes.save_outcome(call.org, call.path["id"], spec.won, spec.at)
    return Answer(200, OutcomeRead(won=outcome.won, at=outcome.at, templates=outcome.templates))
