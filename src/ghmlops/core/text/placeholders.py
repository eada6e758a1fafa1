"""Fills `{sha}`, `{workdir}` and `{port}` in the texts of the policy, in shell text as quoted environment variables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLES = {"sha": "PREVIEW_SHA", "workdir": "PREVIEW_WORKDIR"}
"""Environment variable of each placeholder in shell text; the text may also name the variables themselves."""
_PLACEHOLDER = re.compile(r"(?<!\$)\{(sha|workdir|port)\}")
_TOKEN = re.compile(r"\\.|(?<!\$)\{(?P<name>sha|workdir)\}|(?P<quote>['\"])|(?P<comment>(?<!\S)#[^\n]*)", re.DOTALL)


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return the text with each placeholder replaced by its value; one without a value stays."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)


def shell_text(text: str) -> str:
    """Return shell text with each placeholder replaced by its variable, quoted wherever it stands.

    No value is part of the text, so that none is read as shell text.
    """
    quote = ""

    def replace(match: re.Match[str]) -> str:
        nonlocal quote
        if match["name"]:
            variable = "${" + VARIABLES[match["name"]] + "}"
            return {"": f'"{variable}"', '"': variable, "'": f"'\"{variable}\"'"}[quote]
        if match["quote"] and quote in ("", match["quote"]):
            quote = "" if quote else match["quote"]
        if match["comment"] and quote:  # It is no comment: go on behind the number sign.
            return "#" + _TOKEN.sub(replace, match["comment"][1:])
        return match[0]

    return _TOKEN.sub(replace, text)
