"""Lua scripts: one a file, short, with a header that says what goes in and what comes out."""

import pytest

from tests.house.tree import read, sources, texts, written_by_us

SCRIPTS = [
    path for path in written_by_us(".lua") if path.parts[0] != "bench"
]  # bench's are for the load generator
FRAGMENTS = {"ratelimit/gcra.lua"}  # a function that other scripts begin with


@pytest.mark.parametrize("path", SCRIPTS, ids=str)
def test_a_script_has_its_header(path) -> None:  # type: ignore[no-untyped-def]
    """If this fails, a caller of this script has to guess its keys, its arguments or its cost."""
    text = read(path)
    header = "".join(line + "\n" for line in text.splitlines() if line.startswith("--"))
    assert text.count("\n") <= 100
    assert text.startswith("--")
    missing = [word for word in ("KEYS", "ARGV", "Returns", "O(") if word not in header]
    if path.as_posix() in FRAGMENTS:
        missing = [word for word in missing if word not in ("KEYS", "ARGV")]
    assert missing == []


@pytest.mark.parametrize("path", SCRIPTS, ids=str)
def test_every_script_is_loaded(path) -> None:  # type: ignore[no-untyped-def]
    """If this fails, a script lies there that nobody calls."""
    beside = [source for source in sources() if source.parent == path.parent]
    assert beside, "no Python file lies beside it"
    assert any(path.name in texts(source) for source in beside)
