"""The rulebook that this process quotes by."""

from checkout.kit.db import Pool, acquired
from checkout.kit.kept import Kept
from checkout.quoting.model import Rulebook
from checkout.quoting.store import load_rulebook


class RulebookCache(Kept[Rulebook]):
    """Holds one rulebook; quotes read it without waiting."""

    def __init__(self, pool: Pool) -> None:
        async def load() -> Rulebook:
            async with acquired(pool) as connection:
                return await load_rulebook(connection)

        super().__init__(load, name="rulebook")
