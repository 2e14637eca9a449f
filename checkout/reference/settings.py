"""docs/settings.md: every setting an operator may choose, and every bound that is fixed, with the reason for it."""

import ast
import inspect
import re
from collections.abc import Iterator

from config import limits
from config.limits import clients, people, selling, stores
from config.reading import Doc
from config.settings import DOCS, PREFIX, Settings, describe

_SECTION = re.compile(r"^# --- (.+?) -+$")


def settings_page() -> str:
    """Settings and bounds as text."""
    lines = [
        "# Settings",
        "",
        "Written by `make docs` from `config/settings.py` and `config/limits/`. Settings are environment variables;",
        "`checkout settings` shows their values. An unknown `CHECKOUT_` name or a bad value stops the start, all problems",
        "at once. Secrets are masked wherever they are shown.",
        "",
        "| setting | default | accepted | meaning |",
        "|---|---|---|---|",
    ]
    for row in describe(Settings()):
        doc = DOCS[row.name.removeprefix(PREFIX).lower()]
        default = f"`{row.default}`" if row.default and not doc.default_text else row.default
        lines.append(f"| `{row.name}` | {default} | {_accepted(doc)} | {row.help} |")
    lines += [
        "",
        "# Bounds",
        "",
        "Fixed in the code, with the reason of each; relations between them are checked at every start.",
    ]
    for title, bounds in sections(bounds_text()):
        lines += ["", f"## {title}", "", "| bound | value | why |", "|---|---|---|"]
        lines += [f"| `{name}` | {getattr(limits, name):_} | {why} |" for name, why in bounds]
    return "\n".join(lines) + "\n"


def bounds_text() -> str:
    """The files of config/limits/, one after the other."""
    return "\n".join(inspect.getsource(part) for part in (clients, stores, selling, people))


def sections(source: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Title, and (name, comment above it) of each bound, as they follow in the text of config/limits/.

    A comment speaks for the bounds below it up to the next comment; it is printed once, with the first of them.
    """
    title, why = "", ""
    bounds: list[tuple[str, str]] = []
    starts = {
        node.lineno: node.targets[0].id
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for number, line in enumerate(source.splitlines(), start=1):
        if found := _SECTION.match(line):
            if bounds:
                yield title, bounds
            title, why, bounds = found[1], "", []
        elif line.startswith("# "):
            why = f"{why} {line[2:]}".strip()
        elif number in starts:
            bounds.append((starts[number], why))
            why = ""
    yield title, bounds


def _accepted(doc: Doc) -> str:
    if doc.choices:
        return ", ".join(f"`{choice}`" for choice in doc.choices)
    if doc.kind == "number":
        return f"{doc.low or 0} to {doc.high}" + (f" {doc.unit}" if doc.unit else "")
    return _KINDS[doc.kind]


_KINDS = {
    "text": "text",
    "switch": "`true`, `false`",
    "postgres": "`postgresql://…`",
    "redis": "`redis://…`, `rediss://…`, `unix://…`",
    "http": "`https://…`, `http://…`",
    "email": "an e-mail address",
    "key": "32 bytes in base64",
    "keys": "NUMBER:KEY, comma separated",
    "country": "two capital letters (ISO 3166)",
    "networks": "addresses or networks, comma separated",
    "list": "texts, comma separated",
    "rates": 'policy to rate, such as `{"checkout": "10/second"}`',
}
