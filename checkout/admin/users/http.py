"""`/v1/admin/users` and `/v1/admin/vendors`: accounts and their roles."""

import uuid
from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web

from checkout.access.access import Permit
from checkout.accounts.passwords import Passwords
from checkout.accounts.store import AccountStore
from checkout.admin.users.shape import NewUser, User, UserChange, Users, Vendors
from checkout.admin.users.store import UserStore
from checkout.errors import NotFound
from checkout.kit import body, page
from checkout.kit.answer import answer
from checkout.kit.conditional import expected_version
from checkout.kit.ids import parse_uuid, secret_id
from checkout.kit.query import text_of
from checkout.kit.routes import Route
from checkout.kit.routes import admin_route as route
from config import limits

_new = msgspec.json.Decoder(NewUser)
_change = msgspec.json.Decoder(UserChange)
_QUERY = {"role": "accounts of this role", "email": "the account of this address", **page.QUERY}


def routes(store: UserStore, accounts: AccountStore, passwords: Passwords, *, permit: Permit) -> list[Route]:
    """The routes of accounts, for admins."""

    async def list_users(request: web.Request) -> web.Response:
        grant = await permit(request, "users:read")
        role, email = text_of(request, "role"), text_of(request, "email", most=limits.EMAIL_MAX_CHARS)
        return _page(request, await store.page(grant, role, email, *_place(request)))

    async def list_vendors(request: web.Request) -> web.Response:
        (await permit(request, "users:read")).over_all()
        return _page(request, await store.vendors_page(*_place(request)))

    async def invite(request: web.Request) -> web.Response:
        grant = (await permit(request, "users:write")).over_all()
        wanted = await body.read(request, _new)
        unusable = await passwords.hashed(secret_id())
        row = await store.add(grant, email=wanted.email, role=wanted.role, password_hash=unusable)
        await accounts.ask("password_reset", wanted.email, {}, ttl_s=limits.REGISTRATION_TTL_S)
        return _one(row, status=201)

    async def read(request: web.Request) -> web.Response:
        grant = await permit(request, "users:read")
        return _one(await store.one(grant, _id(request)))

    async def change(request: web.Request) -> web.Response:
        grant = await permit(request, "users:write")
        version, account_id = expected_version(request), _id(request)
        wanted = await body.read(request, _change)
        row = await store.change(
            grant, account_id, role=wanted.role, disabled=wanted.disabled, version=version
        )
        return _one(row)

    one = "/v1/admin/users/{id}"
    return [
        route("GET", "/v1/admin/users", list_users, "Accounts, newest first", "users:read", response=Users,
              query=_QUERY, problems=("invalid",)),
        route("POST", "/v1/admin/users", invite, "Make an account and mail its owner a link to set the password",
              "users:write", request=NewUser, response=User, status=201, problems=("email_taken",)),
        route("GET", one, read, "One account", "users:read", response=User),
        route("PATCH", one, change, "Give an account another role, disable or enable it", "users:write",
              request=UserChange, response=User, problems=("last_admin", "stale_version")),
        route("GET", "/v1/admin/vendors", list_vendors, "Vendors, newest first", "users:read", response=Vendors,
              query=page.QUERY, problems=("invalid",)),
    ]  # fmt: skip


def _place(request: web.Request) -> tuple[uuid.UUID | None, int]:
    return page.uuid_cursor_of(request), page.limit_of(request) + 1


def _page(request: web.Request, found: Any) -> web.Response:
    rows, last = page.split(found, page.limit_of(request))
    next_cursor = page.cursor(str(last["id"])) if last else None
    return answer({"items": [_user(row) for row in rows], "next_cursor": next_cursor})


def _id(request: web.Request) -> uuid.UUID:
    found = parse_uuid(request.match_info["id"])
    if found is None:
        raise NotFound("There is no such account.")
    return found


def _user(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "id": str(row["id"])}


def _one(row: Mapping[str, Any], *, status: int = 200) -> web.Response:
    return answer(_user(row), status=status, version=row["version"])
