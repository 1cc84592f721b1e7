"""Numbers as people read them: each quantity in one form, whichever verb or page shows it."""

from __future__ import annotations

from typing import Final

NOTHING: Final = "-"


def latency(seconds: float | None) -> str:
    """Three digits in the unit that fits."""
    if seconds is None:
        return NOTHING
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if seconds * factor >= 0.9995:
            return f"{_three_digits(seconds * factor)} {unit}"
    return f"{_three_digits(seconds * 1e6)} µs"


def per_second(rate: float) -> str:
    return f"{rate:,.0f}/s" if rate >= 100 else f"{_digits(rate)}/s"


def number(count: float) -> str:
    return f"{count:,.0f}"


def size(count: float) -> str:
    """Bytes, in the binary unit that fits."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{_digits(count)} {unit}"
        count /= 1024
    return f"{_digits(count)} TiB"


def share(part: float, whole: float) -> str:
    """Of 100 %; a part is never shown as none."""
    if not whole or not part:
        return "0 %"
    percent = 100 * part / whole
    return f"{_digits(percent)} %" if percent >= 0.001 else "< 0.001 %"


def time(seconds: float) -> str:
    """A length of time."""
    if seconds < 60:
        return f"{_digits(seconds)} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole // 60 % 60} min"


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 99.95 or not value else f"{value:#.3g}"


def _digits(value: float) -> str:
    """Three that count, and no zeros behind the point that say nothing."""
    if value >= 100:
        return f"{value:,.0f}"
    text = f"{value:.2f}" if value < 10 else f"{value:.1f}"
    if value < 0.1 and value:
        return f"{value:.2g}"
    return text.rstrip("0").rstrip(".")
