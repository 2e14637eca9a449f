"""The project's own files, as version control sees them (or as they lie there, in an unpacked archive)."""

import ast
import functools
import gc
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("bench", "workers", "checkout", "catalog_cache", "ratelimit", "config")
_SKIPPED = {".venv", ".data", ".git", ".hypothesis", "__pycache__", "build", "dist"}
VENDORED = "checkout/edge/static/"


@functools.cache
def files() -> tuple[Path, ...]:
    """Every file that is, or would be, under version control; paths relative to ROOT."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0 and listed.stdout:
        paths = [Path(line) for line in listed.stdout.splitlines()]
    else:
        paths = [
            path.relative_to(ROOT)
            for path in ROOT.rglob("*")
            if _SKIPPED.isdisjoint(part for part in path.relative_to(ROOT).parts)
        ]
    return tuple(sorted(path for path in paths if (ROOT / path).is_file()))


def written_by_us(*suffixes: str) -> list[Path]:
    """Files with one of these endings that are neither vendored nor generated locks."""
    return [path for path in files() if path.suffix in suffixes and not path.as_posix().startswith(VENDORED)]


def sources() -> list[Path]:
    """Python files of the packages, without the tests."""
    return [path for path in written_by_us(".py") if path.parts[0] in PACKAGES]


def read(path: Path) -> str:
    """The text of a file by its path within the project."""
    return (ROOT / path).read_text()


@functools.cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a Python file by its path within the project."""
    # CPython before 3.11.8: a destructor that parses too (a traceback being printed does) while the collector runs
    # inside ast.parse makes it raise SystemError (gh-106905). So nothing is collected in here.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(read(path), filename=str(path))
    finally:
        if collecting:
            gc.enable()


@functools.cache
def imported(path: Path) -> set[str]:
    """Names of the modules that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


@functools.cache
def texts(path: Path) -> frozenset[str]:
    """Every text constant of a Python file."""
    return frozenset(
        node.value
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def calls(path: Path, name: str) -> list[ast.Call]:
    """Calls of this name (or of an attribute with this name) in a Python file."""
    return [
        node
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == name
    ]
