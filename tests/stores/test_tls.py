"""Stores over TLS: the right authority opens, a wrong one or another name does not."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import redis

from checkout.app import PARTS
from checkout.errors import Unavailable
from checkout.kit import db
from checkout.kit.lane import Lane
from config import settings as configuration
from tests.shop import UNLIMITED, Stores, running
from tests.stores.tls import Authority, in_front_of
from workers.broker import make_broker, outstanding


@dataclass(frozen=True, slots=True)
class Secured:
    """The run's stores behind TLS. Shape: `ca` signed their certificates, `other` did not."""

    ca: Path
    other: Path
    database_url: str
    gate_url: str
    broker_url: str


@pytest.fixture
def secured(stores: Stores, tmp_path: Path) -> Iterator[Secured]:
    """A TLS server before each of the stores, with a fresh database."""
    right, other = Authority(tmp_path, "right"), Authority(tmp_path, "other")
    database = urlsplit(asyncio.run(stores.fresh_database()))
    folder, port = parse_qs(database.query)["host"][0], parse_qs(database.query).get("port", ["5432"])[0]
    gate, broker = urlsplit(stores.fresh_gate_url()), urlsplit(stores.fresh_broker_url())
    with (
        in_front_of(f"{folder}/.s.PGSQL.{port}", right.context, asks=True) as to_database,
        in_front_of(gate.path, right.context) as to_gate,
        in_front_of(broker.path, right.context) as to_broker,
    ):
        who = database.netloc.rpartition("@")[0]
        yield Secured(
            right.ca,
            other.ca,
            f"postgresql://{who}@localhost:{to_database}{database.path}?sslmode=verify-full",
            f"rediss://localhost:{to_gate}/{_db(gate.query)}",
            f"rediss://localhost:{to_broker}/{_db(broker.query)}",
        )


def _db(query: str) -> str:
    return parse_qs(query)["db"][0]


def load(secured: Secured, ca: Path, **changes: str) -> configuration.Settings:
    """The settings of these stores, trusting this authority."""
    return configuration.load(
        {
            "CHECKOUT_ENV": "test",
            "CHECKOUT_DATA_DIR": str(secured.ca.parent / "data"),
            "CHECKOUT_STORES_CA": str(ca),
            "CHECKOUT_DATABASE_URL": secured.database_url,
            "CHECKOUT_GATE_URL": secured.gate_url,
            "CHECKOUT_BROKER_URL": secured.broker_url,
        }
        | changes
    )


async def test_a_shop_sells_over_tls(secured: Secured) -> None:
    """If this fails, a shop whose stores want TLS cannot use one of them: no orders, or orders without the gate."""
    settings = configuration.msgspec.structs.replace(
        load(secured, secured.ca), port=0, processes=1, rate_limits=UNLIMITED
    )
    async with running(settings) as shop:
        gate = shop.app[PARTS].gate
        async with asyncio.timeout(5):
            while not gate.is_open:
                await asyncio.sleep(0.02)
        status, placed = await shop.buy(("MUG-CLASSIC", 1))
        assert (status, placed["order"]["status"]) == (201, "placed")


async def test_a_gate_of_another_authority_is_not_used(secured: Secured) -> None:
    """If this fails, whoever stands between the shop and the gate reads and answers for it."""
    for url, opens in (
        (load(secured, secured.ca).gate_url, True),
        (load(secured, secured.other).gate_url, False),
        (load(secured, secured.ca).gate_url.replace("localhost", "127.0.0.1"), False),
        (secured.gate_url, False),
    ):
        lane = Lane(url, timeout_s=1, connect_timeout_s=1)
        await lane.start(wait_s=1)
        try:
            if opens:
                assert await lane.call(b"PING") in (b"PONG", "PONG")
            else:
                with pytest.raises(Unavailable):
                    await lane.call(b"PING")
        finally:
            await lane.close()


def test_a_broker_of_another_authority_is_not_used(secured: Secured) -> None:
    """If this fails, whoever stands between the shop and the broker has its workers do what they like."""
    broker = make_broker(load(secured, secured.ca).broker_url)
    assert set(outstanding(broker).values()) == {0}
    broker.close()
    for url in (load(secured, secured.other).broker_url, secured.broker_url):
        broker = make_broker(url)
        with pytest.raises(redis.ConnectionError, match="certificate"):
            outstanding(broker)
        broker.close()


async def test_a_database_of_another_authority_is_not_used(secured: Secured) -> None:
    """If this fails, whoever stands between the shop and Postgres reads every order, or makes them up."""
    right = load(secured, secured.ca).database_url
    connection = await db.connect(right, purpose="test")
    assert await connection.fetchval("SELECT count(*) FROM products") > 0
    await connection.close()
    for url in (
        load(secured, secured.other).database_url,
        right.replace("localhost", "127.0.0.1"),
        re.sub(r"&sslrootcert=[^&]*", "", right) + "&sslrootcert=/etc/ssl/certs/ca-certificates.crt",
    ):
        with pytest.raises(db.NOT_REACHED):
            await db.connect(url, purpose="test")
