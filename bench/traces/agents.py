"""User agents, as programs send them in autumn 2026. Frozen parts are so in the real ones: Chromium tells only its
major version, Safari says macOS 10.15.7 and iOS 18.6 for ever.

Sources: Chromium's user-agent reduction; WebKit's release notes of Safari 26; SparkPost and Mailgun for the proxies;
mautic#10245 for Gmail's prefetch; opencollective#3656 and laravel-passwordless-login#79 for what Microsoft's scanners
say; crawler-user-agents for preview fetchers. Shares of versions are assumed.
"""

from __future__ import annotations

import re
from random import Random

GOOGLE_PROXY = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
GMAIL_PREFETCH = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 "
    "Safari/537.36 Edge/12.246 Mozilla/5.0"
)
YAHOO_PROXY = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"

_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
_PHONES = ("SM-S938B", "SM-A556B", "SM-G991U", "Pixel 9", "Pixel 8a", "24129PN74G", "CPH2653")

PREVIEWERS = (
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "WhatsApp/2.23.20.0",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "TelegramBot (like TwitterBot)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/49.0.2623.112 Safari/537.36 "
    "SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
)
APPLE_MESSAGES_PREVIEW = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 "
    "Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0"
)
"""Messages on the sender's own iPhone says this, from the phone's address."""

DECLARED = (
    "curl/8.9.1",
    "Wget/1.21.4",
    "python-requests/2.32.3",
    "Python/3.12 aiohttp/3.10.5",
    "Go-http-client/1.1",
    "Go-http-client/2.0",
    "okhttp/4.12.0",
    "Java/17.0.12",
    "Apache-HttpClient/4.5.14 (Java/17.0.12)",
    "axios/1.7.7",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (compatible; Barracuda Sentinel (EE))",
    "BarracudaCentral",
)

_OLD_VERSIONS = (
    "79.0.3945.88",
    "88.0.4324.150",
    "96.0.4664.110",
    "103.0.0.0",
    "109.0.0.0",
    "117.0.0.0",
    "124.0.0.0",
)
"""Images that were made years ago and run until they break."""

OFFICE_CHECKS = (
    "Microsoft Office Existence Discovery",
    "Microsoft Office Protocol Discovery",
    "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
)
"""Office asks with these whether a link leads to a document, before it hands the link to the browser. Sources:
elifesciences/builder#333, ua-parser/uap-core#405."""

ANTIVIRUS = (
    None,
    "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)",
    f"{_WINDOWS}Chrome/80.0.3987.149 Safari/537.36",
)
"""Link checks of a computer's own antivirus. Empty agents: SergeyMosin/Appointments#293; the others are assumed."""

ASSISTANTS = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ChatGPT-User/1.0; +https://openai.com/bot)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Claude-User/1.0; +Claude-User@anthropic.com)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Perplexity-User/1.0; "
    "+https://perplexity.ai/perplexity-user)",
)
"""Assistants that open a page because their user asked about a mail, and say so. Source: their vendors' pages."""

_OUTDATED = (
    "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
    "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)",
    "Mozilla/5.0 (Windows NT 6.1; Win64; x64; rv:60.0) Gecko/20100101 Firefox/60.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:78.0) Gecko/20100101 Firefox/78.0",
    "Mozilla/5.0 (Windows NT 6.1; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/79.0.3945.88 Safari/537.36",
)
_CURRENT_CHROME = re.compile(r"(Chrome|Edg)/(1[45][0-9])\.")


def chrome_version(random: Random) -> int:
    """Most are up to date; company machines lag."""
    return random.choices((154, 153, 152, 151, 148, 142, 138), (45, 30, 9, 6, 5, 3, 2))[0]


def chrome(random: Random) -> str:
    return f"{_WINDOWS}Chrome/{chrome_version(random)}.0.0.0 Safari/537.36"


def edge(random: Random) -> str:
    version = chrome_version(random)
    return f"{_WINDOWS}Chrome/{version}.0.0.0 Safari/537.36 Edg/{version}.0.0.0"


def firefox(random: Random) -> str:
    version = random.choices((149, 148, 147, 140, 128), (45, 25, 10, 15, 5))[0]
    system = random.choice(
        ("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10.15", "X11; Ubuntu; Linux x86_64")
    )
    return f"Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"


def mac_chrome(random: Random) -> str:
    return f"{_MAC}537.36 (KHTML, like Gecko) Chrome/{chrome_version(random)}.0.0.0 Safari/537.36"


def mac_safari(random: Random) -> str:
    return f"{_MAC}605.1.15 (KHTML, like Gecko) Version/{random.choice(('26.1', '26.0', '18.6'))} Safari/605.1.15"


def linux_chrome(random: Random) -> str:
    version = chrome_version(random)
    return (
        f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"
    )


def iphone_safari(random: Random) -> str:
    return f"{_IPHONE}Version/{random.choice(('26.1', '26.0', '18.6'))} Mobile/15E148 Safari/604.1"


def android_chrome(random: Random) -> str:
    return (
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
        f"Chrome/{chrome_version(random)}.0.0.0 Mobile Safari/537.36"
    )


def desktop_browser(random: Random) -> str:
    """By StatCounter's shares of desktop browsers, rounded, with more Edge, as offices have."""
    makers = (chrome, edge, firefox, mac_safari, mac_chrome, linux_chrome)
    return random.choices(makers, (45, 24, 7, 9, 13, 2))[0](random)


def windows_browser(random: Random) -> str:
    return random.choices((edge, chrome), (55, 45))[0](random)


def outlook_desktop(random: Random) -> str:
    build = random.choice((17928, 18129, 18429, 18925, 19231, 19328))
    if random.random() < 0.5:
        return f"Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.{build}; Pro)"
    return (
        "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; .NET4.0C; .NET4.0E; "
        f"Microsoft Outlook 16.0.{build}; ms-office; MSOffice 16)"
    )


def outlook_iphone(random: Random) -> str:
    return f"{_IPHONE}Mobile/15E148"


def outlook_android(random: Random) -> str:
    return (
        f"Mozilla/5.0 (Linux; Android {random.choice((14, 15, 16))}; {random.choice(_PHONES)} Build/BP2A.250605.031; "
        f"wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/{chrome_version(random)}.0.7000.100 "
        "Mobile Safari/537.36"
    )


def thunderbird(random: Random) -> str:
    return "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Thunderbird/140.4.0"


def apple_prefetch(random: Random) -> str:
    """Mail Privacy Protection: nearly always the bare product. Source: Mailgun, wordtothewise; the share is assumed."""
    return "Mozilla/5.0" if random.random() < 0.85 else f"{_MAC}605.1.15 (KHTML, like Gecko)"


def apple_mail(random: Random) -> str:
    """Apple Mail where the protection is off: WebKit without a browser's name."""
    return f"{_IPHONE}Mobile/15E148" if random.random() < 0.6 else f"{_MAC}605.1.15 (KHTML, like Gecko)"


def microsoft_scanner(random: Random) -> str | None:
    """Full versions of old Chromes (opencollective#3656, laravel-passwordless-login#79), current ones, or nothing."""
    draw = random.random()
    if draw < 0.15:
        return None
    if draw < 0.45:
        version = random.choice(("72.0.3626.109", "64.0.3282.140", "97.0.4692.99", "100.0.4896.127"))
        return f"{_WINDOWS}Chrome/{version} Safari/537.36"
    return windows_browser(random)


def imitating_scanner(random: Random) -> str:
    """A scanner that wants to see what a person sees: mostly a current browser, some of years ago."""
    draw = random.random()
    if draw < 0.65:
        return random.choices((chrome, edge, mac_chrome, linux_chrome, iphone_safari), (55, 12, 13, 15, 5))[0](random)
    version = random.choice(_OLD_VERSIONS)
    system = random.choice(("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64"))
    return f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version} Safari/537.36"


def outdated_browser(random: Random) -> str:
    """A browser of years ago, Internet Explorer and Firefox among them."""
    return random.choice(_OUTDATED)


def new_outlook(random: Random) -> str:
    """The new Outlook for Windows: a browser's view that adds its name."""
    return f"{edge(random)} OneOutlook/1.2026.{random.choice((804, 909, 1015))}.{random.choice((100, 200, 300))}"


def outlook_ipad(random: Random) -> str:
    return "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"


def browser_engine_program(random: Random) -> str:
    """Mail programs that draw mail with an embedded browser, which is years behind. Versions are assumed."""
    return random.choice(
        (
            f"{_WINDOWS}Chrome/106.0.5249.199 Safari/537.36 Mailbird/3.0.{random.choice((18, 24, 30))}.0",
            f"{_WINDOWS}eM Client/10.3.{random.choice((1738, 2619))}.0 Chrome/118.0.5993.159 Safari/537.36",
            f"{_WINDOWS}QtWebEngine/5.15.{random.choice((13, 16))} Chrome/87.0.4280.144 Safari/537.36",
        )
    )


def updated(agent: str, versions: int) -> str:
    """The agent after so many updates of its browser, where it is a current Chrome or Edge."""
    return _CURRENT_CHROME.sub(lambda found: f"{found[1]}/{int(found[2]) + versions}.", agent)
