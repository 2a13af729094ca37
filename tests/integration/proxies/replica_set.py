"""Makes a replica set of one server that speaks MongoDB: several ports, which all lead to it, call themselves members."""

import asyncio
import contextlib
import datetime

import bson

from . import mongo_wire
from .listener import BlackHole, Port, Proxy

HELLO = {"hello", "isMaster", "ismaster"}
WRITES = {"insert", "update", "delete", "findAndModify", "findandmodify", "commitTransaction", "abortTransaction"}
WRITES |= {"create", "createIndexes", "collMod", "drop", "dropIndexes", "dropDatabase", "renameCollection"}
READS = {"find", "aggregate", "count", "distinct", "listCollections", "listIndexes", "getMore"}

NOT_WRITABLE_PRIMARY = (10107, "NotWritablePrimary", "not primary")
NOT_PRIMARY_NO_SECONDARY_OK = (13435, "NotPrimaryNoSecondaryOk", "not primary and secondaryOk=false")
INTERRUPTED = (11602, "InterruptedDueToReplStateChange", "operation was interrupted")


class ReplicaSet(Proxy):
    """A set named `nacre` whose primary moves at will:

        with ReplicaSet(server.port) as members:
            members.uri()
            members.elect(1)           # from now on the second member is the primary
            members.elect(None)        # there is none
            members.kill(0)            # closes a member's port and its connections; revive(0) opens it again
            members.pause(0)           # a member accepts connections and answers nothing; resume(0) ends it
            members.lag(1, old.port)   # a member reads elsewhere, in an older copy, what need not be newer
            members.cling(0)           # the primary goes on calling itself so when another is elected; let_go(0) ends it
            members.hide(0)            # nothing that is sent to a member arrives: no connection opens; revive(0) ends it
            members.members[1].tags = {"dc": "east"}
            members.members[1].behind = 200     # seconds by which it says that it is late
            members.members[1].recovering = True
            members.members[1].hidden = True    # no member names it, and it says so itself

    A member that is no primary refuses writes, and reads that want a primary, as MongoDB's do. A write that is under way while
    the primary moves is done, but its answer is an error: whoever tries again must do so with the same transaction number.
    The new primary takes no writes until then.
    All members but those that lag show the same data at once, and nothing is rolled back. What is to be read after a time of
    the cluster is read from the server: so long the member is waited for.
    """

    def __init__(self, server_port, members=3):
        super().__init__()
        self.server_port = server_port
        self.members = [Member(self) for _ in range(members)]
        self.primary = self.members[0]
        self.term = 1

    @property
    def hosts(self):
        return [member.address for member in self.members if not member.hidden]

    def uri(self, options=""):
        return f"mongodb://{','.join(self.hosts)}/nacre?replicaSet=nacre{options}"

    def elect(self, index):
        self.run(self.move(None if index is None else self.members[index]))

    def kill(self, index):
        self.run(self.members[index].port.close())

    def lag(self, index, server_port):
        self.members[index].copy = server_port

    def cling(self, index):
        self.members[index].clings_to = self.term

    def let_go(self, index):
        self.members[index].clings_to = None
        self.members[index].change()

    def hide(self, index):
        self.kill(index)
        self.members[index].hole.open()

    def revive(self, index):
        self.members[index].hole.close()
        self.run(self.members[index].port.open())

    def pause(self, index):
        self.loop.call_soon_threadsafe(self.members[index].awake.clear)

    def resume(self, index):
        self.loop.call_soon_threadsafe(self.members[index].awake.set)

    async def move(self, member):
        self.primary = member
        if member:
            self.term += 1
        for each in self.members:
            each.change()

    async def catch_up(self, member):
        """What is under way at a former primary ends before the new one begins: the server has one log, each member its own."""
        while any(other.writing for other in self.members if other is not member):
            await asyncio.sleep(0.001)

    async def open(self):
        for member in self.members:
            await member.port.open()

    async def close(self):
        for member in self.members:
            member.hole.close()
            await member.port.close()


class Member:
    """One port of the set."""

    def __init__(self, group):
        self.group = group
        self.port = Port(self.serve)
        self.hole = BlackHole(self.port.number)
        self.copy = None
        self.clings_to = None
        self.process = bson.ObjectId()
        self.changes = 0
        self.changed, self.awake = asyncio.Event(), asyncio.Event()
        self.awake.set()
        self.refused = self.hellos = 0
        self.writing = 0
        self.reads = 0
        self.tags, self.behind, self.recovering, self.hidden = {}, 0, False, False

    @property
    def address(self):
        return f"127.0.0.1:{self.port.number}"

    @property
    def is_primary(self):
        return self.group.primary is self

    @property
    def is_stale(self):
        """Whether it is no primary any more and does not know it."""
        return self.clings_to is not None and not self.is_primary

    @property
    def claims_to_be_primary(self):
        return self.is_primary or self.is_stale

    def change(self):
        """Wakes the hellos that wait for news."""
        self.changes += 1
        self.changed.set()
        self.changed = asyncio.Event()

    async def serve(self, reader, writer):
        servers = {}
        try:
            while True:
                message = await mongo_wire.read(reader)
                await self.awake.wait()
                port = self.copy if self.is_late_for(message) else self.group.server_port
                if port not in servers:
                    servers[port] = await asyncio.open_connection("127.0.0.1", port)
                async for reply in self.replies(message, *servers[port]):
                    await self.awake.wait()
                    writer.write(reply)
                    await writer.drain()
        finally:
            for _, server_writer in servers.values():
                server_writer.transport.abort()

    def is_late_for(self, message):
        return self.copy and message.name in READS and "afterClusterTime" not in message.document.get("readConcern", {})

    async def replies(self, message, server_reader, server_writer):
        """One, none for what wants none, or several for a stream."""
        request, refusal = message.raw, self.refusal(message)
        if refusal:
            self.refused += 1
            if not message.more_to_come:
                yield mongo_wire.reply_to(message, self.error(message, *refusal))
            return
        self.reads += message.name in READS
        if message.name in HELLO:
            self.hellos += 1
            request = mongo_wire.with_document(message, await self.news(dict(message.document)))
        primary, term = self.is_primary, self.group.term
        if is_write(message):
            await self.group.catch_up(self)
        server_writer.write(request)
        while not message.more_to_come:
            self.writing += is_write(message)
            try:
                reply = await mongo_wire.read(server_reader)
            finally:
                self.writing -= is_write(message)
            if message.name in HELLO:
                yield mongo_wire.with_document(reply, self.hello(reply.document, message.name))
            elif is_write(message) and (primary, term) != (self.is_primary, self.group.term):
                yield mongo_wire.reply_to(message, self.error(message, *INTERRUPTED))
            else:
                yield reply.raw
            if not reply.more_to_come:
                return

    async def news(self, command):
        """The hello to ask the server, once there is something to say that the client does not know or it waited enough."""
        known, patience = command.pop("topologyVersion", None), command.pop("maxAwaitTimeMS", None)
        if patience is not None and known == self.version():
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.changed.wait(), patience / 1000)
        return command

    def version(self):
        return {"processId": self.process, "counter": bson.Int64(self.changes)}

    def hello(self, reply, name):
        """The server's reply, which also begins the authentication, with what this member says of the set."""
        group = self.group
        for key in ("primary", "electionId", "passives", "arbiters", "isWritablePrimary", "ismaster"):
            reply.pop(key, None)
        reply["isWritablePrimary" if name == "hello" else "ismaster"] = self.claims_to_be_primary
        reply |= {
            "secondary": not self.claims_to_be_primary and not self.recovering,
            "setName": "nacre",
            "setVersion": 1,
            "hosts": group.hosts,
            "me": self.address,
        }
        reply["topologyVersion"] = self.version()
        reply["tags"] = self.tags
        written = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=self.behind)
        reply["lastWrite"] = {**reply.get("lastWrite", {}), "lastWriteDate": written}
        if self.hidden:
            reply["hidden"] = True
        if self.claims_to_be_primary:
            reply["primary"] = self.address
            term = group.term if self.is_primary else self.clings_to
            reply["electionId"] = bson.ObjectId(f"7fffffff{term:016x}")
        elif group.primary:
            reply["primary"] = group.primary.address
        return reply

    def refusal(self, message):
        """What is wrong with a command that a member of this state must not do."""
        if self.claims_to_be_primary:
            return None
        if is_write(message):
            return NOT_WRITABLE_PRIMARY
        if message.name in READS and not may_read_from_secondary(message):
            return NOT_PRIMARY_NO_SECONDARY_OK
        return None

    def error(self, message, code, name, text):
        labels = []
        if in_transaction(message) and message.name not in ("commitTransaction", "abortTransaction"):
            labels = ["TransientTransactionError"]
        elif "txnNumber" in message.document:
            labels = ["RetryableWriteError"]
        error = {"ok": 0.0, "errmsg": text, "code": code, "codeName": name, "topologyVersion": self.version()}
        return {**error, "errorLabels": labels} if labels else error


def in_transaction(message):
    return message.document.get("autocommit") is False


def is_write(message):
    return message.name in WRITES or in_transaction(message)


def may_read_from_secondary(message):
    if message.kind == mongo_wire.OP_QUERY:
        return bool(message.flags & mongo_wire.SECONDARY_OK)
    preference = message.document.get("$readPreference", {"mode": "primary"})
    # A cursor was opened where its find was allowed.
    return message.name == "getMore" or preference["mode"] != "primary"
