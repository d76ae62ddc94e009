"""Put texts out of files into Markdown, so that they stay texts."""

import re

# Parentheses make a link only behind square brackets, which are escaped.
_SPECIAL = re.compile(r"([\\`*_{}\[\]#!|<>&~$])")


def plain_text(value: object) -> str:
    """Return a text in one line, without meaning in Markdown or HTML."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(value).split()))


def code_span(value: object) -> str:
    """Return a text in one line as code; a table's cell can hold it."""
    text = " ".join(str(value).split())
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest else ""
    return f"{fence}{space}{text}{space}{fence}".replace("|", "\\|")
