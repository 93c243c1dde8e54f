"""An excerpt is what the writer wrote: no quote, no signature, no line of the program."""

import pytest

from lib.inbound.excerpts import LONGEST_EXCERPT, excerpt

ANSWER = "Yes, we take it.\n\nWhen can you start?"
QUOTED = "Dear Ada,\nhere is our offer.\n"
MARKED = "> Dear Ada,\n> here is our offer.\n"

RITA = "Rita Rep <rep@acme.example>"
QUOTES = {
    "Gmail": f"On Mon, May 4, 2026 at 9:30 AM {RITA} wrote:\n\n{MARKED}",
    "Gmail, broken": f"On Mon, May 4, 2026 at 9:30 AM Rita Rep of Acme\n<rep@acme.example> wrote:\n\n{MARKED}",
    "Gmail, German": f"Am Mo., 4. Mai 2026 um 09:30 Uhr schrieb Rita Rep <\nrep@acme.example>:\n\n{MARKED}",
    "Gmail, French": f"Le lun. 4 mai 2026 à 09:30, {RITA} a écrit :\n\n{MARKED}",
    "Gmail, Spanish": f"El lun, 4 may 2026 a las 9:30, Rita Rep (<rep@acme.example>) escribió:\n\n{MARKED}",
    "Gmail, Italian": f"Il giorno lun 4 mag 2026 alle ore 09:30 {RITA} ha scritto:\n\n{MARKED}",
    "Gmail, Dutch": f"Op ma 4 mei 2026 om 09:30 schreef {RITA}:\n\n{MARKED}",
    "Gmail, Portuguese": f"Em seg., 4 de mai. de 2026 às 09:30, {RITA} escreveu:\n\n{MARKED}",
    "Gmail, Swedish": f"Den mån 4 maj 2026 kl 09:30 skrev {RITA}:\n\n{MARKED}",
    "Gmail, Polish": f"pon., 4 maj 2026 o 09:30 {RITA} napisał(a):\n\n{MARKED}",
    "Gmail, Russian": f"пн, 4 мая 2026 г. в 09:30, {RITA}:\n\n{MARKED}",
    "Gmail, Japanese": f"2026年5月4日(月) 9:30 {RITA}:\n\n{MARKED}",
    "Gmail, Korean": f"2026년 5월 4일 (월) 오전 9:30, {RITA}님이 작성:\n\n{MARKED}",
    "Apple Mail": f"> On 4. May 2026, at 09:30, {RITA} wrote:\n> \n{MARKED}",
    "Apple Mail, German": f"> Am 04.05.2026 um 09:30 schrieb {RITA}:\n>\n{MARKED}",
    "without marks": f"On Mon, May 4, 2026 at 9:30 AM {RITA} wrote:\n\n{QUOTED}",
    "Outlook": f"From: {RITA}\nSent: Monday, May 4, 2026 9:30 AM\nTo: Ada\nSubject: Our offer\n\n{QUOTED}",
    "Outlook, ruled": f"____________________\nFrom: Rita Rep\nSent: Monday\nTo: Ada\nSubject: Our offer\n\n{QUOTED}",
    "Outlook, stars": f"*From:* Rita Rep\n*Sent:* Monday\n*To:* Ada\n*Subject:* Our offer\n\n{QUOTED}",
    "Outlook, German": f"Von: Rita Rep\nGesendet: Montag, 4. Mai 2026 09:30\nAn: Ada\nBetreff: Angebot\n\n{QUOTED}",
    "Outlook, French": f"De : Rita Rep\nEnvoyé : lundi 4 mai 2026 09:30\nÀ : Ada\nObjet : Offre\n\n{QUOTED}",
    "Outlook, Spanish": f"De: Rita Rep\nEnviado: lunes, 4 de mayo\nPara: Ada\nAsunto: Oferta\n\n{QUOTED}",
    "Outlook, Chinese": f"发件人: Rita Rep\n发送时间: 2026年5月4日\n收件人: Ada\n主题: Offer\n\n{QUOTED}",
    "old Outlook": f"-----Original Message-----\nFrom: Rita Rep\n\n{QUOTED}",
    "old Outlook, German": f"-----Ursprüngliche Nachricht-----\nVon: Rita Rep\n\n{QUOTED}",
    "a forward": f"---------- Forwarded message ---------\nFrom: Rita Rep\n\n{QUOTED}",
    "marks alone": MARKED,
    "nothing": "",
}


@pytest.mark.parametrize("name", QUOTES)
def test_what_programs_quote_is_left_out(name: str) -> None:
    assert excerpt(f"{ANSWER}\n\n{QUOTES[name]}") == ANSWER


@pytest.mark.parametrize(
    "end",
    [
        "-- \nAda Lovelace\n+44 20 7946",
        "--\nAda",
        "Sent from my iPhone",
        "Von meinem iPhone gesendet",
        "Get Outlook for iOS<https://aka.ms/x>",
        "Envoyé de mon iPhone",
        "Outlook für Android<https://aka.ms/x> herunterladen",
        "Outlook voor iOS<https://aka.ms/x> downloaden",
        "Obter o Outlook para iOS<https://aka.ms/x>",
        "Enviado desde mi iPhone",
    ],
)
def test_signatures_and_lines_of_programs_are_left_out(end: str) -> None:
    assert excerpt(f"{ANSWER}\n\n{end}\n") == ANSWER


OUTSIDE = "CAUTION: This email originated from outside of the organization. Do not click links."


@pytest.mark.parametrize(
    "banner",
    [
        f"{OUTSIDE}\n\n",
        f"{OUTSIDE}\n",
        "*EXTERNAL EMAIL*\n\n",
        "[EXTERNAL] This message was sent from an external source.\n\n",
        "CAUTION: This email originated from outside of the\n"
        "organization. Do not click links or open attachments unless\n"
        "you recognize the sender and know the content is safe.\n\n",
        "ACHTUNG: Diese E-Mail kommt von außerhalb. Klicken Sie nicht auf Links.\n\n",
        "Attention : ce courriel provient de l'extérieur.\nN'ouvrez pas les pièces jointes.\n\n",
        "You don't often get email from ada@example.com. Learn why this is important <https://aka.ms/x>\n\n",
        f"You don't often get email from ada@example.com.\n\n{OUTSIDE}\n\n",
    ],
)
def test_a_warning_of_the_receiving_server_is_no_part_of_the_answer(banner: str) -> None:
    assert excerpt(f"{banner}Yes, see the attachments.\n\nAda") == "Yes, see the attachments.\n\nAda"


@pytest.mark.parametrize(
    "words",
    [
        "Attention: the price is wrong.\n\nAda",
        "External costs are ours.\n\nAda",
        "Important: please ship it outside working hours.\n\nAda",
        "Important: your message came outside working hours, and is outside the budget.\n\nAda",
        "Hinweis: Ihre Nachricht kam außerhalb der Bürozeiten.\n\nAda",
        "Notice: the goods come from outside the EU.\n\nAda",
        "Caution\n\nThe mail that originated from outside was ours.",
        OUTSIDE,
    ],
)
def test_a_persons_own_warning_is_kept(words: str) -> None:
    assert excerpt(words) == words


def test_answers_between_quotes_and_below_them_are_kept() -> None:
    text = "On Monday, Rita <rep@acme.example> wrote:\n> Do you take it?\nYes.\n\n> When?\n\nIn May.\n"

    assert excerpt(text) == "Yes.\n\nIn May."


@pytest.mark.parametrize(
    "text",
    [
        "From: what I see, it works.\nTo: me that is new.",
        "On Monday we start.\nShe wrote: it is good.",
        "Date: Monday\nPlace: here",
        "Please book:\nFrom: Vienna\nTo: Paris\nDate: 5 May\nOne person.",
        "From: Monday\nTo: Friday\nDate: next week\nworks for us.",
        "We met\n- one\n- two",
        "A note: the price is right.",
    ],
)
def test_words_that_look_like_a_quote_are_kept(text: str) -> None:
    assert excerpt(text) == text


def test_of_a_mail_that_quotes_alone_nothing_is_left() -> None:
    assert excerpt(QUOTES["Gmail"]) == ""


def test_a_long_answer_is_cut() -> None:
    found = excerpt("word " * 10_000)

    assert len(found) <= LONGEST_EXCERPT
    assert found.endswith("word…")
