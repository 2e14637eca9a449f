"""`bench search`: each kind of question to a large catalogue, one at a time and none of them cached."""

import itertools
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import quote

import aiohttp
import msgspec
from msgspec import Struct

from bench.measure.targets import judged
from bench.problem import BenchError
from bench.report.progress import Say
from bench.report.result import Figure, Result, Table, this_machine
from bench.shop.afterwards import drain_and_audit
from bench.shop.assortment import COLOURS, Assortment, add_assortment
from bench.shop.own import own_shop
from bench.shop.readiness import gate_open
from bench.shop.store import Bulk

_DEEP = 3
_WARM = 10
_CODES = ("".join(letters) for letters in itertools.product("ABCDEFGHIJKLMNOPQRSTUVWXYZ", repeat=3))
"""Currencies in which nothing costs anything: they make a question another one to the cache, and to nobody else."""


class SearchAsked(Struct, frozen=True):
    """What is asked for."""

    products: int = 100_000
    questions: int = 200
    seed: int = 1


class _Kind(Struct):
    """One kind of question. Units: milliseconds, as the client sees them."""

    name: str
    first_ms: list[float]
    deep_ms: list[float]
    found: list[int]

    def row(self) -> list[str]:
        """As a row of the table."""
        every = sorted([*self.first_ms, *self.deep_ms])
        return [
            self.name,
            f"{min(self.found, default=0):,}–{max(self.found, default=0):,}",
            *(f"{_at(every, share):.1f}" for share in (0.5, 0.9, 0.99)),
            f"{_at(sorted(self.deep_ms), 0.99):.1f}" if self.deep_ms else "–",
        ]

    @property
    def p99_ms(self) -> float:
        """Of first pages and later ones."""
        return _at(sorted([*self.first_ms, *self.deep_ms]), 0.99)


def _at(ascending: list[float], share: float) -> float:
    return ascending[min(len(ascending) - 1, int(len(ascending) * share))] if ascending else 0.0


async def run_search(asked: SearchAsked, say: Say) -> Result:
    """The whole run, on a shop with one serve process. Raises: BenchError."""
    at, began, machine = datetime.now(UTC), time.monotonic(), this_machine()
    say("starting a shop")
    async with own_shop(processes=1, kinds=("relay",), demo=False) as shop:
        say(f"loading {asked.products:,} products")
        loading = time.monotonic()
        async with Bulk.of(shop.settings.database_url) as bulk:
            sold = await add_assortment(bulk, asked.products, say, seed=asked.seed)
        loaded_s = time.monotonic() - loading
        await shop.stop()
        await shop.start(("serve",), demo=False)
        await gate_open(shop.url)
        kinds = []
        async with aiohttp.ClientSession() as client:
            for name, draw in _kinds(sold, asked, random.Random(asked.seed)).items():
                say(f"asking: {name}")
                kinds.append(await _ask(client, shop.url, name, draw, asked.questions))
        await shop.stop()
        after = await drain_and_audit(shop, drain_s=0.0, say=say)
    slowest = max(kinds, key=lambda kind: kind.p99_ms)
    return Result(
        scenario="search",
        title=f"Search: {asked.products:,} products, nothing cached",
        at=at,
        took_s=round(time.monotonic() - began, 1),
        asked={"products": str(asked.products), "questions": str(asked.questions), "seed": str(asked.seed)},
        machine=machine,
        tables=[
            Table(
                "Milliseconds, first and later pages",
                ["Question", "matches", "p50", "p90", "p99", "p99 of later pages"],
                [kind.row() for kind in kinds],
            )
        ],
        facts=[
            (f"{slowest.p99_ms:,.1f} ms", f"p99 of the slowest kind: {slowest.name}"),
            (f"{loaded_s:,.0f} s", "to load"),
        ],
        verdicts=[judged("search", kind.p99_ms, what=f"p99, {kind.name}, ms") for kind in kinds],
        figures=[Figure(f"p99 {kind.name}", kind.p99_ms, "time", True) for kind in kinds],
        problems=list(after.problems),
        audit=after.audit,
        tolerated=after.tolerated,
    )


def _kinds(sold: Assortment, asked: SearchAsked, dice: random.Random) -> dict[str, Callable[[], str]]:
    """Query strings by the kind of question."""
    names = sold.words[:20_000]
    tops = [slug for slug in sold.categories if "-" not in slug]
    branches = [slug for slug in sold.categories if slug.count("-") == 1]

    def misspelt() -> str:
        word = dice.choice(names[3_000:])
        at = dice.randrange(1, len(word) - 1)
        swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        return swapped if dice.random() < 0.5 else word[:at] + dice.choice("xqy") + word[at + 1 :]

    def cased(word: str) -> str:
        """The same to the shop, and another text to its caches."""
        return "".join(dice.choice((letter, letter.upper())) for letter in word)

    def begun() -> str:
        return cased(dice.choice(names)[: dice.randrange(2, 6)])

    priced = "&currency=EUR"
    return {
        "everything, newest": lambda: "",
        "a rare word": lambda: "q=" + dice.choice(names[3_000:]),
        "a word that many say": lambda: "q=" + dice.choice(names[5:200]),
        "a word that half of all say": lambda: "q=quality",
        "a title that a fifth has": lambda: "q=classic",
        "two common words": lambda: "q=quality+classic",
        "a misspelt word": lambda: "q=" + misspelt(),
        "a SKU": lambda: f"q=RANGE-{dice.randrange(asked.products):07d}-M",
        "a top category": lambda: "category=" + dice.choice(tops),
        "a category and a colour, by title": lambda: (
            f"category={dice.choice(branches)}&attr.colour={dice.choice(COLOURS)}&sort=title"
        ),
        "a colour, by rating": lambda: f"attr.colour={dice.choice(COLOURS)}&sort=rating",
        "a top category, by price": lambda: f"category={dice.choice(tops)}&sort=price{priced}",
        "half of all, dearest first": lambda: f"q={cased('quality')}&sort=-price{priced}",
        "a price range": lambda: (
            f"price_min={dice.randrange(500, 3_000)}&price_max={dice.randrange(3_000, 20_000)}{priced}"
        ),
        "suggestions": lambda: "suggest " + begun(),
    }


async def _ask(
    client: aiohttp.ClientSession, url: str, name: str, draw: Callable[[], str], count: int
) -> _Kind:
    """So many first pages, and some later ones behind each. Raises: BenchError when one is not answered."""
    kind = _Kind(name, [], [], [])
    for number in range(count + _WARM):
        first = draw()
        if first.startswith("suggest "):
            path, question = "/v1/products/suggestions", f"q={quote(first[8:])}"
        else:
            path, question = (
                "/v1/products",
                first if "currency" in first else f"{first}&currency={next(_CODES)}",
            )
        cursor: str | None = ""
        for depth in _depths(number):
            text = f"{url}{path}?{question}" + (f"&cursor={cursor}" if cursor else "")
            text += f"&limit={1 + number % 40}" if path == "/v1/products" else ""
            began = time.perf_counter()
            async with client.get(text) as answer:
                raw = await answer.read()
            took_ms = (time.perf_counter() - began) * 1000
            if answer.status != 200:
                raise BenchError(f"{text} answered {answer.status}: {raw[:200]!r}")
            document = msgspec.json.decode(raw)
            cursor = document.get("next_cursor")
            if number >= _WARM:
                (kind.deep_ms if depth else kind.first_ms).append(took_ms)
                kind.found.append(document.get("total", len(document.get("products", ()))))
            if not cursor:
                break
    return kind


def _depths(number: int) -> Iterator[int]:
    """The first page; behind every fourth some more."""
    yield 0
    if number % 4 == 0:
        yield from range(1, _DEEP + 1)
