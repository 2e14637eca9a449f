"""`/v1/admin/webhooks`: who is told of what, and by which secret they know it is us."""

import functools
import uuid

import msgspec
from aiohttp import web

from checkout.access.access import Permit
from checkout.errors import Invalid, NotFound
from checkout.kit import body, page
from checkout.kit.answer import answer
from checkout.kit.conditional import expected_version
from checkout.kit.ids import parse_uuid
from checkout.kit.routes import Route
from checkout.webhooks.model import Endpoint, secret_of
from checkout.webhooks.post import refusal
from checkout.webhooks.shape import (
    NewWebhook,
    WebhookAnswer,
    WebhookChange,
    WebhookList,
    WebhookWithSecret,
)
from checkout.webhooks.store import Wanted, WebhookStore

_new = msgspec.json.Decoder(NewWebhook)
_change = msgspec.json.Decoder(WebhookChange)


def routes(store: WebhookStore, *, permit: Permit, key: bytes, public_only: bool) -> list[Route]:
    """The routes of webhooks. Shape: `key` is the shop's secret key; `public_only` as post.py has it."""

    def checked(wanted: Wanted) -> Wanted:
        reason = refusal(wanted.url, public_only=public_only)
        if reason is not None:
            raise Invalid(f"url: give {reason}", field="url")
        return wanted

    async def listed(request: web.Request) -> web.Response:
        (await permit(request, "webhooks:read")).over_all()
        most = page.limit_of(request)
        rows = await store.before(page.uuid_cursor_of(request), most + 1)
        shown, last = page.split(rows, most)
        return answer(
            {
                "items": [endpoint.document() for endpoint in shown],
                "next_cursor": page.cursor(str(last.id)) if last else None,
            }
        )

    async def create(request: web.Request) -> web.Response:
        grant = (await permit(request, "webhooks:write")).over_all()
        new = await body.read(request, _new)
        wanted = Wanted(new.url, tuple(dict.fromkeys(new.events)), new.description, new.active)
        return _answer(await store.add(checked(wanted), actor=grant.actor), status=201, key=key)

    async def read(request: web.Request) -> web.Response:
        (await permit(request, "webhooks:read")).over_all()
        return _answer(await store.find(_id(request)))

    async def change(request: web.Request) -> web.Response:
        grant = (await permit(request, "webhooks:write")).over_all()
        expected, endpoint_id = expected_version(request), _id(request)
        wanted = await body.read(request, _change)

        def edit(old: Endpoint) -> Wanted:
            return checked(
                Wanted(
                    old.url if wanted.url is msgspec.UNSET else wanted.url,
                    old.events if wanted.events is msgspec.UNSET else tuple(dict.fromkeys(wanted.events)),
                    old.description if wanted.description is msgspec.UNSET else wanted.description,
                    old.active if wanted.active is msgspec.UNSET else wanted.active,
                )
            )

        return _answer(await store.change(endpoint_id, edit, expected=expected, actor=grant.actor))

    async def rotate(request: web.Request) -> web.Response:
        grant = (await permit(request, "webhooks:write")).over_all()
        now = await store.change(
            _id(request),
            lambda old: Wanted(old.url, old.events, old.description, old.active),
            expected=expected_version(request),
            actor=grant.actor,
            rotate=True,
        )
        return _answer(now, key=key)

    async def remove(request: web.Request) -> web.Response:
        grant = (await permit(request, "webhooks:write")).over_all()
        await store.remove(_id(request), expected=expected_version(request), actor=grant.actor)
        return web.Response(status=204)

    route = functools.partial(Route, policy="admin", tag="webhooks")
    one, stale = "/v1/admin/webhooks/{id}", ("stale_version",)
    return [
        route("GET", "/v1/admin/webhooks", listed, "Webhooks, newest first", response=WebhookList,
              query=page.QUERY, permission="webhooks:read", problems=("invalid",)),
        route("POST", "/v1/admin/webhooks", create, "Subscribe an address to events", request=NewWebhook,
              response=WebhookWithSecret, status=201, permission="webhooks:write", problems=("conflict",)),
        route("GET", one, read, "One webhook", response=WebhookAnswer, permission="webhooks:read"),
        route("PATCH", one, change, "Change a webhook", request=WebhookChange, response=WebhookAnswer,
              permission="webhooks:write", problems=stale),
        route("POST", f"{one}/secret", rotate, "Give a webhook a new secret; the old one signs for a day more",
              response=WebhookWithSecret, permission="webhooks:write", problems=stale),
        route("DELETE", one, remove, "End a webhook", status=204, permission="webhooks:write", problems=stale),
    ]  # fmt: skip


def _id(request: web.Request) -> uuid.UUID:
    found = parse_uuid(request.match_info["id"])
    if found is None:
        raise NotFound("There is no such webhook.")
    return found


def _answer(endpoint: Endpoint, *, status: int = 200, key: bytes | None = None) -> web.Response:
    document = endpoint.document()
    if key is not None:
        document["secret"] = secret_of(key, endpoint.id, endpoint.secret_number)
    return answer(document, status=status, version=endpoint.version)
