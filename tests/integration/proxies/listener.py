"""What all proxies have: an event loop on a thread of its own, and ports that open and close with their connections."""

import asyncio
import contextlib
import socket
import struct
import threading

from harness import free_port


class Proxy:
    """Runs while its `with` block does. Its methods may be called from the test's thread."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    async def open(self):
        """Opens the ports."""
        raise NotImplementedError

    async def close(self):
        """Closes ports and connections."""
        raise NotImplementedError

    def __enter__(self):
        self.thread.start()
        self.run(self.open())
        return self

    def __exit__(self, *_):
        self.run(self.close())
        self.run(self.end_tasks())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def run(self, coroutine):
        """Runs it on the proxy's thread and waits for its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    @staticmethod
    async def end_tasks():
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Port:
    """A port that is opened, and closed with all its connections, any number of times."""

    def __init__(self, serve):
        """`serve(reader, writer)` is a coroutine that serves one connection."""
        self.serve = serve
        self.number = free_port()
        self.listener = None
        self.writers = set()
        self.accepted = 0

    async def open(self):
        if not self.listener:
            self.listener = await asyncio.start_server(self.accept, "127.0.0.1", self.number, backlog=4096)

    async def close(self):
        if self.listener:
            self.listener.close()
            self.listener = None
        self.cut()

    def cut(self, reset=False):
        """Ends all connections, with RST if `reset`."""
        for writer in list(self.writers):
            end(writer, reset)

    async def accept(self, reader, writer):
        self.accepted += 1
        self.writers.add(writer)
        no_delay(writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self.serve(reader, writer)
        finally:
            self.writers.discard(writer)
            writer.transport.abort()


class BlackHole:
    """A port that drops what comes: its listener has room for one connection, which is taken, so the kernel answers no SYN."""

    def __init__(self, number):
        self.number = number
        self.sockets = []

    def open(self):
        listener = socket.socket()
        self.sockets = [listener]
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.number))
        listener.listen(0)
        for _ in range(2):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.number))
            self.sockets.append(filler)

    def close(self):
        for one in self.sockets:
            one.close()
        self.sockets = []


def no_delay(writer):
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def end(writer, reset=False):
    """Closes a connection at once; the other side sees its end, or RST."""
    if reset:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
