"""The schema that the migrations make, as one file to read: each table with its constraints, indexes and triggers.

`readable` is pure: it sorts what pg_dump prints. What it gives can be loaded into an empty database and makes the same
schema again (tests/house/test_generated.py holds that).
"""

import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable

from checkout.errors import ensure
from config.local.postgres import installation

_ENTRY = re.compile(r"^--\n-- Name: (?P<name>.+?); Type: (?P<kind>[A-Z ]+); Schema: .*\n--\n\n", re.MULTILINE)
_END = "--\n-- PostgreSQL database dump complete"
_CONSTRAINT = re.compile(r"ALTER TABLE (?:ONLY )?(?P<table>\w+)\n    ADD (?P<constraint>CONSTRAINT .*);")
_IDENTITY = re.compile(
    r"ALTER TABLE (?P<table>\w+) ALTER COLUMN (?P<column>\w+) ADD (?P<what>GENERATED [A-Z ]+ AS IDENTITY) \("
)
_SUBJECT = re.compile(r"\b(?:ON|TABLE) (?:ONLY )?(?P<table>\w+)")
_REFERENCE = re.compile(r"\bREFERENCES (\w+)")
_SHORTER = (
    (re.compile(r"\bpublic\."), ""),
    (re.compile(r"\btimestamp with time zone\b"), "timestamptz"),
    (re.compile(r" USING btree\b"), ""),
    (re.compile(r"(?<=')::text\b(?!\[)"), ""),
    (re.compile(r"^SET default_.*\n+", re.MULTILINE), ""),
)
# Partitions, whose names and bounds depend on the day, and what was archived of them.
_OTHER_SCHEMAS = ("--exclude-schema=months", "--exclude-schema=archive")
_LATER = "SET check_function_bodies = off; -- functions come first, and may name tables that follow"
_TITLE = "-- The schema that checkout/migrations make. Written by `make docs`; change it by a new migration."


def dump(database_url: str) -> str:
    """What pg_dump says of a database's schema. Raises: CalledProcessError."""
    command = [
        str(installation() / "bin" / "pg_dump"),
        "--schema-only",
        "--no-owner",
        "--no-privileges",
        *_OTHER_SCHEMAS,
    ]
    return subprocess.run([*command, database_url], check=True, capture_output=True, text=True).stdout


def readable(dumped: str) -> str:
    """The text of schema.sql from the text of pg_dump. Raises: AssertionError for a kind of object not known here."""
    entries = list(_entries(dumped))
    first, last = [], []
    extensions = [text for _, kind, text in entries if kind == "EXTENSION"]
    tables: dict[str, str] = {}
    inside, after = defaultdict(list), defaultdict(list)
    for name, kind, text in entries:
        if name.startswith("EXTENSION "):
            continue  # an extension brings its comment
        if kind in ("FUNCTION", "TYPE") or (kind == "SEQUENCE" and not _IDENTITY.match(text)):
            first.append(text)
        elif kind == "TABLE":
            tables[name] = text
        elif kind in ("INDEX", "TRIGGER", "COMMENT"):
            after[_group(_SUBJECT.search(text), "table")].append(text)
        elif kind in ("CONSTRAINT", "FK CONSTRAINT"):
            found = _CONSTRAINT.fullmatch(text)
            inside[_group(found, "table")].append(_group(found, "constraint"))
        elif kind == "VIEW":
            last.append(text)
        elif kind == "EXTENSION":
            continue
        else:
            ensure(kind == "SEQUENCE", f"{name}: schema.sql has no place yet for a {kind}")
    for _, kind, text in entries:
        if kind == "SEQUENCE" and (found := _IDENTITY.match(text)):
            tables[found["table"]] = _with_identity(tables[found["table"]], found["column"], found["what"])
    whole = {name: _with_constraints(text, inside[name]) for name, text in tables.items()}
    ordered = ["\n".join([whole[name], *after[name]]) for name in _referents_first(whole)]
    return "\n\n".join([_TITLE, _LATER, *extensions, *first, *ordered, *last]) + "\n"


def _entries(dumped: str) -> Iterable[tuple[str, str, str]]:
    text = dumped[: dumped.index(_END)]
    for pattern, shorter in _SHORTER:
        text = pattern.sub(shorter, text)
    _, *pieces = _ENTRY.split(text)
    for name, kind, body in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True):
        yield name, kind, body.strip()


def _group(found: re.Match[str] | None, name: str) -> str:
    ensure(found is not None, f"pg_dump names no {name} where schema.sql needs one")
    return found[name] if found else ""


def _with_identity(table: str, column: str, what: str) -> str:
    text, count = re.subn(rf"(?m)^(    {column} .*?) NOT NULL", rf"\1 {what} NOT NULL", table)
    ensure(count == 1, f"the identity column {column} was not found")
    return text


def _with_constraints(table: str, constraints: list[str]) -> str:
    columns, end = table.split("\n)", 1)
    return ",\n    ".join([columns, *constraints]) + "\n)" + end


def _referents_first(tables: dict[str, str]) -> list[str]:
    """Table names, by name, but each behind those that it refers to."""
    ordered: list[str] = []

    def place(name: str) -> None:
        if name not in ordered:
            for other in sorted(set(_REFERENCE.findall(tables[name])) - {name}):
                place(other)
            ordered.append(name)

    for name in sorted(tables):
        place(name)
    return ordered
