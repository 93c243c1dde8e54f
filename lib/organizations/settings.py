"""Settings of an organization: what its administrator decides for everyone in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from lib.fields import HttpsUrl, Line, Model, RecordType, TimeOfDay, WebOrigin, check_https_url
from lib.languages import SpokenLanguage
from lib.organizations.sign_in.settings import SignIn
from lib.stops.organization_stops import RecordingState

Domain = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]{1,253}$")]


def _card_url(value: str) -> str:
    filled = value.replace("{card}", "0").replace("{message}", "0")
    if filled == value:
        raise ValueError(
            "not an https address with {card} or {message} in it, such as https://crm.example.com/?c={card}"
        )
    check_https_url(filled)
    return value


CardUrl = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_card_url)]


class WorkHours(Model):
    """When people work, in their own time zone: for delivery advice."""

    days: Annotated[list[Annotated[int, Field(ge=1, le=7)]], Field(max_length=7)] | None = Field(
        None, description="work days, 1 is Monday; null: those of the recipient's country"
    )
    start: TimeOfDay = Field("08:00", description="hours and minutes")
    end: TimeOfDay = "17:00"

    @model_validator(mode="after")
    def _in_order(self) -> WorkHours:
        if self.start >= self.end:
            raise ValueError("work hours must start before they end")
        return self


class Score(Model):
    """Points that each act of a person adds to the score of a record."""

    open: Annotated[float, Field(ge=0, le=1000)] = 1
    click: Annotated[float, Field(ge=0, le=1000)] = 5
    reply: Annotated[float, Field(ge=0, le=1000)] = 10
    attachment: Annotated[float, Field(ge=0, le=1000)] = 5


class HumanFrom(Model):
    """Probabilities from which something counts as a person's, and a card tells of it; null: the judge's own, which
    for cards are higher. Lower: more is told, and more of it wrong."""

    open: Annotated[float, Field(ge=0.5, le=0.999)] | None = None
    click: Annotated[float, Field(ge=0.1, le=0.999)] | None = None

    def over(self, default: Mapping[Literal["open", "click"], float]) -> dict[Literal["open", "click"], float]:
        """Return the probabilities by side, those of the `default` where the organization has set none."""
        return {
            "open": default["open"] if self.open is None else self.open,
            "click": default["click"] if self.click is None else self.click,
        }


class InboundSettings(Model):
    """An organization's ways to find the messages that inbound mail answers, and to keep that mail."""

    reply_domain: Domain | None = Field(
        None,
        description="mail goes out with a second Reply-To address, `reply+…` at this domain, by which an answer is "
        "found whatever its headers say; mail to the domain must come to POST /inbound or to a mailbox that Heed reads",
    )
    subject_token: bool = Field(False, description="subjects of mail that goes out end with a token such as `[#k7…]`")
    smart_matching: bool = Field(
        False,
        description="as a last resort, an answer is found by the words of its subject, at least two common addresses "
        "and at most 90 days; works for mail that was sent while this was on",
    )
    keep: Literal["none", "excerpt", "mail"] = Field(
        "none", description="what is kept of an inbound mail's text: nothing, the answer's own words, or the whole mail"
    )
    categories: bool = Field(False, description="categories of a mailbox track mail, and may create records")
    record_order: Annotated[list[RecordType], Field(min_length=1, max_length=20)] = Field(
        default_factory=lambda: ["contact", "lead", "account"],
        description="which record a sender's address means, where several have it",
    )


Days = Annotated[int, Field(ge=1, le=3650)]


class KeepDays(Model):
    """Days for which content is kept; null: until someone deletes it."""

    bodies: Days | None = Field(None, description="texts of mail that was sent, after it was sent")
    files: Days | None = Field(None, description="attachments and images of mail that was sent, after it was sent")
    inbound: Days | None = Field(
        None, description="texts and whole mails that came in, after they came; sender, subject and time stay"
    )
    cards: Days | None = Field(None, description="cards, after they were made")
    activities: Days | None = Field(None, description="calls, and closed tasks and cases, after they were made")


class OrganizationSettings(Model):
    """Settings of an organization."""

    added_fields = frozenset(
        {
            "resolve_recipients",
            "opt_in_default",
            "keep_days",
            "recommend_by",
            "template_trials",
            "inbound",
            "deny_hosts",
            "sign_in",
            "people_see",
            "cors_origins",
            "recipients_page",
            "language",
            "lawful_basis",
            "privacy_notice_url",
            "card_url",
        }
    )

    engagement_enabled: bool = Field(
        True, description="false: no recipient is followed, and nothing is recorded any more"
    )
    tracking: Literal["allow", "consent", "aggregate", "off"] = Field(
        "allow",
        description="`allow`: follow recipients who have not said no; `consent`: follow only those who have said yes; "
        "`aggregate`: count without telling who; `off`: follow no recipient; a change acts on mail that was sent, too",
    )
    mixed_recipients: Literal["block", "split"] = Field(
        "block",
        description="`block`: all recipients of a mail get the same one, which is not followed where one of them does "
        "not allow it; `split`: each followed recipient gets a copy of their own, so that it is known who opened it",
    )
    resolve_recipients: Literal["address", "given"] = Field(
        "address",
        description="`address`: a recipient without a record is matched to the records that have the address, and a no "
        "of any of them, or of a parent, counts; `given`: only records that messages name, and their parents, count",
    )
    require_opt_in: bool = Field(True, description="mail of a user is followed only after that user has agreed")
    opt_in_default: bool = Field(False, description="whether a new user who is put without `opt_in` has opted in")
    work_hours: WorkHours = WorkHours()
    retention_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        400, description="days after which events of recipients are deleted; counts stay"
    )
    raw_days: Annotated[int, Field(ge=1, le=400)] = Field(
        30,
        description="days after which events lose what they were judged by: the network, the agent and other headers; "
        "kind, time and verdict stay, and are final then",
    )
    keep_days: KeepDays = KeepDays()
    score: Score = Score()
    recommend_by: Literal["replies", "opens", "won"] = Field(
        "replies",
        description="what the recommended template is best at: mails answered, mails opened, or sales won; where that "
        "cannot tell, the others decide",
    )
    template_trials: Annotated[float, Field(ge=0, le=1)] = Field(
        0.1,
        description="where a template is recommended, the share of picks that try another one that may be as good, or "
        "was hardly sent; while none is sure to be the best, each pick is a trial; 0: nothing is ever tried",
    )
    alert_on: Literal["human", "any"] = Field("human", description="whose opens and clicks make cards")
    human_from: HumanFrom = HumanFrom()
    from_domain_allow: list[Domain] = Field(
        default_factory=list, max_length=200, description="domains that senders' addresses may have; empty allows all"
    )
    deny_hosts: list[Domain] = Field(
        default_factory=list,
        max_length=1000,
        description="hosts to which no link of ours leads, nor to those below them: links to them stay direct",
    )
    inbound: InboundSettings = InboundSettings()
    sign_in: SignIn | None = Field(None, description="lets people work with tokens of their identity provider")
    people_see: Literal["all_mail", "own_mail"] = Field(
        "all_mail",
        description="what people see, in the console and by tokens of theirs: all mail of the organization, or the "
        "mail that is their own; people with the scope `admin`, and keys, see all",
    )
    cors_origins: list[WebOrigin] = Field(
        default_factory=list,
        max_length=50,
        description="origins of pages whose scripts may call the API for this organization, such as "
        "`https://crm.example.com`",
    )
    recipients_page: bool = Field(
        False,
        description="followed mail has a footer and a List-Unsubscribe header that lead to the recipient's own "
        "page, where recipients stop the recording, see what is recorded of them, and erase it",
    )
    language: SpokenLanguage = Field(
        "en",
        description="the language of the footer of `recipients_page` in mail that neither names its own, by `lang` of "
        "`<html>` or `<body>`, nor was made of a template",
    )
    lawful_basis: Line = Field(
        "",
        description="the basis in law for recording, as the recipient's page shows it: `consent`, "
        "`legitimate_interest` and `contract` in the recipient's language, other words as they are",
    )
    privacy_notice_url: HttpsUrl | None = Field(
        None, description="the https address of the privacy notice, which the recipient's page links"
    )
    card_url: CardUrl | None = Field(
        None,
        description="the address at which a user opens a card in the CRM, with `{card}` and `{message}` where the ids "
        "go; alerts link there",
    )
    honeypot: bool = Field(
        False,
        description="followed HTML gets a link that no person sees, to the destination of its first link: what follows "
        "it is a machine",
    )


def recording_state_of(settings: OrganizationSettings) -> RecordingState:
    """Return what an organization with these settings lets be recorded."""
    return RecordingState(
        is_recording=settings.engagement_enabled,
        is_following=settings.tracking != "off",
        names_recipients=settings.tracking != "aggregate",
        needs_consent=settings.tracking == "consent",
    )
