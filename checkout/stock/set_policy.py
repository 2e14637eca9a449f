"""Set what may be sold of a SKU beyond or short of what lies there."""

from collections.abc import Callable
from typing import Any

from checkout.access.store import record
from checkout.errors import Stale
from checkout.kit.db import Connection
from checkout.stock.ledger import By, keep_policy, lock_units, policy_of
from checkout.stock.policy import Policy


async def set_policy(
    connection: Connection, sku: str, edit: Callable[[Policy], Policy], *, expected: int | None, by: By
) -> None:
    """Commits what `edit` makes of the policy; the committer obeys it from then on, the gate within two seconds.

    Units that are promised already stay promised. Raises: NotFound, Stale, what `edit` raises. Locks: the stock row.
    """
    unit = (await lock_units(connection, [sku], by.owner))[sku]
    old = await policy_of(connection, unit)
    if expected is not None and expected != old.version:
        raise Stale(f"The policy is at version {old.version} now; read it again.")
    new = edit(old)
    await keep_policy(connection, unit.item_id, new)
    before: dict[str, Any] = old.document()
    await record(
        connection,
        actor=by.actor,
        action="stock.set_policy",
        subject=sku,
        before=before,
        after=new.document(),
    )
