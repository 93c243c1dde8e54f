"""The mail with the link that proves who a recipient is, in the recipient's language."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import NamedTuple

from lib.languages import SpokenLanguage
from lib.sending.own_mails import OwnMail


class _Words(NamedTuple):
    subject: str
    why: str
    link: str
    ends: str
    not_you: str


_WORDS: Mapping[SpokenLanguage, _Words] = {
    "en": _Words(
        "Your link: what is recorded about your mail",
        "On the page of a mail from {organization}, somebody asked for a link to what is recorded about this address.",
        "See or erase what is recorded, or allow the recording",
        "The link works for 30 minutes. Do not pass it on: it shows your data to anyone who has it.",
        "If you have not asked for this, ignore this mail. Nothing happens without the link.",
    ),
    "de": _Words(
        "Ihr Link: was über Ihre E-Mails gespeichert ist",
        "Auf der Seite zu einer E-Mail von {organization} wurde ein Link angefordert, der zeigt, was zu dieser Adresse "
        "gespeichert ist.",
        "Gespeichertes ansehen oder löschen, oder die Aufzeichnung erlauben",
        "Der Link gilt 30 Minuten. Geben Sie ihn nicht weiter: Er zeigt Ihre Daten jedem, der ihn hat.",
        "Wenn Sie das nicht angefordert haben, brauchen Sie nichts zu tun. Ohne den Link passiert nichts.",
    ),
    "fr": _Words(
        "Votre lien\xa0: ce qui est enregistré sur vos e-mails",
        "Sur la page d’un e-mail envoyé par {organization}, un lien vers ce qui est enregistré à propos de cette "
        "adresse a été demandé.",
        "Voir ou effacer ce qui est enregistré, ou autoriser l’enregistrement",
        "Le lien est valable 30 minutes. Ne le transmettez pas\xa0: il montre vos données à quiconque le possède.",
        "Si vous n’avez rien demandé, ignorez cet e-mail. Rien ne se passe sans le lien.",
    ),
    "es": _Words(
        "Su enlace: qué se ha registrado sobre sus correos",
        "En la página de un correo de {organization} se ha pedido un enlace a lo que está registrado sobre esta "
        "dirección.",
        "Ver o borrar lo registrado, o permitir el registro",
        "El enlace es válido durante 30 minutos. No lo comparta: muestra sus datos a cualquiera que lo tenga.",
        "Si usted no lo ha pedido, ignore este correo. Sin el enlace no ocurre nada.",
    ),
    "it": _Words(
        "Il suo link: che cosa è registrato sulle sue e-mail",
        "Dalla pagina di un’e-mail di {organization} è stato chiesto un link a ciò che è registrato su questo "
        "indirizzo.",
        "Vedere o cancellare ciò che è registrato, o consentire la registrazione",
        "Il link vale 30 minuti. Non lo inoltri: mostra i suoi dati a chiunque lo possieda.",
        "Se non l’ha chiesto lei, ignori questa e-mail. Senza il link non succede nulla.",
    ),
}


def write_proof_mail(language: SpokenLanguage, organization: str, url: str) -> OwnMail:
    """Write the mail with the link `url`. `organization` is the name that people know."""
    words = _WORDS[language]
    why = words.why.format(organization=organization)
    colon = "\xa0:" if language == "fr" else ":"
    text = f"{why}\n\n{words.link}{colon}\n{url}\n\n{words.ends}\n\n{words.not_you}\n"
    link = f'<a href="{escape(url)}" style="font-weight:bold">{escape(words.link)}</a>'
    paragraphs = "".join(f"<p>{part}</p>" for part in (escape(why), link, escape(words.ends), escape(words.not_you)))
    html = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{escape(words.subject)}</title>'
        f'</head><body style="font-family:Segoe UI,Helvetica,Arial,sans-serif;font-size:15px;line-height:22px">'
        f"{paragraphs}</body></html>"
    )
    return OwnMail(words.subject, html, text)
