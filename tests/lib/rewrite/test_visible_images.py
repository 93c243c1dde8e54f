"""Whether a mail shows an image that its reader has to ask for."""

from __future__ import annotations

import pytest

from lib.rewrite.visible_images import has_visible_image

URL = "https://example.com/logo.png"


@pytest.mark.parametrize(
    "html",
    [
        f'<img src="{URL}">',
        f"<IMG alt=Logo SRC={URL} width=200>",
        '<img src="cid:a@b">',
        f'<img src="{URL}" width="20" height="3" style="max-width:100%">',
        f'<p><img src="{URL}" width="1"><img src="{URL}" style="width: 10px; opacity:0.9">',
        f'<div style="display:none">Offer</div><img src="{URL}">',
        f'<noscript><img src="{URL}"></noscript>',
        f'<image src="{URL}">',
        f'<table background="{URL}">',
        f"<td style=\"background: url('{URL}')\">",
        f'<td style="background-image:url({URL})">',
        "<td style='background:url(&quot;https://example.com/a.png&quot;)'>",
    ],
)
def test_an_image_of_some_size_is_visible(html: str) -> None:
    assert has_visible_image(html)


@pytest.mark.parametrize(
    "html",
    [
        "",
        "<p>Hi</p>",
        "<img>",
        '<img src="">',
        '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">',
        f'<img src="{URL}" width="1" height="1">',
        f'<img src="{URL}" width=0>',
        f'<img src="{URL}" height="1px">',
        f'<img src="{URL}" style="display: none">',
        f'<img src="{URL}" style="border:0; WIDTH: 1px; height:1px">',
        f'<img src="{URL}" style="visibility:hidden">',
        f'<img src="{URL}" hidden>',
        f'<!-- <img src="{URL}"> -->',
        f'<!--[if mso]><img src="{URL}"><![endif]-->',
        f'<div style="display:none"><p>Offer<img src="{URL}"></div>Hi',
        f'<td hidden><img src="{URL}"><td>Hi',
        f'<template><img src="{URL}"></template>',
        f'<a href="{URL}">logo</a>',
    ],
)
def test_a_mail_without_one_has_none(html: str) -> None:
    assert not has_visible_image(html)
