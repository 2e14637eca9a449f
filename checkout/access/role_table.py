"""The roles that this process decides by."""

from collections.abc import Mapping

from checkout.access.store import AccessStore
from checkout.kit.kept import Kept


class RoleTable(Kept[Mapping[str, frozenset[str]]]):
    """Role → permissions, in memory. Guarantees: before the first load nobody is allowed anything."""

    def __init__(self, store: AccessStore) -> None:
        super().__init__(store.permissions, name="roles")

    def __contains__(self, role: object) -> bool:
        """Whether there is such a role. Raises: Unavailable before the first load."""
        return role in self.current

    def permissions(self, role: str) -> frozenset[str]:
        """What the role may do; an unknown one nothing. Raises: Unavailable before the first load."""
        return self.current.get(role, frozenset())
