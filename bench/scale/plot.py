"""The plot of docs/scale.md: how much of each limit is used, by events a day, both on logarithmic scales."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.etree import ElementTree

from bench.scale.measured import Measured
from bench.scale.model import loads

_WIDTH, _HEIGHT = 980, 430
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 290, 20, 50
_FIRST, _LAST = 5.0, 10.3
"""Powers of ten of events a day, at the plot's edges."""

_LEAST, _MOST = -4.0, 3.0
"""Powers of ten of the share of a limit, at the plot's edges."""

_DASHES = ("", "8 3", "2 3", "10 3 2 3", "5 5", "1 4", "14 4", "6 2 1 2")
_LINE = 15.0
"""Units between two labels at least."""

_STYLE = """
text { fill: #1f2328; font-size: 12.5px; }
.axis { stroke: #8c959f; stroke-width: 1; }
.grid { stroke: #d1d9e0; stroke-width: 1; }
.limit { stroke: #cf222e; stroke-width: 1.5; }
.line { stroke: #0969da; stroke-width: 1.8; fill: none; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; } .axis { stroke: #656c76; } .grid { stroke: #3d444d; }
  .limit { stroke: #ff7b72; } .line { stroke: #4493f8; }
}
"""


def draw_plot(measured: Measured) -> str:
    """Return an SVG picture with a line for each load, named at its end."""
    about = "How much of each limit the busiest hour uses, by events a day. The table says the same in numbers."
    font = "-apple-system, Segoe UI, Helvetica, Arial, sans-serif"
    size = {"viewBox": f"0 0 {_WIDTH} {_HEIGHT}", "role": "img", "aria-label": about, "font-family": font}
    svg = ElementTree.Element("svg", xmlns="http://www.w3.org/2000/svg", attrib=size)
    ElementTree.SubElement(svg, "style").text = _STYLE
    _draw_axes(svg)
    _draw_lines(svg, measured)
    ElementTree.indent(svg)
    return ElementTree.tostring(svg, encoding="unicode") + "\n"


def _draw_axes(svg: ElementTree.Element) -> None:
    low, high = _y(_LEAST), _y(_MOST)
    for power in range(math.ceil(_FIRST), math.floor(_LAST) + 1):
        _line(svg, "grid", _x(power), low, _x(power), high)
        _text(svg, _x(power), low + 18, f"{10**power:,}", "middle")
    for power in range(int(_LEAST), int(_MOST) + 1):
        _line(svg, "limit" if power == 0 else "grid", _x(_FIRST), _y(power), _x(_LAST), _y(power))
        _text(svg, _LEFT - 8, _y(power) + 4, f"{10.0**power:g}", "end")
    _line(svg, "axis", _x(_FIRST), low, _x(_LAST), low)
    _line(svg, "axis", _x(_FIRST), low, _x(_FIRST), high)
    _text(svg, _x(_FIRST) + 6, _y(0) - 5, "the limit", "start")
    _text(svg, (_x(_FIRST) + _x(_LAST)) / 2, _HEIGHT - 8, "events a day", "middle")


def _draw_lines(svg: ElementTree.Element, measured: Measured) -> None:
    powers = [_FIRST + (_LAST - _FIRST) * step / 60 for step in range(61)]
    by_name: dict[str, list[tuple[float, float]]] = {}
    for power in powers:
        for load in loads(10**power, measured):
            by_name.setdefault(load.name, []).append((power, math.log10(load.share)))
    ends = sorted(by_name.items(), key=lambda item: -item[1][-1][1])
    label = -math.inf
    for (name, points), dashes in zip(ends, _DASHES, strict=True):
        path = " ".join(f"{_x(power):.1f},{_y(share):.1f}" for power, share in _within(points))
        ElementTree.SubElement(svg, "polyline", {"class": "line", "points": path, "stroke-dasharray": dashes})
        label = max(label + _LINE, _y(points[-1][1]))
        _text(svg, _x(_LAST) + 8, label + 4, name, "start")


def _within(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(power, share) for power, share in points if _LEAST <= share <= _MOST]


def _x(power: float) -> float:
    return _LEFT + (power - _FIRST) / (_LAST - _FIRST) * (_WIDTH - _LEFT - _RIGHT)


def _y(power: float) -> float:
    return _HEIGHT - _BOTTOM - (power - _LEAST) / (_MOST - _LEAST) * (_HEIGHT - _TOP - _BOTTOM)


def _line(svg: ElementTree.Element, name: str, x1: float, y1: float, x2: float, y2: float) -> None:
    places = {"x1": f"{x1:.1f}", "y1": f"{y1:.1f}", "x2": f"{x2:.1f}", "y2": f"{y2:.1f}"}
    ElementTree.SubElement(svg, "line", {"class": name, **places})


def _text(svg: ElementTree.Element, x: float, y: float, text: str, anchor: str) -> None:
    ElementTree.SubElement(svg, "text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}).text = text
