"""Write the manifests of the Outlook add-in, or renew its icons.

python -m infra.outlook --url https://heed.example.com --organization acme
python -m infra.outlook --icons
"""

from __future__ import annotations

import argparse
from pathlib import Path
from urllib.parse import urlsplit

from functions.outlook.manifests import Site, unified_package, xml_manifest
from infra.outlook.icons import write_icons
from lib.ids import ORGANIZATION


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.outlook", description=__doc__.partition("\n")[0])
    parser.add_argument("--url", help="the address of Heed: HEED_BASE_URL")
    parser.add_argument("--organization", help="the organization's id")
    parser.add_argument("--to", type=Path, default=Path("dist/outlook"), help="the folder to write into")
    parser.add_argument("--icons", action="store_true", help="renew the icons in the repository; wants chromium")
    given = parser.parse_args()
    if given.icons:
        write_icons()
        return
    if not given.url or urlsplit(given.url).scheme != "https" or not urlsplit(given.url).hostname:
        parser.error("--url has to be Heed's https address: Outlook takes no other")
    if not given.organization or not ORGANIZATION.fullmatch(given.organization):
        parser.error("--organization has to be the id of an organization")
    site = Site(given.url.rstrip("/"), given.organization)
    given.to.mkdir(parents=True, exist_ok=True)
    for ending, content in (("xml", xml_manifest(site)), ("zip", unified_package(site))):
        file = given.to / f"{site.organization}.{ending}"
        file.write_bytes(content)
        print(file)


if __name__ == "__main__":
    main()
