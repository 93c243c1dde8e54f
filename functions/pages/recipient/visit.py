"""One request for the recipient's page: what its link and its buttons may do, and the answer.

A link from a mail may stop the recording. A link that was sent to the address (`lib.recipient_page.proofs`) shows what
is recorded, too, and erases it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass

import azure.functions as func
from pydantic import TypeAdapter, ValidationError

from functions.pages.forms import NotAForm, read_form
from functions.pages.recipient.page import HEADERS, Button, RecipientPage, Responsible
from lib.errors import Stale
from lib.fields import Email
from lib.languages import SpokenLanguage, clock_time, preferred, spoken
from lib.recipient_page.decisions import Effect, has_ended
from lib.recipient_page.proofs import Proof, open_proof
from lib.services import Services
from lib.storage import StorageError
from lib.storage.documents import UnreadableRow
from lib.tokens import Claim, Purpose, leading_token

log = logging.getLogger("heed.recipient_page")

_EMAIL: TypeAdapter[str] = TypeAdapter(Email)
_SECONDS_FOR_THE_NAME = 1.2
"""Seconds that reading the organization may take. The page says the same without its name."""

_SECONDS_FOR_A_WISH = 25.0
_RETRY_AFTER = "60"
"""Seconds."""


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    html: str


async def answer_visit(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    """Answer a request for the page."""
    language = spoken(req.params.get("lang")) or preferred(req.headers.get("accept-language")) or "en"
    reply = await _Visit(services, language).answer(req)
    headers = {**HEADERS, "Content-Language": language}
    if reply.status in (429, 503):
        headers["Retry-After"] = _RETRY_AFTER
    return func.HttpResponse(reply.html, status_code=reply.status, mimetype="text/html", headers=headers)


class _Visit:
    """One request for the page, in one language."""

    def __init__(self, services: Services, language: SpokenLanguage) -> None:
        self._services = services
        self._decisions = services.recipient_decisions
        self._language: SpokenLanguage = language

    async def answer(self, req: func.HttpRequest) -> _Reply:
        """Effect the request. No error of ours leaves it, because its text could name the token."""
        token = leading_token(req.route_params["token"])
        claim, proof = self._services.ring.open(Purpose.PAGE, token), open_proof(self._services.ring, token)
        source = claim or proof
        if source is None:
            page = self._page(None)
            return _Reply(404, page.said(page.words.broken, page.words.broken_text))
        page = self._page(await self._responsible(source.organization))
        fields: Mapping[str, str] = {}
        try:
            if req.method == "POST":
                fields = read_form(req.headers.get("content-type", ""), req.get_body())
                if not self._services.visit_limit.admit_request(token) and not await self._is_first_stop(claim, fields):
                    return self._too_often(page, fields)
            async with asyncio.timeout(_SECONDS_FOR_A_WISH):
                if claim is not None:
                    return await self._from_mail(page, claim, fields)
                assert proof is not None
                return await self._with_proof(page, proof, fields)
        except NotAForm:
            return _Reply(400, page.said(page.words.broken, page.words.broken_text, has_back=True))
        except (StorageError, Stale, TimeoutError):
            return self._unreachable(page, fields)
        except Exception:
            log.exception("the recipient's page failed for an unforeseen reason")
            return self._unreachable(page, fields)

    async def _from_mail(self, page: RecipientPage, claim: Claim, fields: Mapping[str, str]) -> _Reply:
        """Effect by the link of a mail, which may be anyone's."""
        action = _action_in(fields)
        asks_address = claim.recipient is None and claim.address is None
        can_mail = self._decisions.can_mail
        if action not in ("stop", "allow", "see", "erase") or (action in ("see", "erase") and not can_mail):
            return _Reply(400 if fields else 200, page.choice(asks_address=asks_address, can_mail=can_mail))
        if asks_address:
            return await self._for_address(page, claim, action, fields.get("email", "").strip())
        if action == "stop":
            return self._stopped(page, await self._decisions.stop(claim))
        if action == "allow":
            return self._allowed(page, await self._decisions.allow(claim, self._language))
        await self._decisions.ask("link", claim, None, self._language)
        return _Reply(200, page.said(page.words.link_asked, page.words.link_asked_text, has_back=True))

    async def _for_address(self, page: RecipientPage, claim: Claim, action: str, typed: str) -> _Reply:
        """Effect for an address that was typed in, in the same way whether or not the mail went to it."""
        words = page.words
        try:
            email = _EMAIL.validate_python(typed)
        except ValidationError:
            choice = page.choice(asks_address=True, can_mail=self._decisions.can_mail, wrong=typed[:254])
            return _Reply(422, choice)
        if action == "stop":
            await self._decisions.ask("stop", claim, email, self._language)
            return _Reply(200, page.said(words.stop_asked, words.stop_asked_text, has_back=True))
        if not self._decisions.can_mail:
            return self._allowed(page, "unproven")
        await self._decisions.ask("link", claim, email, self._language)
        return _Reply(200, page.said(words.link_asked, words.link_asked_text, has_back=True))

    async def _with_proof(self, page: RecipientPage, proof: Proof, fields: Mapping[str, str]) -> _Reply:
        """Effect by a link that was sent to the address."""
        words, action = page.words, fields.get("action", "")
        if has_ended(proof, self._services.clock.now()):
            return _Reply(410, page.said(words.proof_old, words.proof_old_text))
        if action == "stop":
            return self._stopped(page, await self._decisions.stop_proven(proof))
        if action == "allow":
            answer = await self._decisions.allow_proven(proof)
            return self._erased(page) if answer == "gone" else self._allowed(page, answer)
        if action not in ("show", "erase", "erase_all"):
            text = words.proof_text.format(time=f"{clock_time(proof.until, self._language)} UTC")
            show = Button(words.proof_button, {"action": "show"}, is_main=True)
            # Who asked for a link in order to allow looks for that here.
            allow = Button(words.allow_button, {"action": "allow"})
            return _Reply(400 if fields else 200, page.said(words.proof, text, [show, allow]))
        email = await self._decisions.email_of_proof(proof)
        return self._erased(page) if email is None else await self._about(page, proof, email, fields)

    async def _about(self, page: RecipientPage, proof: Proof, email: str, fields: Mapping[str, str]) -> _Reply:
        """Show what is recorded about the address, or erase it."""
        words, action = page.words, fields["action"]
        if action == "show":
            recorded = await self._services.recorded_mails.find(
                proof.organization, email, proof.message, fields.get("place", "")
            )
            return _Reply(200, page.recorded(email, recorded))
        if action == "erase":
            erase = Button(words.confirm_button, {"action": "erase_all"})
            back = Button(words.back, {"action": "show"}, is_main=True)
            return _Reply(200, page.said(words.confirm, words.confirm_text.format(email=email), [erase, back]))
        await self._decisions.stop_proven(proof)
        job = await self._services.erasure.begin_job(proof.organization, "erase", email)
        look = Button(words.proof_button, {"action": "show"})
        return _Reply(200, page.said(words.erasing, words.erasing_text.format(job=job.id), [look]))

    def _stopped(self, page: RecipientPage, answer: Effect) -> _Reply:
        words = page.words
        if answer == "gone":
            return _Reply(410, page.said(words.gone, words.gone_text))
        again = Button(words.take_back_button, {"action": "allow"})
        return _Reply(200, page.said(words.stopped, words.stopped_text, [again], has_back=True))

    def _allowed(self, page: RecipientPage, answer: Effect) -> _Reply:
        words = page.words
        if answer == "gone":
            return _Reply(410, page.said(words.gone, words.gone_text))
        if answer == "asked":
            return _Reply(200, page.said(words.allow_asked, words.allow_asked_text, has_back=True))
        if answer == "unproven":
            return _Reply(200, page.said(words.allow, words.see_without_mail, has_back=True))
        return _Reply(200, page.said(words.allowed, words.allowed_text, has_back=True))

    def _erased(self, page: RecipientPage) -> _Reply:
        return _Reply(410, page.said(page.words.erased, page.words.erased_text))

    async def _is_first_stop(self, claim: Claim | None, fields: Mapping[str, str]) -> bool:
        """Whether the link of a mail to one recipient asks for a stop that does not hold yet."""
        return claim is not None and _action_in(fields) == "stop" and not await self._decisions.is_stopped(claim)

    def _too_often(self, page: RecipientPage, fields: Mapping[str, str]) -> _Reply:
        """Answer one request too many by a link: a stop that holds already is no news."""
        if _action_in(fields) == "stop" and "email" not in fields:
            return self._stopped(page, "done")
        words = page.words
        return _Reply(429, page.said(words.too_often, words.too_often_text, has_back=True))

    def _unreachable(self, page: RecipientPage, fields: Mapping[str, str]) -> _Reply:
        words = page.words
        again = [Button(words.again_button, fields, is_main=True)] if fields else []
        return _Reply(503, page.said(words.unreachable, words.unreachable_text, again, has_back=True))

    def _page(self, who: Responsible | None) -> RecipientPage:
        return RecipientPage(self._language, who)

    async def _responsible(self, organization: str) -> Responsible | None:
        """Read who is responsible; None where that cannot be read, or not in time."""
        try:
            async with asyncio.timeout(_SECONDS_FOR_THE_NAME):
                found = await self._services.organizations.load_organization(organization)
        except (StorageError, UnreadableRow, TimeoutError):
            return None
        if found is None:
            return None
        settings = found[0].settings
        return Responsible(found[0].name or organization, settings.lawful_basis, settings.privacy_notice_url)


def _action_in(fields: Mapping[str, str]) -> str:
    """Return what a form asks for; a mail provider's one click asks for a stop."""
    return "stop" if fields.get("List-Unsubscribe") == "One-Click" else fields.get("action", "")
