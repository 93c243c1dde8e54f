"""Compare the cost of a hostile byte with that of a byte of an ordinary mail, over the whole way of a mail.

The ordinary mail is a sales mail in tables, of 50 KB and with 40 links, as HTML, as the text that is made of it, and as
both in a raw mail; its length is in its favor, as many bytes share the cost of a mail. Hostile ones have
300,000 bytes, as they are posted: shorter ones may be links alone, which cost more a byte, but are at most 2,000.

`python -m bench.hostile` prints ratios, which hardly depend on the machine; `--search SECONDS` tries random repetitions
of short pieces as well, and prints the worst ones. The way of a mail: its JSON is checked, it is read if it is a raw
one, its links are followed, a text is made, older tracking is taken out, it is written as MIME twice, and answered.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from bench.mail import generated_mail
from bench.sections import HOSTILE, put
from bench.storage import ORGANIZATION, Mail
from lib.composing.bodies import Original, composed, followed, images_of, remarks_on_images, unfollowed
from lib.composing.files_in_mail import MailFiles
from lib.files.models import StoredImage, cid_of
from lib.messages.models import Body, MessageSpec
from lib.mime.parts import Mailbox, MailHead
from lib.mime.read import BadMail, read_mail_text
from lib.rewrite import markup
from lib.rewrite.image_places import read_image_places
from lib.rewrite.plain_text import plain_text
from lib.tokens import Claim, KeyRing, Purpose

MOST = 3.0
"""Times the cost of an ordinary byte."""

BYTES = 300_000
_WHAT = """The whole way of a mail: checked, read, followed, text made, older tracking taken out, written as MIME twice,
answered. The ordinary mail is a sales mail in tables of 50 KB with 40 links, in the same form as the hostile one.
Hostile ones have 300,000 bytes, and both are measured in turn."""
_OWN = "https://mail.example.com"
_ROUNDS = 5
_PAIRS, _WORST = 7, 25
_IMAGE = "0123456789abcdef0123456789abcdef"


class Ratio(NamedTuple):
    """Cost of a byte of this input, as a multiple of an ordinary byte's."""

    kind: str
    name: str
    nanoseconds: float
    times: float


class _Way:
    """The way of one mail."""

    def __init__(self) -> None:
        mail = Mail()
        self.ring, self.message = KeyRing.parse(mail.key), mail.ids[0]
        image = StoredImage(
            id=_IMAGE, number=0, filename="logo.png", size=1, content_type="image/png", blob="images/logo"
        )
        now = datetime.now(UTC)
        self._files = MailFiles(ORGANIZATION, self.message, [image], self.ring, _OWN)
        sender, recipient = Mailbox("Rita Rep", "rita@example.com"), Mailbox("Ada", "ada@example.com")
        self._head = MailHead(sender, "Our offer", "<0123456789abcdef@example.com>", now, [recipient])

    def older_links(self) -> str:
        """Links of another mail, which have to be opened to find their destination."""
        claims = (Claim("other", self.message, 0, number, "https://example.com/") for number in range(BYTES // 100))
        return " ".join(f"{_OWN}/c/{self.ring.mint(Purpose.CLICK, claim)}" for claim in claims)[:BYTES]

    def html(self, html: str) -> None:
        self._go(html, None)

    def text(self, text: str) -> None:
        self._go(None, text)

    def raw(self, mail: str) -> None:
        json.loads(json.dumps({"mime": mail}))
        try:
            read = read_mail_text(mail)
        except BadMail:
            return
        self._go(read.html, read.text)

    def _go(self, html: str | None, text: str | None) -> None:
        given = json.dumps({"from": "rep1", "html": html, "text": text}, ensure_ascii=False)
        spec = MessageSpec.model_validate_json(given)
        body = Body(html=spec.html, text=spec.text)
        original = Original(ORGANIZATION, self.message, body, self._files, True, self.ring, _OWN)
        remarks_on_images(original)
        images_of(original)
        for each in (followed(original, 0).body, unfollowed(original).body):
            mail = composed(self._head, each, [])
            Body(html=each.html, text=base64.b64encode(mail.mime).decode()).model_dump_json()
            Body(text=each.text).model_dump_json()


def _pieces(way: _Way) -> Iterator[tuple[str, str]]:
    """(name, what is repeated) in HTML or text."""
    older = way.ring.mint(Purpose.CLICK, Claim("other", way.message, 0, 0, "https://example.com/"))
    seen = way.ring.mint(Purpose.IMAGE, Claim("other", way.message, 0, 0, _IMAGE))
    for piece in (
        *("<", ">", "<a ", "<a>", "<a href", "<a href=", '<a href="', "<a href=x>", "<a href=//a>", "<!--", "<!-->"),
        *("<!--[if a]>", "<!--[if a]><a href=x>", "-->", "<style>", "</style>", "<script>", "<svg>", "<svg></svg>"),
        *("<svg><b>", "<svg><![CDATA[", "<![CDATA[", "<!x>", "<?", "</", "</>", "</a>", "<p>", "<td>", "<i>", "<li>"),
        *("<a href=https://e.example/>", "<a href=http://e.e>x</a>", "<a href=http://e.e></a>", "<a href='&amp;'>"),
        *("<a href=&#x26;>", "<a href='&amp;&amp;&amp;&amp;&amp;&amp;&amp;&amp;'>", "<a href=mailto:a>", "<a href=#>"),
        *("<a href=http://ü.de>", "<a href=http://[::1]/>", "<a href=http://1.2.3.4>", "<a href=javascript:>"),
        *("<a href=http://e.e data-heed=off>", "<img src='cid:x'>", "<img src=cid:x>", "<img src=x>", "<img alt=x>"),
        *(f"<img src=cid:{cid_of(_IMAGE)}>", f"<img src={_OWN}/o/x.gif>", "<img src=/o/x.gif>", "<img src='&amp;'>"),
        *(f"<a href={_OWN}/c/{older}>", f"<a href={_OWN}/c/{older}></a>", f"<img src={_OWN}/i/{seen}/x.png>"),
        *("<img src=http://e.e/i/x/y>", f"<img src=/o/{older}.gif>", "<a href=http://e.e/c/x>", "<br>", "<hr>"),
        *("&", "&amp;", "&#38;", "&lt;", "&x", "&#", "=", "\n", "\r", "\r\n", " ", " \n", "\t", "\0", "\x01", "ü", "€"),
        *(
            "😀",
            "\u200b",
            "\u200b ",
            "\xad ",
            '"',
            "'",
            "a",
            "a ",
            "ab\n",
            "http://",
            "http://a",
            "http://a ",
            "hhttp://a ",
        ),
        *(
            "http://e.e) ",
            "http://e.e/))))",
            "https://e.example/x ",
            f"{_OWN}/c/{older} ",
            f"{_OWN}/c/x ",
            "[http://a](b)",
        ),
        *("<<", "< a", "<a/", "<a a ", "<a a=b ", "<a a='b' ", "<img a ", "<body>", "</body>", "<title>", "<textarea>"),
        *("<v:a href=x>", "<area href=http://e.e>", "<table><tr><td>", "<div><p>", "<math><a href=x>", "{{", "%%a%%"),
        *(
            "<ol><li>",
            "<ol reversed><li>",
            "<li value=1>",
            "<p hidden>",
            "<br hidden>",
            "<i style=display:none></i>",
            "<noscript>a</noscript>",
            "<a href=tel:+1>1</a>",
            "<a href=http://a.e>http://b.e</a>",
            "<td background=cid:x>",
            "<p style='background:url(cid:x)'>",
            "<img srcset='cid:x, cid:y'>",
            "<style>url(cid:x)</style>",
            "url(cid:x",
            "<v:fill src=cid:x>",
            "-----BEGIN PGP MESSAGE-----\n",
            "-----BEGIN PGP MESSAGE-----\nhttp://a.e\n-----END PGP MESSAGE-----\n",
            "<div hidden>",
            "<template>",
            "<!--[if a]>-->",
            "<!--x-->",
            "<<b>",
            "http://{{a ",
            "http://e.e",
            "http://e.eを",
            "http://を、",
            "http://e.e/を",
            "http://e.e/h",
            "を",
            "http://a@b ",
            "http://1.2.3.4 ",
            "http://[::1] ",
            "http://ü.de ",
            "http://a'''''' ",
            "a" * 100_000 + " ",
            "<" + "a" * 100_000 + ">",
            "é\n",
            "=\n",
            ".\n",
        ),
    ):
        yield repr(piece if len(piece) < 60 else piece[:50] + "…"), piece


def _raw(headers: str, body: str) -> str:
    return f"From: Rita <rep@example.com>\r\nTo: ada@example.com\r\nSubject: Offer\r\n{headers}\r\n\r\n{body}"


def _raw_mails() -> Iterator[tuple[str, str]]:
    qp, b64 = "Content-Transfer-Encoding: quoted-printable", "Content-Transfer-Encoding: base64"
    html = "Content-Type: text/html; charset=utf-8"
    mixed = 'Content-Type: multipart/mixed; boundary="b"'
    yield "quoted-printable, all of it", _raw(f"{html}\r\n{qp}", "=3C=C3=BC" * (BYTES // 9))
    yield "quoted-printable, soft line breaks", _raw(f"{html}\r\n{qp}", "a=\r\n" * (BYTES // 4))
    yield "base64 in short lines", _raw(f"{html}\r\n{b64}", "PGE+\r\n" * (BYTES // 6))
    yield "base64, line ends alone", _raw(f"{html}\r\n{b64}", "\r\n" * (BYTES // 2))
    yield "empty lines", _raw(html, "\n" * BYTES)
    yield "parts", _raw(mixed, "--b\r\n\r\nx\r\n" * 190 + "x" * BYTES)
    yield "lines like a boundary", _raw(mixed, "--bb\n" * 9_900)
    yield "dashes", _raw(mixed, "\n--" * (BYTES // 3))
    yield "header lines", _raw("X: y\r\n" * 4_900 + html, "x" * 1000)
    yield "continued header", _raw("X: y\r\n" + " z\r\n" * 4_900 + html, "x" * 1000)
    yield "recipients", _raw("Cc: " + "a@b, " * 18_000, "x")
    yield "commas", _raw("Cc: " + "," * 90_000, "x")
    yield "quotes", _raw("Cc: " + '"' * 90_000, "x")
    yield "encoded words", _raw("Cc: " + "=?utf-8?q?x?= <a@b.de>, " * 3_800, "x")
    nested = "".join(
        f'Content-Type: multipart/mixed; boundary="b{level}"\r\n\r\n--b{level}\r\n' for level in range(10, 29)
    )
    yield "nested parts", f"From: a@b.de\r\nTo: c@d.de\r\n{nested}{html}\r\n\r\n" + "\n--b" * (BYTES // 4)
    yield "mails in mails", _raw("Content-Type: message/rfc822", "Content-Type: message/rfc822\r\n\r\n" * (BYTES // 32))
    yield "invalid bytes, escaped", _raw(html, "\udcff" * (BYTES // 6))
    for name, damage in (("invalid bytes", b"\xff"), ("every other byte invalid", b"\xffa")):
        yield f"{name}, in base64", base64.b64encode(_raw(html, "").encode() + damage * (BYTES // 2)).decode()
    yield "japanese, badly", _raw("Content-Type: text/html; charset=iso-2022-jp", "\x1b$B" * (BYTES // 3))


def ordinary_raw_mail() -> str:
    from email.message import EmailMessage

    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Rita <rep@example.com>", "Ada <ada@example.com>", "Offer"
    mail.set_content(ordinary_text())
    mail.add_alternative(generated_mail(), subtype="html")
    return mail.as_string()


def ordinary_text() -> str:
    return plain_text(generated_mail(), lambda _: None)


def _seconds(work: Callable[[str], None], source: str, rounds: int = _ROUNDS) -> float:
    taken = []
    for _ in range(rounds):
        # What is remembered is remembered of this mail, not of the round before.
        markup.read.cache_clear()
        read_image_places.cache_clear()
        began = time.process_time()
        work(source)
        taken.append(time.process_time() - began)
    return min(taken)


def _cost(work: Callable[[str], None], source: str, rounds: int = _ROUNDS) -> float:
    """Nanoseconds a byte."""
    return _seconds(work, source, rounds) * 1e9 / _posted(source)


def _posted(source: str) -> int:
    """Bytes in JSON, but for escapes that need not be. What no UTF-8 can be, can only be posted as an escape."""
    return len(source.encode("utf-8", "backslashreplace"))


def measure_hostile(search: float = 0.0, seed: int = 1) -> list[Ratio]:
    """All of them, the worst first."""
    way = _Way()
    works = {"html": way.html, "text": way.text, "raw": way.raw}
    ordinary = {"html": generated_mail(), "text": ordinary_text(), "raw": ordinary_raw_mail()}
    for kind, work in works.items():
        print(f"ordinary {kind}: {_cost(work, ordinary[kind], 30):.0f} ns a byte", flush=True)

    def ratio(kind: str, name: str, source: str, pairs: int) -> Ratio:
        """Both in turn, so that a machine which is busy now and then is so for both."""
        costs = [(_cost(works[kind], source, 1), _cost(works[kind], ordinary[kind], 3)) for _ in range(pairs)]
        times = statistics.median(hostile / usual for hostile, usual in costs)
        return Ratio(kind, name, statistics.median(hostile for hostile, _ in costs), times)

    inputs = [
        (kind, name, piece * (BYTES // len(piece.encode())))
        for name, piece in _pieces(way)
        for kind in ("html", "text")
    ]
    older = way.older_links()
    inputs += [("text", "older links, each another", older), ("html", "older links, each another", older)]
    inputs += [("raw", name, mail) for name, mail in _raw_mails()]
    if search:
        inputs += _searched(search, seed, works)
    by_cost = sorted(inputs, key=lambda each: -ratio(each[0], each[1], each[2], 1).times)
    return sorted(
        (ratio(kind, name, source, _PAIRS) for kind, name, source in by_cost[:_WORST]), key=lambda each: -each.times
    )


def _searched(seconds: float, seed: int, works: dict[str, Callable[[str], None]]) -> Iterator[tuple[str, str, str]]:
    """Try random repetitions, vary bad ones further, and return the worst ones."""
    chance, until = random.Random(seed), time.monotonic() + seconds
    tokens = [
        *(
            "<",
            ">",
            "<a",
            "<img",
            " href=",
            " src=",
            '"',
            "'",
            "=",
            "/",
            "&",
            "&amp;",
            ";",
            "#",
            " ",
            "\n",
            "\r",
            "-->",
        ),
        *("<!--", "[if", "]>", "<svg>", "</svg>", "<style>", "</style>", "<p>", "<td>", "cid:x", "http://", "https://"),
        *("e.e", "a", ".", ",", ")", "(", "]", "[", "<br>", "</a>", "\u200b", "ü", "\0", "<li>", "/c/", "/o/", ".gif"),
        *("mailto:", "data-heed=off", "<title>", "</title>", "@", ":", "%", "{{", "\t", "<v:x", "<script>", "x\n"),
    ]
    worst: dict[str, list[tuple[float, list[str]]]] = {"html": [], "text": []}
    while time.monotonic() < until:
        kind = chance.choice(("html", "html", "text"))
        known = worst[kind]
        if known and chance.random() < 0.6:
            parts = list(chance.choice(known)[1])
            place = chance.randrange(len(parts) + 1)
            parts[place : place + chance.randrange(2)] = [chance.choice(tokens)] * chance.randrange(2)
        else:
            parts = [chance.choice(tokens) for _ in range(chance.randrange(1, 7))]
        piece = "".join(parts)
        if not piece or any(parts == each for _, each in known):
            continue
        cost = _cost(works[kind], piece * (BYTES // len(piece.encode())), 1)
        worst[kind] = sorted([*known, (cost, parts)], reverse=True)[:12]
    for kind, known in worst.items():
        for _, parts in known[:6]:
            piece = "".join(parts)
            yield kind, f"found: {piece!r}", piece * (BYTES // len(piece.encode()))


def _cell(name: str) -> str:
    return f"`{name}`".replace("|", "\\|")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.hostile", description="Compare hostile with ordinary bytes.")
    parser.add_argument("--search", type=float, default=0.0, help="seconds of a random search for worse (none)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--all", action="store_true", help="print every ratio, not the worst alone")
    parser.add_argument("--write", action="store_true", help="write the section of bench/RESULTS.md")
    parser.add_argument("--conditions", default="nothing else ran", help="what else the machine did, for the section")
    options = parser.parse_args(arguments)
    found = measure_hostile(options.search, options.seed)
    if options.write:
        rows = [
            f"| {each.kind} | {_cell(each.name)} | {each.nanoseconds:.0f} | {each.times:.1f} |" for each in found[:12]
        ]
        head = "| kind | what is repeated | ns a byte | times an ordinary byte |\n|---|---|---:|---:|"
        text = f"{_WHAT}\n\nThe worst inputs; at most {MOST:g} times is the target.\n\n{head}\n"
        put(HOSTILE, text + "\n".join(rows), options.conditions)
    for each in found if options.all else found[:30]:
        print(f"{each.times:6.2f} times  {each.nanoseconds:7.0f} ns a byte  {each.kind:4}  {each.name}")
    return 0 if found[0].times <= MOST else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
