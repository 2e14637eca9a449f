"""A killed sandbox forgets nothing that it answered."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import unused_port

from tests.sandbox.conftest import client_of, payment


async def started(data_dir: Path, port: int) -> asyncio.subprocess.Process:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CHECKOUT_")}
    environ |= {
        "CHECKOUT_DATA_DIR": str(data_dir),
        "CHECKOUT_SANDBOX_PORT": str(port),
        "CHECKOUT_SMTP_HOST": "127.0.0.1",
        "CHECKOUT_SMTP_PORT": str(unused_port()),
        "CHECKOUT_PORT": str(unused_port()),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "checkout.sandbox", env=environ, stdout=asyncio.subprocess.DEVNULL
    )
    async with aiohttp.ClientSession() as session, asyncio.timeout(15):
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{port}/_sandbox/health") as answer:
                    if answer.status == 200:
                        return process
            except aiohttp.ClientConnectorError:
                assert process.returncode is None
                await asyncio.sleep(0.05)


async def test_what_was_answered_survives_kill_9(tmp_path: Path) -> None:
    """If this fails, a crash test blames the shop for money that the sandbox forgot."""
    port = unused_port()
    url = f"http://127.0.0.1:{port}"
    answered: dict[str, str] = {}
    process = await started(tmp_path, port)
    async with aiohttp.ClientSession() as session:
        api = client_of(url, session)

        async def pay(name: str) -> None:
            params = payment(metadata={"order_id": name, "reference": f"{name}:1"})
            intent = await api.v1.payment_intents.create_async(params, {"idempotency_key": f"{name}:1"})
            answered[name] = intent.id

        work = [asyncio.create_task(pay(f"o{n}")) for n in range(400)]
        while len(answered) < 100:
            await asyncio.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        await asyncio.gather(*work, return_exceptions=True)
        before = dict(answered)
        assert 100 <= len(before) <= 400

    process = await started(tmp_path, port)
    try:
        async with aiohttp.ClientSession() as session:
            api = client_of(url, session)
            for name, intent_id in before.items():
                params = payment(metadata={"order_id": name, "reference": f"{name}:1"})
                again = await api.v1.payment_intents.create_async(params, {"idempotency_key": f"{name}:1"})
                assert again.id == intent_id
            async with session.get(f"{url}/_sandbox/ledger") as answer:
                lines = (await answer.text()).splitlines()
        assert len(lines) >= len(before)
        assert all('"charges":1,' in line for line in lines)
    finally:
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_stops_when_told(tmp_path: Path, number: signal.Signals) -> None:
    """If this fails, `checkout up` leaves a sandbox behind."""
    process = await started(tmp_path, unused_port())
    process.send_signal(number)
    async with asyncio.timeout(5):
        assert await process.wait() == 0
