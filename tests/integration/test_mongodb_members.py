"""Which members of a replica set are asked, and read from, as their roles and states change."""

import contextlib
import re

import pytest

import raw
from harness import wait_until
from on_mongodb import PATIENT, first, on
from proxies.replica_set import ReplicaSet


def connections(nginx, state):
    return int(re.search(rf'nacre_pool_connections{{state="{state}"}} (\d+)', nginx.api.get("/metrics").text).group(1))


@pytest.mark.parametrize("seeds", [1, 7])
def test_a_new_connection_to_the_primary_asks_no_other_member(start, mongodb, seeds):
    """Once it is known which member it is. When it is another, all are asked again."""
    with ReplicaSet(mongodb.port, members=7) as members:
        uri = members.uri("&maxIdleTimeMS=100").replace(",".join(members.hosts), ",".join(members.hosts[7 - seeds :]))
        nginx = start(on(uri, timeouts=PATIENT), workers=1)

        def burst(count=20):
            """Has the pool grow; returns how many hellos each member got for it."""
            wait_until(lambda: connections(nginx, "idle") <= 2 and connections(nginx, "busy") == 0, "idle ones to be closed")
            before = [member.hellos for member in members.members]
            mongodb.fail("find", blockTimeMS=300)
            with contextlib.ExitStack() as clients:
                many = [clients.enter_context(raw.connect(nginx.port)) for _ in range(count)]
                for one in many:
                    one.sendall(raw.request("GET", "/uncached"))
                assert {one.read_answer()[0] for one in many} == {200}
            mongodb.heal()
            return [member.hellos - asked for member, asked in zip(members.members, before)]

        def asked_beside(primary, counts):
            """The others, without the one that is asked for the members because the URI names no other."""
            return sum(counts) - counts[primary] - (counts[6] if seeds == 1 and primary != 6 else 0)

        for primary in 6, 2:
            members.elect(primary)
            first(nginx, "/uncached", {"n": 1})
            counts = burst()
            assert counts[primary] > 1 and asked_beside(primary, counts) == 0, counts
