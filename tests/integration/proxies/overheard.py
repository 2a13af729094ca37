"""Listens to the conversation with a server that speaks MongoDB, and may do something before a command is passed on."""

import asyncio
import functools

from . import mongo_wire
from .listener import Port, Proxy, no_delay


class Overheard(Proxy):
    """One port that leads to the server:

    with Overheard(server.port) as proxy:
        proxy.uri()
        proxy.before = lambda command: …   # on a thread, before each command is passed on
        proxy.said                         # pairs of command and reply
        proxy.spoil = lambda command, reply: …  # the bytes of a reply, in place of those that the server gave
    """

    def __init__(self, server_port):
        super().__init__()
        self.server_port = server_port
        self.listening = Port(self.serve)
        self.said = []
        self.before = None
        self.spoil = lambda command, reply: reply

    def uri(self, database="nacre"):
        return f"mongodb://127.0.0.1:{self.listening.number}/{database}?directConnection=true"

    def commands(self, name):
        """Pairs of those with this name."""
        return [(command, reply) for command, reply in self.said if next(iter(command)) == name]

    async def open(self):
        await self.listening.open()

    async def close(self):
        await self.listening.close()

    async def serve(self, reader, writer):
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.server_port)
        no_delay(server_writer)
        try:
            while True:
                message = await mongo_wire.read(reader)
                # Nothing that would make the server answer more than once.
                command = {
                    key: value for key, value in message.document.items() if key not in ("maxAwaitTimeMS", "topologyVersion")
                }
                if self.before:
                    await asyncio.get_running_loop().run_in_executor(None, functools.partial(self.before, command))
                server_writer.write(mongo_wire.with_document(message, command))
                if message.more_to_come:
                    continue
                reply = await mongo_wire.read(server_reader)
                self.said.append((command, reply.document))
                writer.write(self.spoil(command, mongo_wire.with_document(reply, reply.document)))
                await writer.drain()
        finally:
            server_writer.transport.abort()
