"""Orders placed before something else is measured: as fast as they are taken, and told by id."""

import msgspec
from msgspec import Struct

from bench.load.drive import send
from bench.load.shapes import Shape
from bench.problem import BenchError
from bench.report.progress import Say

_AT_A_TIME = 2_000
_IN_VAIN_MOST = 30
_CONNECTIONS = 48


class _Order(Struct):
    id: str


class _Placed(Struct):
    order: _Order


_DECODER = msgspec.json.Decoder(_Placed)


async def place_orders(url: str, skus: list[str], count: int, say: Say, *, lines: int = 2) -> list[str]:
    """Ids of so many orders; what is shed is placed again. Raises: BenchError when the shop takes none."""
    placed: list[str] = []

    def seen(status: int, body: bytes) -> None:
        if status == 201:
            placed.append(_DECODER.decode(body).order.id)

    in_vain = 0
    while len(placed) < count:
        before = len(placed)
        shape = Shape("express", skus, lines)
        await send(url, shape, min(_AT_A_TIME, count - before), connections=_CONNECTIONS, seen=seen)
        in_vain = 0 if len(placed) > before else in_vain + 1
        if in_vain >= _IN_VAIN_MOST:
            raise BenchError(f"{url} takes no orders")
        say.move(len(placed), count)
    return placed
