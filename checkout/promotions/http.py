"""`/v1/admin/coupons`."""

import re
from typing import Any

import msgspec
from aiohttp import web

from checkout.access.access import Permit
from checkout.errors import NotFound
from checkout.kit import body, page
from checkout.kit.answer import answer
from checkout.kit.conditional import expected_version
from checkout.kit.db import Record
from checkout.kit.routes import Route
from checkout.kit.routes import admin_route as route
from checkout.promotions.shape import Coupon, Coupons, CouponTerms, NewCoupon
from checkout.promotions.store import CouponStore
from checkout.promotions.terms import refuse_nonsense

_new = msgspec.json.Decoder(NewCoupon)
_terms = msgspec.json.Decoder(CouponTerms)
_CODE = re.compile(r"[A-Z0-9_-]{2,40}")
_SHOWN = ("code", "kind", "percent_bp", "currency", "max_uses", "used", "per_customer_limit", "valid_from",
          "valid_until", "active", "version")  # fmt: skip


def routes(store: CouponStore, *, permit: Permit) -> list[Route]:
    """The routes of coupons, for admins."""

    async def list_coupons(request: web.Request) -> web.Response:
        (await permit(request, "coupons:read")).over_all()
        most, after = page.limit_of(request), page.text_cursor_of(request)
        rows, last = page.split(await store.page(after, most + 1), most)
        return answer(
            {
                "items": [_coupon(row) for row in rows],
                "next_cursor": page.cursor(last["code"]) if last else None,
            }
        )

    async def make(request: web.Request) -> web.Response:
        grant = (await permit(request, "coupons:write")).over_all()
        wanted = await body.read(request, _new)
        refuse_nonsense(wanted)
        return _one(await store.add(wanted.code.upper(), wanted, actor=grant.actor), status=201)

    async def read(request: web.Request) -> web.Response:
        (await permit(request, "coupons:read")).over_all()
        return _one(await store.one(_code(request)))

    async def change(request: web.Request) -> web.Response:
        grant = (await permit(request, "coupons:write")).over_all()
        version, code = expected_version(request), _code(request)
        wanted = await body.read(request, _terms)
        refuse_nonsense(wanted)
        return _one(await store.change(code, wanted, version, actor=grant.actor))

    async def delete(request: web.Request) -> web.Response:
        grant = (await permit(request, "coupons:write")).over_all()
        await store.delete(_code(request), expected_version(request), actor=grant.actor)
        return web.Response(status=204)

    one = "/v1/admin/coupons/{code}"
    return [
        route("GET", "/v1/admin/coupons", list_coupons, "Coupons by code", "coupons:read", response=Coupons,
              query=page.QUERY, problems=("invalid",)),
        route("POST", "/v1/admin/coupons", make, "Make a coupon", "coupons:write", request=NewCoupon,
              response=Coupon, status=201, problems=("coupon_taken",)),
        route("GET", one, read, "One coupon", "coupons:read", response=Coupon),
        route("PUT", one, change, "Change a coupon", "coupons:write", request=CouponTerms, response=Coupon,
              problems=("below_reserved", "stale_version")),
        route("DELETE", one, delete, "Delete a coupon", "coupons:write", status=204, problems=("stale_version",)),
    ]  # fmt: skip


def _code(request: web.Request) -> str:
    code = request.match_info["code"].upper()
    if _CODE.fullmatch(code) is None:
        raise NotFound("There is no such coupon.")
    return code


def _coupon(row: Record) -> dict[str, Any]:
    money = {"amount": row["amount_minor"], "min_subtotal": row["min_subtotal_minor"]}
    return {name: row[name] for name in _SHOWN} | money


def _one(row: Record, *, status: int = 200) -> web.Response:
    return answer(_coupon(row), status=status, version=row["version"])
