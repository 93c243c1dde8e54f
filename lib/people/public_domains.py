"""Domains of mail services for anybody: the largest ones of each country, as their own sign-up pages name them."""

from __future__ import annotations

_LONGEST_ENDING = 6
"""Characters of an ending such as `com` or `com.au`."""

_NAMES = ("gmail", "googlemail", "outlook", "hotmail", "live", "msn", "yahoo", "ymail", "gmx", "aol", "yandex")
_DOMAINS = frozenset((
    "icloud.com", "me.com", "mac.com", "proton.me", "protonmail.com", "pm.me", "zoho.com", "mail.com", "hey.com",
    "fastmail.com", "tutanota.com", "web.de", "t-online.de", "freenet.de", "arcor.de", "posteo.de", "mailbox.org",
    "orange.fr", "wanadoo.fr", "free.fr", "laposte.net", "sfr.fr", "libero.it", "virgilio.it", "tiscali.it",
    "alice.it", "seznam.cz", "wp.pl", "o2.pl", "onet.pl", "interia.pl", "mail.ru", "inbox.ru", "list.ru", "bk.ru",
    "rambler.ru", "ukr.net", "qq.com", "163.com", "126.com", "sina.com", "foxmail.com", "naver.com", "daum.net",
    "hanmail.net", "rediffmail.com", "comcast.net", "verizon.net", "att.net", "sbcglobal.net", "cox.net",
    "btinternet.com", "sky.com", "talktalk.net", "bluewin.ch", "telenet.be", "skynet.be", "ziggo.nl", "kpnmail.nl",
    "bigpond.com", "uol.com.br", "bol.com.br", "terra.com.br", "telefonica.net",
))  # fmt: skip


def is_public_domain(domain: str) -> bool:
    """Tell whether anybody can have an address there, so that sharing the domain says nothing of two people."""
    name, _, rest = domain.lower().partition(".")
    return domain.lower() in _DOMAINS or (name in _NAMES and len(rest) <= _LONGEST_ENDING)
