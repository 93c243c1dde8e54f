"""Client addresses: blocks that stand for each kind of place. A few of each are enough, and they need no download.

Sources, with the month they were read: Microsoft's endpoint sets 9 and 10 (2026-09) and addresses reported for Safe
Links (opencollective#3656, laravel-passwordless-login#79); Barracuda's published Email Gateway Defense ranges
(2026-09); announced prefixes of Proofpoint, Mimecast and Cisco's mail security (ipverse, 2026); Apple's list of relay
egress ranges (2026-08); Google's ranges (2026-08). Zscaler: config.zscaler.com. Small hosters, security vendors' own
networks, VPNs and business lines: announced prefixes (npm's `@ip-location-db/asn`, 2026-06). The rest are allocations
of the regional registries to the carriers, providers and hosters named. Where hosters and vendors now announce parts of
a carrier's allocation (Amazon, Scaleway and Huawei do), the block is a part in which none does: people's homes, offices
and phones are in no hoster's network."""

from __future__ import annotations

import ipaddress
from functools import cache
from random import Random

BLOCKS: dict[str, tuple[str, ...]] = {
    "microsoft-protection": (
        "40.92.0.0/15", "40.107.0.0/16", "52.100.0.0/14", "104.47.0.0/17", "2a01:111:f400::/48", "2a01:111:f403::/48",
    ),
    # Safe Links' sandboxes and whatever else runs in Azure; machines of other people run there as well.
    "azure": (
        "40.94.0.0/16", "20.72.0.0/14", "20.36.0.0/14", "13.64.0.0/13", "52.232.0.0/14", "51.104.0.0/15",
        "2603:1000::/28",
    ),
    # Exchange Online and Outlook.com: the image proxy of Outlook on the web sits here.
    "exchange-online": ("40.96.0.0/14", "13.107.128.0/22", "52.96.0.0/14", "2603:1036::/36"),
    "barracuda": (
        "3.24.133.128/25", "15.222.16.128/25", "35.157.190.224/27", "18.185.115.192/26", "18.184.203.224/27",
        "35.176.92.96/27", "18.133.136.128/26", "209.222.82.0/24",
    ),
    "proofpoint": (
        "66.159.228.0/24", "67.231.152.0/22", "148.163.136.0/21", "148.163.152.0/22", "205.220.172.0/22",
        "205.220.176.0/21", "67.231.144.0/21", "185.132.180.0/22", "91.207.212.0/23",
    ),
    "mimecast": (
        "170.10.128.0/22", "170.10.132.0/23", "205.139.110.0/23", "216.205.24.0/24", "195.130.217.0/24",
        "185.58.84.0/22", "51.163.158.0/23", "194.104.108.0/22",
    ),
    "cisco": (
        "68.232.128.0/22", "139.138.24.0/22", "139.138.32.0/22", "184.94.240.0/23", "207.54.84.0/22",
        "216.71.128.0/21", "23.90.96.0/22",
    ),
    "apple-relay": (
        "104.28.28.0/26", "172.225.5.0/24", "172.226.194.0/24", "172.226.196.0/24", "172.226.200.0/24",
        "2a02:26f7:b00a:4000::/64", "2a02:26f7:b0c0:4000::/64", "2a02:26f7:b0c2:4000::/64",
    ),
    "google-proxy": (
        "66.249.80.0/20", "66.102.6.0/23", "74.125.208.0/20", "64.233.172.0/23", "72.14.199.0/24",
    ),
    "yahoo-proxy": ("74.6.0.0/16", "98.136.0.0/15", "212.82.96.0/19", "87.248.100.0/22"),
    # Amazon, Google Cloud, OVH, Hetzner, DigitalOcean, Cogent, Akamai's cloud: where unnamed scanners run.
    "cloud": (
        "3.64.0.0/12", "18.192.0.0/12", "34.192.0.0/10", "44.192.0.0/11", "52.28.0.0/15", "54.144.0.0/12",
        "34.64.0.0/11", "35.192.0.0/14", "51.68.0.0/16", "141.94.0.0/16", "88.198.0.0/16", "138.201.0.0/16",
        "104.131.0.0/16", "159.89.0.0/16", "38.96.0.0/13", "172.104.0.0/15", "2a01:4f8::/32", "2600:1f00::/24",
    ),
    # What companies send all their people's browsing through.
    "web-gateway": ("165.225.0.0/17", "136.226.0.0/16", "147.161.128.0/17", "104.129.192.0/20", "208.127.0.0/16"),
    "home": (
        "73.0.0.0/8", "24.16.0.0/13", "67.160.0.0/11", "71.192.0.0/12", "86.128.0.0/10", "81.96.0.0/12", "91.0.0.0/10",
        "79.192.0.0/10", "90.0.0.0/9", "78.192.0.0/12", "84.112.0.0/13", "189.16.0.0/13", "2001:558::/29",
        "2a00:23c4::/30", "2003:c0::/26", "2a01:e0a::/32",
    ),
    "office": (
        "12.0.0.0/10", "50.192.0.0/13", "63.152.0.0/13", "65.112.0.0/12", "80.150.0.0/15", "194.72.0.0/14",
        "195.132.0.0/16", "212.12.0.0/15", "217.6.0.0/15", "62.154.0.0/15", "203.40.0.0/13", "2001:4d38::/32",
    ),
    "mobile": (
        "172.32.0.0/11", "100.128.0.0/9", "107.64.0.0/10", "174.192.0.0/10", "92.40.0.0/15", "82.132.128.0/17",
        "109.40.0.0/13", "80.187.0.0/16", "37.160.0.0/12", "2607:fb90::/32", "2600:380::/28", "2a01:598::/29",
        "2a01:4c8::/32",
    ),
    # Hivelocity, Limestone, Namecheap, Liquid Web, velia.net: hosters that few lists have.
    "small-hoster": (
        "66.165.224.0/19", "209.133.192.0/19", "64.31.0.0/18", "74.63.192.0/18", "198.54.112.0/20", "72.52.128.0/17",
        "69.64.32.0/19",
    ),
    # Trend Micro, Palo Alto Networks, Forcepoint, Fortinet, Trellix.
    "security-vendor": (
        "216.104.0.0/19", "65.154.226.0/24", "208.87.232.0/21", "85.115.40.0/21", "173.243.128.0/20",
        "208.91.112.0/22", "199.16.196.0/22",
    ),
    # M247, Datacamp, Proton: people hide there, and machines do.
    "vpn": (
        "146.70.0.0/16", "89.187.160.0/19", "156.146.32.0/19", "169.150.192.0/18", "138.199.0.0/18",
        "185.159.156.0/22",
    ),
    # Comcast Business, Colt, Plusnet: lines of offices, in which a vendor's machines may stand as well.
    "business-line": ("70.88.0.0/14", "173.8.0.0/13", "213.61.0.0/16", "62.8.128.0/17"),
    "hotel-or-cafe": ("64.134.0.0/16", "63.240.0.0/16", "185.76.176.0/22", "87.138.0.0/15"),
}  # fmt: skip

_SIX = ("home", "mobile", "apple-relay")
"""Where clients often have IPv6: half of what they ask with comes over it (Google counts some 45 to 50 %)."""


def address_in(random: Random, place: str) -> str:
    """Some address of a place. Of places with IPv6, every second one for people, every tenth for machines."""
    four, six = _blocks(place)
    wants_six = six and random.random() < (0.5 if place in _SIX else 0.1)
    if wants_six:
        wide = random.choice(six)
        return str(wide[random.getrandbits(128 - wide.prefixlen)])
    block = random.choice(four)
    return str(block[random.randrange(block.num_addresses)])


def elsewhere_in(random: Random, place: str, address: str) -> str:
    """Another address of the same place; in a cloud, of the same block, as tenants stay with one provider."""
    return same_block(random, place, address) if place in ("cloud", "azure") else address_in(random, place)


def same_block(random: Random, place: str, address: str) -> str:
    """Another address of the provider's block that holds this one."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        wide = next(block for block in _blocks(place)[1] if parsed in block)
        return str(wide[random.getrandbits(128 - wide.prefixlen)])
    block = next(block for block in _blocks(place)[0] if parsed in block)
    return str(block[random.randrange(block.num_addresses)])


def near(random: Random, address: str) -> str:
    """Another address of the same /24 or /64: the machine next to it."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Address(int(parsed) >> 64 << 64 | random.getrandbits(64)))
    return str(ipaddress.IPv4Address(int(parsed) >> 8 << 8 | random.randrange(1, 255)))


@cache
def _blocks(place: str) -> tuple[list[ipaddress.IPv4Network], list[ipaddress.IPv6Network]]:
    parsed = [ipaddress.ip_network(block) for block in BLOCKS[place]]
    four = [block for block in parsed if isinstance(block, ipaddress.IPv4Network)]
    six = [block for block in parsed if isinstance(block, ipaddress.IPv6Network)]
    return four, six
