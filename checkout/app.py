"""The composition root of `serve`: makes every part once, hands each what it needs, starts and stops them in order."""

import asyncio
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web

from catalog_cache import Cache
from catalog_cache.shared import SharedTier
from checkout.access import http as access_http
from checkout.access.access import Access
from checkout.access.key_memory import KeyMemory
from checkout.access.keys import http as keys_http
from checkout.access.keys.store import KeyStore
from checkout.access.known import Known
from checkout.access.role_table import RoleTable
from checkout.access.roles import http as roles_http
from checkout.access.roles.store import RoleStore
from checkout.access.store import AccessStore
from checkout.accounts.auth import Auth
from checkout.accounts.ended import CHANNEL as SESSIONS
from checkout.accounts.ended import Ended
from checkout.accounts.passwords import Passwords
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
from checkout.audit.live import LiveAudit
from checkout.bulk import export_http
from checkout.bulk import http as bulk_http
from checkout.bulk.store import BulkStore
from checkout.carts import http as carts_http
from checkout.carts.carts import Carts
from checkout.carts.claim import Claims
from checkout.carts.hold import Holds
from checkout.carts.live import LiveCarts
from checkout.carts.model import ANYBODY
from checkout.carts.persist import Persister
from checkout.carts.price import Pricing as CartPricing
from checkout.carts.store import CartStore
from checkout.catalog import http as catalog_http
from checkout.catalog import store as catalog_store
from checkout.catalog.changes import Changes
from checkout.catalog.offers import Offers
from checkout.catalog.reading import Reading
from checkout.categories import http as categories_http
from checkout.edge import docs, health
from checkout.edge.client import Clients, client_of
from checkout.edge.metrics import Metrics
from checkout.edge.middleware import Edge
from checkout.errors import ShopError, Unavailable
from checkout.images import http as images_http
from checkout.images.cdn import Pictures
from checkout.invoices import http as invoices_http
from checkout.invoices.store import InvoiceStore
from checkout.kit import crash
from checkout.kit.db import Listener, Pool, fetch_one, make_pool
from checkout.kit.lane import Lane, ReplyError, Script
from checkout.kit.routes import Route
from checkout.locations import http as locations_http
from checkout.locations.store import LocationStore
from checkout.orders import cancel as orders_cancel
from checkout.orders import events as orders_events
from checkout.orders import http as orders_http
from checkout.orders.committer import Committer
from checkout.orders.http import OrderAccess
from checkout.orders.place import Caller, Placer
from checkout.orders.purchase import Pricing
from checkout.orders.store import OrderStore
from checkout.outbox.store import OutboxStore
from checkout.payments import http as payments_http
from checkout.payments.providers.stripe import StripeProvider
from checkout.payments.store import PaymentStore
from checkout.prices import http as prices_http
from checkout.products import http as products_http
from checkout.products import variant_routes
from checkout.promotions import http as promotions_http
from checkout.promotions.store import CouponStore, CustomerCounters
from checkout.quoting.cache import RulebookCache
from checkout.reviews import http as reviews_http
from checkout.reviews import moderate_http as reviews_moderate
from checkout.reviews.show import PublicReviews
from checkout.reviews.store import ReviewStore
from checkout.search import http as search_http
from checkout.search.show import Search, search_cache
from checkout.shipping import http as shipping_http
from checkout.shipping.store import ZoneStore
from checkout.stock import http as stock_http
from checkout.stock import move_http as stock_moves
from checkout.stock.gate import Gate
from checkout.stock.rebuild import keep_open
from checkout.stock.reconcile import Reconciler
from checkout.stock.shelf import Shelf
from checkout.stock.store import StockStore
from checkout.tax import http as tax_http
from checkout.tax.store import TaxStore
from checkout.webhooks import http as webhooks_http
from checkout.webhooks.store import WebhookStore
from config import limits
from config.settings import Settings
from ratelimit.policies import policies
from ratelimit.shared import LIMIT_SOURCES, SharedLimiter

log = structlog.get_logger()
PROVIDERS = frozenset({"stripe"})


@dataclass(slots=True)
class Parts:
    """Everything that one serve process is made of."""

    auth: Auth
    ended: Ended
    access: Access
    audit: LiveAudit
    settings: Settings
    pool: Pool
    gate: Gate
    stock: StockStore
    committer: Committer
    orders: OrderStore
    offers: Offers
    reading: Reading
    search: Search
    follower: orders_events.Follower
    stripe: StripeProvider
    passwords: Passwords
    rules: RulebookCache
    carts: Carts
    persister: Persister
    metrics: Metrics
    edge: Edge
    listener: Listener
    tasks: list[asyncio.Task[None]]
    passing: set[asyncio.Task[None]]


PARTS = web.AppKey("parts", Parts)
ROUTES: web.AppKey[list[Route]] = web.AppKey("routes", list)
"""Under this key an application carries what it serves."""


def build(settings: Settings) -> web.Application:
    """The application of these settings; parts connect when it starts, and wait for stores that are away.

    Must be called inside the event loop that will serve it.
    """
    parts = _parts(settings)
    app = web.Application(client_max_size=limits.WEBHOOK_BODY_MAX_BYTES)
    app[PARTS] = parts
    app[ROUTES] = routes = _routes(parts)
    parts.edge.register(app, routes)
    app.on_startup.append(_start)
    app.on_cleanup.append(_stop)
    return app


def _parts(settings: Settings) -> Parts:
    pool = make_pool(settings.database_url, purpose="serve", max_size=limits.SERVE_POOL_SIZE)
    stock = StockStore(pool)
    lane = Lane(
        settings.gate_url, timeout_s=limits.GATE_TIMEOUT_S, connect_timeout_s=limits.GATE_CONNECT_TIMEOUT_S
    )
    gate = Gate(lane, stock.gate_state, on_stale=stock.suspect_claims)

    async def load_offers(skus: Any, currency: str) -> Any:
        return await catalog_store.offers(pool, skus, currency)

    offers = Offers(load_offers)
    rules = RulebookCache(pool)
    persister = Persister(CartStore(pool))
    metrics = Metrics(_metrics_folder(settings))

    async def live(item_id: int) -> int | None:
        units = await gate.available([item_id])
        return None if units is None else units[0]

    shared = SharedTier(lane, failures=(Unavailable, ReplyError))
    admit_server = lane.on_connect

    async def shake_hands(connection: Lane) -> None:
        if admit_server is not None:
            await admit_server(connection)
        await shared.on_connect(connection)  # a server that was away may have lost invalidations

    lane.on_connect = shake_hands
    pictures = Pictures(settings.cdn_url, origin=images_http.Bucket(settings).public)
    reading = Reading(pool, Cache(shared=shared), live=live, pictures=pictures)
    search = Search(pool, search_cache(shared), shown=pictures.shown if pictures else None)

    changes = Changes(offers.invalidate, reading.changed, search.changed)

    def missed_some() -> None:
        offers.flush()
        reading.changed("*")
        search.changed("*")
        rules.changed()
        access.changed()
        ended.missed()

    ended = Ended(AccountStore(pool).ended)
    auth, access_store = Auth(settings.secret_key.encode(), ended=ended), AccessStore(pool)
    auth.roles = roles = RoleTable(access_store)
    access = Access(auth, roles, KeyMemory(access_store.find_key))
    return Parts(
        settings=settings,
        auth=auth,
        ended=ended,
        access=access,
        audit=LiveAudit(settings.database_url, gate, stock),
        pool=pool,
        gate=gate,
        stock=stock,
        committer=Committer(settings.database_url, payment_window_s=settings.payment_window_s),
        orders=OrderStore(pool),
        offers=offers,
        reading=reading,
        search=search,
        follower=orders_events.Follower(orders_events.TimelineStore(pool)),
        stripe=StripeProvider(
            api_key=settings.stripe_api_key,
            webhook_secrets=settings.stripe_webhook_secrets,
            api_base=settings.stripe_api_base,
        ),
        passwords=Passwords(),
        rules=rules,
        carts=Carts(LiveCarts(gate), CartStore(pool), persister),
        persister=persister,
        metrics=metrics,
        edge=Edge(
            policies=policies(settings.rate_limits),
            shared=SharedLimiter(
                lane, Script(*LIMIT_SOURCES), away=(Unavailable, ReplyError), processes=settings.processes
            ),
            metrics=metrics,
            clients=Clients(settings.trusted_proxies),
            identify=access.identify,
            processes=settings.processes,
            secure=settings.public_url.startswith("https"),
        ),
        listener=Listener(
            settings.database_url,
            {
                "catalog": changes.heard,
                "rulebook": rules.changed,
                "access": access.changed,
                SESSIONS: ended.heard,
            },
            missed_some,
        ),
        tasks=[],
        passing=set(),
    )


def _metrics_folder(settings: Settings) -> Path:
    return settings.data_dir / "metrics"


def _routes(parts: Parts) -> list[Route]:
    settings, secret = parts.settings, parts.settings.secret_key.encode()
    policy = parts.edge.policies["checkout"]

    auth = parts.auth

    def caller_of(request: web.Request) -> Caller:
        if "Authorization" not in request.headers:
            return Caller(None, policy, client_of(request))
        known = auth.require(request)
        return Caller(known.account_id, policy, str(known.account_id))

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
        limiter=parts.edge.shared,
        secret=secret,
        providers=PROVIDERS,
    )
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
        *users_http.routes(UserStore(parts.pool), AccountStore(parts.pool), parts.passwords, permit=permit),
        *promotions_http.routes(CouponStore(parts.pool), permit=permit),
        *shipping_http.routes(ZoneStore(parts.pool), permit=permit),
        *tax_http.routes(TaxStore(parts.pool), permit=permit),
        *audit_http.routes(parts.audit, permit=permit),
        *admin_orders_http.routes(
            SearchStore(parts.pool), parts.orders, PaymentStore(parts.pool), permit=permit
        ),
        *payments_http.routes(PaymentStore(parts.pool), {"stripe": parts.stripe}, access, parts.orders),
        *invoices_http.routes(InvoiceStore(parts.pool), access),
        *orders_cancel.routes(PaymentStore(parts.pool), access, parts.orders),
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
    """The cart is an order now; were this lost, `orders_cart` in Postgres still refuses a second one."""
    try:
        await parts.carts.edit(cart_id, [("S", "st", "ordered"), ("D", "hold", "")], who=ANYBODY)
    except ShopError as error:
        log.info("cart not marked as ordered", code=error.code)


async def _start(app: web.Application) -> None:
    parts = app[PARTS]
    crash.prepare(parts.settings.crash_at)
    await parts.pool
    await parts.gate.lane.start(wait_s=limits.GATE_CONNECT_TIMEOUT_S)
    parts.tasks += [
        asyncio.create_task(keep_open(parts.gate, parts.stock), name="gate"),
        asyncio.create_task(Reconciler(parts.gate, parts.stock).run(), name="reconciler"),
    ]
    parts.rules.start()
    parts.access.roles.start()
    parts.listener.start()
    parts.committer.start()
    parts.carts.start()
    await asyncio.gather(
        parts.rules.ready(wait_s=limits.DATABASE_CONNECT_TIMEOUT_S),
        parts.access.roles.ready(wait_s=limits.DATABASE_CONNECT_TIMEOUT_S),
    )


async def _stop(app: web.Application) -> None:
    parts = app[PARTS]
    await parts.committer.stop()
    await asyncio.gather(*parts.passing, return_exceptions=True)
    await parts.carts.stop()
    await parts.listener.stop()
    await parts.ended.stop()
    await parts.rules.stop()
    await parts.access.roles.stop()
    await parts.audit.stop()
    for task in parts.tasks:
        task.cancel()
    await asyncio.gather(*parts.tasks, return_exceptions=True)
    await parts.follower.stop()
    await parts.reading.cache.close()
    await parts.search.cache.close()
    await parts.stripe.close()
    parts.passwords.close()
    await parts.gate.lane.close()
    await parts.pool.close()
