"""`/v1/admin/roles` and the permissions that they can name."""

from collections.abc import Iterable
from typing import Any

import msgspec
from aiohttp import web

from checkout.access.access import Permit
from checkout.access.known import Known
from checkout.access.roles.store import RoleStore
from checkout.access.shape import KnownPermissions, NewRole, Role, Roles, RoleTerms
from checkout.errors import NotFound
from checkout.kit import body, page
from checkout.kit.answer import answer
from checkout.kit.conditional import expected_version
from checkout.kit.db import Record
from checkout.kit.query import storable
from checkout.kit.routes import Route
from checkout.kit.routes import admin_route as route

_new = msgspec.json.Decoder(NewRole)
_terms = msgspec.json.Decoder(RoleTerms)


def routes(store: RoleStore, known: Known, *, permit: Permit) -> list[Route]:
    """The routes of roles."""

    async def list_permissions(request: web.Request) -> web.Response:
        (await permit(request, "roles:read")).over_all()
        return answer({"items": sorted(known())})

    async def list_roles(request: web.Request) -> web.Response:
        (await permit(request, "roles:read")).over_all()
        most, after = page.limit_of(request), page.text_cursor_of(request)
        rows, last = page.split(await store.page(after, most + 1), most)
        return answer(
            {
                "items": [_role(row) for row in rows],
                "next_cursor": page.cursor(last["name"]) if last else None,
            }
        )

    async def make(request: web.Request) -> web.Response:
        grant = (await permit(request, "roles:write")).over_all()
        wanted = await body.read(request, _new)
        known.check(wanted.permissions)
        row = await store.add(grant, wanted.name, wanted.title, _plain(wanted.permissions))
        return _one(row, status=201)

    async def read(request: web.Request) -> web.Response:
        (await permit(request, "roles:read")).over_all()
        return _one(await store.one(_name(request)))

    async def change(request: web.Request) -> web.Response:
        grant = (await permit(request, "roles:write")).over_all()
        version = expected_version(request)
        wanted = await body.read(request, _terms)
        known.check(wanted.permissions)
        name = _name(request)
        return _one(await store.change(grant, name, wanted.title, _plain(wanted.permissions), version))

    async def delete(request: web.Request) -> web.Response:
        grant = (await permit(request, "roles:write")).over_all()
        await store.delete(grant, _name(request), expected_version(request))
        return web.Response(status=204)

    one = "/v1/admin/roles/{name}"
    return [
        route("GET", "/v1/admin/permissions", list_permissions, "What roles and API keys can be given",
              "roles:read", response=KnownPermissions),
        route("GET", "/v1/admin/roles", list_roles, "Roles by name", "roles:read", response=Roles,
              query=page.QUERY, problems=("invalid",)),
        route("POST", "/v1/admin/roles", make, "Make a role", "roles:write", request=NewRole, response=Role,
              status=201, problems=("role_taken",)),
        route("GET", one, read, "One role", "roles:read", response=Role),
        route("PUT", one, change, "Change a role", "roles:write", request=RoleTerms, response=Role,
              problems=("role_built_in", "stale_version")),
        route("DELETE", one, delete, "Delete a role that no account has", "roles:write", status=204,
              problems=("role_built_in", "role_in_use", "stale_version")),
    ]  # fmt: skip


def _name(request: web.Request) -> str:
    name = request.match_info["name"]
    if not storable(name):
        raise NotFound("There is no such role.")
    return name


def _plain(permissions: Iterable[str]) -> list[str]:
    return sorted(set(permissions))


def _role(row: Record) -> dict[str, Any]:
    return dict(row)


def _one(row: Record, *, status: int = 200) -> web.Response:
    return answer(_role(row), status=status, version=row["version"])
