"""`/v1/admin/api-keys`: keys of machines."""

import uuid
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web

from checkout.access.access import Permit
from checkout.access.keys.store import KeyStore
from checkout.access.known import Known
from checkout.access.model import new_key
from checkout.access.shape import ApiKey, ApiKeys, KeyTerms, NewApiKey
from checkout.errors import Invalid, NotFound
from checkout.kit import body, page
from checkout.kit.answer import answer
from checkout.kit.conditional import expected_version
from checkout.kit.db import Record
from checkout.kit.ids import parse_uuid
from checkout.kit.query import in_our_time
from checkout.kit.routes import Route
from checkout.kit.routes import admin_route as route

_terms = msgspec.json.Decoder(KeyTerms)


def routes(store: KeyStore, known: Known, *, permit: Permit) -> list[Route]:
    """The routes of API keys."""

    async def list_keys(request: web.Request) -> web.Response:
        grant = await permit(request, "api-keys:read")
        most, before = page.limit_of(request), page.uuid_cursor_of(request)
        rows, last = page.split(await store.page(grant, before, most + 1), most)
        return answer(
            {
                "items": [_key(row) for row in rows],
                "next_cursor": page.cursor(str(last["id"])) if last else None,
            }
        )

    async def make(request: web.Request) -> web.Response:
        grant = await permit(request, "api-keys:write")
        wanted = await _wanted(request)
        text = new_key()
        row = await store.add(grant, text, wanted)
        return _answer(row, _key(row) | {"secret": text}, status=201)

    async def read(request: web.Request) -> web.Response:
        grant = await permit(request, "api-keys:read")
        row = await store.one(grant, _id(request))
        return _answer(row, _key(row))

    async def change(request: web.Request) -> web.Response:
        grant = await permit(request, "api-keys:write")
        version, key_id = expected_version(request), _id(request)
        row = await store.change(grant, key_id, await _wanted(request), version)
        return _answer(row, _key(row))

    async def revoke(request: web.Request) -> web.Response:
        grant = await permit(request, "api-keys:write")
        await store.revoke(grant, _id(request), expected_version(request))
        return web.Response(status=204)

    async def _wanted(request: web.Request) -> KeyTerms:
        terms = await body.read(request, _terms)
        known.check(terms.permissions)
        if terms.expires_at is not None and not (
            in_our_time(terms.expires_at) and terms.expires_at > datetime.now(UTC)
        ):
            raise Invalid("expires_at: a time to come", field="expires_at")
        return terms

    one = "/v1/admin/api-keys/{id}"
    return [
        route("GET", "/v1/admin/api-keys", list_keys, "API keys, newest first", "api-keys:read",
              response=ApiKeys, query=page.QUERY, problems=("invalid",)),
        route("POST", "/v1/admin/api-keys", make, "Make an API key of one's own account", "api-keys:write",
              request=KeyTerms, response=NewApiKey, status=201),
        route("GET", one, read, "One API key", "api-keys:read", response=ApiKey),
        route("PUT", one, change, "Change an API key", "api-keys:write", request=KeyTerms, response=ApiKey,
              problems=("key_revoked", "stale_version")),
        route("DELETE", one, revoke, "Revoke an API key", "api-keys:write", status=204,
              problems=("stale_version",)),
    ]  # fmt: skip


def _id(request: web.Request) -> uuid.UUID:
    found = parse_uuid(request.match_info["id"])
    if found is None:
        raise NotFound("There is no such API key.")
    return found


def _key(row: Record) -> dict[str, Any]:
    return {**row, "id": str(row["id"]), "account_id": str(row["account_id"])}


def _answer(row: Record, document: dict[str, Any], *, status: int = 200) -> web.Response:
    return answer(document, status=status, version=row["version"])
