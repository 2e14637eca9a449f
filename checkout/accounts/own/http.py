"""`/v1/me`: the profile, everything that is held about a person, and the end of it."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson
from aiohttp import web

from checkout.accounts.auth import Auth
from checkout.accounts.model import CONSENTS
from checkout.accounts.own.addresses import address_document
from checkout.accounts.own.erase import Eraser
from checkout.accounts.own.request import MeChange
from checkout.accounts.own.shape import Export, Me
from checkout.accounts.own.store import OwnStore
from checkout.accounts.request import PasswordOnly
from checkout.accounts.sign_in import SignIn
from checkout.kit import body
from checkout.kit.answer import answer
from checkout.kit.conditional import expected_version
from checkout.kit.db import Record
from checkout.kit.routes import Route

PRIVATE = "private, no-store"
_FIELDS = ("name", "phone", "locale")
_change = msgspec.json.Decoder(MeChange)
_password = msgspec.json.Decoder(PasswordOnly)


def routes(store: OwnStore, auth: Auth, sign_in: SignIn, eraser: Eraser) -> list[Route]:
    """The routes of the profile."""

    async def read(request: web.Request) -> web.Response:
        return _answer(await store.me(auth.require(request).account_id))

    async def change(request: web.Request) -> web.Response:
        caller, expected = auth.require(request), expected_version(request)
        wanted = await body.read(request, _change)
        fields: dict[str, str | None] = {
            name: text if text is None else text.strip()
            for name in _FIELDS
            if (text := getattr(wanted, name)) is not msgspec.UNSET
        }
        given: Mapping[str, bool | None] = {}
        if wanted.consents is not msgspec.UNSET:
            given = {name: getattr(wanted.consents, name) for name in CONSENTS}
        await store.change(caller.account_id, fields, given, expected=expected)
        return _answer(await store.me(caller.account_id))

    async def export(request: web.Request) -> web.Response:
        account_id = auth.require(request).account_id
        me, addresses = await store.me(account_id), await store.addresses(account_id)
        held = await store.held(account_id, me["email"])
        document = {
            "exported_at": datetime.now(UTC),
            "account": me_document(me),
            "addresses": [address_document(row) for row in addresses],
        } | {kind: [_plain(row) for row in rows] for kind, rows in held.items()}
        response = answer(document, cache_control=PRIVATE)
        response.headers["Content-Disposition"] = 'attachment; filename="my-data.json"'
        return response

    async def erase(request: web.Request) -> web.Response:
        caller = auth.require(request)
        account = await sign_in.owner(caller.account_id, (await body.read(request, _password)).password)
        await eraser.erase(account.id)
        return web.Response(status=204)

    return [
        Route(
            "GET", "/v1/me", read, "Who is signed in", policy="cart", response=Me, permission="any", tag="me"
        ),
        Route(
            "PATCH", "/v1/me", change, "Change the profile and the consents", policy="cart", request=MeChange,
            response=Me, permission="any", problems=("stale_version",), tag="me",
        ),
        Route(
            "GET", "/v1/me/export", export, "Everything that the shop holds about you", policy="login",
            response=Export, permission="any", tag="me",
        ),
        Route(
            "DELETE", "/v1/me", erase, "Erase the account; what the law keeps of its orders is blanked when it may be",
            policy="login", request=PasswordOnly, status=204, permission="any",
            problems=("wrong_credentials", "staff_account"), tag="me",
        ),
    ]  # fmt: skip


def me_document(row: Mapping[str, Any]) -> dict[str, Any]:
    """The account as its owner sees it."""
    profile, given = row["profile"], orjson.loads(row["consents"])
    return {
        "id": str(row["id"]),
        "email": row["email"],
        "role": row["role"],
        "verified": row["verified_at"] is not None,
        **{name: profile.get(name) for name in _FIELDS},
        "consents": {name: given.get(name, {"given": False, "at": None}) for name in CONSENTS},
        "second_factor": row["second_factor"],
        "created_at": row["created_at"],
        "version": row["version"],
    }


def _answer(row: Mapping[str, Any]) -> web.Response:
    return answer(me_document(row), cache_control=PRIVATE, version=row["version"])


_JSON = ("document", "payments", "shipments", "notifications")


def _plain(row: Mapping[str, Any] | Record) -> dict[str, Any]:
    return {name: _value(name, value) for name, value in row.items()}


def _value(name: str, value: Any) -> Any:
    if name in _JSON:
        return orjson.loads(value)
    return str(value) if isinstance(value, uuid.UUID) else value
