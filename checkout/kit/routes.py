"""A route is a record: the application registers it, the limiter reads its policy, the OpenAPI document describes it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the contract.

    Shape: `policy` names a rate-limit policy (browse, cart, checkout, login, admin) or None; `request` and `response`
    are msgspec types for the document; `problems` are the error codes it can answer with beside the general ones
    (`400 unknown_sku` where the status is not the code's usual one); `limited_along` says that the handler
    hands the request's toll (`checkout/edge/client.py`) to the first Redis call that it makes anyway, which comes before
    all else that costs anything; `accepts` are
    the schemas of bodies that are not JSON, by content type; `transfer_s`: the handler takes the body, or sends the
    answer, piece by piece within this time (None: the body is awaited whole, and the usual deadline holds).
    """

    method: str
    path: str
    handler: Handler
    summary: str
    policy: str | None = "browse"
    request: Any = None
    response: Any = None
    status: int = 200
    content_type: str = "application/json"
    problems: tuple[str, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict)
    permission: str | None = None
    limited_along: bool = False
    accepts: Mapping[str, Any] = field(default_factory=dict)
    transfer_s: float | None = None
    priority: int = 1
    """Load shedding drops the lowest first: 0 browse, 1 cart, 2 checkout, payment and webhooks, 3 health."""
    tag: str = ""


def admin_route(
    method: str, path: str, handler: Handler, summary: str, permission: str, **more: Any
) -> Route:
    """A route of `/v1/admin`, which asks for this `resource:action`."""
    return Route(method, path, handler, summary, policy="admin", permission=permission, tag="admin", **more)
