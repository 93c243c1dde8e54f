"""Record creation rules: which received mail makes a task, a case or a record."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, Field

from functions.api.authorization import Who
from functions.api.endpoint import READERS, Answer, Call, Deleted, Endpoints
from functions.api.paging import Page, PageQuery, last_key, page
from functions.api.problems import answering_not_there, not_there
from lib.fields import Moment
from lib.inbound.rules.models import CreationRule, RuleSpec

endpoints = Endpoints("Rules")

_READERS: tuple[Who, ...] = (*READERS, "admin")
_CHANGERS: tuple[Who, ...] = ("full", "admin")
_TRIED = timedelta(days=30)
_MOST_TRIED = 1_000


class WouldMake(BaseModel):
    """A thing that the rule would have made."""

    message: str = Field(description="the received message")
    subject: str
    sender: str = Field(description="the writer's address")
    at: Moment
    type: str
    title: str = Field(description="the title of a task or a case, or the record's name")


class DryRun(BaseModel):
    """Effects that a rule would have had on the mail of the last 30 days, newest first. Nothing was made."""

    since: Moment
    looked_at: int = Field(description="mails that the rule was held against: the newest 1,000 at most")
    items: list[WouldMake]


@endpoints(
    "PUT", "/rules/{id}", body=RuleSpec, answers={201: CreationRule, 200: CreationRule}, may=_CHANGERS, everybodys=True
)
async def put_rule(call: Call) -> Answer:
    """Make a rule, or replace one. It applies to mail that comes from then on."""
    rule, is_new = await call.services.rules.save_rule(call.org, call.path["id"], call.body, call.if_match)
    call.note("rule.made" if is_new else "rule.changed", rule.id)
    return Answer(201 if is_new else 200, rule, rule.etag)


@endpoints("GET", "/rules/{id}", answers={200: CreationRule}, may=_READERS)
async def get_rule(call: Call) -> Answer:
    """Read a rule."""
    rule = await _rule(call)
    return Answer(200, rule, rule.etag)


@endpoints("GET", "/rules", query=PageQuery, answers={200: Page[CreationRule]}, may=_READERS)
async def list_rules(call: Call) -> Answer:
    """List the rules, by id."""
    listed = call.services.rules.list_rules(call.org, last_key(call), call.query.limit + 1)
    return Answer(200, page(call, [(rule.id, rule) async for rule in listed]))


@endpoints("DELETE", "/rules/{id}", answers={200: Deleted}, may=_CHANGERS, everybodys=True)
async def delete_rule(call: Call) -> Answer:
    """Delete a rule. What it has made stays."""
    with answering_not_there("rule"):
        await call.services.rules.remove_rule(call.org, call.path["id"], call.if_match)
    call.note("rule.deleted", call.path["id"])
    return Answer(200, Deleted(deleted=call.path["id"]))


@endpoints("POST", "/rules/{id}/dry-run", answers={200: DryRun})
async def try_rule(call: Call) -> Answer:
    """Show what the rule would have made of the mail of the last 30 days that the caller sees."""
    rule, since = await _rule(call), call.now - _TRIED
    looked_at, items = 0, list[WouldMake]()
    async for mail in call.services.received_mails.list_since(call.org, since, _MOST_TRIED):
        if not call.sees_mail_of(mail.user or ""):
            continue
        looked_at += 1
        made = await call.services.rule_actions.find_wanted(call.org, rule, mail)
        if made is not None:
            about = {"message": mail.id, "subject": mail.subject, "sender": mail.email, "at": mail.at}
            items.append(WouldMake(**about, type=made.type, title=made.title))
    return Answer(200, DryRun(since=since, looked_at=looked_at, items=items))


async def _rule(call: Call) -> CreationRule:
    rule = await call.services.rules.load_rule(call.org, call.path["id"])
    if rule is None:
        raise not_there("rule")
    return rule
