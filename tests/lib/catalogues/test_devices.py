"""What a salesperson sees of the device behind an agent: its kind, its system, and the mail program, app or browser."""

from __future__ import annotations

import pytest

from lib.catalogues.devices import device_of

_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
_LINUX = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
_IPAD = "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
_ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "

TABLE = (
    (
        "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17928; Pro)",
        ("desktop", "Windows", "Outlook"),
    ),
    ("Mozilla/4.0 (compatible; ms-office; MSOffice 16)", ("desktop", "Windows", "Outlook")),
    (
        "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.1; Trident/7.0; SLCC2; .NET CLR 2.0.50727; Media "
        "Center PC 6.0; Tablet PC 2.0; Microsoft Outlook 15.0.4719; ms-office; MSOffice 15)",
        ("desktop", "Windows", "Outlook"),
    ),
    (
        "Microsoft Office/16.0 (Microsoft Outlook 16.0.12329; Pro), Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
        ("desktop", "Windows", "Outlook"),
    ),
    (
        _WINDOWS + "Chrome/136.0.0.0 Safari/537.36 Edg/136.0.0.0 OneOutlook/1.2025.516.400",
        ("desktop", "Windows", "Outlook"),
    ),
    ("MacOutlook/16.46.21021202 (Intelx64 Mac OS X 11.2.2 (Build 20D80))", ("desktop", "macOS", "Outlook")),
    (
        "Microsoft Office Outlook/16.100.824 (Mac OS/15.6.1; Desktop; en-US; NonAppStore; Apple/Mac16,7)",
        ("desktop", "macOS", "Outlook"),
    ),
    ("Outlook/16.16.18071205 CFNetwork/902.1 Darwin/17.7.0 (x86_64)", ("desktop", "macOS", "Outlook")),
    ("Outlook-iOS/709.2226530.prod.iphone (3.24.1)", ("phone", "iOS", "Outlook")),
    ("Outlook-iOS/711.3061168.prod.ipad (4.2.0)", ("tablet", "iOS", "Outlook")),
    ("Outlook-Android/2.0", ("phone", "Android", "Outlook")),
    (_IPAD + "Mobile/15E148 Outlook-iOS/2.0", ("tablet", "iOS", "Outlook")),
    ("Mozilla/5.0", (None, None, "Apple Mail")),
    (_MAC, (None, None, "Apple Mail or Outlook")),
    ("Mail/3731.600.7 CFNetwork/1408.0.4 Darwin/22.5.0", ("desktop", "macOS", "Apple Mail")),
    (_IPHONE + "Mobile/15E148", ("phone", "iOS", "Apple Mail or another app")),
    (_IPAD + "Mobile/15E148", ("tablet", "iOS", "Apple Mail or another app")),
    (
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.2.0",
        ("desktop", "Linux", "Thunderbird"),
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; WOW64; rv:52.0) Gecko/20100101 Thunderbird/52.9.1 Lightning/5.4.9.1",
        ("desktop", "Windows", "Thunderbird"),
    ),
    (
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        (None, None, "Gmail (image proxy)"),
    ),
    (
        "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
        (None, None, "Yahoo Mail (image proxy)"),
    ),
    ("Yahoo%20Mail/49268 CFNetwork/1121.2.2 Darwin/19.3.0", (None, None, "Yahoo Mail")),
    (_WINDOWS + "Chrome/55.0.2883.87 Safari/537.36 eM Client/9.2.1735.0", ("desktop", "Windows", "eM Client")),
    (
        "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/51.0.2704.103 "
        "Safari/537.36 Mailbird/2.4.30.0/",
        ("desktop", "Windows", "Mailbird"),
    ),
    (
        _LINUX + "Mailspring/1.22.0 Chrome/146.0.7680.216 Electron/39.0.0 Safari/537.36",
        ("desktop", "Linux", "Mailspring"),
    ),
    ("Spark/1.7.3.948 CFNetwork/811.4.18 Darwin/16.5.0", (None, None, "Spark")),
    ("Airmail%203/420 CFNetwork/811.4.18 Darwin/16.5.0 (x86_64)", ("desktop", "macOS", "Airmail")),
    ("WindowsMail/17.5.9600.22013", ("desktop", "Windows", "Windows Mail")),
    (
        "Outlook-Express/7.0 (MSIE 7.0; Windows NT 6.1; Trident/4.0; SLCC2; TmstmpExt)",
        ("desktop", "Windows", "Windows Live Mail"),
    ),
    ("The Bat! 4.0.0.22", ("desktop", "Windows", "The Bat!")),
    ("Mozilla/4.0 (compatible; Lotus-Notes/6.0; Windows-NT)", ("desktop", "Windows", "Lotus Notes")),
    (
        "Mozilla/5.0 (Linux; Android 14; SM-S911B Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like "
        "Gecko) Version/4.0 Chrome/128.0.6613.127 Mobile Safari/537.36",
        ("phone", "Android", "an app"),
    ),
    (_WINDOWS + "Chrome/128.0.0.0 Safari/537.36", ("desktop", "Windows", "Chrome")),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/127.0.0.0 Safari/537.36",
        ("desktop", "macOS", "Chrome"),
    ),
    (
        "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 "
        "Safari/537.36",
        ("desktop", "ChromeOS", "Chrome"),
    ),
    (
        "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        ("desktop", "Linux", "Firefox"),
    ),
    (_WINDOWS + "Chrome/127.0.0.0 Safari/537.36 Edg/127.0.2651.86", ("desktop", "Windows", "Edge")),
    (_MAC + " Version/17.5 Safari/605.1.15", ("desktop", "macOS", "Safari")),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/18.5 Mobile/15E148 Safari/604.1",
        ("phone", "iOS", "Safari"),
    ),
    (_IPHONE + "CriOS/127.0.6533.107 Mobile/15E148 Safari/604.1", ("phone", "iOS", "Chrome")),
    (_IPHONE + "FxiOS/128.0 Mobile/15E148 Safari/605.1.15", ("phone", "iOS", "Firefox")),
    (_IPHONE + "Version/17.0 EdgiOS/127.0.2651.102 Mobile/15E148 Safari/604.1", ("phone", "iOS", "Edge")),
    (
        "Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 "
        "Mobile/15E148 Safari/604.1",
        ("tablet", "iOS", "Safari"),
    ),
    (_ANDROID + "Chrome/127.0.0.0 Mobile Safari/537.36", ("phone", "Android", "Chrome")),
    (_ANDROID + "Chrome/127.0.0.0 Safari/537.36", ("tablet", "Android", "Chrome")),
    ("Mozilla/5.0 (Android 14; Mobile; rv:129.0) Gecko/129.0 Firefox/129.0", ("phone", "Android", "Firefox")),
    ("Mozilla/5.0 (Android 14; Tablet; rv:129.0) Gecko/129.0 Firefox/129.0", ("tablet", "Android", "Firefox")),
    (
        "Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) "
        "SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
        ("phone", "Android", "Samsung Internet"),
    ),
    (
        "Mozilla/5.0 (Linux; Android 10; HD1913) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/127.0.6533.103 Mobile Safari/537.36 EdgA/127.0.2651.111",
        ("phone", "Android", "Edge"),
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; Touch; rv:11.0; Tablet PC 2.0) like Gecko",
        ("desktop", "Windows", "Internet Explorer"),
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0.18362; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Slack/4.4.2 "
        "Chrome/78.0.3904.130 Electron/7.2.1 Safari/537.36 WindowsStore/10.0.18362 Sonic Slack_SSB/4.4.2",
        ("desktop", "Windows", "Slack"),
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Mobile/15E148 [LinkedInApp]/9.29.6650",
        ("phone", "iOS", "LinkedIn"),
    ),
    (
        "Mozilla/5.0 (Linux; Android 9; KFMAWI) AppleWebKit/537.36 (KHTML, like Gecko) Silk/108.2.7 like "
        "Chrome/108.0.5359.160 Safari/537.36",
        ("tablet", "Android", "Amazon Silk"),
    ),
    ("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", (None, None, "AhrefsBot")),
    ("curl/7.64.1", (None, None, "curl")),
)


@pytest.mark.parametrize(("agent", "device"), TABLE)
def test_devices_are_told_where_the_agent_tells(agent: str, device: tuple[str | None, ...]) -> None:
    assert tuple(device_of(agent).values()) == device


def test_without_an_agent_nothing_is_known_of_the_device() -> None:
    assert device_of(None) == device_of("") == {"type": None, "os": None, "client": None}


def test_garbage_tells_nothing_of_the_device() -> None:
    assert device_of("\x00\x01") == {"type": None, "os": None, "client": None}


def test_only_apples_own_words_are_taken_for_apple_mail() -> None:
    console = "Mozilla/5.0 (PlayStation 4 5.55) AppleWebKit/601.2 (KHTML, like Gecko)"

    assert device_of(console)["client"] != "Apple Mail or Outlook"


def test_a_television_is_neither_a_tablet_nor_a_desktop() -> None:
    engine = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/79.0.3945.79 Safari/537.36"

    assert device_of(f"Mozilla/5.0 (Linux; Android 9; Smart TV Pro) {engine}")["type"] is None
    assert device_of(f"Mozilla/5.0 (X11; Linux x86_64; SMART-TV) {engine}")["type"] is None
