"""Faults to order: latency, refusals, lost answers, black holes; and what happens to webhooks on their way.

Nothing here is kept on file: a restarted sandbox behaves again.
"""

import asyncio
import random
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

import msgspec

Kind = Literal["error", "rate_limit", "reset_before", "reset_after", "error_after", "black_hole"]
Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=600_000)]


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """The next `count` calls of an operation (`stripe.payment_intents.create`, `dhl.*`, `smtp.message`) meet a fault.

    `error` and `rate_limit` answer 500 and 429 with nothing done; `reset_before` cuts the connection with nothing
    done; `reset_after` does everything and cuts it; `error_after` does everything and answers 500; `black_hole`
    does nothing and never answers.
    """

    operation: str
    kind: Kind
    count: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1


class WebhookKnobs(msgspec.Struct, forbid_unknown_fields=True):
    """What happens to webhooks: each sent `1 + duplicates` times, `delay_ms` late, and up to `shuffle_ms` out of order;
    `drop_rate` of the tries are lost on the way (and tried again, like any failure, after `retry_ms` doubling)."""

    enabled: bool = True
    duplicates: Annotated[int, msgspec.Meta(ge=0, le=20)] = 0
    delay_ms: Milliseconds = 0
    shuffle_ms: Milliseconds = 0
    drop_rate: Rate = 0.0
    retry_ms: Annotated[int, msgspec.Meta(ge=10, le=600_000)] = 1000


class Knobs(msgspec.Struct, forbid_unknown_fields=True):
    """Everything that can be turned. `operations` are the patterns that latency and error rate apply to."""

    latency_ms: Milliseconds = 0
    jitter_ms: Milliseconds = 0
    error_rate: Rate = 0.0
    error_kinds: list[Kind] = msgspec.field(default_factory=lambda: ["error"])
    operations: list[str] = msgspec.field(default_factory=lambda: ["*"])
    seed: int = 0
    faults: list[Fault] = msgspec.field(default_factory=list)
    webhooks: WebhookKnobs = msgspec.field(default_factory=WebhookKnobs)


class Faults:
    """The knobs as they stand, and the dice."""

    def __init__(self) -> None:
        self.knobs = Knobs()
        self.dice = random.Random(0)

    def turn(self, patch: dict[str, Any]) -> Knobs:
        """Set the knobs that are named, `webhooks` one by one; new faults join those still due.

        Raises: msgspec.ValidationError.
        """
        current = msgspec.to_builtins(self.knobs)
        hooks = patch.get("webhooks", {})
        if isinstance(hooks, dict):
            hooks = {**current["webhooks"], **hooks}
        faults = patch.get("faults", [])
        if isinstance(faults, list):
            faults = [*current["faults"], *faults]
        self.knobs = msgspec.convert({**current, **patch, "webhooks": hooks, "faults": faults}, Knobs)
        if "seed" in patch:
            self.dice = random.Random(self.knobs.seed)
        return self.knobs

    def reset(self) -> None:
        """Behave again."""
        self.knobs, self.dice = Knobs(), random.Random(0)

    async def delay(self, operation: str) -> None:
        """Be as slow as ordered."""
        knobs = self.knobs
        if (knobs.latency_ms or knobs.jitter_ms) and self._meant(operation):
            await asyncio.sleep((knobs.latency_ms + self.dice.randint(0, knobs.jitter_ms)) / 1000)

    def take(self, operation: str) -> Kind | None:
        """The fault that this call meets, used up."""
        knobs = self.knobs
        for fault in knobs.faults:
            if fnmatchcase(operation, fault.operation):
                fault.count -= 1
                if fault.count == 0:
                    knobs.faults.remove(fault)
                return fault.kind
        if knobs.error_rate and self._meant(operation) and self.dice.random() < knobs.error_rate:
            return self.dice.choice(knobs.error_kinds)
        return None

    def _meant(self, operation: str) -> bool:
        return any(fnmatchcase(operation, pattern) for pattern in self.knobs.operations)
