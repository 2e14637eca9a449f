"""`checkout up`: the whole shop on this machine, under one supervisor."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence

import aiohttp

from checkout.commands.first_start import Prepared, prepare
from checkout.commands.terminal import console
from config import limits, local
from config.local import Child, Supervisor
from config.settings import Settings

KINDS = ("serve", "work", "relay", "sandbox")
_RANK = {"serve": 0, "relay": 1, "work": 1, "sandbox": 2}


async def up(settings: Settings, *, kinds: Sequence[str], demo: bool) -> int:
    """Starts stores, prepares the database, keeps the named kinds running until Ctrl-C; data is kept.

    Raises: StoreError, SettingsError with what to do.
    """
    if "serve" in kinds:
        local.ensure_free(settings.host, settings.port, "CHECKOUT_PORT")
    if "sandbox" in kinds:
        local.ensure_free("127.0.0.1", settings.sandbox_port, "CHECKOUT_SANDBOX_PORT")
    supervisor = Supervisor(
        [_child(kind, settings) for kind in kinds],
        logs=settings.data_dir / "logs",
        announce=lambda line: console.print(line, style="dim", markup=False, highlight=False),
    )
    stores: local.Stores | None = None
    try:
        if "serve" in kinds:
            supervisor.hold("serve")
        stores = local.start_stores(settings)
        prepared = await prepare(local.resolve(settings), demo=demo)
    except BaseException:  # whatever stops the start, nothing may stay behind
        supervisor.abandon()
        if stores is not None:
            stores.stop()
        raise
    return await supervisor.run(stores, on_ready=lambda: _welcome(settings, kinds, prepared))


def _child(kind: str, settings: Settings) -> Child:
    return Child(
        name=kind,
        command=[sys.executable, "-m", "checkout", kind],
        rank=_RANK[kind],
        nice=0 if kind == "serve" else limits.BACKGROUND_NICE,
        ready=_answers(f"http://{settings.host}:{settings.port}/readyz") if kind == "serve" else None,
    )


def _answers(url: str) -> Callable[[], Awaitable[bool]]:
    async def ready() -> bool:
        timeout = aiohttp.ClientTimeout(total=1)
        try:
            async with aiohttp.ClientSession(timeout=timeout) as client, client.get(url) as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    return ready


def _welcome(settings: Settings, kinds: Sequence[str], prepared: Prepared) -> None:
    base = f"http://{settings.host}:{settings.port}"
    console.rule("[bold]checkout is up")
    if "serve" in kinds:
        console.print(f"Shop API    {base}/v1/products")
        console.print(f"Reference   {base}/docs")
        console.print(f"Metrics     {base}/metrics")
    if "sandbox" in kinds:
        console.print(f"Sandbox     {settings.sandbox_url}/   payments, shipments and mails there")
    if prepared.admin_password is not None:
        console.print(
            f"Admin       {settings.admin_email}   password {prepared.admin_password}   (shown this once)"
        )
    console.print(f"Data        {settings.data_dir}   logs in {settings.data_dir / 'logs'}")
    console.print("Ctrl-C stops it all; `checkout audit` proves that nothing is lost.", style="dim")


def run_up(settings: Settings, *, kinds: Sequence[str], demo: bool) -> int:
    """`up`, run to its end."""
    return asyncio.run(up(settings, kinds=kinds, demo=demo))
