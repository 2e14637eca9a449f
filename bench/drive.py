"""One request shape, sent by wrk where it is installed, else by the project's own generator."""

import asyncio
import random
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from bench import generator, wrk_tool
from bench.run import Run

ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "Unter den Linden 1",
    "city": "Berlin",
    "postal_code": "10117",
    "country": "DE",
}


class Tool(Struct, frozen=True):
    """How hard to drive. `name`: wrk or generator."""

    name: str
    connections: int
    seconds: float


def chosen(name: str, *, connections: int, seconds: float) -> Tool:
    """The tool asked for; `auto` is wrk where it is installed."""
    if name == "auto":
        name = "wrk" if wrk_tool.available() else "generator"
    return Tool(name, connections, seconds)


def purchase(skus: Sequence[str], key: str) -> dict[str, object]:
    """The body of an express checkout."""
    return {
        "lines": [{"sku": sku, "quantity": 1} for sku in skus],
        "currency": "EUR",
        "email": f"{key}@example.com",
        "shipping_address": ADDRESS,
        "shipping_option": "standard",
        "payment": {"provider": "stripe", "method": "pm_card_visa"},
    }


async def checkouts(tool: Tool, url: str, skus: Sequence[str], *, lines: int = 2) -> Run:
    """Express checkouts of so many lines, SKUs uniform, a fresh Idempotency-Key each."""
    run_id, lines = uuid.uuid4().hex[:12], min(lines, len(skus))
    if tool.name == "wrk":
        return await _wrk(tool, f"{url}/v1/checkouts", "checkout", run_id, skus, str(lines))
    dice = random.Random(run_id)

    def build(number: int) -> bytes:
        key = f"{run_id}-{number}"
        body = purchase(dice.sample(skus, lines), key)
        return generator.post("/v1/checkouts", body, [("Idempotency-Key", key)])

    return await _own(tool, url, build)


async def reads(tool: Tool, url: str, paths: Sequence[str]) -> Run:
    """GETs of these paths, uniform."""
    if tool.name == "wrk":
        return await _wrk(tool, url, "read", uuid.uuid4().hex[:12], paths)
    dice = random.Random(1)
    return await _own(tool, url, lambda _: generator.get(dice.choice(paths)))


async def bare(tool: Tool, url: str, *, method: str) -> Run:
    """The floor: the same body to the bare application, or its GET."""
    run_id = uuid.uuid4().hex[:12]
    if tool.name == "wrk":
        return await wrk_tool.run_wrk(
            f"{url}/bare", "bare", [run_id, "1", method], connections=tool.connections, seconds=tool.seconds
        )
    if method == "GET":
        return await _own(tool, url, lambda _: generator.get("/bare"))

    def build(number: int) -> bytes:
        key = f"{run_id}-{number}"
        return generator.post("/bare", purchase(["A", "B"], key), [("Idempotency-Key", key)])

    return await _own(tool, url, build)


async def _wrk(tool: Tool, url: str, script: str, run_id: str, values: Sequence[str], *more: str) -> Run:
    with tempfile.TemporaryDirectory(prefix="checkout-bench-") as folder:
        listed = Path(folder) / "values.txt"
        listed.write_text("\n".join(values))
        return await wrk_tool.run_wrk(
            url,
            script,
            [run_id, str(random.randrange(1_000_000)), str(listed), *more],
            connections=tool.connections,
            seconds=tool.seconds,
        )


async def _own(tool: Tool, url: str, build: generator.Build) -> Run:
    """In a thread with a loop of its own, so that the caller's meters go on."""
    return await asyncio.to_thread(
        generator.run_generator, url, build, connections=tool.connections, seconds=tool.seconds
    )
