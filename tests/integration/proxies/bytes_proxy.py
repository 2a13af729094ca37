"""A TCP proxy that spoils what passes: for Redis, MongoDB, or anything else, with TLS or without."""

import asyncio

from .listener import Port, Proxy, end, no_delay


class BytesProxy(Proxy):
    """Stands on `port` before a server of this host, and passes all bytes on until told otherwise:

        with BytesProxy(server.port) as proxy:
            proxy.delay = 0.1          # seconds that each piece of a reply is held back
            proxy.split = True         # replies arrive in pieces of one byte
            proxy.stall()              # nothing is read any more, so the sides' buffers fill; flow() ends it
            proxy.lose()               # what either side sends is lost, and neither learns that the other is gone, until flow()
            proxy.cut_after(5)         # when five more bytes of replies have passed, their connection is closed, once
            proxy.cut()                # closes all connections now
            proxy.refuse()             # closes them and the port; accept() opens it again
            proxy.heal()               # ends all of it

    Connections go through whatever of it holds at the moment, old ones too.
    """

    def __init__(self, server_port):
        super().__init__()
        self.server_port = server_port
        self.listening = Port(self.serve)
        self.flowing, self.connected = asyncio.Event(), asyncio.Event()
        self.resume()
        self.delay, self.split = 0, False
        self.left, self.reset = None, False
        self.requested = self.replied = 0

    @property
    def port(self):
        return self.listening.number

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def accepted(self):
        """How many connections there have been."""
        return self.listening.accepted

    @property
    def connections(self):
        """How many there are."""
        return len(self.listening.writers)

    def stall(self):
        self.loop.call_soon_threadsafe(self.flowing.clear)

    def lose(self):
        self.loop.call_soon_threadsafe(self.connected.clear)

    def flow(self):
        self.loop.call_soon_threadsafe(self.resume)

    def resume(self):
        self.flowing.set()
        self.connected.set()

    def cut_after(self, count, reset=False):
        self.reset = reset
        self.left = count

    def cut(self, reset=False):
        self.loop.call_soon_threadsafe(self.listening.cut, reset)

    def refuse(self):
        self.run(self.close())

    def accept(self):
        self.run(self.open())

    def heal(self):
        self.delay, self.split, self.left = 0, False, None
        self.flow()
        self.accept()

    async def open(self):
        await self.listening.open()

    async def close(self):
        await self.listening.close()

    async def serve(self, reader, writer):
        await self.flowing.wait()
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.server_port)
        no_delay(server_writer)
        replies = asyncio.ensure_future(self.pass_replies(server_reader, writer, server_writer))
        try:
            await self.pass_requests(reader, server_writer)
        finally:
            replies.cancel()
            await asyncio.gather(replies, return_exceptions=True)
            server_writer.transport.abort()

    async def pieces(self, reader):
        """What is to be passed on."""
        while True:
            await self.flowing.wait()
            try:
                piece = await reader.read(65536)
            except ConnectionError:
                piece = b""
            await self.flowing.wait()
            if not piece:
                await self.connected.wait()
                return
            if self.connected.is_set():
                yield piece

    async def pass_requests(self, reader, writer):
        """Until the client ends the connection, even when the server has done so: a connection that is closed with something
        unread takes back what the other side has not read yet."""
        async for piece in self.pieces(reader):
            if not writer.is_closing():
                self.requested += len(piece)
                writer.write(piece)
                await writer.drain()

    async def pass_replies(self, reader, writer, server_writer):
        async for piece in self.pieces(reader):
            if self.delay:
                await asyncio.sleep(self.delay)
            for part in [piece[i : i + 1] for i in range(len(piece))] if self.split else [piece]:
                allowed = self.allowed(len(part))
                self.replied += allowed
                writer.write(part[:allowed])
                await writer.drain()
                if self.left == 0:
                    self.left = None
                    server_writer.transport.abort()
                    return end(writer, reset=True) if self.reset else writer.write_eof()
        writer.write_eof()

    def allowed(self, size):
        """How much of a piece may pass until the connection is to be cut."""
        if self.left is None:
            return size
        size = min(size, self.left)
        self.left -= size
        return size
