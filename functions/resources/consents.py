"""The consent history of an e-mail address."""

from __future__ import annotations

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from functions.api.batches import LARGEST_BATCH
from functions.api.endpoint import Answer, Call, Endpoints
from functions.api.problems import invalid, invalid_fields
from lib.fields import Email, Model
from lib.organizations.audit import Actor
from lib.people.consent_batches import MOST_IMPORTED, ImportedConsent, PastConsent
from lib.people.consents import Consent, ConsentActor, ConsentSpec
from lib.people.preference import Preference
from lib.storage.at_once import some_at_once

endpoints = Endpoints("Recipients and consents")

_EMAIL = TypeAdapter(Email)
_MOST_SHOWN = 200


class ConsentHistory(BaseModel):
    """The consents of an address, newest first."""

    email: str
    follow: Preference = Field(description="what the newest entry says, which counts")
    history: list[Consent]


class ConsentImport(Model):
    """Consents that were said earlier."""

    items: list[PastConsent] = Field(min_length=1, max_length=MOST_IMPORTED)


class ConsentsImported(BaseModel):
    """The outcomes of the consents, in the order of the batch."""

    items: list[ImportedConsent]


@endpoints("PUT", "/consents/{*email}", body=ConsentSpec, answers={200: ConsentHistory})
async def put_consent(call: Call) -> Answer:
    """Add to an address's consent history; the newest entry counts."""
    email = _email(call)
    await call.services.consents.append_consent(call.org, email, call.body, consent_actor(call.actor), call.user())
    await call.services.wishes.address_changed(call.org, email)
    address = await call.services.address_hashes.hash_address(call.org, email)
    call.note("consent.added", address, follow=call.body.follow)
    return await _history(call, email)


@endpoints(
    "POST",
    "/consents/batch",
    body=ConsentImport,
    answers={200: ConsentsImported},
    largest_body=LARGEST_BATCH,
    may=("full",),
)
async def import_consents(call: Call) -> Answer:
    """Add up to 200 consents that were said earlier, each at its own time.

    The newest entry of an address counts, whenever it was entered. Where a field is wrong, nothing is imported. A batch
    that is sent again adds nothing.
    """
    said: list[PastConsent] = call.body.items
    for place, each in enumerate(said):
        if each.at > call.now:
            raise invalid(["items", place, "at"], "this time has not come yet: a consent is imported after it was said")
    batches = call.services.consent_batches
    done = await batches.import_batch(call.org, said, consent_actor(call.actor), call.user(), call.now)
    emails = list(dict.fromkeys(each.email for each in done if each.outcome != "erased"))
    await some_at_once(call.services.wishes.address_changed(call.org, email) for email in emails)
    hashes = [await call.services.address_hashes.hash_address(call.org, email) for email in emails]
    entered = sum(each.outcome == "entered" for each in done)
    call.note("consents.imported", entered=entered, addresses=sorted(set(hashes)))
    return Answer(200, ConsentsImported(items=done))


@endpoints("GET", "/consents/{*email}", answers={200: ConsentHistory})
async def get_consents(call: Call) -> Answer:
    """Read an address's consent history, newest first."""
    return await _history(call, _email(call))


def consent_actor(actor: Actor) -> ConsentActor:
    """Shape the caller, who is a key or a person: the administrator enters no consents."""
    return ConsentActor(kind="user" if actor.kind == "user" else "key", id=actor.id, name=actor.name)


def _email(call: Call) -> str:
    """Read the address from the path. Raises Problem."""
    try:
        return _EMAIL.validate_python(call.path["email"])
    except ValidationError as error:
        raise invalid_fields(error, ["path", "email"]) from None


async def _history(call: Call, email: str) -> Answer:
    history = [each async for each in call.services.consents.history(call.org, email, _MOST_SHOWN)]
    follow = history[0].follow if history else await call.services.consents.load_unspoken(call.org, email)
    return Answer(200, ConsentHistory(email=email, follow=follow, history=history))
