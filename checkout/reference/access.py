"""docs/access.md: who may call what."""

import asyncio
import tempfile
from pathlib import Path

import msgspec

from checkout.access import matrix
from checkout.app import ROUTES, build
from checkout.kit.routes import Route
from config import settings as configuration


def access_page() -> str:
    """The page, by the routes of the application as it is wired. Nothing is connected to."""
    with tempfile.TemporaryDirectory(prefix="checkout-docs-") as folder:
        return asyncio.run(_page(Path(folder)))


async def _page(folder: Path) -> str:
    settings = configuration.load({"CHECKOUT_ENV": "test", "CHECKOUT_DATA_DIR": str(folder)})
    nowhere = msgspec.structs.replace(
        settings, database_url="postgresql://127.0.0.1:1/none", gate_url="redis://127.0.0.1:1"
    )
    routes: list[Route] = build(nowhere)[ROUTES]
    return matrix.access_page(routes)
