"""The live copy of carts: one call of the gate an edit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from checkout.carts.merge import Merged
from checkout.carts.model import Fields, Op, Verdict
from checkout.errors import Unavailable
from checkout.kit.lane import Arg, Lane, ReplyError, Script
from config import limits
from ratelimit.gcra import Decision
from ratelimit.shared import GCRA_LUA
from ratelimit.toll import FREE, PAID, Toll

_HERE = Path(__file__).parent
EDIT = Script(GCRA_LUA, _HERE / "edit.lua")
RESTORE = Script(GCRA_LUA, _HERE / "restore.lua")
CLAIM = Script(_HERE / "claim.lua")
RESEAL = Script(_HERE / "reseal.lua")
EPOCH = b"{0}:epoch"
_BOUNDS: tuple[Arg, ...] = (limits.CART_TTL_S, limits.CART_LINES_MAX, limits.COUPONS_MAX)
_VERDICTS = {verdict.value: verdict for verdict in Verdict}


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
        self,
        cart_id: str,
        ops: Sequence[Op],
        *,
        expected: int | None,
        guard_hold: bool,
        who: str = "",
        toll: Toll = PAID,
    ) -> tuple[Verdict, Fields]:
        """Applies the ops as `model.apply` would, and pays the toll. CLOSED: the gate is away, or its answer was lost.

        Raises: OverLimit, also while the gate is away. Retry: safe, every op sets a state.
        """
        args: list[Arg] = [
            "" if expected is None else expected,
            b"1" if guard_hold else b"0",
            *_BOUNDS,
            who,
        ]
        for op in ops:
            args += op
        return await self._run(EDIT, cart_id, args, toll)

    async def restore(self, cart_id: str, fields: Fields, *, toll: Toll = PAID) -> tuple[Verdict, Fields]:
        """Puts the cart in unless a newer one is there; gives the one that is there. Raises: OverLimit."""
        args: list[Arg] = [limits.CART_TTL_S, fields["v"]]
        for item in fields.items():
            args += item
        return await self._run(RESTORE, cart_id, args, toll)

    async def _run(self, script: Script, cart_id: str, args: list[Arg], toll: Toll) -> tuple[Verdict, Fields]:
        epoch = self._gate.epoch
        if not epoch:
            await toll.pay()
            return Verdict.CLOSED, {}
        limit = toll.along()
        key, emission_us, burst = limit
        try:
            reply = await self._gate.lane.run(
                script, (EPOCH, _key(epoch, cart_id), key), (epoch, emission_us, burst, *args)
            )
        except (Unavailable, ReplyError):
            if limit is not FREE:
                toll.lost()
            return Verdict.CLOSED, {}
        number, remaining, reset_ms, retry_ms, flat = reply
        verdict = _VERDICTS[number]
        if limit is not FREE:
            toll.told(Decision(verdict is not Verdict.LIMITED, remaining, reset_ms, retry_ms))
        if verdict is Verdict.CLOSED:
            self._gate.close()
        return verdict, _pairs(flat)

    async def claim(self, guest_id: str, own_id: str, account: str) -> Merged:
        """Gives the guest's cart to the account, as `merge.merge` would; `own_id` is the account's open cart, or the guest's
        cart itself when it becomes that. CLOSED: the gate is away, or its answer was lost. Retry: safe."""
        epoch = self._gate.epoch
        closed = Merged(Verdict.CLOSED, {}, {}, {})
        if not epoch:
            return closed
        keys = (EPOCH, _key(epoch, guest_id), _key(epoch, own_id))
        args = (epoch, account, own_id, *_BOUNDS, limits.LINE_QUANTITY_MAX)
        try:
            reply: list[Any] = await self._gate.lane.run(CLAIM, keys, args)
        except (Unavailable, ReplyError):
            return closed
        verdict = Verdict(reply[0])
        if verdict is Verdict.CLOSED:
            self._gate.close()
        if verdict is not Verdict.DONE:
            return Merged(verdict, {}, {}, {}, reply[1] if len(reply) > 1 else 0)
        guest, own, report = (_pairs(flat) for flat in reply[1:])
        return Merged(verdict, guest, own, report)

    async def reseal(self, cart_id: str, was: str, becomes: str) -> bool:
        """Puts the address under another key, if the cart is there and still has that text; False: the gate is away."""
        epoch = self._gate.epoch
        if not epoch:
            return False
        keys = (EPOCH, _key(epoch, cart_id))
        try:
            return int(await self._gate.lane.run(RESEAL, keys, (epoch, was, becomes))) >= 0
        except (Unavailable, ReplyError):
            return False


def _pairs(flat: Sequence[bytes]) -> Fields:
    texts = [value.decode() for value in flat]
    return dict(zip(texts[::2], texts[1::2], strict=True))
