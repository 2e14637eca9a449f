"""What the Markdown files name exists: files, commands with their options, make targets, settings."""

import functools
import re
from collections.abc import Iterator
from pathlib import Path

import typer
from typer.core import TyperCommand, TyperGroup

from checkout.__main__ import app
from config import limits
from config.settings import DOCS, PREFIX
from tests.house.tree import ROOT, files, read, written_by_us

MARKDOWN = written_by_us(".md")
# Made while the shop is installed or runs, so not under version control.
MADE = (".data", ".venv", "stores.lock", "stores.json")
LESSONS = "docs/adding-"  # these name files that their reader will write
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"[\w.-]+(/[\w.-]+)*/?")
_ENDS_AS_FILE = re.compile(r"\.(py|sql|lua|md|toml|json|csv|html|css|js|lock|txt|ini|ya?ml|sh)$")
_NAMED_IN_SOURCE = re.compile(
    r"(?<![\w./-])((?:tests|docs|bench|checkout|catalog_cache|ratelimit|workers|config)/[\w./-]+\.\w+)"
)


def _code(path: Path) -> Iterator[str]:
    """Texts set as code: in backticks, indented or fenced."""
    fenced = False
    for line in read(path).splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            yield line.strip()
        else:
            yield from _CODE.findall(line)


@functools.cache
def _names() -> frozenset[str]:
    """Every file's and folder's path, whole and without its first folders: a document may leave them out."""
    whole = {one for path in files() for one in (path, *path.parents)}
    return frozenset("/".join(one.parts[first:]) for one in whole for first in range(len(one.parts)))


def _exists(name: str, beside: Path) -> bool:
    name = name.rstrip("/")
    return name in _names() or name.split("/")[0] in MADE or (ROOT / beside.parent / name).exists()


def test_every_link_leads_somewhere() -> None:
    """If this fails, a reader follows a link of ours into nothing."""
    lost = [
        f"{path}: {target}"
        for path in MARKDOWN
        for target in _LINK.findall(read(path))
        if not re.match(r"[a-z]+:|#", target) and not (ROOT / path.parent / target.split("#")[0]).exists()
    ]
    assert lost == []


def test_every_file_named_exists() -> None:
    """If this fails, a document sends its reader to a file that was moved or never written."""
    lost = []
    for path in MARKDOWN:
        if path.as_posix().startswith(LESSONS):
            continue
        for text in _CODE.findall(read(path)):
            looks = _PATH.fullmatch(text) and (_ENDS_AS_FILE.search(text) or text.endswith("/"))
            if looks and not _exists(text, path):
                lost.append(f"{path}: {text}")
    assert lost == []


def test_every_file_named_in_the_code_exists() -> None:
    """If this fails, a docstring names a test or a file that is not there, and what it promises is held by nothing."""
    lost = [
        f"{path}: {name}"
        for path in written_by_us(".py", ".sql", ".lua", ".toml")
        for name in _NAMED_IN_SOURCE.findall(read(path))
        if not _exists(name, path)
    ]
    assert lost == []


@functools.cache
def _commands() -> TyperGroup:
    """The command line as `checkout --help` shows it."""
    from bench.commands import bench_app

    if not any(group.name == "bench" for group in app.registered_groups):
        app.add_typer(bench_app, name="bench")
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return group


def _wrong(words: list[str]) -> str | None:
    """What of `checkout WORDS…` the command line does not know."""
    at: object = _commands()
    for word in words:
        if word.startswith("--"):
            assert isinstance(at, TyperGroup | TyperCommand)
            known = {option for one in at.params for option in one.opts} | {"--help"}
            if word.split("=")[0] not in known:
                return word
        elif isinstance(at, TyperGroup):
            if word not in at.commands:
                return word
            at = at.commands[word]
    return None


def test_every_command_named_exists() -> None:
    """If this fails, a document gives a command or an option that the command line refuses."""
    wrong, seen = [], 0
    for path in MARKDOWN:
        for text in _code(path):
            for found in re.finditer(r"(?:^|[\s/])checkout ((?:[a-z-]+|--[a-z-]+)(?: [a-z-][\w-]*)*)", text):
                seen += 1
                if (word := _wrong(found[1].split())) is not None:
                    wrong.append(f"{path}: checkout {found[1]}: {word}")
    assert wrong == []
    assert seen


def test_every_make_target_named_exists() -> None:
    """If this fails, a document gives a `make` target that the Makefile does not have."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        (str(path), target)
        for path in MARKDOWN
        for text in _code(path)
        for target in re.findall(r"(?:^|\s)make ([a-z]+)", text)
    }
    assert named
    assert [one for one in sorted(named) if one[1] not in targets] == []


def test_every_setting_named_exists() -> None:
    """If this fails, a document or a message names a setting whose use stops the start."""
    known = {PREFIX + name.upper() for name in DOCS} | set(vars(limits))
    wrong = [
        f"{path}: {name}"
        for path in written_by_us(".md", ".py", ".toml")
        if path.parts[0] != "tests"
        for name in re.findall(rf"\b{PREFIX}[A-Z][A-Z_]*[A-Z]\b", read(path))
        if name not in known
    ]
    assert wrong == []
