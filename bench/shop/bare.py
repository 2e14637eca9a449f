"""The floor: an aiohttp application that does nothing but take JSON in and give JSON out.

`python -m bench.shop.bare PORT PROCESSES`: as many processes on one port, until SIGTERM.
"""

import asyncio
import os
import signal
import sys

import orjson
import uvloop
from aiohttp import web

_DOCUMENT = orjson.dumps({"id": "1", "name": "a product", "price": 1999, "currency": "EUR"})


async def _post(request: web.Request) -> web.Response:
    body = orjson.loads(await request.read())
    return web.Response(
        body=orjson.dumps({"ok": True, "lines": len(body["lines"])}), content_type="application/json"
    )


async def _get(_request: web.Request) -> web.Response:
    return web.Response(body=_DOCUMENT, content_type="application/json")


def build() -> web.Application:
    """`POST /bare` and `GET /bare`."""
    app = web.Application()
    app.add_routes([web.post("/bare", _post), web.get("/bare", _get)])
    return app


async def _serve(port: int) -> None:
    runner = web.AppRunner(build(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, reuse_port=True, backlog=4096).start()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await runner.cleanup()


def main() -> None:
    """Forks the processes; the parent serves too and passes SIGTERM on."""
    port, processes = int(sys.argv[1]), int(sys.argv[2])
    children = []
    for _ in range(processes - 1):
        child = os.fork()
        if not child:
            uvloop.run(_serve(port))
            os._exit(0)
        children.append(child)
    try:
        uvloop.run(_serve(port))
    finally:
        for child in children:
            os.kill(child, signal.SIGTERM)
            os.waitpid(child, 0)


if __name__ == "__main__":
    main()
