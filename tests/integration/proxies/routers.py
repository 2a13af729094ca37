"""Makes a sharded cluster of one server that speaks MongoDB: two ports lead to it, and call themselves routers (mongos)."""

import asyncio

import bson

from . import mongo_wire
from .listener import Port, Proxy
from .replica_set import HELLO, in_transaction

ENDS = {"commitTransaction", "abortTransaction"}
NO_PARTICIPANTS = (50940, "Location50940", "cannot commit with no participants")
NO_SUCH_TRANSACTION = (251, "NoSuchTransaction", "the transaction is at another router")


class Routers(Proxy):
    """Two routers, each of which knows only transactions that began there:

        with Routers(server.port) as routers:
            routers.uri()
            routers.lose_reply("insert")   # the next one in a transaction is done; then its connection is cut

    A transaction is ended elsewhere only with the recovery token that the replies to its commands bear.
    """

    def __init__(self, server_port, count=2):
        super().__init__()
        self.server_port = server_port
        self.routers = [Router(self) for _ in range(count)]
        self.lost = None
        self.strays = []  # names of commands of transactions that came to the wrong router
        self.commits = []  # of each router
        self.aborts = 0
        self.unended = set()  # transactions that began at a router, and that it was not told the end of

    def uri(self, options=""):
        return f"mongodb://{','.join(router.address for router in self.routers)}/nacre?{options}"

    def lose_reply(self, name):
        self.lost = name

    async def open(self):
        for router in self.routers:
            await router.port.open()

    async def close(self):
        for router in self.routers:
            await router.port.close()


class Router:
    """One port of the cluster."""

    def __init__(self, group):
        self.group = group
        self.port = Port(self.serve)
        self.transactions = set()

    @property
    def address(self):
        return f"127.0.0.1:{self.port.number}"

    async def serve(self, reader, writer):
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.group.server_port)
        try:
            while True:
                message = await mongo_wire.read(reader)
                error = self.error(message)
                if error:
                    writer.write(mongo_wire.reply_to(message, error))
                    continue
                # The server is told by one who is no router: it knows no tokens.
                command = {key: value for key, value in message.document.items() if key != "recoveryToken"}
                command.pop("maxAwaitTimeMS", None)
                command.pop("topologyVersion", None)
                server_writer.write(mongo_wire.with_document(message, command))
                if message.more_to_come:
                    continue
                reply = await mongo_wire.read(server_reader)
                if in_transaction(message) and message.name == self.group.lost:
                    self.group.lost = None
                    return
                writer.write(mongo_wire.with_document(reply, self.changed(message, reply.document)))
                await writer.drain()
        finally:
            server_writer.transport.abort()

    def error(self, message):
        if not in_transaction(message):
            return None
        command = message.document
        transaction = (bytes(command["lsid"]["id"]), command["txnNumber"])
        if command.get("startTransaction"):
            self.transactions.add(transaction)
            self.group.unended.add(transaction)
        if message.name == "commitTransaction":
            self.group.commits.append(self)
        self.group.aborts += message.name == "abortTransaction"
        if transaction in self.transactions or (message.name in ENDS and "recoveryToken" in command):
            if message.name in ENDS:
                self.group.unended.discard(transaction)
            return None
        self.group.strays.append(message.name)
        code, name, text = NO_PARTICIPANTS if message.name == "commitTransaction" else NO_SUCH_TRANSACTION
        error = {"ok": 0.0, "errmsg": text, "code": code, "codeName": name}
        return error if code == 50940 else {**error, "errorLabels": ["TransientTransactionError"]}

    def changed(self, message, reply):
        if message.name in HELLO:
            for key in ("setName", "setVersion", "hosts", "me", "primary", "electionId", "topologyVersion", "lastWrite"):
                reply.pop(key, None)
            reply |= {"msg": "isdbgrid"}
        elif in_transaction(message):
            reply["recoveryToken"] = {"recoveryShardId": "shard", "at": bson.Int64(1)}
        return reply
