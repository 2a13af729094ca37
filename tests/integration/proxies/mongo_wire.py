"""MongoDB's wire protocol, as much as a proxy needs: OP_MSG, and OP_QUERY with OP_REPLY for drivers' first hello.

https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
"""

import dataclasses
import itertools
import struct

import bson

OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
CHECKSUM_PRESENT, MORE_TO_COME = 1, 2
SECONDARY_OK = 4  # a flag of OP_QUERY

HEADER = struct.Struct("<iiii")
numbers = itertools.count(1_000_000)


@dataclasses.dataclass
class Message:
    """A message as it came (`raw`), and the command or reply in it."""

    number: int
    answers: int
    kind: int
    raw: bytes
    document: dict
    flags: int = 0

    @property
    def name(self):
        """The command's name."""
        return next(iter(self.document), "")

    @property
    def more_to_come(self):
        """No reply is wanted for a command; after a reply follows another."""
        return self.kind == OP_MSG and bool(self.flags & MORE_TO_COME)


async def read(reader):
    """The next message."""
    header = await reader.readexactly(HEADER.size)
    size, number, answers, kind = HEADER.unpack(header)
    body = await reader.readexactly(size - HEADER.size)
    flags, document = parse(kind, body)
    return Message(number, answers, kind, header + body, document, flags)


def parse(kind, body):
    (flags,) = struct.unpack_from("<I", body)
    if kind == OP_MSG:
        return flags, command_of(body, flags)
    if kind == OP_QUERY:
        return flags, document_at(body, body.index(b"\0", 4) + 1 + 8)
    if kind == OP_REPLY:
        return flags, document_at(body, 20)
    raise ValueError(f"a message of kind {kind}")


def command_of(body, flags):
    """The section of kind 0; sections of kind 1, which hold documents of a write, may come before it."""
    place, end = 4, len(body) - (4 if flags & CHECKSUM_PRESENT else 0)
    while place < end:
        if body[place] == 0:
            return document_at(body, place + 1)
        place += 1 + struct.unpack_from("<i", body, place + 1)[0]
    raise ValueError("OP_MSG without a command")


def document_at(body, place):
    (size,) = struct.unpack_from("<i", body, place)
    return bson.decode(body[place : place + size])


def with_document(message, document, kind=None):
    """The same message with another document."""
    kind = kind or message.kind
    encoded = bson.encode(document)
    if kind == OP_MSG:
        body = struct.pack("<IB", message.flags & ~CHECKSUM_PRESENT, 0) + encoded
    elif kind == OP_QUERY:
        body = message.raw[HEADER.size : message.raw.index(b"\0", HEADER.size + 4) + 1 + 8] + encoded
    else:
        body = struct.pack("<iqii", 8, 0, 0, 1) + encoded
    return HEADER.pack(HEADER.size + len(body), message.number, message.answers, kind) + body


def reply_to(message, document):
    """A reply of one's own."""
    kind = OP_REPLY if message.kind == OP_QUERY else OP_MSG
    return with_document(Message(next(numbers), message.number, kind, b"", document), document)
