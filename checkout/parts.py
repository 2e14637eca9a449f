"""What one serve process is made of: every part once, each handed what it needs."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog_cache import Cache
from catalog_cache.shared import SharedTier
from checkout.access.access import Access
from checkout.access.key_memory import KeyMemory
from checkout.access.role_table import RoleTable
from checkout.access.store import AccessStore
from checkout.accounts.auth import Auth
from checkout.accounts.ended import CHANNEL as SESSIONS
from checkout.accounts.ended import Ended
from checkout.accounts.passwords import Passwords
from checkout.accounts.store import AccountStore
from checkout.audit.live import LiveAudit
from checkout.carts.carts import Carts
from checkout.carts.live import LiveCarts
from checkout.carts.persist import Persister
from checkout.carts.store import CartStore
from checkout.catalog import store as catalog_store
from checkout.catalog.changes import Changes
from checkout.catalog.offers import Offers
from checkout.catalog.reading import Reading
from checkout.catalog.warming import Warming
from checkout.edge import measured
from checkout.edge.client import Clients
from checkout.edge.metrics import Metrics
from checkout.edge.middleware import Edge
from checkout.errors import Unavailable
from checkout.images import http as images_http
from checkout.images.cdn import Pictures
from checkout.kit.cipher import Cipher
from checkout.kit.db import Listener, Pool, make_pool
from checkout.kit.lane import Lane, ReplyError, Script
from checkout.orders import events as orders_events
from checkout.orders.committer import Committer
from checkout.orders.store import OrderStore
from checkout.payments.providers.stripe import StripeProvider
from checkout.quoting.cache import RulebookCache
from checkout.search.show import Search, search_cache
from checkout.stock.gate import Gate
from checkout.stock.store import StockStore
from config import limits
from config.settings import Settings
from ratelimit.policies import policies
from ratelimit.shared import LIMIT_SOURCES, SharedLimiter


@dataclass(slots=True)
class Parts:
    """Everything that one serve process is made of."""

    auth: Auth
    ended: Ended
    access: Access
    audit: LiveAudit
    settings: Settings
    cipher: Cipher
    pool: Pool
    gate: Gate
    stock: StockStore
    committer: Committer
    orders: OrderStore
    offers: Offers
    warming: Warming
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


def make_parts(settings: Settings) -> Parts:
    """The parts of a process with these settings; they connect when the application starts.

    Must be called inside the event loop that will serve them.
    """
    pool = make_pool(settings.database_url, purpose="serve", max_size=limits.SERVE_POOL_SIZE)
    cipher = Cipher(settings.personal_keys, settings.personal_index_key)
    stock = StockStore(pool)
    lane = Lane(
        settings.gate_url, timeout_s=limits.GATE_TIMEOUT_S, connect_timeout_s=limits.GATE_CONNECT_TIMEOUT_S
    )
    gate = Gate(lane, stock.gate_state, on_stale=stock.suspect_claims)

    async def load_offers(skus: Any, currency: str) -> Any:
        return await catalog_store.offers(pool, skus, currency)

    async def offers_after(item_id: int, currency: str) -> Any:
        return await catalog_store.offers_after(pool, item_id, currency)

    offers = Offers(load_offers)
    rules = RulebookCache(pool)
    persister = Persister(CartStore(pool))
    metrics = Metrics(_metrics_folder(settings))
    known = metrics.gauge(measured.OFFERS)
    metrics.before_flush.append(lambda: known.set(len(offers)))

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

    ended = Ended(AccountStore(pool, cipher).ended)
    auth, access_store = Auth(settings.secret_key.encode(), ended=ended), AccessStore(pool)
    auth.roles = roles = RoleTable(access_store)
    access = Access(auth, roles, KeyMemory(access_store.find_key))
    return Parts(
        settings=settings,
        cipher=cipher,
        auth=auth,
        ended=ended,
        access=access,
        audit=LiveAudit(settings.database_url, gate, stock),
        pool=pool,
        gate=gate,
        stock=stock,
        committer=Committer(settings.database_url, payment_window_s=settings.payment_window_s),
        orders=OrderStore(pool, cipher),
        offers=offers,
        warming=Warming(offers, offers_after),
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
        carts=Carts(LiveCarts(gate), CartStore(pool), persister, cipher),
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
