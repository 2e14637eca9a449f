"""Every code that an answer can carry is explained, with the status it comes with; none is explained for nothing."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from checkout import errors
from checkout.edge import problems
from checkout.edge.error_table import ERRORS
from checkout.edge.explain import Explained
from checkout.kit import body
from tests.house.tree import parsed, sources

CLASSES = {
    name: kind
    for module in (errors, problems, body)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and issubclass(kind, errors.ShopError)
}
HOMES = {"checkout.errors", "checkout.edge.problems", "checkout.kit.body"}
# An error of the first status is also answered with another, where `code` is the same and the place differs.
ALSO = {"unknown_sku": {400}}


def _speakers() -> list[Path]:
    return [
        path
        for path in sources()
        if path.parts[0] == "checkout" and path.parts[1] not in ("sandbox", "reference")
    ]


@cache
def raised() -> tuple[tuple[str, int | None, str], ...]:
    """(code, status, place) of every error made in the code; no status where a problem becomes an error elsewhere."""
    return tuple(found for path in _speakers() for found in _of(path))


def _known_in(path: Path) -> set[str]:
    """Names of error classes that this file imports or declares: others may have a class of the same name."""
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom) and node.module in HOMES:
            found |= {alias.name for alias in node.names} & set(CLASSES)
        elif isinstance(node, ast.ImportFrom):
            modules = [alias.name for alias in node.names if f"{node.module}.{alias.name}" in HOMES]
            found |= {f"{module}.{name}" for module in modules for name in CLASSES}
        elif (
            isinstance(node, ast.ClassDef)
            and node.name in CLASSES
            and path.with_suffix("").as_posix().replace("/", ".") in HOMES
        ):
            found.add(node.name)
        elif isinstance(node, ast.Import):
            assert not {alias.name for alias in node.names} & HOMES, f"{path}: import the errors by name"
    return found


def _of(path: Path) -> Iterator[tuple[str, int | None, str]]:
    known = _known_in(path)
    for node in ast.walk(parsed(path)):
        if not isinstance(node, ast.Call):
            continue
        called, place = ast.unparse(node.func), f"{path}:{node.lineno}"
        name = called.split(".")[-1]
        if called in known:
            codes = [word.value for word in node.keywords if word.arg == "code"]
            if not codes:
                yield CLASSES[name].code, CLASSES[name].status, place
            for code in codes:
                yield from _read_off(code, CLASSES[name].status, place)
        elif name == "Problem" and node.args:
            yield from _read_off(node.args[0], None, place)


def _read_off(code: ast.expr, status: int | None, place: str) -> Iterator[tuple[str, int | None, str]]:
    if isinstance(code, ast.Constant):
        yield str(code.value), status, place
    else:  # a quote's problem on its way to become an error: read off where it was made
        assert ast.unparse(code) == "problem.code", f"{place}: a code that cannot be read off"


def test_every_error_is_made_of_a_known_class() -> None:
    """If this fails, an error was declared where the other tests here, and readers, do not look for it."""
    elsewhere = [
        f"{path}:{node.lineno} {node.name}"
        for path in _speakers()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ClassDef)
        and {ast.unparse(parent).split(".")[-1] for parent in node.bases} & set(CLASSES)
        and node.name not in CLASSES
    ]
    assert elsewhere == []


def test_every_code_is_explained() -> None:
    """If this fails, an answer's `type` leads to a page that does not know its code."""
    assert [found for found in raised() if found[0] not in ERRORS] == []
    assert [kind.code for kind in CLASSES.values() if kind.code not in ERRORS] == []


def test_every_code_comes_with_the_status_of_its_page() -> None:
    """If this fails, the error page states another status than the answer has."""
    wrong = [
        found
        for found in raised()
        if found[0] in ERRORS
        and found[1] is not None
        and found[1] not in {ERRORS[found[0]].status} | ALSO.get(found[0], set())
    ]
    assert wrong == []


def test_no_code_is_explained_for_nothing() -> None:
    """If this fails, the error page has a code that no answer carries any more."""
    made = {found[0] for found in raised()} | {kind.code for kind in CLASSES.values()}
    assert set(ERRORS) - made == set()


def test_every_explanation_speaks_to_everyone() -> None:
    """If this fails, a code leaves the shopper, the operator or the developer without a word on what to do."""
    blank = [
        code
        for code, found in ERRORS.items()
        for field in Explained.__slots__
        if not str(getattr(found, field)).strip()
    ]
    assert blank == []
