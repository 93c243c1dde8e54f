"""The rewriter is held to Chromium: it finds the same links, and each leads where Chromium would have gone.

Chromium runs once, on a page whose script parses every mail, as it came and as it was rewritten.
What Outlook's conditional comments hold is parsed by itself, as a mail of its own.
"""

import base64
import json
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from lib.rewrite import Rewritten, rewrite
from tests.support.rewriting import COMMON, LINKS, OUTLOOK, OWN, PIXEL, mint, put_back

CHROMIUM: Final = shutil.which("chromium")
TEMPLATES: Final = Path(__file__).parents[3] / "shared" / "data" / "templates"
OPTIONS: Final = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --virtual-time-budget=60000 --dump-dom"
)
PAGE: Final = """<!DOCTYPE html><meta charset="utf-8"><pre id="findings"></pre><script>
const mails = %s, destinations = %s;
function landing(address) {
  try { return new URL(address).href } catch { return null }
}
function parse(html) {
  // Not DOMParser: for simple mails it takes a short cut that decodes `&notit;` otherwise than a page does.
  const inert = document.implementation.createHTMLDocument();
  inert.open();
  inert.write(html);
  inert.close();
  return inert;
}
function links(html) {
  const parsed = parse(html);
  const found = {live: [], conditional: [], pixels: parsed.querySelectorAll("img[src$='/o/token.gif']").length};
  const walker = parsed.createTreeWalker(parsed, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_COMMENT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.nodeType === Node.COMMENT_NODE) {
      const conditional = /^\\[if[^\\]>]*\\]>([^]*)$/i.exec(node.data);
      const content = conditional ? links(conditional[1]) : {live: [], conditional: []};
      found.conditional.push(...content.live, ...content.conditional);
    } else if (/^(a|area|v:.*)$/.test(node.localName) && node.hasAttribute("href")) {
      const address = node.getAttribute("href");
      found.live.push([address, landing(address), node.getAttribute("data-heed")]);
    }
  }
  return found;
}
const findings = {
  originals: mails.map(([original]) => links(original)),
  rewritten: mails.map(([, rewritten]) => links(rewritten)),
  landings: destinations.map(list => list.map(landing)),
};
const bytes = new TextEncoder().encode(JSON.stringify(findings));
const latin = Array.from(bytes, byte => String.fromCharCode(byte)).join("");
document.getElementById("findings").textContent = btoa(latin);
</script>
"""
ADDRESSES: Final = (
    "https://example.com", "HTTPS://EXAMPLE.com/%7e?q#f", "https://example.com:443/a/../b",
    "https://example.com/a b?c d#e f",
    "https://example.com/?b=1&copy=2&amp;c=3&amp", "https://example.com/&#x2F;&#47;&notit;&copy;", "https://example.com/|,;'`^{}",
    "https://example.com/stra&szlig;e?q=日本#é", "https://faß.de/", "https://MÜNCHEN.de/", "https://☃.net/", "https://日本。jp",
    "https://ｅｘａｍｐｌｅ.com/", "https://exa&shy;mple.com", "https://مثال.إختبار/", "https://क्\u200dष.example/", "https://💩.la/",
    "https://r3---sn-.example.com/", "https://under_score.example.com", "https://[2001:db8::1]:8443/", "https://192.0.2.7/",
    "https://example.com./", "https://example.com:/x", " \t\r\nhttps://example.com/x\f\n ", "https://xn--mnchen-3ya.de/",
    "https://a℀b.com/", "https://\u0301x.com/", "https://a\u200db.com/", "https://אa.com/", "https://xn--ü.com/", "https://a..b/",
    "https://example.com/\u2028x\u00a0", "https://example.com/\ufffe", "https://example.com/?x={a}&y=$b",
    "https://example.com\\@x", "https:example.com", "//example.com", "mailto:x@example.com", "#x", "/x", "",
)  # fmt: skip
SNIPPETS: Final = (
    *(f"<a href='{address}'>x</a>" for address in ADDRESSES if "'" not in address),
    *(f'<A\nHREF = "{address}" class=x>x</a>' for address in ADDRESSES),
    "<table><tr><td><a href=https://example.com/1>x</table><map><area href=https://example.com/2></map>",
    "<a href=https://example.com/1 href=https://example.com/2><a title='>' href=https://example.com/3/>x",
    "<noscript><a href=https://example.com/1></noscript><textarea><a href=https://example.com/2></textarea>",
    "<svg><title><a href=https://example.com/1></title></svg><svg><style/><a href=https://example.com/2></svg>",
    "<svg><style><p></style><a href=https://example.com/3></svg><math><mi><a href=https://example.com/4></math>",
    "<svg><![CDATA[<p><a href=https://example.com/1>]]><a href=https://example.com/2></svg>",
    "<script><!--<script></script><a href=https://example.com/1></script><a href=https://example.com/2>",
    "<!--><a href=https://example.com/1><!--!><a href=https://example.com/2>--!><a href=https://example.com/3>",
    "<!--[if mso]><v:rect href='https://example.com/1'><a href=https://example.com/2><![endif]-->"
    "<![if !mso]><a href=https://example.com/3><![endif]><!--[if !mso]><!--><a href=https://example.com/4><!--<![endif]-->",
)


class Mail(NamedTuple):
    original: str
    rewritten: Rewritten


class Links(NamedTuple):
    """What Chromium finds in a mail: `[address, where it leads or null, data-heed]` for each link."""

    live: list[list[str | None]]
    conditional: list[list[str | None]]
    pixels: int


class Case(NamedTuple):
    mail: Mail
    original: Links
    rewritten: Links
    landings: list[str | None]  # by link index


def with_pixel(original: str) -> Mail:
    return Mail(original, rewrite(original, "", mint=mint, pixel=PIXEL, own=OWN))


def without_pixel(original: str) -> Mail:
    return Mail(original, rewrite(original, "", mint=mint, pixel=None, own=OWN))


def made_up(count: int) -> Iterator[str]:
    """Mails of random pieces; the same ones each time."""
    chance = random.Random(20260101)
    pieces = [piece for piece in LINKS + COMMON + OUTLOOK if "\0" not in piece]
    for _ in range(count):
        yield "".join(chance.choices(pieces, k=chance.randint(5, 40)))


def page(mails: list[Mail]) -> str:
    pairs = json.dumps([(mail.original, mail.rewritten.html) for mail in mails]).replace("<", "\\u003c")
    destinations = json.dumps([mail.rewritten.links for mail in mails]).replace("<", "\\u003c")
    return PAGE % (pairs, destinations)


def ask_chromium(mails: list[Mail], folder: Path) -> dict[str, Any]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine; on Debian: apt-get install chromium")
    file = folder / "mails.html"
    file.write_text(page(mails), encoding="utf-8")
    command = [CHROMIUM, *OPTIONS.split(), f"--user-data-dir={folder / 'profile'}", file.as_uri()]
    dump = subprocess.run(command, capture_output=True, check=True, timeout=120, encoding="utf-8").stdout
    findings = re.search(r'<pre id="findings">([^<]+)</pre>', dump)
    assert findings is not None, "the page's script has failed"
    answer: dict[str, Any] = json.loads(base64.b64decode(findings[1]))
    return answer


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    if not TEMPLATES.is_dir():
        pytest.skip(f"the mail templates are not there: {TEMPLATES}")
    templates = [file.read_bytes().decode() for file in sorted(TEMPLATES.glob("*.html"))]
    with_links = [
        re.sub(r'href="#"', lambda found: f'href="https://example.com/{found.start()}?a=1&amp;b=é"', template)
        for template in templates
    ]
    mails = [with_pixel(html) for html in (*templates, *with_links, *SNIPPETS)]
    # The pixel is a further paragraph for links that are not closed, and those are many here.
    mails += [without_pixel(html) for html in made_up(1000)]
    findings = ask_chromium(mails, tmp_path_factory.mktemp("chromium"))
    return [
        Case(mail, Links(**original), Links(**changed), landings)
        for mail, original, changed, landings in zip(
            mails, findings["originals"], findings["rewritten"], findings["landings"], strict=True
        )
    ]


def pairs(case: Case) -> Iterator[tuple[list[str | None], list[str | None]]]:
    """Each link as it was and as it is, as Chromium finds them."""
    yield from zip(case.original.live, case.rewritten.live, strict=True)
    yield from zip(case.original.conditional, case.rewritten.conditional, strict=True)


def index_of(address: str | None) -> int | None:
    match = re.fullmatch(rf"{OWN}/c/([0-9]+)", address or "")
    return int(match[1]) if match else None


def test_there_is_something_to_compare(cases: list[Case]) -> None:
    assert sum(len(case.mail.rewritten.links) for case in cases) > 500


def test_every_rewritten_link_lands_where_chromium_would_have_gone(cases: list[Case]) -> None:
    for case in cases:
        for (_, landing, _), (address, _, _) in pairs(case):
            index = index_of(address)
            if index is not None:
                assert landing is not None
                assert case.landings[index] == landing, case.mail.original


def test_links_that_were_not_rewritten_are_unchanged(cases: list[Case]) -> None:
    for case in cases:
        for before, after in pairs(case):
            assert index_of(after[0]) is not None or after == before, case.mail.original


def test_every_index_is_a_link_that_chromium_finds_in_the_same_order(cases: list[Case]) -> None:
    for case in cases:
        for found in (case.rewritten.live, case.rewritten.conditional):
            indexes = [index for address, _, _ in found if (index := index_of(address)) is not None]
            # Once each: Chromium may show a link that is not closed again in each paragraph it runs through.
            assert list(dict.fromkeys(indexes)) == sorted(set(indexes)), case.mail.original
        every = {index_of(address) for _, (address, _, _) in pairs(case)} - {None}
        assert every == set(range(len(case.mail.rewritten.links))), case.mail.original


def test_no_web_link_stays_direct_without_a_reason(cases: list[Case]) -> None:
    for case in cases:
        direct = [before for before, after in pairs(case) if index_of(after[0]) is None]
        # A set, for the reason given above.
        unexplained = {
            address
            for address, landing, mark in direct
            if landing is not None and landing.startswith("http") and mark != "off" and "{{" not in (address or "")
        }
        assert len(unexplained) <= len(case.mail.rewritten.remarks), case.mail.original


def test_chromium_finds_the_pixel_once(cases: list[Case]) -> None:
    for case in cases:
        assert case.mail.rewritten.html is not None
        assert case.rewritten.pixels == case.mail.rewritten.html.count(PIXEL), case.mail.original
    assert sum(case.rewritten.pixels for case in cases) >= len(SNIPPETS)


def test_all_else_is_the_same_byte_for_byte(cases: list[Case]) -> None:
    for case in cases:
        assert case.mail.rewritten.html is not None
        assert put_back(case.mail.original, case.mail.rewritten.html) == case.mail.original
