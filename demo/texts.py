"""Texts of the demo: templates, answers, and mail that the salespeople write by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

_SITE = "https://www.ostervik.example"


@dataclass(frozen=True, slots=True)
class DemoTemplate:
    """A template, and how well it works."""

    id: str
    name: str
    language: str
    subject: str
    paragraphs: tuple[str, ...]
    links: tuple[tuple[str, str], ...] = ()
    """Words and path of each link."""
    strength: float = 1.0
    """Factor by which mails with an answer are made of it more often than mails without one."""
    share: float = 1.0
    """Weight in the choice among templates of its language."""
    file: str | None = None
    """Name of a price list that goes with it, as a followed file."""

    def to_spec(self) -> dict[str, str]:
        """Return the body of PUT /templates/{id}."""
        lines = [f"<p>{_GREETING[self.language]}</p>", *(f"<p>{each}</p>" for each in self.paragraphs)]
        if self.links:
            items = [f'<li><a href="{_SITE}{path}">{escape(words)}</a></li>' for words, path in self.links]
            lines.append(f"<ul>{''.join(items)}</ul>")
        lines.append(f"<p>{_CLOSING[self.language]}<br>{{{{ sender.name }}}}<br>{{{{ org.name }}}}</p>")
        html = f'<html lang="{self.language}"><body>{"".join(lines)}</body></html>'
        return {"name": self.name, "language": self.language, "subject": self.subject, "html": html}


_GREETING = {
    "en": 'Hello {{ recipient.first_name | default("there") }},',
    "de": "Guten Tag {{ recipient.name }},",
    "fr": "Bonjour {{ recipient.name }},",
}
_CLOSING = {"en": "Kind regards,", "de": "Freundliche Grüße", "fr": "Cordialement,"}

TEMPLATES: tuple[DemoTemplate, ...] = (
    DemoTemplate(
        "audit-offer", "Offer a lighting audit", "en",
        "A free lighting audit for {{ recipient.company }}?",
        (
            "We look after the light in workshops and offices near you. In two hours we measure how bright your rooms "
            "are, and what their light costs you a year.",
            "The audit costs nothing, and the figures are yours, whatever you decide. Would Tuesday or Thursday suit?",
        ),
        (("What an audit looks like", "/audit"), ("Book a date", "/audit/dates")),
        strength=1.6, share=1.5,
    ),
    DemoTemplate(
        "savings", "Savings in numbers", "en",
        "{{ regarding.name }}: what new light would save",
        (
            "I have put figures to {{ regarding.name }}: about 41 per cent less power, and paid back in under three "
            "years. The sheet shows how I got there.",
            "Shall we go through it by phone? It takes ten minutes.",
        ),
        (("The calculation", "/savings"), ("Grants that you could ask for", "/grants"), ("Luminaires", "/range")),
        strength=1.0, share=1.2,
    ),
    DemoTemplate(
        "quote", "Send the quote", "en",
        "Your quote for {{ regarding.name }}",
        (
            "Here is our quote for {{ regarding.name }}, with the luminaires that we talked about. It holds until the "
            "end of next month.",
            "The price list goes with this mail. What is missing for a decision?",
        ),
        (("Planning, with drawings", "/plans"), ("Warranty of ten years", "/warranty")),
        strength=2.2, share=1.0, file="Ostervik price list.pdf",
    ),
    DemoTemplate(
        "case-study", "Case study: a joinery", "en",
        "How a joinery of forty people halved its power bill",
        (
            "A joinery with two halls asked us for light without glare at the saws. Half a year later its people stay "
            "longer at the machines, and the bill is half of what it was.",
        ),
        (
            ("Read the whole story", "/stories/joinery"), ("Pictures, before and after", "/stories/joinery/pictures"),
            ("The luminaires", "/range/halls"), ("More stories", "/stories"), ("Ask us", "/contact"),
        ),
        strength=0.7, share=1.2,
    ),
    DemoTemplate(
        "news", "News of the quarter", "en",
        "News from Ostervik: new grants, and light that follows the day",
        ("Three things have changed since we last wrote. Each takes a minute to read.",),
        (
            ("Grants until June", "/news/grants"), ("Light that follows the day", "/news/daylight"),
            ("Our new showroom", "/news/showroom"), ("Open days", "/news/open-days"), ("The range", "/range"),
        ),
        strength=0.2, share=1.3,
    ),
    DemoTemplate(
        "after-visit", "After a visit", "en",
        "Thank you for showing me {{ recipient.company }}",
        (
            "Thank you for the walk through your rooms. I noted the dark corner by the gate and the flicker over the "
            "packing tables: both are easy to mend.",
            "Attached you find our price list. I will send the drawings for {{ regarding.name }} by Friday.",
        ),
        (("What we measured", "/visits/notes"),),
        strength=3.0, share=0.6, file="Ostervik price list.pdf",
    ),
    DemoTemplate(
        "audit-de", "Lichtmessung anbieten", "de",
        "Kostenlose Lichtmessung bei {{ recipient.company }}?",
        (
            "wir planen Licht für Werkstätten und Büros. In zwei Stunden messen wir, wie hell Ihre Räume sind und was "
            "das Licht im Jahr kostet.",
            "Die Messung ist kostenlos. Passt Ihnen Dienstag oder Donnerstag?",
        ),
        (("So läuft eine Messung ab", "/de/messung"), ("Termin wählen", "/de/messung/termine")),
        strength=1.3, share=1.4,
    ),
    DemoTemplate(
        "quote-de", "Angebot senden", "de",
        "Ihr Angebot: {{ regarding.name }}",
        (
            "anbei unser Angebot mit den besprochenen Leuchten. Es gilt bis Ende des nächsten Monats.",
            "Die Preisliste liegt bei. Was fehlt Ihnen noch für eine Entscheidung?",
        ),
        (("Planung mit Zeichnungen", "/de/planung"), ("Zehn Jahre Garantie", "/de/garantie")),
        strength=2.0, share=1.0, file="Ostervik Preisliste.pdf",
    ),
    DemoTemplate(
        "savings-de", "Ersparnis in Zahlen", "de",
        "{{ regarding.name }}: was neues Licht spart",
        (
            "ich habe nachgerechnet: rund 41 Prozent weniger Strom, bezahlt in unter drei Jahren. Das Blatt zeigt, wie "
            "ich darauf komme.",
            "Gehen wir es am Telefon durch? Es dauert zehn Minuten.",
        ),
        (("Die Rechnung", "/de/ersparnis"), ("Förderungen", "/de/foerderung"), ("Leuchten", "/de/leuchten")),
        strength=1.0, share=1.2,
    ),
    DemoTemplate(
        "after-visit-de", "Nach einem Besuch", "de",
        "Danke für den Rundgang bei {{ recipient.company }}",
        (
            "danke für den Rundgang. Die dunkle Ecke am Tor und das Flimmern über den Packtischen lassen sich leicht "
            "beheben. Die Preisliste liegt bei.",
        ),
        (("Was wir gemessen haben", "/de/besuche/protokoll"),),
        strength=2.6, share=0.6, file="Ostervik Preisliste.pdf",
    ),
    DemoTemplate(
        "news-de", "Neues im Quartal", "de",
        "Neues von Ostervik: Förderungen und Licht wie der Tag",
        ("drei Neuigkeiten, jede in einer Minute gelesen.",),
        (
            ("Förderungen bis Juni", "/de/neues/foerderung"), ("Licht wie der Tag", "/de/neues/tageslicht"),
            ("Unser Schauraum", "/de/neues/schauraum"), ("Tage der offenen Tür", "/de/neues/offen"),
        ),
        strength=0.25, share=1.0,
    ),
    DemoTemplate(
        "audit-fr", "Proposer un audit", "fr",
        "Un audit d’éclairage gratuit pour {{ recipient.company }} ?",
        (
            "Nous concevons l’éclairage d’ateliers et de bureaux. En deux heures, nous mesurons la lumière de vos "
            "locaux et ce qu’elle vous coûte par an.",
            "L’audit est gratuit. Mardi ou jeudi vous conviendrait-il ?",
        ),
        (("Comment se passe un audit", "/fr/audit"), ("Choisir une date", "/fr/audit/dates")),
        strength=1.2, share=1.0,
    ),
    DemoTemplate(
        "quote-fr", "Envoyer l’offre", "fr",
        "Votre offre : {{ regarding.name }}",
        (
            "Voici notre offre, avec les luminaires dont nous avons parlé. Elle est valable jusqu’à la fin du mois "
            "prochain. Que vous manque-t-il pour décider ?",
        ),
        (("Les plans", "/fr/plans"), ("Dix ans de garantie", "/fr/garantie")),
        strength=1.8, share=0.9, file="Ostervik tarifs.pdf",
    ),
    DemoTemplate(
        "news-fr", "Nouvelles du trimestre", "fr",
        "Ostervik : aides et lumière qui suit le jour",
        ("Trois nouveautés, chacune lue en une minute.",),
        (
            ("Aides jusqu’en juin", "/fr/actualites/aides"), ("Lumière du jour", "/fr/actualites/jour"),
            ("Notre salle d’exposition", "/fr/actualites/salle"),
        ),
        strength=0.3, share=0.8,
    ),
)  # fmt: skip

ANSWERS: Mapping[str, tuple[str, ...]] = {
    "en": (
        "Thanks, Thursday at ten would suit us. Please ask for me at the gate.",
        "Interesting. Could you send the figures for the second hall as well?",
        "We have a budget for this from January. Please call me in the first week.",
        "The price is above what we planned. Is there anything you can do about the mounting?",
        "Looks good to me. I have passed it on to our managing director and will come back to you.",
        "Not at the moment, I am afraid. Please try again in spring.",
        "Yes, please go ahead with the drawings.",
    ),
    "de": (
        "Danke, Donnerstag um zehn passt. Melden Sie sich bitte am Empfang.",
        "Das klingt interessant. Können Sie uns die Zahlen auch für die zweite Halle schicken?",
        "Der Preis liegt über unserem Rahmen. Lässt sich bei der Montage noch etwas machen?",
        "Bitte rufen Sie mich nächste Woche an, dann habe ich das Budget.",
        "Ich habe es an unsere Geschäftsführung weitergegeben.",
    ),
    "fr": (
        "Merci, jeudi à dix heures nous convient.",
        "Pourriez-vous nous envoyer aussi les chiffres pour le second atelier ?",
        "Le prix dépasse notre budget. Peut-on revoir la pose ?",
    ),
}

AWAY: Mapping[str, str] = {
    "en": "Thank you for your message. I am out of the office until {day} and will answer when I am back.",
    "de": "Vielen Dank für Ihre Nachricht. Ich bin bis {day} nicht im Büro und antworte danach.",
    "fr": "Merci de votre message. Je suis absent jusqu’au {day} et répondrai à mon retour.",
}

AWAY_SUBJECT: Mapping[str, str] = {
    "en": "Automatic reply: ",
    "de": "Automatische Antwort: ",
    "fr": "Réponse automatique : ",
}

BACK: Mapping[str, tuple[str, ...]] = {
    "en": (
        "Thank you, that is noted. I will send what you asked for by tomorrow noon.",
        "Good to hear. I have put it in the diary, and bring the sample luminaires.",
        "I understand. Let me talk to our fitters and come back with a better figure.",
    ),
    "de": (
        "Danke, ist notiert. Sie bekommen die Unterlagen bis morgen Mittag.",
        "Das freut mich. Ich bringe die Musterleuchten mit.",
    ),
    "fr": ("C’est noté, merci. Vous recevrez les documents demain avant midi.",),
}

UNASKED: tuple[tuple[str, str], ...] = (
    ("Warranty: flicker in the packing hall", "Two of the luminaires over table 4 flicker since Monday. Can you come?"),
    ("Opening hours of your showroom", "Are you open on Saturday mornings? We would be three."),
    ("Warranty claim for the gate light", "The light at the gate went out after the storm. It is two years old."),
)
"""Subject and text of mails that answer nothing."""

THANKS: Mapping[str, str] = {
    "en": "Perfect, thank you. Until then.",
    "de": "Perfekt, vielen Dank. Bis dann.",
    "fr": "Parfait, merci. À bientôt.",
}


def price_list() -> bytes:
    """Return a small PDF of one page."""
    text = b"BT /F1 24 Tf 72 760 Td (Ostervik Lighting: price list) Tj ET"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(text), text),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj%sendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n%s%s" % (len(objects) + 1, table, trailer)


def plain_html(paragraphs: str, sender: str, language: str) -> str:
    """Return the HTML of a mail that is written by hand."""
    return f'<html lang="{language}"><body><p>{escape(paragraphs)}</p><p>{escape(sender)}</p></body></html>'
