"""`checkout keys`: under which keys personal data lies, and putting it under the newest."""

from contextlib import nullcontext

import orjson
from rich.table import Table

from checkout.audit.counters import gate_of
from checkout.carts.live import LiveCarts
from checkout.commands.terminal import console, progress
from checkout.kit import db
from checkout.kit.cipher import Cipher
from checkout.personal.model import ARCHIVE, KEPT, PLAIN
from checkout.personal.rotate import rotate
from checkout.personal.store import PersonalStore
from config.settings import Settings


async def status_now(settings: Settings, *, as_json: bool) -> int:
    """Shows how many rows lie under which key; exit code 1 when some lie under a key that is not at hand."""
    cipher = _cipher(settings)
    connection = await db.connect(settings.database_url, purpose="keys")
    try:
        await connection.execute("SET statement_timeout = 0")
        counted = await PersonalStore(connection, cipher).by_key()
    finally:
        await connection.close()
    known = {PLAIN, *cipher.numbers}
    unknown = sorted({number for keys in counted.values() for number in keys} - known)
    if as_json:
        tables = {name: _named(keys) for name, keys in counted.items()}
        document = {"current": cipher.current, "missing": unknown, "tables": tables}
        console.file.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")
        return 1 if unknown else 0
    numbers = [PLAIN, *sorted({*cipher.numbers, *unknown})]
    table = Table(
        "Table", *("plain" if n == PLAIN else f"key {n}" for n in numbers), title="Rows of personal data"
    )
    for name in (*(kept.table for kept in KEPT), *({ARCHIVE} & counted.keys())):
        keys = counted.get(name, {})
        table.add_row(name, *(f"{keys.get(number, 0):,}" for number in numbers))
    console.print(table)
    console.print(f"Key {cipher.current} seals.")
    for number in unknown:
        console.print(f"Key {number} is not in CHECKOUT_PII_KEYS: its rows cannot be read.", style="bold red")
    return 1 if unknown else 0


async def rotate_now(settings: Settings, *, as_json: bool) -> int:
    """Seals everything under the first key; exit code 0 when nothing else is left. Retry: safe, also beside another one."""
    cipher = _cipher(settings)
    connection = await db.connect(settings.database_url, purpose="keys")
    try:
        await connection.execute("SET statement_timeout = 0")
        async with gate_of(settings.database_url, settings.gate_url) as (gate, _):
            await gate.refresh()
            store = PersonalStore(connection, cipher, LiveCarts(gate))
            with nullcontext() if as_json else progress("Sealing", "rows") as move:
                done = await rotate(store, cipher.current, moved=move or (lambda _done, _total: None))
    finally:
        await connection.close()
    if as_json:
        document = {
            "ok": done.is_whole,
            "current": cipher.current,
            "sealed": done.sealed,
            "left": {name: _named(keys) for name, keys in done.left.items()},
        }
        console.file.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        console.print(f"{sum(done.sealed.values()):,} rows sealed under key {cipher.current}.")
        for name, keys in done.left.items():
            mend = "restore the months, and run it again" if name == ARCHIVE else "run it again"
            console.print(f"{name}: {sum(keys.values()):,} rows are left; {mend}.", style="bold red")
        if done.is_whole:
            console.print("No row is plain or under another key.", style="bold green")
    return 0 if done.is_whole else 1


def _cipher(settings: Settings) -> Cipher:
    return Cipher(settings.personal_keys, settings.personal_index_key)


def _named(keys: dict[int, int]) -> dict[str, int]:
    return {"plain" if number == PLAIN else str(number): rows for number, rows in sorted(keys.items())}
