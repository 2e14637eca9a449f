"""Nothing that says who somebody is leaves in a log or in a message: every process, every route, debug logging."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import redis

from checkout.accounts.tokens import link_token
from checkout.kit.ids import uuid7
from tests.crash.server import free_port
from tests.shop import Stores

ROOT = Path(__file__).parent.parent.parent.parent
NAME, STREET, PHONE = "Zyxwina Qvortrup", "Xylofonweg 4711", "+49 30 98761234"
EMAIL, PASSWORD, TITLE = "zyxwina.qvortrup@qvort.example", "seven wet badgers sing", "Vbnmlkj"
MARKS = ("yxwina", "vortrup", "qvort", "ylofonweg", "98761234", PASSWORD, "wet badgers", TITLE)
ADDRESS = {
    "name": NAME,
    "line1": STREET,
    "city": "Berlin",
    "postal_code": "10117",
    "country": "DE",
    "phone": PHONE,
}


@contextmanager
def process(command: str, environment: dict[str, str], log: Path) -> Iterator[None]:
    """One command of the shop, its output in a file; it ends with this block."""
    with log.open("wb") as output:
        started = subprocess.Popen(
            [sys.executable, "-m", "checkout", command],
            cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        yield
    finally:
        started.terminate()
        try:
            started.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)
            started.wait()


def held(broker_url: str) -> str:
    """Everything in the broker, as text."""
    client: Any = redis.Redis.from_url(broker_url)
    found = []
    for key in client.keys("*"):
        kind = client.type(key)
        read = {b"hash": client.hgetall, b"set": client.smembers, b"string": client.get}
        found.append(str(read[kind](key)) if kind in read else str(client.zrange(key, 0, -1)) if kind == b"zset"
                     else str(client.lrange(key, 0, -1)))  # fmt: skip
    client.close()
    return "\n".join(found)


Headers = dict[str, str]


class Visitor:
    """Asks the shop for everything, and says who it is wherever there is room for it."""

    def __init__(self, client: aiohttp.ClientSession, url: str) -> None:
        self._client = client
        self._url = url

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        """(status, JSON or None)."""
        async with self._client.request(method, self._url + path, **more) as answer:
            is_json = "json" in answer.headers.get("Content-Type", "")
            return answer.status, await answer.json(content_type=None) if is_json else None

    async def every_route(self, headers: dict[str, str]) -> int:
        """Each route with the marks in its path, its query, its header fields and its body; gives how many."""
        _, document = await self.ask("GET", "/openapi.json")
        asked = 0
        for path, methods in document["paths"].items():
            if path.endswith("/events"):
                continue  # a stream does not end
            marked = "".join(
                EMAIL if part.startswith("{") else part
                for part in path.replace("{", "\0{").replace("}", "}\0").split("\0")
            )
            for method in methods:
                body = {
                    "email": EMAIL,
                    "password": PASSWORD,
                    "name": NAME,
                    "title": TITLE,
                    "shipping_address": ADDRESS,
                }
                for sent in ({"json": body}, {"data": f'{{"email": "{EMAIL}", {NAME}'}):
                    status, _ = await self.ask(
                        method.upper(), f"{marked}?email={EMAIL}&q={NAME}", **sent,
                        headers=headers | {"Idempotency-Key": f"{EMAIL}-{asked}", "X-Request-Id": "a-b-c", "Referer": f"https://x/{EMAIL}"},
                    )  # fmt: skip
                    assert status < 500 or status == 503, (method, path, status)
                    asked += 1
        return asked

    async def shop(self, secret: bytes, request_of: Any) -> tuple[Headers, Headers, str]:
        """A person's whole visit; gives the header fields of its session and its order, and where that is."""
        status, _ = await self.ask(
            "POST", "/v1/accounts", json={"email": EMAIL, "password": PASSWORD, "name": NAME}
        )
        assert status == 202
        token = link_token(secret, "registration", await request_of("registration"))
        assert (await self.ask("POST", "/v1/accounts/verify", json={"token": token}))[0] == 200
        assert (await self.ask("POST", "/v1/sessions", json={"email": EMAIL, "password": TITLE}))[0] == 401
        status, session = await self.ask("POST", "/v1/sessions", json={"email": EMAIL, "password": PASSWORD})
        assert status == 201
        mine = {"Authorization": f"Bearer {session['access_token']}"}
        assert (await self.ask("PATCH", "/v1/me", json={"name": NAME, "phone": PHONE}, headers=mine))[
            0
        ] == 200
        assert (await self.ask("POST", "/v1/me/addresses", json=ADDRESS, headers=mine))[0] == 201
        line = {"sku": "MUG-CLASSIC", "quantity": 1}
        _, cart = await self.ask("POST", "/v1/carts", json={"currency": "EUR", "lines": [line]})
        assert (await self.ask("PUT", f"/v1/carts/{cart['id']}/address", json=ADDRESS))[0] == 200
        status, placed = await self.ask(
            "POST", "/v1/checkouts", headers=mine | {"Idempotency-Key": EMAIL},
            json={"email": EMAIL, "cart_id": cart["id"], "billing_address": ADDRESS,
                  "payment": {"provider": "stripe", "method": "pm_card_visa"}},
        )  # fmt: skip
        assert status == 201, placed
        return (
            mine,
            {"Authorization": f"Bearer {placed['access_token']}"},
            f"/v1/orders/{placed['order']['id']}",
        )


@pytest.mark.timeout(180)
async def test_nobody_is_named_in_logs_or_messages(stores: Stores) -> None:
    """If this fails, whoever reads the logs or the broker reads who buys what, where they live and how to sign in as them."""
    settings = await stores.fresh_settings()
    folder, port = stores.folder / f"logs-{uuid7().hex[-6:]}", free_port()
    folder.mkdir()
    sandbox = free_port()
    environment = {
        "PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), "CHECKOUT_ENV": "test", "CHECKOUT_DATA_DIR": str(folder),
        "CHECKOUT_DATABASE_URL": settings.database_url, "CHECKOUT_GATE_URL": settings.gate_url,
        "CHECKOUT_BROKER_URL": settings.broker_url, "CHECKOUT_PORT": str(port), "CHECKOUT_PROCESSES": "1",
        "CHECKOUT_SECRET_KEY": settings.secret_key, "CHECKOUT_LOG_LEVEL": "debug", "CHECKOUT_ACCESS_LOG": "true",
        "CHECKOUT_SANDBOX_PORT": str(sandbox), "CHECKOUT_SMTP_HOST": "127.0.0.1", "CHECKOUT_SMTP_PORT": str(free_port()),
        "CHECKOUT_RATE_LIMITS": '{"login": "1000/second", "browse": "1000/second", "cart": "1000/second", "admin": "1000/second"}',
    }  # fmt: skip
    logs = {name: folder / f"{name}.log" for name in ("serve", "relay", "work", "sandbox")}

    async def request_of(kind: str) -> Any:
        from checkout.kit import db

        connection = await db.connect(settings.database_url, purpose="test")
        try:
            return await connection.fetchval("SELECT id FROM account_requests WHERE kind = $1", kind)
        finally:
            await connection.close()

    with ExitStack() as running:
        for name in ("sandbox", "serve", "relay"):
            running.enter_context(process(name, environment, logs[name]))
        async with aiohttp.ClientSession() as client:
            visitor = Visitor(client, f"http://127.0.0.1:{port}")
            async with asyncio.timeout(40):
                while True:
                    try:
                        if (await visitor.ask("GET", "/readyz"))[0] == 200:
                            break
                    except aiohttp.ClientError:
                        await asyncio.sleep(0.1)
            mine, token, at = await visitor.shop(settings.secret_key.encode(), request_of)
            messages = ""
            async with asyncio.timeout(20):
                while "payment" not in messages:
                    messages = await asyncio.to_thread(held, settings.broker_url)
                    await asyncio.sleep(0.1)
            running.enter_context(process("work", environment, logs["work"]))
            assert await visitor.every_route(mine) > 100
            status, order = 0, {"status": ""}
            try:
                async with asyncio.timeout(60):
                    while order["status"] != "booked":
                        status, order = await visitor.ask("GET", at, headers=token)
                        messages += await asyncio.to_thread(held, settings.broker_url)
                        await asyncio.sleep(0.1)
            except TimeoutError:
                tails = [f"{name}: {log.read_text()[-1500:]}" for name, log in logs.items()]
                pytest.fail("\n".join([f"the order is {order['status']} after a minute", *tails]))
            assert (status, order["shipping_address"]["name"]) == (200, NAME)
    texts = {name: log.read_text() for name, log in logs.items() if name != "sandbox"} | {
        "messages": messages
    }
    assert texts["serve"]
    assert texts["messages"]
    assert "/v1/carts/{id}/address" in texts["serve"], "the access log is off"
    named = {f"{name}: {line[:300]}" for name, text in texts.items() for line in text.splitlines()
             if any(mark.lower() in line.lower() for mark in MARKS)}  # fmt: skip
    assert named == set()
