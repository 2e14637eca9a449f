"""What a new connection has before its protocol sees it."""

import asyncio
import socket

import pytest
import uvloop

from checkout.edge.serve import listen


class _Taken(asyncio.Protocol):
    """Keeps the options of the connection that it was made for."""

    def __init__(self) -> None:
        self.options: asyncio.Future[tuple[int, int]] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        made = transport.get_extra_info("socket")
        nodelay = made.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        self.options.set_result((nodelay, made.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)))


@pytest.mark.parametrize("make", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_connection_comes_with_its_options(make: "type[asyncio.AbstractEventLoop]") -> None:
    """If this fails, answers wait for the client's acknowledgement, and connections whose peer vanished stay open."""

    async def options() -> tuple[int, int]:
        protocol = _Taken()
        sock = listen("127.0.0.1", 0)
        server = await asyncio.get_running_loop().create_server(lambda: protocol, sock=sock)
        _, writer = await asyncio.open_connection(*sock.getsockname())
        found = await asyncio.wait_for(protocol.options, 10)
        writer.close()
        server.close()
        return found

    with asyncio.Runner(loop_factory=make) as runner:
        assert [bool(option) for option in runner.run(options())] == [True, True]
