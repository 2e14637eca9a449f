"""How files look: their size, their names, and words that have no place in them."""

import ast
import re

from checkout.reference.write import PAGES, SCHEMA
from tests.house.tree import files, parsed, read, sources, written_by_us

LINES_MAX = 400
GENERATED = {SCHEMA, *PAGES}
_TEXT = (
    ".py",
    ".sql",
    ".lua",
    ".md",
    ".toml",
    ".json",
    ".html",
    ".css",
    ".js",
    ".txt",
    ".yml",
    ".yaml",
    ".conf",
    "",
)
_NO_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "service", "services", "base", "misc"}
# Put together here, so that this file does not hold them.
_NO_WORDS = re.compile(
    "|".join(
        [
            r"\b" + "TO" + r"DO\b",
            r"\b" + "FIX" + r"ME\b",
            "NotImplemented" + "Error",
            r"(?<![\w.])" + "/wo" + "rk/",
            "/ro" + "ot/",
            "/home" + r"/[a-z]",
            "py" + r"pi\.(org|python)",
            "python" + "hosted",
            "registry" + r"\.npmjs",
            "--(extra-)?index" + "-url ",
        ]
    )
)
_LEFT_OUT = {"requirements.lock", "config/bootstrap.lock", "Makefile", "LICENSE"}
_RULES = {"tests/house/test_files.py", "tests/house/test_lua.py"}


def test_no_file_is_over_400_lines() -> None:
    """If this fails, two ideas live in one file and a reader has to find the seam."""
    long = {
        str(path): count
        for path in written_by_us(".py", ".sql", ".lua", ".md", ".js", ".css", ".html")
        if (count := read(path).count("\n")) > LINES_MAX and path.as_posix() not in GENERATED
    }
    assert long == {}


def test_names_say_what_is_inside() -> None:
    """If this fails, a drawer was made that everything will be thrown into."""
    offenders = [
        str(path)
        for path in files()
        if path.suffix in (".py", ".sql", ".lua") and _NO_NAMES & {path.stem, *path.parts[:-1]}
    ]
    assert offenders == []


def test_nothing_of_this_machine_and_nothing_unfinished() -> None:
    """If this fails, a file names a machine, a package registry, or work that was left undone."""
    found = []
    for path in files():
        name = path.as_posix()
        if name in _LEFT_OUT | _RULES or path.suffix not in _TEXT or path not in written_by_us(*_TEXT):
            continue
        found += [f"{name}: {match.group()}" for match in _NO_WORDS.finditer(read(path))]
    assert found == []


def test_every_test_says_what_breaks() -> None:
    """If this fails, a red test does not tell its reader what has gone wrong."""
    silent = []
    for path in written_by_us(".py"):
        if path.parts[0] != "tests" or not path.name.startswith("test_"):
            continue
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                if not ast.get_docstring(node):
                    silent.append(f"{path}:{node.lineno} {node.name}")
    assert silent == []


def test_models_open_with_their_guarantees() -> None:
    """If this fails, a record is used without a word on what must stay true of it."""
    silent = [
        str(path)
        for path in sources()
        if path.name == "model.py" and "Guarantee" not in (ast.get_docstring(parsed(path)) or "")
    ]
    assert silent == []


def test_every_file_and_every_public_function_is_explained() -> None:
    """If this fails, a caller has to read a body to know what it does."""
    silent = []
    for path in sources():
        tree = parsed(path)
        if tree.body and not ast.get_docstring(tree):
            silent.append(str(path))
        for node in tree.body:
            public = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            if public and not node.name.startswith("_") and not ast.get_docstring(node):
                silent.append(f"{path}:{node.lineno} {node.name}")
    assert silent == []


def test_no_test_is_skipped_without_a_reason() -> None:
    """If this fails, a test is switched off and nobody will know why."""
    offenders = []
    for path in written_by_us(".py"):
        if path.parts[0] == "tests":
            text = read(path)
            offenders += [
                f"{path}: {m.group()}" for m in re.finditer(r"mark\.(skip|xfail)\b(?!if)[^\n]*", text)
            ]
    offenders = [line for line in offenders if not line.startswith("tests/house/")]
    assert offenders == []
