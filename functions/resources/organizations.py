"""Organizations and their keys. Keys of scope `admin` administer their own organization."""

from __future__ import annotations

from pydantic import Field

from functions.api.endpoint import Answer, Call, Deleted, Endpoints
from functions.api.paging import Page, PageQuery, last_key, page
from functions.api.patching import names_given, patch_of, patched
from functions.api.problems import answering_not_there, not_there
from lib.fields import Model, Name
from lib.organizations.keys import ApiKey
from lib.organizations.registry import Organization, OrganizationSpec
from lib.organizations.scopes import KeyScope
from lib.organizations.settings import HumanFrom, OrganizationSettings
from lib.storage.versions import ETag, IfMatch, check_version
from lib.verdicts.thresholds import DEFAULT

endpoints = Endpoints("Organizations", may=("administrator", "admin"))
every = Endpoints("Organizations", may=("administrator",), prefix="api")

OrganizationPatch = patch_of(OrganizationSpec, __name__)


class OrganizationRead(Organization):
    """An organization, with all of its settings."""

    etag: ETag


class KeySpec(Model):
    """A key to be made."""

    scope: KeyScope = Field(
        description="`full`: all work of a CRM; `read`: GET alone; `inbound`: handing in mail alone; "
        "`admin`: settings, users, keys, webhooks, mailboxes, rules, privacy and audit log"
    )
    name: Name = Field("", description="to tell keys apart by")


class NewKey(ApiKey):
    """The only answer that ever holds the key itself."""

    key: str


def _read(organization: Organization, etag: str) -> OrganizationRead:
    """Shape the organization. A probability that it has not set is shown as the judge has it."""
    fields = organization.model_dump()
    shown = fields["settings"]["human_from"]
    for side, probability in DEFAULT.human_from.items():
        if shown[side] is None:
            shown[side] = probability
    return OrganizationRead(**fields, etag=etag)


def _as_chosen(settings: OrganizationSettings) -> OrganizationSettings:
    """Undo what `_read` fills in: a probability that is the judge's own is not chosen, though it was sent back."""
    own = settings.human_from.model_dump()
    chosen = {side: None if own[side] == probability else own[side] for side, probability in DEFAULT.human_from.items()}
    return settings.model_copy(update={"human_from": HumanFrom(**chosen)})


async def _there(call: Call) -> tuple[Organization, str]:
    found = await call.services.organizations.load_organization(call.org)
    if found is None:
        raise not_there("organization")
    return found


async def _put(call: Call, spec: OrganizationSpec, if_match: IfMatch | None) -> Answer:
    spec = spec.model_copy(update={"settings": _as_chosen(spec.settings)})
    organization, etag, made = await call.services.administration.save_organization(call.org, spec, if_match)
    call.note("organization.made" if made else "organization.changed", call.org, fields=names_given(call.body))
    return Answer(201 if made else 200, _read(organization, etag), etag)


@endpoints(
    "PUT",
    "",
    body=OrganizationSpec,
    answers={201: OrganizationRead, 200: OrganizationRead},
    may=("administrator",),
)
async def put_organization(call: Call) -> Answer:
    """Make an organization, with its storage, or change it."""
    return await _put(call, call.body, call.if_match)


@endpoints("GET", "", answers={200: OrganizationRead})
async def get_organization(call: Call) -> Answer:
    """Read an organization."""
    organization, etag = await _there(call)
    return Answer(200, _read(organization, etag), etag)


@every("GET", "/orgs", query=PageQuery, answers={200: Page[OrganizationRead]})
async def list_organizations(call: Call) -> Answer:
    """List the organizations, by id."""
    found = await call.services.organizations.page_of_organizations(last_key(call), call.query.limit + 1)
    return Answer(200, page(call, [(each.id, _read(each, etag)) for each, etag in found]))


@endpoints("PATCH", "", body=OrganizationPatch, answers={200: OrganizationRead})
async def patch_organization(call: Call) -> Answer:
    """Change some fields of an organization; settings that are left out stay."""
    organization, etag = await _there(call)
    fields = patched(OrganizationSpec, organization, call.body)
    given = call.body.model_dump(exclude_unset=True).get("settings")
    if given:
        fields["settings"] = {**organization.settings.model_dump(), **given}
    check_version(call.if_match, etag)
    return await _put(call, OrganizationSpec.model_validate(fields), IfMatch.for_version(etag))


@endpoints("DELETE", "", answers={200: Deleted}, may=("administrator",))
async def delete_organization(call: Call) -> Answer:
    """Delete an organization, with its keys and all its storage. This cannot be undone."""
    _, etag = await _there(call)
    check_version(call.if_match, etag)
    await call.services.administration.delete_organization(call.org)
    call.note("organization.deleted", call.org)
    return Answer(200, Deleted(deleted=call.org))


@endpoints("POST", "/keys", body=KeySpec, answers={201: NewKey})
async def make_key(call: Call) -> Answer:
    """Make a key. Only this answer shows it."""
    await _there(call)
    made, key = await call.services.api_keys.make_key(call.org, call.body.scope, call.body.name, call.made_id)
    call.note("key.made", made.id, scope=made.scope)
    return Answer(201, NewKey(**made.model_dump(), key=key))


@endpoints("GET", "/keys", query=PageQuery, answers={200: Page[ApiKey]})
async def list_keys(call: Call) -> Answer:
    """List the keys, without their secrets."""
    await _there(call)
    found = await call.services.api_keys.list_keys(call.org, last_key(call), call.query.limit + 1)
    return Answer(200, page(call, [(key.id, key) for key in found]))


@endpoints("DELETE", "/keys/{key}", answers={200: Deleted})
async def revoke_key(call: Call) -> Answer:
    """Revoke a key, at once."""
    with answering_not_there("key"):
        await call.services.api_keys.revoke_key(call.org, call.path["key"])
    call.note("key.revoked", call.path["key"])
    return Answer(200, Deleted(deleted=call.path["key"]))
