"""Models of templates: the form in which a CRM puts them, and the rows in which they are stored.

A version is a subject, HTML and text. Every version is kept, as messages name the version that they were made of. Name
and language are labels: correcting them makes no version.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from lib.fields import ChosenId, Line, Model, Moment, Name, RecordRef, Regarding
from lib.mime.limits import MOST_RECIPIENTS
from lib.people.records import RecordFields

LONGEST_HTML = 200_000
LONGEST_TEXT = 50_000
"""Limits in characters. A version is one row of at most 512 Ki UTF-16 units, and a character may take two."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def _mergeable(source: str) -> str:
    from lib.templates.merge import parse  # Jinja is loaded when it is first needed

    if _CONTROL.search(source):
        raise ValueError("control characters are not allowed here")
    parse(source)
    return source


def _not_empty(name: str) -> str:
    if not name:
        raise ValueError("a template needs a name")
    return name


TemplateSubject = Annotated[Line, AfterValidator(_mergeable)]
TemplateHtml = Annotated[str, StringConstraints(max_length=LONGEST_HTML), AfterValidator(_mergeable)]
TemplateText = Annotated[str, StringConstraints(max_length=LONGEST_TEXT), AfterValidator(_mergeable)]
Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}$")]


class TemplateSpec(Model):
    """A template. Subject, HTML and text may hold merge fields, each with a default if need be:
    `{{ recipient.first_name | default("friend") }}`.

    `recipient` and `sender` have `name`, `first_name`, `last_name`, `company`, `title`, `email` and `phone`; `sender`
    has a `signature`, too; `regarding` and `org` have a `name`. `recipient.fields.…` and `regarding.fields.…` are the
    CRM's own fields of those records.
    """

    name: Annotated[Name, AfterValidator(_not_empty)]
    language: Language = Field(description="a language tag (BCP 47), such as en or de-AT")
    subject: TemplateSubject = ""
    html: TemplateHtml | None = None
    text: TemplateText | None = None


class TemplateContent(BaseModel):
    """The content of a version."""

    subject: str = ""
    html: str | None = None
    text: str | None = None

    def digest(self) -> str:
        """A hash that tells contents apart."""
        return blake2b(self.model_dump_json().encode(), digest_size=16).hexdigest()


class StoredTemplate(BaseModel):
    """A row: the template without its content.

    The row of a deleted template stays, as messages have used its versions. If the template is put again, its version
    numbers go on.
    """

    id: str
    name: str
    language: str
    subject: str
    version: int
    """The number of the newest version."""
    digest: str
    """The hash of the newest content."""
    series_starts: list[int] = [1]
    """The numbers of the versions that began another content: rates are those of the versions since."""
    changed_at: Moment
    deleted: bool = False

    def series_of(self, version: int | None) -> int:
        """Return the number of the version that began the content of a version, by default of the newest."""
        return max((each for each in self.series_starts if version is None or each <= version), default=1)


class StoredVersion(TemplateContent):
    """A row: the content of one version."""

    version: int
    made_at: Moment


class MergeRecipient(Model):
    """The recipient. What is left out comes from the record: the named one, or the one that has the address."""

    email: str | None = Field(None, max_length=254)
    name: Name = Field("", description='"Lovelace, Ada" is read as Ada Lovelace')
    first_name: Name = Field("", description="read from the name where neither this nor the record has one")
    last_name: Name = ""
    company: Name = Field("", description="the parent account's name where neither this nor the record has one")
    title: Name = ""
    phone: Name = ""
    fields: RecordFields = Field(default_factory=dict, description="these come before fields of the record")
    record: RecordRef | None = None


class MergeRegarding(Regarding):
    """The record that the mail is about. What is left out comes from the record."""

    fields: RecordFields = Field(default_factory=dict, description="these come before fields of the record")


class MergeSpec(Model):
    """The values to fill in. A missing value gives way to the field's default, or to nothing."""

    recipient: MergeRecipient = MergeRecipient()
    others: list[MergeRecipient] = Field(
        [],
        max_length=MOST_RECIPIENTS,
        description="further people to whom the mail is addressed: the names of up to three stand side by side, other "
        "values of the recipient only where they are the same for all; of more people nothing is filled in",
    )
    sender: ChosenId | None = Field(None, description="the id of the sending user; by default the acting user")
    regarding: MergeRegarding | None = None
    version: int | None = Field(None, ge=1, description="the number of the version; by default the newest")


class Rendered(BaseModel):
    """A template with values in place of its fields."""

    subject: str
    html: str | None
    text: str | None
    empty_fields: list[str] = Field(
        description="names of merge fields, such as `recipient.company`, that have neither a value nor a default: "
        "nothing stands in their place"
    )
