"""How a page looks, measured in the browser: whether its colours can be told apart, and whether it fits its screen.

The bounds are those of WCAG 2.2: 4.5 for text (1.4.3), 3 for what is drawn (1.4.11).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from browser import PHONE, Tab

TEXT, DRAWN = "text", "drawn"
LEAST_CONTRAST = {TEXT: 4.5, DRAWN: 3.0}
DARK, LIGHT = 0.05, 0.8  # luminance of a ground: at most, at least

Colour = tuple[float, float, float]  # red, green, blue, from 0 to 255

# [kind, what, its colour, the ground that it stands on, from the bottom up] of all that can be seen.
_COLOURS = """
(() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const grounds = (element) => {
    const found = [];
    for (let at = element; at; at = at.parentElement) found.unshift(parts(getComputedStyle(at).backgroundColor));
    return found;
  };
  const isText = (node) => node.nodeType === Node.TEXT_NODE;
  const isSeen = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length;
  const seen = [];
  for (const element of [...document.querySelectorAll("body *")].filter(isSeen)) {
    const style = getComputedStyle(element), parent = element.parentElement;
    const text = [...element.childNodes].filter(isText).map((node) => node.data).join("").trim();
    const ink = element.namespaceURI.endsWith("svg") ? style.fill : style.color;
    const see = (kind, what, colour, ground) => seen.push([kind, what, parts(colour), grounds(ground)]);
    if (text) see("text", text, ink, element);
    if (element.matches("svg path:not(.area)")) see("drawn", "a line in " + style.stroke, style.stroke, parent);
    if (element.matches(".legend i")) see("drawn", parent.textContent, style.backgroundColor, parent);
  }
  return seen;
})()"""


class Seen(NamedTuple):
    """A word or a line on a page."""

    kind: str
    what: str
    contrast: float


def colours(tab: Tab) -> list[Seen]:
    """Everything that can be seen, with its contrast to what is behind it."""
    found: list[list[Any]] = tab.evaluate(_COLOURS)
    return [Seen(kind, what, _contrast(_over(grounds), tuple(colour[:3]))) for kind, what, colour, grounds in found]


def hardly_seen(tab: Tab) -> list[Seen]:
    """What has too little contrast."""
    return [seen for seen in colours(tab) if seen.contrast < LEAST_CONTRAST[seen.kind]]


def ground(tab: Tab) -> float:
    """How light the page is behind everything."""
    red, green, blue, *_ = tab.evaluate("getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).map(Number)")
    return _luminance((red, green, blue))


def width(tab: Tab) -> int:
    """How far it extends; beyond the screen somebody has to scroll sideways."""
    return int(tab.evaluate("document.documentElement.scrollWidth"))


def assert_fits_and_is_seen(tab: Tab, *, is_dark: bool, is_phone: bool) -> None:
    """Background, contrast and width are as they have to be."""
    assert (ground(tab) <= DARK) if is_dark else (ground(tab) >= LIGHT)
    assert {seen.kind for seen in colours(tab)} == {TEXT, DRAWN}
    assert hardly_seen(tab) == []
    if is_phone:
        assert tab.evaluate("screen.width") == PHONE
        assert width(tab) <= PHONE


def _over(grounds: list[list[float]]) -> Colour:
    """The colour of grounds that lie on each other, from the bottom up; below them is nothing but white."""
    red, green, blue = 255.0, 255.0, 255.0
    for r, g, b, *alpha in grounds:
        share = alpha[0] if alpha else 1.0
        red, green, blue = (now + (new - now) * share for now, new in ((red, r), (green, g), (blue, b)))
    return red, green, blue


def _contrast(one: Colour, other: Any) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return round((lighter + 0.05) / (darker + 0.05), 2)


def _luminance(colour: Colour) -> float:
    shares = (part / 255 for part in colour)
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
