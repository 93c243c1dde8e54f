"""Templates: what a CRM puts, and what is stored of it.

A template's versions are its subject, HTML and text as they were; each stays, so that it can be told what a message was
made of. The name and the language are labels: correcting them makes no version.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from lib.fields import ChosenId, Line, Model, Moment, Name, RecordRef, Regarding

LONGEST_HTML = 200_000
LONGEST_TEXT = 50_000
"""Characters. A version is one row of at most 512 Ki UTF-16 units, and each of these may take two."""

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


Subject = Annotated[Line, AfterValidator(_mergeable)]
Html = Annotated[str, StringConstraints(max_length=LONGEST_HTML), AfterValidator(_mergeable)]
Text = Annotated[str, StringConstraints(max_length=LONGEST_TEXT), AfterValidator(_mergeable)]
Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}$")]


class TemplateSpec(Model):
    """A template. Subject, HTML and text may hold `{{ recipient.name }}`, `{{ sender.name }}`, `{{ regarding.name }}`
    and `{{ org.name }}`, each with a default: `{{ recipient.name | default("friend") }}`."""

    name: Annotated[Name, AfterValidator(_not_empty)]
    language: Language = Field(description="a language tag (BCP 47), such as en or de-AT")
    subject: Subject = ""
    html: Html | None = None
    text: Text | None = None


class Content(BaseModel):
    """What makes a version."""

    subject: str = ""
    html: str | None = None
    text: str | None = None

    def digest(self) -> str:
        return blake2b(self.model_dump_json().encode(), digest_size=16).hexdigest()


class StoredTemplate(BaseModel):
    """A row: the template but for its content. `digest` is that of the content; `version` is the number of the newest.

    One that was deleted stays for the versions that messages have used, and counts on when it is put again.
    """

    id: str
    name: str
    language: str
    subject: str
    version: int
    digest: str
    changed_at: Moment
    deleted: bool = False


class StoredVersion(Content):
    """A row: the content of one version."""

    version: int
    made_at: Moment


class MergeRecipient(Model):
    """To whom it goes. A record's name serves where no name is given."""

    email: str | None = Field(None, max_length=254)
    name: Name = ""
    record: RecordRef | None = None


class MergeSpec(Model):
    """With what a template is to be rendered. Names that are missing are left out, or take the field's default."""

    recipient: MergeRecipient = MergeRecipient()
    sender: ChosenId | None = Field(None, description="the id of the sending user; the acting user where none is given")
    regarding: Regarding | None = None
    version: int | None = Field(None, ge=1, description="the newest where none is given")


class Rendered(BaseModel):
    """A template with values in place of its fields."""

    subject: str
    html: str | None
    text: str | None
