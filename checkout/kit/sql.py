"""SQL lives in files. `load(__file__)` gives the queries.sql beside a store, one attribute a query."""

import re
from pathlib import Path
from types import SimpleNamespace

_HEADER = re.compile(r"^-- name: ([a-z][a-z0-9_]*)\s*$", re.MULTILINE)


def parse(text: str) -> dict[str, str]:
    """Query texts by name. Raises: ValueError on a name used twice or text before the first name."""
    pieces = _HEADER.split(text)
    names, bodies = pieces[1::2], pieces[2::2]
    if len(set(names)) != len(names):
        raise ValueError(f"a query name is used twice: {sorted(n for n in names if names.count(n) > 1)}")
    return {name: body.strip() for name, body in zip(names, bodies, strict=True)}


def load(store_file: str, name: str = "queries.sql") -> SimpleNamespace:
    """The queries beside `store_file` as attributes; an unknown name is an AttributeError at import or first use."""
    return SimpleNamespace(**parse((Path(store_file).parent / name).read_text()))
