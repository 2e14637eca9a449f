"""What a run needs from a shop before it is measured: carts, ETags, listing pages; all over its own API."""

import asyncio
from collections.abc import Sequence

import aiohttp
import msgspec
from msgspec import Struct

from bench.load.drive import send
from bench.load.shapes import Shape
from bench.problem import BenchError

_TIMEOUT = aiohttp.ClientTimeout(total=10)
_AT_ONCE = 16


class Cart(Struct, frozen=True):
    """A cart that was made."""

    id: str
    skus: list[str]


class _Line(Struct):
    sku: str


class _Cart(Struct):
    id: str
    lines: list[_Line]


_DECODER = msgspec.json.Decoder(_Cart)


async def carts(url: str, skus: Sequence[str], count: int, *, lines: int) -> list[Cart]:
    """So many carts of so many lines; those that are shed are made again. Raises: BenchError."""
    made: list[Cart] = []

    def seen(status: int, body: bytes) -> None:
        if status == 201:
            cart = _DECODER.decode(body)
            made.append(Cart(cart.id, [line.sku for line in cart.lines]))

    for _ in range(20):
        await send(url, Shape("cart_new", list(skus), lines), count - len(made), seen=seen)
        if len(made) >= count:
            return made[:count]
        await asyncio.sleep(0.5)
    raise BenchError(f"{url} made {len(made):,} of {count:,} carts")


async def etags(url: str, paths: Sequence[str]) -> list[str]:
    """Each path with a tab and its document's ETag behind it. Raises: BenchError."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(client: aiohttp.ClientSession, path: str) -> str:
        for _ in range(50):
            async with slots, client.get(url + path) as response:
                await response.read()
                if response.status == 200 and "ETag" in response.headers:
                    return f"{path}\t{response.headers['ETag']}"
            await asyncio.sleep(0.2)
        raise BenchError(f"{path} has no ETag (status {response.status})")

    async with aiohttp.ClientSession(timeout=_TIMEOUT, auto_decompress=False) as client:
        return await asyncio.gather(*(one(client, path) for path in paths))


async def listings(url: str) -> list[str]:
    """Listing pages as people open them: the front page, categories, orders, the second page. Raises: BenchError."""
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as client:
        found = [
            "/v1/products?limit=20",
            "/v1/products?limit=20&sort=price&currency=EUR",
            "/v1/products?limit=20&sort=title",
        ]
        async with client.get(f"{url}/v1/categories") as response:
            tree = await response.json(content_type=None)
        found += [f"/v1/products?limit=20&category={slug}" for slug in _slugs(tree)]
        async with client.get(url + found[0]) as response:
            if response.status != 200:
                raise BenchError(f"{found[0]} was answered with {response.status}")
            page = await response.json(content_type=None)
        if page.get("next_cursor"):
            found.append(f"{found[0]}&cursor={page['next_cursor']}")
    return found


def _slugs(node: object) -> list[str]:
    """Slugs anywhere in the tree of categories."""
    if isinstance(node, list):
        return [slug for child in node for slug in _slugs(child)]
    if isinstance(node, dict):
        own = [node["slug"]] if isinstance(node.get("slug"), str) else []
        return own + [slug for child in node.values() for slug in _slugs(child)]
    return []
