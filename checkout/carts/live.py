"""The live copy of carts: one call of the gate an edit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from checkout.carts.model import Fields, Op, Verdict
from checkout.errors import Unavailable
from checkout.kit.lane import Arg, Lane, ReplyError, Script
from config import limits

_HERE = Path(__file__).parent
EDIT = Script(_HERE / "edit.lua")
RESTORE = Script(_HERE / "restore.lua")
EPOCH = b"{0}:epoch"
_BOUNDS: tuple[Arg, ...] = (limits.CART_TTL_S, limits.CART_LINES_MAX, limits.COUPONS_MAX)


class CartGate(Protocol):
    """What is needed of the gate: its lane, and the epoch under which it may be used (0: it may not)."""

    lane: Lane

    @property
    def epoch(self) -> int: ...

    def close(self) -> None: ...


def _key(epoch: int, cart_id: str) -> bytes:
    return b"{0}:cart:%d:%b" % (epoch, cart_id.encode())


class LiveCarts:
    """Carts in the gate, of its current epoch: what an older gate knew is loaded from Postgres again.

    Cost: one round trip a call, shared with all calls of the same turn of the loop.
    """

    def __init__(self, gate: CartGate) -> None:
        self._gate = gate

    async def edit(
        self, cart_id: str, ops: Sequence[Op], *, expected: int | None, guard_hold: bool
    ) -> tuple[Verdict, Fields]:
        """Applies the ops as `model.apply` would. CLOSED: the gate is away, or its answer was lost.

        Retry: safe, every op sets a state.
        """
        epoch = self._gate.epoch
        if not epoch:
            return Verdict.CLOSED, {}
        args: list[Arg] = [
            epoch,
            "" if expected is None else expected,
            b"1" if guard_hold else b"0",
            *_BOUNDS,
        ]
        for op in ops:
            args += op
        return await self._run(EDIT, epoch, cart_id, tuple(args))

    async def restore(self, cart_id: str, fields: Fields) -> tuple[Verdict, Fields]:
        """Puts the cart in unless a newer one is there; gives the one that is there."""
        epoch = self._gate.epoch
        if not epoch:
            return Verdict.CLOSED, {}
        args: list[Arg] = [epoch, limits.CART_TTL_S, fields["v"]]
        for item in fields.items():
            args += item
        return await self._run(RESTORE, epoch, cart_id, tuple(args))

    async def _run(
        self, script: Script, epoch: int, cart_id: str, args: tuple[Arg, ...]
    ) -> tuple[Verdict, Fields]:
        try:
            reply: list[Any] = await self._gate.lane.run(script, (EPOCH, _key(epoch, cart_id)), args)
        except (Unavailable, ReplyError):
            return Verdict.CLOSED, {}
        verdict = Verdict(reply[0])
        if verdict is Verdict.CLOSED:
            self._gate.close()
            return verdict, {}
        texts = [value.decode() for value in reply[1:]]
        return verdict, dict(zip(texts[::2], texts[1::2], strict=True))
