"""The label that tells one installation from another: its name on the colour of ``webserver.navbar_color``."""

from __future__ import annotations

import re
from typing import Final

from orchestration.conf import conf

_COLOUR: Final = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_INK: Final = ("#ffffff", "#111827")


def label() -> tuple[str, str, str] | None:
    """Text, background and the ink that is readable on it; None where no colour, or none of that form, is set.

    Unfold's own label has five colours and no other.
    """
    colour = conf.get("webserver", "navbar_color").strip()
    if _COLOUR.fullmatch(colour) is None:
        return None
    return conf.get("webserver", "instance_name") or "airflowsite", colour, ink_on(colour)


def ink_on(colour: str) -> str:
    """White or near black, whichever has the greater contrast (WCAG 2.1, at least 4.5 to 1 for one of the two)."""
    return max(_INK, key=lambda ink: _contrast(_luminance(ink), _luminance(colour)))


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)
