"""Formulas of the training methods as MathML."""

from __future__ import annotations

import html
import re

_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([^\W\d_]+)([\u0303′]?)|(\S))")
_ACCENTS = {"\u0303": "<mover><mi>{}</mi><mo>~</mo></mover>", "′": '<mi>{}</mi><mo lspace="0" rspace="0">′</mo>'}
_SCRIPTS = {"_": "msub", "^": "msup"}


def mathml(text: str) -> str:
    """Convert a line of mathematics.

    Args:
        text: In the notation of ``explorer.models.methods.Formula``.

    Returns:
        The content of a MathML element.
    """
    parts, _ = _parse(_TOKEN.findall(text), 0)
    return "".join(parts)


def _parse(tokens: list[tuple[str, str, str, str]], position: int) -> tuple[list[str], int]:
    """The elements up to the closing brace, or the end, and where that is."""
    parts: list[str] = []
    join = ""
    while position < len(tokens):
        number, word, accent, sign = tokens[position]
        position += 1
        if sign == "}":
            break
        if sign in _SCRIPTS or (sign == "/" and parts and parts[-1].startswith("<mrow>")):
            join = _SCRIPTS.get(sign, "mfrac")
            continue
        if sign == "{":
            inside, position = _parse(tokens, position)
            part = f"<mrow>{''.join(inside)}</mrow>"
        elif word:
            part = _ACCENTS.get(accent, "<mi>{}</mi>").format(word)
        else:
            part = f"<mn>{number}</mn>" if number else f'<mo stretchy="false">{html.escape(sign)}</mo>'
        if join:
            part, join = f"<{join}>{parts.pop()}{part}</{join}>", ""
        parts.append(part)
    return parts, position
