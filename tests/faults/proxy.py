"""A small TCP proxy that can be told to misbehave: cut, hold, delay."""

import asyncio
import socket
import struct
import threading
from contextlib import suppress
from enum import Enum

PIECE = 64 * 1024
LINGER = struct.pack("ii", 1, 0)
"""Close with a reset instead of a farewell."""


class Mode(Enum):
    """What the proxy does with what passes."""

    PASS = "pass"
    HOLD = "hold"
    REFUSE = "refuse"


class Proxy:
    """Listens on a port of its own and passes on to another, in a thread of its own."""

    def __init__(self, target_port: int) -> None:
        self._target = target_port
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._passing = asyncio.Event()
        self._frozen: set[asyncio.StreamWriter] = set()
        self._mode = Mode.PASS
        self._delay = 0.0
        self.port = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"proxy of {target_port}", daemon=True)
        self._thread.start()
        self._ready.wait(10)

    def behave(self) -> None:
        """Pass everything on, at once."""
        self._tell(Mode.PASS, 0.0)

    def hold(self) -> None:
        """Keep connections open and pass nothing on, as a cable that was pulled does."""
        self._tell(Mode.HOLD, 0.0)

    def freeze(self) -> None:
        """Pass nothing on any more on the connections that there are; new ones work.

        So a firewall forgets connections: neither end is told.
        """

        def change() -> None:
            self._frozen |= self._writers

        self._loop.call_soon_threadsafe(change)

    def refuse(self) -> None:
        """Reset every connection, and every new one."""
        self._tell(Mode.REFUSE, 0.0)
        self.cut()

    def delay(self, seconds: float) -> None:
        """Pass everything on so much later."""
        self._tell(Mode.PASS, seconds)

    def cut(self) -> None:
        """Reset every connection that there is."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(10)

    def close(self) -> None:
        """Stop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _tell(self, mode: Mode, delay: float) -> None:
        def change() -> None:
            self._mode, self._delay = mode, delay
            (self._passing.clear if mode is Mode.HOLD else self._passing.set)()

        self._loop.call_soon_threadsafe(change)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._passing.set()
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._wind_up())
        self._loop.close()

    async def _wind_up(self) -> None:
        """Let every connection end, so that no socket is left."""
        await self._cut()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode is Mode.REFUSE:
            _reset(writer)
            return
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            _reset(writer)
            return
        ends = {writer, there_writer}
        self._writers |= ends
        with suppress(asyncio.CancelledError):
            await asyncio.gather(self._pump(reader, there_writer), self._pump(there_reader, writer))
        self._writers -= ends
        self._frozen -= ends

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, OSError, asyncio.CancelledError):
            while piece := await reader.read(PIECE):
                await self._passing.wait()
                if writer in self._frozen:
                    continue
                if self._delay:
                    await asyncio.sleep(self._delay)
                writer.write(piece)
                await writer.drain()
        with suppress(OSError, RuntimeError):
            writer.close()

    async def _cut(self) -> None:
        for writer in list(self._writers):
            _reset(writer)


def _reset(writer: asyncio.StreamWriter) -> None:
    plug = writer.get_extra_info("socket")
    with suppress(OSError, AttributeError):
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
    with suppress(OSError, RuntimeError):
        writer.transport.abort()
