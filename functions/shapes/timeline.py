"""The timeline of a message: one event for each open, click or view, with its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lib.catalogues.devices import device_of
from lib.catalogues.registry import Catalogues
from lib.clock import moment
from lib.fields import Moment
from lib.messages.feedback import Was
from lib.messages.store import Loaded
from lib.tracking.answer_details import AnswerDetails, details_of
from lib.tracking.facts import Fact, FactKind
from lib.verdicts import Verdict


class ReasonRead(BaseModel):
    """A reason for a verdict."""

    code: str
    text: str
    weight: float = Field(
        description="in log-odds (natural logarithm): above 0 it speaks for a person, below for a machine"
    )
    source: str


class VerdictRead(BaseModel):
    """Person or machine, how sure that is, and why."""

    model_config = ConfigDict(populate_by_name=True)

    class_: Literal["human", "machine", "uncertain"] = Field(alias="class")
    confidence: float = Field(description="0 to 1")
    human_probability: float = Field(description="0 to 1: how probable a person among the recipients is")
    reasons: list[ReasonRead]
    rules: str
    was: Literal["human", "machine", "uncertain"] | None = Field(
        None, description="the class that was said before, where it changed more than a minute after the event"
    )


class DeviceRead(BaseModel):
    """The device and program, as far as the user agent tells."""

    type: str | None
    os: str | None
    client: str | None


class PlaceRead(BaseModel):
    """The place of a request: never finer than a country and the owner of a network.

    The data are RouteViews', the NRO's and DB-IP's, CC BY 4.0: who shows them names these, with a link to
    https://db-ip.com.
    """

    country: str | None = Field(
        description="where nearly all addresses of the network's owner are registered (ISO 3166-1 alpha-2); null for "
        "an owner in several countries"
    )
    owner: str = Field(description="the network's owner, such as a carrier or a hoster")


class AnswerRead(BaseModel):
    """Details of a mail that came back."""

    back_at: Moment | None = Field(description="the day on which the writer of an auto-reply is back, at 0:00 UTC")
    failed: list[str] = Field(description="the recipients whom the mail did not reach")
    delayed: list[str] = Field(description="the recipients for whom a mail server goes on trying")
    code: str | None = Field(description="the code of the first failure, such as 5.1.1")


class FeedbackRead(BaseModel):
    """The word of a user on an event."""

    user: str
    was: Was
    at: Moment


class Event(BaseModel):
    """An open, a click or a view of a message, or mail that came back."""

    id: str
    kind: FactKind
    at: Moment
    count: int = Field(
        description="how many hits the event stands for: above 1 where one link or pixel was hit so often that those "
        "of some seconds share an event"
    )
    recipient: str | None
    url: str | None
    attachment: str | None
    mail: str | None = Field(description="the id of the received message; null for an open, a click or a view")
    answer: AnswerRead | None = Field(description="what the mail says beside its kind; null for an open and the like")
    device: DeviceRead
    place: PlaceRead | None = Field(description="null where it is not known, and for mail that came back")
    verdict: VerdictRead
    feedback: list[FeedbackRead] = Field(description="what users say of it, the latest word first")


def timeline_event(
    loaded: Loaded,
    links_of_copies: Sequence[Sequence[str]],
    filenames: Mapping[int, str],
    fact: Fact,
    verdict: Verdict,
    catalogues: Catalogues,
    *,
    names_recipients: bool = True,
) -> Event:
    """Show a judged fact.

    `links_of_copies` are the destinations of the links of each of the message's copies; `filenames` are those of its
    attachments, by their numbers. The catalogues know owners of networks.
    """
    recipients = loaded.message.recipients()
    known = names_recipients and fact.recipient is not None and fact.recipient < len(recipients)
    copies = zip(loaded.copies, links_of_copies, strict=True)
    # A browser that asks not to be tracked does not say whose copy it was; followed ones come first, and have the link.
    links = next((links for copy, links in copies if _is_for(copy.recipients, fact)), [])
    return Event(
        id=fact.key,
        kind=fact.kind,
        at=moment(fact.at),
        count=fact.count,
        recipient=recipients[fact.recipient].email if known and fact.recipient is not None else None,
        url=links[fact.item] if fact.kind == "click" and fact.item < len(links) else None,
        attachment=filenames.get(fact.item) if fact.kind == "attachment_view" else None,
        mail=fact.mail,
        answer=None if fact.is_hit else _answer([each.email for each in recipients], details_of(fact)),
        device=DeviceRead(**device_of(fact.agent)),
        place=_place(fact, catalogues),
        verdict=_verdict(verdict),
        feedback=_feedback(loaded, fact),
    )


def _place(fact: Fact, catalogues: Catalogues) -> PlaceRead | None:
    network = catalogues.class_of(fact.network)
    owner = catalogues.owners.get(fact.owner) if fact.owner else None
    if owner is not None:
        # The owner is that of the whole address, whose network may be others' as well.
        return PlaceRead(country=None, owner=owner.name)
    return None if network is None else PlaceRead(country=network.country, owner=network.name)


def _feedback(loaded: Loaded, fact: Fact) -> list[FeedbackRead]:
    words = loaded.feedback.words.get(fact.key, {})
    found = [FeedbackRead(user=user, was=word.was, at=word.at) for user, word in words.items()]
    return sorted(found, key=lambda each: (each.at, each.user), reverse=True)


def _answer(emails: Sequence[str], details: AnswerDetails) -> AnswerRead:
    def named(numbers: Sequence[int]) -> list[str]:
        return [emails[number] for number in numbers if number < len(emails)]

    return AnswerRead(
        back_at=details.back_at,
        failed=named(details.failed),
        delayed=named(details.delayed),
        code=details.code or None,
    )


def _is_for(recipients: list[int], fact: Fact) -> bool:
    return fact.recipient is None or fact.recipient in recipients


def _verdict(verdict: Verdict) -> VerdictRead:
    return VerdictRead(
        class_=verdict.kind,
        confidence=verdict.confidence,
        human_probability=verdict.probability,
        reasons=[
            ReasonRead(code=each.code, text=each.text, weight=each.weight, source=each.source)
            for each in verdict.reasons
        ],
        rules=verdict.rules,
        was=verdict.was,
    )
