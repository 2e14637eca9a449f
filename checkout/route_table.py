"""Every route of `serve`, with the parts that it needs."""

import asyncio
import uuid

import structlog
from aiohttp import web

from checkout.access import http as access_http
from checkout.access.keys import http as keys_http
from checkout.access.keys.store import KeyStore
from checkout.access.known import Known
from checkout.access.roles import http as roles_http
from checkout.access.roles.store import RoleStore
from checkout.access.store import AccessStore
from checkout.accounts.store import AccountStore
from checkout.accounts.wire import account_routes
from checkout.admin import http as admin_http
from checkout.admin.orders import http as admin_orders_http
from checkout.admin.orders.store import SearchStore
from checkout.admin.stats import Stats
from checkout.admin.store import AdminStore
from checkout.admin.users import http as users_http
from checkout.admin.users.store import UserStore
from checkout.attributes import http as attributes_http
from checkout.attributes.store import AttributeStore
from checkout.audit import http as audit_http
from checkout.bulk import export_http
from checkout.bulk import http as bulk_http
from checkout.bulk.store import BulkStore
from checkout.carts import http as carts_http
from checkout.carts.claim import Claims
from checkout.carts.hold import Holds
from checkout.carts.live import LiveCarts
from checkout.carts.model import ANYBODY
from checkout.carts.price import Pricing as CartPricing
from checkout.carts.store import CartStore
from checkout.catalog import http as catalog_http
from checkout.categories import http as categories_http
from checkout.edge import docs, health
from checkout.edge.client import TOLL
from checkout.errors import ShopError, Unavailable
from checkout.images import http as images_http
from checkout.invoices import http as invoices_http
from checkout.invoices.store import InvoiceStore
from checkout.kit.db import fetch_one
from checkout.kit.routes import Route
from checkout.locations import http as locations_http
from checkout.locations.store import LocationStore
from checkout.orders import cancel as orders_cancel
from checkout.orders import events as orders_events
from checkout.orders import http as orders_http
from checkout.orders.http import OrderAccess
from checkout.orders.place import Caller, Placer
from checkout.orders.purchase import Pricing
from checkout.outbox.store import OutboxStore
from checkout.parts import Parts
from checkout.payments import http as payments_http
from checkout.payments.store import PaymentStore
from checkout.prices import http as prices_http
from checkout.products import http as products_http
from checkout.products import variant_routes
from checkout.promotions import http as promotions_http
from checkout.promotions.store import CouponStore, CustomerCounters
from checkout.reviews import http as reviews_http
from checkout.reviews import moderate_http as reviews_moderate
from checkout.reviews.show import PublicReviews
from checkout.reviews.store import ReviewStore
from checkout.search import http as search_http
from checkout.shipping import http as shipping_http
from checkout.shipping.store import ZoneStore
from checkout.stock import http as stock_http
from checkout.stock import move_http as stock_moves
from checkout.stock.shelf import Shelf
from checkout.tax import http as tax_http
from checkout.tax.store import TaxStore
from checkout.webhooks import http as webhooks_http
from checkout.webhooks.store import WebhookStore

log = structlog.get_logger()
PROVIDERS = frozenset({"stripe"})


def routes_of(parts: Parts) -> list[Route]:
    """What the application serves."""
    settings, secret = parts.settings, parts.settings.secret_key.encode()

    auth = parts.auth

    def caller_of(request: web.Request) -> Caller:
        if "Authorization" not in request.headers:
            return Caller(None, request[TOLL])
        return Caller(auth.require(request).account_id, request[TOLL])

    async def may_see(request: web.Request, account_id: uuid.UUID | None) -> bool:
        known = auth.caller(request)
        if known is not None and account_id is not None and known.account_id == account_id:
            return True
        reading = request.method in ("GET", "HEAD")
        return await parts.access.has_all(request, "orders:read" if reading else "orders:write")

    def cart_ordered(cart_id: str) -> None:
        task = asyncio.create_task(_mark_ordered(parts, cart_id))
        parts.passing.add(task)
        task.add_done_callback(parts.passing.discard)

    access = OrderAccess(parts.orders, secret=secret, may_see=may_see)
    placer = Placer(
        gate=parts.gate,
        committer=parts.committer,
        orders=parts.orders,
        pricing=Pricing(carts=parts.carts, offers=parts.offers, rules=parts.rules),
        cart_ordered=cart_ordered,
        counters=CustomerCounters(parts.pool, secret),
        secret=secret,
        cipher=parts.cipher,
        providers=PROVIDERS,
    )
    payments = PaymentStore(parts.pool, parts.cipher)
    prices = CartPricing(parts.offers, parts.rules)
    holds = Holds(parts.carts, prices, parts.gate, ttl_s=settings.hold_ttl_s)
    live, kept = LiveCarts(parts.gate), CartStore(parts.pool)
    claims = Claims(parts.carts, live, kept, parts.persister, holds, parts.gate)
    outbox, admin_store = OutboxStore(parts.pool), AdminStore(parts.pool)
    stats = Stats(admin_store, outbox, gate_is_open=lambda: parts.gate.is_open)

    async def database() -> None:
        await fetch_one(parts.pool, "SELECT 1")

    async def gate() -> None:
        if not parts.gate.is_open:
            raise Unavailable("The gate is closed.", code="gate_away")

    reviews = ReviewStore(parts.pool)
    listed: list[Route] = []
    permit, known_permissions = parts.access.permit, Known(lambda: listed)
    listed += [
        *catalog_http.routes(parts.reading),
        *search_http.routes(parts.search),
        *reviews_http.routes(reviews, PublicReviews(reviews, parts.search.cache), auth),
        *reviews_moderate.routes(reviews, permit=permit),
        *products_http.routes(parts.pool, permit=permit),
        *images_http.routes(parts.pool, images_http.Bucket(settings), permit=permit),
        *prices_http.routes(parts.pool, permit=permit),
        *categories_http.routes(parts.pool, permit=permit),
        *attributes_http.routes(AttributeStore(parts.pool), permit=permit),
        *variant_routes.routes(parts.pool, permit=permit),
        *account_routes(
            parts.pool,
            auth,
            parts.passwords,
            parts.edge.shared,
            parts.carts,
            prices,
            secret=secret,
            cipher=parts.cipher,
            shop_name=settings.shop_name,
        ),
        *admin_http.routes(outbox, stats, permit=permit),
        *locations_http.routes(LocationStore(parts.pool), permit=permit),
        *stock_http.routes(parts.pool, Shelf(parts.pool, parts.gate.available), permit=permit),
        *stock_moves.routes(parts.pool, permit=permit),
        *webhooks_http.routes(
            WebhookStore(parts.pool), permit=permit, key=secret, public_only=settings.in_production
        ),
        *roles_http.routes(RoleStore(parts.pool), known_permissions, permit=permit),
        *keys_http.routes(KeyStore(parts.pool), known_permissions, permit=permit),
        *access_http.routes(AccessStore(parts.pool), permit=permit),
        *users_http.routes(
            UserStore(parts.pool, parts.cipher),
            AccountStore(parts.pool, parts.cipher),
            parts.passwords,
            permit=permit,
        ),
        *promotions_http.routes(CouponStore(parts.pool), permit=permit),
        *shipping_http.routes(ZoneStore(parts.pool), permit=permit),
        *tax_http.routes(TaxStore(parts.pool), permit=permit),
        *audit_http.routes(parts.audit, permit=permit),
        *admin_orders_http.routes(
            SearchStore(parts.pool, parts.cipher), parts.orders, payments, permit=permit
        ),
        *payments_http.routes(payments, {"stripe": parts.stripe}, access, parts.orders),
        *invoices_http.routes(InvoiceStore(parts.pool, parts.cipher), access),
        *orders_cancel.routes(payments, access, parts.orders),
        *orders_events.routes(parts.follower, access),
        *health.routes(parts.metrics, {"database": database}, {"gate": gate}),
        *docs.routes(lambda: listed, title="Checkout core", version="0.1.0"),
        *carts_http.routes(parts.carts, prices, holds, claims, account_of=auth.account_of),
        *orders_http.routes(placer, parts.orders, access, caller_of=caller_of),
        *bulk_http.routes(BulkStore(parts.pool), permit=permit),
        *export_http.routes(BulkStore(parts.pool), permit=permit),
    ]
    return listed


async def _mark_ordered(parts: Parts, cart_id: str) -> None:
    """The cart is an order now; were this lost, `order_claims_cart` in Postgres still refuses a second one."""
    try:
        await parts.carts.edit(cart_id, [("S", "st", "ordered"), ("D", "hold", "")], who=ANYBODY)
    except ShopError as error:
        log.info("cart not marked as ordered", code=error.code)
