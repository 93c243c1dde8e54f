"""Links that end a subscription stay direct, and their author is told."""

import pytest

from lib.rewrite import Rewritten, rewrite
from lib.rewrite.addresses import spelled_for_text
from tests.support.rewriting import NEW, OLD, OWN, mint

OPAQUE = "https://lists.example/x7?u=1"
SAYING = [
    "Unsubscribe",
    "UNSUBSCRIBE HERE",
    "Click here to unsubscribe.",
    "To unsubscribe, click here",
    "un-subscribe",
    "Opt out",
    "opt-out",
    "Cancel your subscription",
    "<b>Un</b>subscribe&nbsp;now",
    "Newsletter abmelden",
    "Hier abbestellen",
    "Vom Newsletter abmelden",
    "Désinscription",
    "D&eacute;sinscription",
    "De\u0301sinscription",
    "Se désabonner de la lettre",
    "Darse de baja",
    "Cancelar la suscripción",
    "Disiscriviti",
    "Annulla l’iscrizione",
    "Annulla l&rsquo;iscrizione",
    '<img src="x.png" alt="Unsubscribe">',
    f"\n{' ' * 140}<b>\n{' ' * 40}Unsubscribe\n</b>",
    "<span style='font-size:9pt;color:#666'>Unsubscribe</span>",
]
NOT_SAYING = [
    "unsubscribed users report",
    "What unsubscribe rates tell",
    "How our customers could unsubscribe more users from the lists of long ago",
    "Subscribe",
    "Options",
    "Angemeldet",
    "Abonnieren",
    "S’inscrire",
    "Suscripción",
    "Iscrizione",
    "<img src='x.png' title=Unsubscribe>",
]
SAYING_ADDRESSES = [
    "https://lists.example/unsubscribe",
    "https://lists.example/u/7/Unsubscribe.aspx?id=3",
    "https://lists.example/unSubscribe/",
    "https://lists.example/email-unsubscribe/8f3a",
    "https://lists.example/OptOut?x",
    "https://lists.example/a?action=unsubscribe&id=7",
    "https://lists.example/a?unsubscribe=1",
    "https://lists.example/#/opt-out",
    "https://lists.example/newsletter-abmelden",
    "https://lists.example/d%C3%A9sinscription",
    "https://lists.example/désinscription",
    "https://lists.example/darse-de-baja.html",
    "https://lists.example/disiscrizione?m=7",
]
NOT_SAYING_ADDRESSES = [
    "https://unsubscribed.example/",
    "https://lists.example/unsubscribed-users-report",
    "https://lists.example/blog/what-unsubscribe-rates-tell",
    "https://lists.example/options?adopt=outdoor",
    "https://lists.example/subscribe?x=abonnement",
]


def rewritten(html: str | None, text: str | None = None) -> Rewritten:
    return rewrite(html, text, mint=mint, pixel=None, own=OWN)


def codes(mail: Rewritten) -> list[str]:
    return [each.code for each in mail.remarks]


@pytest.mark.parametrize("words", SAYING)
def test_a_link_whose_words_say_that_it_ends_a_subscription_stays_direct(words: str) -> None:
    html = f"<a href='{OPAQUE}'>{words}</a> <a href='https://shop.example'>Shop</a>"
    mail = rewritten(html)
    assert mail.links == ["https://shop.example"]
    assert mail.html is not None
    assert f"<a href='{OPAQUE}'>{words}</a>" in mail.html
    assert mail.text is not None
    assert OPAQUE in mail.text
    assert [(each.code, each.place) for each in mail.remarks] == [("unsubscribe_link", "html line 1, column 10")]


@pytest.mark.parametrize("words", NOT_SAYING)
def test_a_link_with_other_words_is_followed(words: str) -> None:
    mail = rewritten(f"<a href='{OPAQUE}'>{words}</a>")
    assert (mail.links, codes(mail)) == ([OPAQUE], [])


@pytest.mark.parametrize("address", SAYING_ADDRESSES)
def test_a_link_whose_address_says_so_stays_direct_in_html_and_in_text(address: str) -> None:
    html, text = f"<a href='{address}'>here</a>", f"More: {spelled_for_text(address)}"
    mail = rewritten(html, text)
    assert (mail.html, mail.text, mail.links, codes(mail)) == (html, text, [], ["unsubscribe_link"] * 2)


@pytest.mark.parametrize("address", NOT_SAYING_ADDRESSES)
def test_a_link_with_another_address_is_followed(address: str) -> None:
    mail = rewritten(f"<a href='{address}'>here</a>", f"More: {address}")
    assert (mail.links, codes(mail)) == ([address], [])


@pytest.mark.parametrize(
    "before",
    ["Unsubscribe: ", "Unsubscribe <", "Shop: https://shop.example\nUnsubscribe:\r\n", "Good day. Hier abmelden: ",
     "https://shop.example | Opt out (", "To unsubscribe, go to ", f"Unsubscribe: {NEW.pixel} "],
)  # fmt: skip
def test_words_before_an_address_of_the_text_say_so(before: str) -> None:
    mail = NEW.followed(None, f"{before}{OPAQUE}")
    assert mail.text is not None
    assert OPAQUE in mail.text
    assert "unsubscribe_link" in codes(mail)
    again = NEW.followed(None, mail.text)
    assert (again.text, again.links) == (mail.text, mail.links)


@pytest.mark.parametrize(
    "before",
    ["Unsubscribe: https://lists.example/unsubscribe Shop: ", "Unsubscribe\n", "Unsubscribe.\nShop: ",
     "You can unsubscribe any time. Shop: ", "Shop ", ""],
)  # fmt: skip
def test_words_that_label_something_else_do_not(before: str) -> None:
    assert rewritten(None, f"{before}{OPAQUE}").links == [OPAQUE]


def test_the_same_address_in_the_text_stays_direct_too() -> None:
    mail = rewritten(f"<a href='{OPAQUE}'>Unsubscribe</a>", f"Our list: {OPAQUE}")
    assert (mail.links, mail.text) == ([], f"Our list: {OPAQUE}")


def test_a_link_of_older_mail_that_ends_a_subscription_leads_there_directly() -> None:
    mail = NEW.followed(f"<a href='{OLD.link()}'>Unsubscribe</a>", f"Unsubscribe: {OLD.link()}")
    assert (mail.html or "").startswith("<a href='https://shop.example/?a=1&amp;b=2'>Unsubscribe</a>")
    assert (mail.text, mail.links) == ("Unsubscribe: https://shop.example/?a=1&b=2", [])


def test_traces_of_older_mail_inside_a_link_do_not_part_its_words() -> None:
    inside = f"<img src='{OLD.pixel}'><a href='{OLD.link()}'></a>"
    once = NEW.followed(f"<a href='{OPAQUE}'>Hier {inside * 9}abmelden</a>")
    assert once.links == []
    assert NEW.followed(once.html, once.text).html == once.html


def test_a_link_on_a_part_of_a_picture_goes_by_its_address_alone() -> None:
    html = f"<area href='{OPAQUE}'>Unsubscribe<area href='https://lists.example/unsubscribe'>"
    assert rewritten(html).links == [OPAQUE]
