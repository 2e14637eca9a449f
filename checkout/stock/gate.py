"""The gate: Redis admits, so that hopeless traffic never reaches Postgres.

The gate is open while this process and the server agree on the epoch that Postgres holds. Anything else — no
connection, a restarted server, a flushed one — closes it, and orders go to Postgres alone until it is rebuilt.
"""

import asyncio
import secrets
import time
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from checkout.errors import OutcomeUnknown, Unavailable, ensure
from checkout.kit.crash import crash_point
from checkout.kit.db import FastUUID, PostgresError
from checkout.kit.lane import Arg, Lane, ReplyError, Script
from checkout.kit.turn import breathe
from checkout.stock.model import Admission, HoldResult, Item, OpenClaim, Verdict, parse_record
from config import limits
from ratelimit.gcra import Decision
from ratelimit.shared import GCRA_LUA
from ratelimit.toll import FREE, PAID, Toll

_HERE = Path(__file__).parent

ADMIT = Script(GCRA_LUA, _HERE / "admit.lua")
SETTLE = Script(_HERE / "settle.lua")
GIVE_BACK = Script(_HERE / "give_back.lua")
LOAD = Script(_HERE / "load.lua")
OPEN = Script(_HERE / "open.lua")
SHIFT = Script(_HERE / "shift.lua")
SNAPSHOT = Script(_HERE / "snapshot.lua")
SCRIPTS = (ADMIT, SETTLE, GIVE_BACK, LOAD, OPEN, SHIFT, SNAPSHOT)

EPOCH, BUILD, LEADER = b"{0}:epoch", b"{0}:build", b"{0}:leader"
STOCK, OPEN_CLAIMS, HOLDS = b"{0}:stock", b"{0}:open", b"{0}:holds"
CLAIM = b"{0}:claim:"
CLOSED = Admission(Verdict.CLOSED)
_VERDICTS = {verdict.value: verdict for verdict in Verdict}


_Reply = asyncio.Future[tuple[list[int] | None, int]]
"""What the script said of a claim, None when it did not, and the epoch it was asked under."""


def _answered(replies: list[_Reply], epoch: int, sent: asyncio.Future[list[list[int]]]) -> None:
    """The call was answered, or failed with Unavailable or ReplyError."""
    said = [None] * len(replies) if sent.exception() else sent.result()
    for reply, one in zip(replies, said, strict=True):
        if not reply.done():
            reply.set_result((one, epoch))


@dataclass(frozen=True, slots=True)
class GateState:
    """What Postgres says of the gate. `forgets_until_s`: loop-independent age left until the gate's memory of settled
    claims reaches back the whole idempotency window again (0: it does)."""

    epoch: int
    run_id: str
    forgets_for_s: float


FetchState = Callable[[], Awaitable[GateState]]
OnStale = Callable[[Sequence[uuid.UUID]], Awaitable[None]]


class Gate:
    """One process's view of the gate, over its own lane.

    Cost: one round trip a call, shared with whatever else leaves in the same write; `admit` and `settle` are one call for
    all claims that leave together.
    """

    def __init__(self, lane: Lane, fetch_state: FetchState, *, on_stale: OnStale | None = None) -> None:
        self.lane = lane
        self._fetch_state = fetch_state
        self._on_stale = on_stale
        self._epoch = 0
        self._run_id = ""
        self._name = secrets.token_bytes(8)
        self._forgets_until = 0.0
        self._keys: list[Arg] = []
        self._args: list[Arg] = []
        self._replies: list[_Reply] = []
        self._settling: dict[int, list[uuid.UUID]] = defaultdict(list)
        self._tasks: set[asyncio.Task[None]] = set()
        lane.on_connect = self._shake_hands

    @property
    def is_open(self) -> bool:
        return self._epoch > 0 and self.lane.is_up

    @property
    def epoch(self) -> int:
        """The epoch that scripts are called with; 0 while closed."""
        return self._epoch

    @property
    def run_id(self) -> str:
        """The server process on the other end of the lane, by its own name."""
        return self._run_id

    @property
    def forgets(self) -> bool:
        """Whether a claim settled within the idempotency window may be unknown here (a gate rebuilt since)."""
        return time.monotonic() < self._forgets_until

    async def _shake_hands(self, lane: Lane) -> None:
        """Runs on every new connection, before any other command of ours."""
        self._epoch = 0
        await lane.load(*SCRIPTS)
        info = await lane.call(b"INFO", b"server")
        self._run_id = bytes(info).partition(b"run_id:")[2].split(b"\r\n", 1)[0].decode()
        await self.refresh(lane)

    async def refresh(self, lane: Lane | None = None) -> bool:
        """Opens the gate if Postgres and the server agree on the epoch; says whether it is open now."""
        through = lane or self.lane
        try:
            state = await self._fetch_state()
            there = await through.call(b"GET", EPOCH)
        except (Unavailable, ReplyError, PostgresError):
            self._epoch = 0
            return False
        agreed = state.epoch > 0 and state.run_id == self._run_id and there == str(state.epoch).encode()
        self._epoch = state.epoch if agreed else 0
        self._forgets_until = time.monotonic() + state.forgets_for_s
        return agreed

    def close(self) -> None:
        """Sends orders to Postgres alone until `refresh` finds agreement."""
        self._epoch = 0

    async def admit(
        self,
        claim_id: uuid.UUID,
        items: Sequence[Item],
        *,
        turn_in: uuid.UUID | None = None,
        hold_ttl_ms: int = 0,
        toll: Toll = PAID,
    ) -> Admission:
        """Takes all items for the claim, or none; a hold to `turn_in` becomes part of the claim. Pays the toll.

        Raises: OverLimit, also while the gate is away. It never raises for a gate that is away: the verdict is CLOSED, and
        whatever the gate may have taken the reconciler gives back. Retry: safe by claim id.
        """
        if not self._epoch:
            await toll.pay()
            return CLOSED
        limit = toll.along()
        reply, epoch = await self._ask(claim_id, items, turn_in, hold_ttl_ms, limit)
        if reply is None:
            if limit is not FREE:
                toll.lost()
            return CLOSED
        verdict = _VERDICTS[reply[0]]
        if limit is not FREE:
            toll.told(Decision(verdict is not Verdict.LIMITED, reply[1], reply[2], reply[3]))
        if verdict is Verdict.CLOSED:
            self._epoch = 0
        return Admission(verdict, epoch, tuple(reply[4:]))

    def _ask(
        self,
        claim_id: uuid.UUID,
        items: Sequence[Item],
        turn_in: uuid.UUID | None,
        hold_ttl_ms: int,
        limit: tuple[str, int, int],
    ) -> _Reply:
        if not self._replies:
            self._keys, self._args = [EPOCH, STOCK, OPEN_CLAIMS, HOLDS], []
        name, hold = claim_id.bytes, turn_in.bytes if turn_in else b""
        key, emission_us, burst = limit
        self._keys += (CLAIM + name, CLAIM + hold, key)
        self._args += (name, hold, hold_ttl_ms, emission_us, burst, len(items))
        for item in items:
            self._args += item
        reply: _Reply = asyncio.get_running_loop().create_future()
        self._replies.append(reply)
        if len(self._replies) == 1:
            self.lane.before_write(self._ask_together)
        elif len(self._replies) == limits.ADMITTED_AT_ONCE_MAX:
            self._ask_together()
        return reply

    def _ask_together(self) -> None:
        """One call for the claims that were asked for since the last one."""
        if not self._replies:
            return
        breathe()
        replies, self._replies = self._replies, []
        epoch = self._epoch
        try:
            sent = self.lane.script(
                ADMIT, tuple(self._keys), (epoch, limits.IDEMPOTENCY_MEMORY_S, *self._args)
            )
        except Unavailable as away:
            sent = asyncio.get_running_loop().create_future()
            sent.set_exception(away)
        sent.add_done_callback(partial(_answered, replies, epoch))

    def settle(self, claim_id: uuid.UUID, epoch: int) -> None:
        """Tells the gate, with this turn's others, that Postgres holds the claim. Never fails: what is lost is repaired."""
        if not epoch:
            return
        if not self._settling:
            asyncio.get_running_loop().call_soon(self._begin_settling)
        self._settling[epoch].append(claim_id)

    def _begin_settling(self) -> None:
        waiting, self._settling = self._settling, defaultdict(list)
        for epoch, claims in waiting.items():
            task = asyncio.ensure_future(self._settle(epoch, claims))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _settle(self, epoch: int, claims: list[uuid.UUID]) -> None:
        try:
            sent = self.lane.script(SETTLE, (EPOCH, OPEN_CLAIMS), (epoch, *(claim.bytes for claim in claims)))
            crash_point("settle.after_send")
            reply = await sent
        except (Unavailable, ReplyError):
            reply = -1
        if reply == -1 and self._on_stale is not None:
            await self._on_stale(claims)

    async def give_back(self, claim_ids: Sequence[uuid.UUID], *, only_expired: bool = False) -> int:
        """Makes the claims' units available again; gives how many were known. Never fails: what is lost is reconciled."""
        epoch = self._epoch
        if not epoch or not claim_ids:
            return 0
        names = [claim.bytes for claim in claim_ids]
        keys = (EPOCH, STOCK, OPEN_CLAIMS, HOLDS, *(CLAIM + name for name in names))
        try:
            return int(
                await self.lane.script(GIVE_BACK, keys, (epoch, b"1" if only_expired else b"0", *names))
            )
        except (Unavailable, ReplyError):
            return 0

    async def hold(self, claim_id: uuid.UUID, items: Sequence[Item], *, ttl_s: float) -> HoldResult:
        """Reserves the items for `ttl_s`; a hold of the same name is replaced, all or nothing.

        Raises: Unavailable while the gate is away (holds live in the gate alone; a checkout needs none).
        """
        ttl_ms = int(ttl_s * 1000)
        admission = await self.admit(claim_id, items, turn_in=claim_id, hold_ttl_ms=ttl_ms)
        if admission.verdict is Verdict.CLOSED:
            raise Unavailable(
                "Holding is not possible right now; check out directly, your order will be decided all the same.",
                code="gate_away",
                retry_after_ms=1000,
            )
        if admission.verdict is Verdict.REFUSED:
            return HoldResult(False, available=admission.available)
        ensure(admission.verdict is Verdict.ADMITTED, f"a hold cannot be {admission.verdict}")
        return HoldResult(True, expires_at_ms=int(time.time() * 1000) + ttl_ms)

    async def release(self, claim_id: uuid.UUID) -> None:
        """Ends a hold."""
        await self.give_back([claim_id])

    async def available(self, item_ids: Sequence[int]) -> list[int] | None:
        """Units to be had now, by item; None while the gate is away."""
        if not self._epoch:
            return None
        try:
            units = await self.lane.call(b"HMGET", STOCK, *item_ids)
        except (Unavailable, ReplyError):
            return None
        return [int(value or 0) for value in units]

    async def snapshot(self, item_ids: Sequence[int]) -> tuple[list[int], list[OpenClaim]]:
        """One moment of these counters and of all open claims. Raises: Unavailable. Cost: O(items + open claims)."""
        epoch = self._epoch
        if not epoch:
            raise Unavailable("The gate is closed.", code="gate_away")
        reply = await self.lane.script(SNAPSHOT, (EPOCH, STOCK, OPEN_CLAIMS, CLAIM), (epoch, *item_ids))
        if reply == -1:
            self._epoch = 0
            raise OutcomeUnknown("The gate was rebuilt meanwhile.", code="gate_away")
        count = len(item_ids)
        units = [int(value or 0) for value in reply[:count]]
        pairs = zip(reply[count::2], reply[count + 1 :: 2], strict=True)
        return units, [parse_record(FastUUID(name), record) for name, record in pairs]

    async def shift(self, drifts: Sequence[Item]) -> bool:
        """Moves counters by what they drifted; False when the epoch is another one by now. Raises: Unavailable."""
        args: list[Arg] = [self._epoch]
        for drift in drifts:
            args += drift
        return bool(await self.lane.script(SHIFT, (EPOCH, STOCK), tuple(args)) == 1)

    async def first_holds(self, most: int) -> list[uuid.UUID]:
        """The holds that expire first, expired or not: give_back asks the gate's own clock. Raises: Unavailable."""
        names = await self.lane.call(b"ZRANGE", HOLDS, 0, most - 1)
        return [FastUUID(name) for name in names]

    async def leads(self, ttl_ms: int) -> bool:
        """Whether this process is the one that reconciles for the next `ttl_ms`. Raises: Unavailable."""
        lane, mine = self.lane, self._name
        if await lane.call(b"SET", LEADER, mine, b"NX", b"PX", ttl_ms) is not None:
            return True
        if await lane.call(b"GET", LEADER) != mine:
            return False
        await lane.call(b"PEXPIRE", LEADER, ttl_ms)
        return True

    async def now_ms(self) -> int:
        """The gate's own clock, by which claims and holds are dated. Raises: Unavailable."""
        seconds, micros = await self.lane.call(b"TIME")
        return int(seconds) * 1000 + int(micros) // 1000

    async def remember(self, claim_ids: Sequence[uuid.UUID]) -> None:
        """Makes orders' claims known: after a rebuild, for the idempotency window. Raises: Unavailable.

        A claim that is known keeps its record: it may still be open, and what it holds must stay countable.
        """
        sent = [
            self.lane.call(b"SET", CLAIM + claim.bytes, b"", b"NX", b"EX", limits.IDEMPOTENCY_MEMORY_S)
            for claim in claim_ids
        ]
        await asyncio.gather(*sent)
