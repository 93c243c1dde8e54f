"""A rule, and the mail that it looks at. Matching is a pure function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationInfo, field_validator, model_validator

from lib.fields import ChosenId, Line, Model, Paragraphs, RecordRef, RecordType
from lib.messages.models import ReceivedKind
from lib.people.addresses import same_mailbox
from lib.people.records import RecordSpec
from lib.storage.versions import ETag

_OF_PEOPLE = ("new", "reply", "forward", "calendar_answer")
"""Kinds of mail that a person wrote. A mail server that returns a mail is no lead."""

AddressPattern = Annotated[str, StringConstraints(pattern=r"^[^\s@]{0,64}@[^\s@]{1,253}$")]
"""An address, or `@example.com` for every address of a domain."""


class TaskFields(Model):
    """Fields of a task or a case that a rule makes."""

    title: Line = Field("", description="by default the mail's subject")
    text: Annotated[Paragraphs, StringConstraints(max_length=2000)] = ""
    user: ChosenId | None = Field(None, description="the user whose task it is; by default whose mail it is")
    due_in_hours: Annotated[int, Field(ge=0, le=24 * 365)] | None = None


class RuleWhen(Model):
    """Conditions: a mail has to meet all of them; at least one is given."""

    to: AddressPattern | None = Field(None, description="an address in To or Cc, or `@example.com` for a domain")
    sender: AddressPattern | None = Field(None, alias="from", description="the writer's address, or `@example.com`")
    subject: Line | None = Field(None, description="words that stand in the subject as they are, in whatever case")
    kind: ReceivedKind | None = Field(
        None, description="by default mail that a person wrote: `new`, `reply`, `forward` or `calendar_answer`"
    )
    category: Line | None = Field(None, description="the category that the mail has in its mailbox")

    @model_validator(mode="after")
    def _not_every_mail(self) -> RuleWhen:
        if not any((self.to, self.sender, self.subject, self.kind, self.category)):
            raise ValueError("name at least one condition: a rule for every mail would make a record of every mail")
        return self


class RuleCreate(Model):
    """The thing that a rule makes."""

    type: RecordType = Field(description="`task`, `case`, or a type of records, such as `lead`")
    fields: dict[str, Any] = Field(
        {},
        max_length=20,
        description="of a task or a case `title`, `text`, `user`, `due_in_hours`; of a record those of PUT "
        "/records/{type}/{id}, to which the writer's name and address are added",
    )

    @field_validator("fields")
    @classmethod
    def _known(cls, fields: dict[str, Any], before: ValidationInfo) -> dict[str, Any]:
        """Refuse fields that the thing does not have. The places in the ValidationError then stand below `fields`."""
        kind = before.data.get("type")
        if kind is not None:
            model = TaskFields if kind in ("task", "case") else RecordSpec
            model.model_validate(fields, context=before.context)
        return fields


class RuleSpec(Model):
    """A rule."""

    when: RuleWhen
    create: RuleCreate


class StoredRule(RuleSpec):
    """A row of the table `people`."""

    id: ChosenId


class CreationRule(StoredRule):
    """A rule, as answered."""

    etag: ETag


@dataclass(frozen=True, slots=True)
class RuleMail:
    """A received mail, as rules look at it."""

    id: str
    """The id of the received message."""

    email: str
    """The writer's address; empty where the mail has none."""

    name: str
    to: Sequence[str]
    """The addresses in To and Cc."""

    subject: str
    kind: str
    category: str | None
    user: str | None
    """The user whose mail it is."""

    record: RecordRef | None
    """The record that the mail belongs to: what it is about, else its writer's."""

    at: datetime


def matches(when: RuleWhen, mail: RuleMail) -> bool:
    """Tell whether the mail meets all conditions."""
    return (
        (when.to is None or any(_is_of(when.to, address) for address in mail.to))
        and (when.sender is None or _is_of(when.sender, mail.email))
        and (when.subject is None or when.subject.casefold() in mail.subject.casefold())
        and (mail.kind in _OF_PEOPLE if when.kind is None else when.kind == mail.kind)
        and (when.category is None or when.category.casefold() == (mail.category or "").casefold())
    )


def _is_of(pattern: str, address: str) -> bool:
    """Tell whether the address is the pattern's, or of its domain."""
    mailbox = same_mailbox(address)
    if pattern.startswith("@"):
        return mailbox.endswith(same_mailbox(f"x{pattern}")[1:])
    return mailbox == same_mailbox(pattern)
