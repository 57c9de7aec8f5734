"""A TCP proxy on loopback that can be told to behave like a bad network.

client ──► listens on `port` ──► target          stall one direction, reset, close one half

One thread, however many connections. What is stalled is late, not lost: it arrives when the stall ends, also when its
sender has given up the connection meanwhile.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Literal, Self

Direction = Literal["to server", "to client"]
_CHUNK = 1 << 16


class _Link:
    """One connection through the proxy."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.ends = {"to client": client, "to server": server}
        self.flows: dict[Direction, asyncio.Event] = {"to client": asyncio.Event(), "to server": asyncio.Event()}
        self.is_half = False
        for flow in self.flows.values():
            flow.set()

    async def pump(self, direction: Direction, source: asyncio.StreamReader) -> None:
        sink, flow = self.ends[direction], self.flows[direction]
        while data := await source.read(_CHUNK):
            await flow.wait()
            if self.is_half and direction == "to client":
                continue
            sink.write(data)
            await sink.drain()
        await flow.wait()
        if sink.can_write_eof():
            sink.write_eof()

    def close_half(self) -> None:
        self.is_half = True
        self.ends["to client"].write_eof()

    def flow(self) -> None:
        for flow in self.flows.values():
            flow.set()

    def reset(self) -> None:
        for end in self.ends.values():
            raw = end.get_extra_info("socket")
            if raw is not None:
                with suppress(OSError):
                    # Closed without a farewell: the other side gets RST.
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.transport.abort()


class Proxy:
    """See above. `close` it, or use it in a `with` block."""

    def __init__(self, target_port: int) -> None:
        """Listens at once, also before the target does."""
        self._target_port = target_port
        self._links: set[_Link] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port: int = self._server.sockets[0].getsockname()[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def stall(self, direction: Direction) -> None:
        """What goes this way on the connections of now waits until `flow`."""
        self._do(lambda link: link.flows[direction].clear())

    def flow(self) -> None:
        """Everything goes on."""
        self._do(_Link.flow)

    def reset(self) -> None:
        """All connections of now end at once."""
        self._do(_Link.reset)

    def close_half(self) -> None:
        """To the clients it looks as if the server said no more; what they say still goes through."""
        self._do(_Link.close_half)

    def close(self) -> None:
        """Listen no more, drop everything."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _do(self, what: Callable[[_Link], object]) -> None:
        async def all_of_them() -> None:
            for link in list(self._links):
                with suppress(OSError, RuntimeError):
                    what(link)

        asyncio.run_coroutine_threadsafe(all_of_them(), self._loop).result(10)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()
            return
        for end in (writer, server_writer):
            end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = _Link(writer, server_writer)
        self._links.add(link)
        pumps = [
            asyncio.ensure_future(link.pump("to server", reader)),
            asyncio.ensure_future(link.pump("to client", server_reader)),
        ]
        try:
            with suppress(OSError, asyncio.CancelledError):
                # When the server is done so is the client's connection; what a client said last still has to arrive.
                await asyncio.gather(*pumps)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._links.discard(link)
            for end in link.ends.values():
                end.transport.abort()

    async def _end(self) -> None:
        self._server.close()
        for link in list(self._links):
            link.reset()
        mine = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not mine]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
