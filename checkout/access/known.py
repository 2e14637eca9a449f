"""The permissions that there are: what the application's routes ask for."""

from collections.abc import Callable, Iterable

from checkout.errors import Invalid
from checkout.kit.routes import Route


class Known:
    """Every `resource:action` that a route declares. Shape: `routes` gives the application's, once it is wired."""

    def __init__(self, routes: Callable[[], Iterable[Route]]) -> None:
        self._routes = routes
        self._asked: frozenset[str] = frozenset()

    def __call__(self) -> frozenset[str]:
        if not self._asked:
            self._asked = frozenset(
                r.permission for r in self._routes() if r.permission and ":" in r.permission
            )
        return self._asked

    def check(self, permissions: Iterable[str]) -> None:
        """A permission that no route asks for is a slip of the pen. Raises: Invalid."""
        for number, permission in enumerate(permissions):
            _, resource, action = permission.split(":")
            if not any(_fits(resource, action, *asked.split(":")) for asked in self()):
                raise Invalid(
                    f"No route asks for {permission}; GET /v1/admin/permissions lists what there is.",
                    field=f"permissions[{number}]",
                )


def _fits(resource: str, action: str, asked_resource: str, asked_action: str) -> bool:
    return resource in ("*", asked_resource) and action in ("*", asked_action)
