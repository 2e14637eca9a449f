"""What a shop sells, as any client sees it: by its own listing."""

import aiohttp
import msgspec

from bench.problem import BenchError


class OnSale(msgspec.Struct, frozen=True):
    """What a shop sells, as a client sees it."""

    skus: list[str]
    slugs: list[str]


async def on_sale(url: str, *, most: int = 2_000) -> OnSale:
    """SKUs and slugs by the shop's own listing. Raises: BenchError when it lists nothing."""
    skus: list[str] = []
    slugs: list[str] = []
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as client:
        cursor: str | None = ""
        while cursor is not None and len(skus) < most:
            query = {"limit": "100", **({"cursor": cursor} if cursor else {})}
            async with client.get(f"{url}/v1/products", params=query) as response:
                if response.status != 200:
                    raise BenchError(
                        f"{url}/v1/products answered {response.status}: is this a checkout shop?"
                    )
                page = msgspec.json.decode(await response.read())
            for product in page["items"]:
                slugs.append(product["slug"])
                skus += product["skus"]
            cursor = page.get("next_cursor")
    if not skus:
        raise BenchError(f"{url} has nothing on sale; `checkout seed` writes a demo catalogue")
    return OnSale(skus, slugs)
