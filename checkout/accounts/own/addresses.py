"""`/v1/me/addresses`: the address book."""

import uuid
from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web

from checkout.accounts.auth import Auth
from checkout.accounts.own.request import AddressEntry
from checkout.accounts.own.shape import AddressBook, SavedAddress
from checkout.accounts.own.store import OwnStore, entry_document
from checkout.errors import NotFound
from checkout.kit import body
from checkout.kit.answer import answer
from checkout.kit.conditional import expected_version
from checkout.kit.ids import parse_uuid
from checkout.kit.routes import Route

PRIVATE = "private, no-store"
_entry = msgspec.json.Decoder(AddressEntry)


def routes(store: OwnStore, auth: Auth) -> list[Route]:
    """The routes of the address book."""

    async def read_all(request: web.Request) -> web.Response:
        rows = await store.addresses(auth.require(request).account_id)
        items = [address_document(row) for row in rows]
        return answer({"items": items, "next_cursor": None}, cache_control=PRIVATE)

    async def add(request: web.Request) -> web.Response:
        account_id = auth.require(request).account_id
        entry = await body.read(request, _entry)
        address_id = await store.add_address(account_id, entry_document(entry), entry.is_default)
        return _answer(await store.address(account_id, address_id), status=201)

    async def read(request: web.Request) -> web.Response:
        account_id = auth.require(request).account_id
        return _answer(await store.address(account_id, _id_of(request)))

    async def replace(request: web.Request) -> web.Response:
        account_id, expected = auth.require(request).account_id, expected_version(request)
        address_id, entry = _id_of(request), await body.read(request, _entry)
        document = entry_document(entry)
        await store.set_address(account_id, address_id, document, entry.is_default, expected=expected)
        return _answer(await store.address(account_id, address_id))

    async def drop(request: web.Request) -> web.Response:
        account_id, expected = auth.require(request).account_id, expected_version(request)
        await store.drop_address(account_id, _id_of(request), expected=expected)
        return web.Response(status=204)

    def route(method: str, path: str, handler: Any, summary: str, **more: Any) -> Route:
        given = {"policy": "cart", "permission": "any", "tag": "me", "response": SavedAddress, **more}
        return Route(method, f"/v1/me/addresses{path}", handler, summary, **given)

    return [
        route("GET", "", read_all, "The address book", response=AddressBook),
        route("POST", "", add, "Add an address", request=AddressEntry, status=201, problems=("book_full",)),
        route("GET", "/{id}", read, "One address"),
        route(
            "PUT",
            "/{id}",
            replace,
            "Replace an address",
            request=AddressEntry,
            problems=("stale_version",),
        ),
        route(
            "DELETE",
            "/{id}",
            drop,
            "Delete an address",
            response=None,
            status=204,
            problems=("stale_version",),
        ),
    ]


def address_document(row: Mapping[str, Any]) -> dict[str, Any]:
    """An address as its owner sees it."""
    own: dict[str, Any] = {"id": str(row["id"]), "is_default": row["is_default"], "version": row["version"]}
    return {**own, **row["document"]}


def _id_of(request: web.Request) -> uuid.UUID:
    address_id = parse_uuid(request.match_info["id"])
    if address_id is None:
        raise NotFound("There is no such address in your book.")
    return address_id


def _answer(row: Mapping[str, Any], status: int = 200) -> web.Response:
    response = answer(address_document(row), status=status, cache_control=PRIVATE, version=row["version"])
    if status == 201:
        response.headers["Location"] = f"/v1/me/addresses/{row['id']}"
    return response
