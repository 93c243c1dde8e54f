"""The pages of settings in the console, and what is asked once more before it is saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lib.console.setting_fields import SettingField, SettingGroup, SettingPage
from lib.languages import NAMES

_TRACKING = (
    ("allow", "Everybody who has not said no"),
    ("consent", "Only those who have said yes"),
    ("aggregate", "Counts alone, without who"),
    ("off", "No recipient"),
)

ORGANIZATION_PAGE = SettingPage(
    "organization",
    "Organization",
    "Whose mail is followed, and what people see of it.",
    (
        SettingGroup("Name", (SettingField("name", "Name of the organization"),)),
        SettingGroup(
            "Rules of tracking",
            (
                SettingField(
                    "tracking", "Which recipients are followed", "choice", options=_TRACKING,
                    hint="A change acts on mail that was sent, too.",
                ),
                SettingField(
                    "mixed_recipients", "If one of several recipients may not be followed", "choice",
                    options=(("block", "Follow none of them"), ("split", "Follow the others, each on a copy")),
                ),
                SettingField(
                    "resolve_recipients", "Recipients that are given by address alone", "choice",
                    options=(("address", "Look for their records"), ("given", "Take only records that mails name")),
                    hint="A no in a record that is found counts.",
                ),
                SettingField("require_opt_in", "Mail of a user is followed only after that user has agreed", "box"),
                SettingField("opt_in_default", "New users have agreed", "box"),
                SettingField(
                    "honeypot", "Put a link into mail that no person sees", "box",
                    hint="What follows it is a machine.",
                ),
            ),
        ),
        SettingGroup(
            "What people see",
            (
                SettingField(
                    "people_see", "Salespeople see", "choice",
                    options=(("all_mail", "All mail of the organization"), ("own_mail", "Their own mail alone")),
                    hint="In the console, and with tokens of theirs. Keys and administrators see all.",
                ),
                SettingField(
                    "alert_on", "Cards tell of opens and clicks", "choice",
                    options=(("human", "Of people"), ("any", "Of anything, machines included")),
                ),
                SettingField(
                    "human_from.open", "An open counts as a person’s from", "number",
                    hint="A probability of 0.5 to 0.999.", empty="Heed’s own",
                ),
                SettingField(
                    "human_from.click", "A click counts as a person’s from", "number",
                    hint="A probability of 0.1 to 0.999.", empty="Heed’s own",
                ),
                SettingField(
                    "card_url", "Address of a card in the CRM", empty="none",
                    hint="With {card} or {message} where the ids go. Alerts link there.",
                ),
            ),
        ),
        SettingGroup(
            "Domains",
            (
                SettingField(
                    "from_domain_allow", "Domains from which mail may be sent", "lines",
                    hint="One a line. Empty: all.", empty="all",
                ),
                SettingField(
                    "deny_hosts", "Hosts whose links are never followed", "lines", hint="One a line.", empty="none"
                ),
                SettingField(
                    "cors_origins", "Pages whose scripts may call the API", "lines", empty="none",
                    hint="One origin a line, such as https://crm.example.com.",
                ),
            ),
        ),
    ),
)  # fmt: skip

HOURS_PAGE = SettingPage(
    "hours",
    "Hours",
    "When people work, in their own time zone. Advice on when to send looks at it.",
    (
        SettingGroup(
            "Work hours",
            (
                SettingField("work_hours.days", "Work days", "days", empty="those of the recipient’s country",
                             hint="None checked: those of the recipient’s country."),
                SettingField("work_hours.start", "From", "time"),
                SettingField("work_hours.end", "To", "time"),
            ),
        ),
    ),
)  # fmt: skip

SCORES_PAGE = SettingPage(
    "scores",
    "Scores",
    "How much each act of a person adds to the score of a record, and what a good template is.",
    (
        SettingGroup(
            "Points",
            (
                SettingField("score.open", "For an open", "number"),
                SettingField("score.click", "For a click", "number"),
                SettingField("score.attachment", "For a look at an attachment", "number"),
                SettingField("score.reply", "For an answer", "number"),
            ),
        ),
        SettingGroup(
            "Templates",
            (
                SettingField(
                    "recommend_by", "The recommended template is the one", "choice",
                    options=(
                        ("replies", "that is answered most"),
                        ("opens", "that is opened most"),
                        ("won", "that wins most"),
                    ),
                ),
                SettingField("template_trials", "Share of picks that try another one", "number", hint="0 to 1."),
            ),
        ),
    ),
)  # fmt: skip

_FOREVER = "until a person deletes it"

PRIVACY_PAGE = SettingPage(
    "privacy",
    "Privacy",
    "How long what is recorded is kept, and what recipients are told. What has gone does not come back.",
    (
        SettingGroup(
            "Retention",
            (
                SettingField("retention_days", "Events of recipients", "number", unit="days", hint="Counts stay."),
                SettingField(
                    "raw_days", "What events were judged by", "number", unit="days",
                    hint="Networks, programs and other headers. Verdicts stay, and are final then.",
                ),
                SettingField("keep_days.bodies", "Texts of sent mail", "number", unit="days", empty=_FOREVER),
                SettingField("keep_days.files", "Attachments and images", "number", unit="days", empty=_FOREVER),
                SettingField("keep_days.inbound", "Texts of received mail", "number", unit="days", empty=_FOREVER),
                SettingField("keep_days.cards", "Cards", "number", unit="days", empty=_FOREVER),
                SettingField(
                    "keep_days.activities", "Calls, closed tasks and cases", "number", unit="days", empty=_FOREVER
                ),
            ),
        ),
        SettingGroup(
            "Recipients",
            (
                SettingField(
                    "recipients_page", "Followed mail leads to the recipient’s own page", "box",
                    hint="There recipients stop the recording, see what is recorded, and erase it.",
                ),
                SettingField(
                    "language", "Language of the footer", "choice", options=tuple(NAMES.items()),
                    hint="Mail that names its own language has the footer in that one.",
                ),
                SettingField(
                    "lawful_basis", "Basis in law",
                    hint="consent, legitimate_interest, contract, or words of your own.",
                ),
                SettingField("privacy_notice_url", "Address of the privacy notice", empty="none"),
            ),
        ),
    ),
)  # fmt: skip

INBOUND_PAGE = SettingPage(
    "inbound",
    "Inbound mail",
    "How answers find the mail that they answer, and what is kept of them.",
    (
        SettingGroup(
            "Answers",
            (
                SettingField(
                    "inbound.reply_domain", "Domain of addresses for answers", empty="none",
                    hint="Mail to it must come to Heed.",
                ),
                SettingField("inbound.subject_token", "Subjects end with a token, such as [#k7…]", "box"),
                SettingField("inbound.smart_matching", "Match by the subject’s words as a last resort", "box"),
                SettingField("inbound.categories", "Categories of a mailbox track mail", "box"),
                SettingField(
                    "inbound.record_order", "Records that a sender’s address means, the first of them first", "lines",
                    hint="One type a line.",
                ),
            ),
        ),
        SettingGroup(
            "Keeping",
            (
                SettingField(
                    "inbound.keep", "What is kept of a received mail’s text", "choice",
                    options=(("none", "Nothing"), ("excerpt", "The answer’s own words"), ("mail", "The whole mail")),
                ),
            ),
        ),
    ),
)  # fmt: skip

PAGES = {page.id: page for page in (ORGANIZATION_PAGE, HOURS_PAGE, SCORES_PAGE, PRIVACY_PAGE, INBOUND_PAGE)}
"""All pages, by their ids."""

_KEPT_DAYS = {
    field.path: field.label
    for field in PRIVACY_PAGE.groups[0].fields
}  # fmt: skip


def warnings_of(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Tell what a change of settings cannot undo, or does to mail that was sent. Values are by their paths."""
    found = list[str]()
    if before.get("tracking") != after.get("tracking"):
        if after["tracking"] == "off":
            found.append("Nothing is recorded any more, of mail that was sent either.")
        elif after["tracking"] == "aggregate":
            found.append("It is no longer recorded who opened or clicked, of mail that was sent either.")
        elif after["tracking"] == "allow":
            found.append("Recipients who have said neither yes nor no are followed from now on.")
    if before.get("require_opt_in") and after.get("require_opt_in") is False:
        found.append("Mail of users who have not agreed is followed from now on.")
    for path, label in _KEPT_DAYS.items():
        days, old = after.get(path), before.get(path)
        if isinstance(days, int) and (old is None or days < old) and path in after:
            found.append(f"{label}: what is older than {days:,} days is deleted within a day, and does not come back.")
    return found
