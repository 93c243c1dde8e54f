"""Templates as the API shows them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from functions.api.endpoint import Call
from lib.fields import Moment
from lib.storage.versions import ETag
from lib.templates.listing import Shown
from lib.templates.models import StoredTemplate, StoredVersion
from lib.templates.rates import TemplateCounted
from lib.templates.recommend import Pick

_SWITCHED_OFF = "The organization has switched engagement off."


class TemplateRead(TemplateCounted):
    """A template, whole, and what came of the mails that were made of it.

    Versions count from 1, without gaps; each can be read, also when the template was deleted.
    """

    id: str
    etag: ETag | None = Field(description="null for a deleted template")
    name: str
    language: str
    version: int
    made_at: Moment = Field(description="when this version was put")
    subject: str
    html: str | None
    text: str | None


class TemplateItem(TemplateCounted):
    """A template as lists show it.

    At most one template of each language is picked: as a recommendation, or as a trial. Trials are drawn anew every day
    for every acting user.
    """

    id: str
    etag: ETag
    name: str
    language: str
    version: int
    subject: str
    recommended: bool = Field(description="whether it is picked, as `pick` says")
    pick: Pick | None = Field(
        description="`recommendation`: it does better; `trial`: it may, and using it tells; null: it is not picked"
    )
    recommended_because: str


def template_read(
    call: Call, template: StoredTemplate, etag: str, version: StoredVersion, counts: TemplateCounted
) -> TemplateRead:
    """Show a version of a template; `etag` is empty for a deleted one."""
    return TemplateRead(**_labels(template, etag), **dict(version), **dict(visible_counts(call, counts)))


def template_item(call: Call, each: Shown, counts: TemplateCounted) -> TemplateItem:
    """Show a template in a list."""
    enabled, advice = call.organization.settings.engagement_enabled, each.advice
    return TemplateItem(
        **_labels(each.template, each.etag),
        **dict(counts),
        version=each.template.version,
        subject=each.template.subject,
        recommended=advice.recommended and enabled,
        pick=advice.pick if enabled else None,
        recommended_because=advice.because if enabled else _SWITCHED_OFF,
    )


def visible_counts(call: Call, counts: TemplateCounted) -> TemplateCounted:
    """Return the counts, without rates where the organization has switched engagement off."""
    if call.organization.settings.engagement_enabled:
        return counts
    return counts.model_copy(update={"open_rate": None, "click_rate": None, "reply_rate": None, "unknown_count": 0})


def _labels(template: StoredTemplate, etag: str) -> dict[str, Any]:
    return {"id": template.id, "etag": etag or None, "name": template.name, "language": template.language}
