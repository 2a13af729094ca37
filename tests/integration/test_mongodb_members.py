"""Which members of a replica set are asked, and read from, as their roles and states change."""

import contextlib
import json
import os
import re
import threading
import time
import urllib.parse

import pytest

import raw
from harness import Client, wait_until
from load import Load, Threads, assert_acknowledged_is_there, one_connection_to_each_worker
from on_mongodb import PATIENT, first, on
from proxies.replica_set import ReplicaSet
from proxies.routers import Routers
from servers.mongo_server import MongoServer


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

            def asks_the_primary_alone(primary=primary):
                counts = burst()
                return counts[primary] > 1 and asked_beside(primary, counts) == 0

            wait_until(asks_the_primary_alone, "all that had the former primary to know the new one")


@pytest.fixture
def former(launch, mongodb, members):
    """Elects another member while the primary, the first, does not know it, and shows for ever the documents of a resource
    as they are now; the new primary's have `n` = 2."""
    old = launch(MongoServer)

    def elect(index, resource="uncached"):
        with mongodb.client() as source, old.client() as target:
            target.nacre[resource].insert_many(source.nacre[resource].find())
            source.nacre[resource].update_many({}, {"$set": {"n": 2}, "$inc": {"_rev": 1}})
        members.lag(0, old.port)
        members.cling(0)
        members.elect(index)

    return elect


def cut(members):
    for member in members.members:
        members.loop.call_soon_threadsafe(member.port.cut)


def uri_of(members, order, options=""):
    return members.uri(options).replace(",".join(members.hosts), ",".join(members.hosts[index] for index in order))


def assert_newest_is_read(nginx, path):
    for _ in range(10):
        one, many = nginx.api.get(path), nginx.api.get("/uncached")
        assert (one.status_code, many.status_code) == (200, 200)
        assert one.json()["n"] == 2 and [item["n"] for item in many.json()["items"]] == [2]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_a_stale_primary_is_no_primary(start, mongodb, members, former, order):
    """Whichever answers first, and whichever the worker knew."""
    nginx = start(on(uri_of(members, order), timeouts=PATIENT), workers=1)
    path = first(nginx, "/uncached", {"n": 1})
    former(1)
    members.kill(0)  # so that the worker learns of the new one
    first(nginx, "/free", {"n": 1})
    members.revive(0)
    for _ in range(3):
        cut(members)
        wait_until(lambda: nginx.api.get(path).status_code == 200, "a connection")
        assert_newest_is_read(nginx, path)
    fresh = start(on(uri_of(members, order), timeouts=PATIENT), workers=1)
    wait_until(lambda: fresh.api.get(path).status_code == 200, "a connection")
    assert_newest_is_read(fresh, path)
    for one in nginx, fresh:
        assert one.api.patch(path, json={"other": "x"}).status_code == 200


def test_a_primary_that_became_stale_is_left(start, mongodb, members, former):
    """Though no connection is lost and none is made: the members are asked all the time."""
    nginx = start(on(members.uri("&heartbeatFrequencyMS=500"), timeouts=PATIENT), workers=1)
    path = first(nginx, "/uncached", {"n": 1})
    former(1)
    wait_until(lambda: nginx.api.get(path).json()["n"] == 2, "the new primary", 10)
    assert_newest_is_read(nginx, path)
    assert nginx.api.patch(path, json={"other": "x"}).status_code == 200


def test_what_a_stale_primary_gave_is_cached_no_longer_than_it_is_used(start, mongodb, members, former):
    nginx = start(on(members.uri("&heartbeatFrequencyMS=500"), timeouts=PATIENT), workers=1)
    path = first(nginx, "/free", {"n": 1})
    former(1, "free")
    assert nginx.api.get(path).json()["n"] == 1
    wait_until(lambda: nginx.api.get(path).json()["n"] == 2, "what the new primary has", 10)


@pytest.mark.parametrize("preference", ["primaryPreferred", "secondary", "secondaryPreferred", "nearest"])
def test_a_reader_does_not_wait_for_the_primary_where_the_only_one_that_answers_is_stale(
    start, mongodb, members, former, preference
):
    options = f"&readPreference={preference}&connectTimeoutMS=15000&localThresholdMS=2000"
    nginx = start(on(members.uri(options), timeouts=PATIENT), workers=1)
    path = first(nginx, "/uncached", {"n": 1})
    former(1)
    members.kill(0)
    first(nginx, "/free", {"n": 1})
    members.revive(0)
    members.pause(1)
    cut(members)
    began = time.monotonic()
    assert_newest_is_read(nginx, path)
    assert time.monotonic() - began < 5
    members.resume(1)


def test_no_stale_primary_is_taken_while_the_newest_is_away(start, mongodb, members, former):
    nginx = start(on(members.uri("&serverSelectionTimeoutMS=1000")), workers=1)
    path = first(nginx, "/uncached", {"n": 1})
    former(1)
    members.kill(0)
    first(nginx, "/free", {"n": 1})
    members.revive(0)
    members.kill(1)
    answers = [nginx.api.get(path) for _ in range(5)]
    assert {answer.status_code for answer in answers} == {503}
    members.revive(1)
    wait_until(lambda: nginx.api.get(path).status_code == 200, "the primary")
    assert_newest_is_read(nginx, path)


class Readers(Threads):
    """Clients that read a document and a list all the time; which must not fail."""

    def __init__(self, nginx, path, clients=3):
        super().__init__(self.run, [()] * clients)
        self.nginx, self.path = nginx, path
        self.failed, self.answers = [], 0

    def run(self):
        with Client(self.nginx.url) as client:
            while not self.stopping.is_set():
                for path in self.path, "/uncached?limit=2":
                    answer = client.get(path)
                    self.answers += 1
                    if answer.status_code != 200:
                        self.failed.append(answer.text)


@contextlib.contextmanager
def reading(start, members, options):
    """An nginx that asks the members twice a second, and clients of it; none of their requests may fail."""
    uri = members.uri(f"&heartbeatFrequencyMS=500&localThresholdMS=2000&{options}")
    nginx = start(on(uri, timeouts=PATIENT), workers=1)
    path = first(nginx, "/uncached", {"n": 1})
    with Readers(nginx, path) as readers:
        yield nginx
    assert readers.failed == [] and readers.answers > 0


def wait_until_read_from(members, *indexes):
    """Of those members, and of none but those, all is read, within a few heartbeats."""

    def only_those():
        before = [member.reads for member in members.members]
        time.sleep(0.3)
        read = {index for index, member in enumerate(members.members) if member.reads > before[index]}
        return read and read <= set(indexes)

    wait_until(only_those, f"reads from {indexes} alone", 10)


def test_a_secondary_that_becomes_the_primary_is_left(start, members):
    with reading(start, members, "readPreference=secondary"):
        for primary in 0, 1, 2, 0:
            members.elect(primary)
            wait_until_read_from(members, *({0, 1, 2} - {primary}))


def test_a_secondary_that_falls_behind_is_left(start, members):
    with reading(start, members, "readPreference=secondary&maxStalenessSeconds=90"):
        for late, good in (1, 2), (2, 1):
            members.members[late].behind = 200
            members.members[good].behind = 0
            wait_until_read_from(members, good)


def test_the_preferred_member_is_left_when_it_loses_its_tag_and_taken_again(start, members):
    for member, dc in zip(members.members, ("west", "east", "west")):
        member.tags = {"dc": dc}
    with reading(start, members, "readPreference=secondary&readPreferenceTags=dc:east&readPreferenceTags="):
        wait_until_read_from(members, 1)
        members.members[1].tags = {"dc": "west"}
        members.members[2].tags = {"dc": "east"}
        wait_until_read_from(members, 2)
        members.members[1].tags = {"dc": "east"}
        members.members[2].tags = {}
        wait_until_read_from(members, 1)


@pytest.mark.parametrize("away", ["kill", "pause"])
def test_the_preferred_member_is_taken_again_when_it_is_back(start, members, away):
    members.members[1].tags = {"dc": "east"}
    options = "readPreference=secondary&readPreferenceTags=dc:east&readPreferenceTags=&connectTimeoutMS=500"
    uri = members.uri(f"&heartbeatFrequencyMS=500&localThresholdMS=2000&{options}")
    nginx = start(on(uri, timeouts="{ store: 1s, request: 4s }"), workers=1)
    path = first(nginx, "/uncached", {"n": 1})
    getattr(members, away)(1)
    wait_until(lambda: nginx.api.get(path).status_code == 200, "another member")
    with Readers(nginx, path) as readers:
        wait_until_read_from(members, 2)
        {"kill": members.revive, "pause": members.resume}[away](1)
        wait_until_read_from(members, 1)
    assert readers.failed == []


@pytest.mark.parametrize("state", ["recovering", "hidden"])
def test_a_member_that_may_not_be_read_from_is_left(start, members, state):
    with reading(start, members, "readPreference=secondary"):
        for bad, good in (1, 2), (2, 1):
            setattr(members.members[good], state, False)
            setattr(members.members[bad], state, True)
            wait_until_read_from(members, good)


def test_the_primary_is_read_from_as_long_as_there_is_no_secondary(start, members):
    with reading(start, members, "readPreference=secondaryPreferred"):
        for index in (1, 2):
            members.members[index].recovering = True
        wait_until_read_from(members, 0)
        members.members[2].recovering = False
        wait_until_read_from(members, 2)


def test_a_read_that_is_under_way_ends_where_it_is(start, mongodb, members):
    uri = members.uri("&heartbeatFrequencyMS=500&localThresholdMS=2000&readPreference=secondary")
    nginx = start(on(uri, timeouts=PATIENT), workers=1)
    path = first(nginx, "/uncached", {"n": 1})
    members.members[2].recovering = True
    wait_until(lambda: nginx.api.get(path).status_code == 200, "a read")
    with Readers(nginx, path):
        wait_until_read_from(members, 1)
    mongodb.fail("find", times=2, blockTimeMS=3_000)
    statuses = []

    def read(path):
        with Client(nginx.url) as client:
            statuses.append(client.get(path).status_code)

    slow = [threading.Thread(target=read, args=(one,)) for one in (path, "/uncached")]
    before = members.members[1].reads
    for one in slow:
        one.start()
    wait_until(lambda: members.members[1].reads >= before + 2, "both to be under way")
    members.members[1].recovering, members.members[2].recovering = True, False
    with Readers(nginx, path) as readers:
        wait_until_read_from(members, 2)
        assert statuses == []
    for one in slow:
        one.join()
    assert statuses == [200, 200] and readers.failed == []


def test_seven_members_some_down_and_some_late(start, launch, mongodb):
    """Writes go to the primary, wherever it moves; reads to the secondary that is there and in time. Nothing fails."""
    old = launch(MongoServer)
    with ReplicaSet(mongodb.port, members=7) as members:
        refuses, silent, unreachable, *late, good, primary = range(7)
        members.elect(primary)
        members.kill(refuses)
        members.pause(silent)
        members.hide(unreachable)
        for index in late:
            members.lag(index, old.port)
            members.members[index].behind = 200
        options = "&readPreference=secondary&maxStalenessSeconds=90&heartbeatFrequencyMS=500&localThresholdMS=2000"
        nginx = start(on(members.uri(options), timeouts=PATIENT), workers=1)
        path = first(nginx, "/uncached", {"n": 0})
        with Load(nginx.port, threads=2) as load, Readers(nginx, path) as readers:
            wait_until_read_from(members, good, primary)
            members.members[late[0]].behind = 0
            members.lag(late[0], None)
            members.members[primary].behind = 200
            members.elect(good)
            wait_until_read_from(members, late[0], good)
            members.members[primary].behind = 0
            members.elect(primary)
            wait_until_read_from(members, late[0], good, primary)
            before = load.answers
            wait_until(lambda: load.answers > before + 30, "load")
        assert load.failed == [] and readers.failed == []
        assert members.members[late[1]].reads == 0
        assert_acknowledged_is_there(nginx, load)


def test_what_one_worker_wrote_the_others_read(start, launch, members):
    """From secondaries that lag, and after a reload as well."""
    old = launch(MongoServer)
    for late in (1, 2):
        members.lag(late, old.port)
    nginx = start(on(members.uri("&readPreference=secondary"), timeouts=PATIENT), workers=2)
    path = first(nginx, "/uncached", {"n": 0})
    with one_connection_to_each_worker(nginx) as connections:
        for n in range(1, 21):
            writer, reader = connections[n % 2], connections[(n + 1) % 2]
            writer.sendall(raw.request("PATCH", path, b'{"n":%d}' % n))
            assert writer.read_answer()[0] == 200
            reader.sendall(raw.request("GET", path))
            status, _, body = reader.read_answer()
            assert status == 200 and json.loads(body)["n"] == n
    nginx.reload()
    for _ in range(10):
        assert nginx.api.get(path).json()["n"] == 20


def test_the_set_that_is_there(start, mongodb_uri):
    """A real one, where MONGODB_URI names it: what a worker wrote it reads from the secondaries, however late they are."""
    server = urllib.parse.urlsplit(mongodb_uri)
    query = f"{server.query}&readPreference=secondaryPreferred&heartbeatFrequencyMS=500".lstrip("&")
    nginx = start(on(server._replace(path=f"/nacre_members_{os.getpid()}", query=query).geturl(), timeouts=PATIENT), workers=1)
    path = first(nginx, "/uncached", {"n": 0})
    until = time.monotonic() + 2
    n = 0
    while time.monotonic() < until:
        n += 1
        assert nginx.api.patch(path, json={"n": n}).status_code == 200
        assert nginx.api.get(path).json()["n"] == n


def test_a_set_is_found_by_one_of_its_members(start, members):
    """Whichever the URI names, of whatever role, and without the set's name."""
    nginx = start(on(f"mongodb://{members.hosts[1]}/nacre", timeouts=PATIENT), workers=1)
    for primary in 0, 1, 2, 0:
        members.elect(primary)
        path = first(nginx, "/uncached", {"n": 1})
        assert nginx.api.get(path).status_code == nginx.api.get("/ready").status_code == 200


def test_a_secondary_that_alone_may_be_used_is_read_from_and_not_ready(start, members):
    """No request makes a new connection for what another would not do either."""
    uri = f"mongodb://{members.hosts[1]}/nacre?directConnection=true"
    nginx = start(on(uri, timeouts="{ store: 500ms, request: 1s }"), workers=1)
    members.elect(1)
    path = first(nginx, "/uncached", {"n": 1})
    wait_until(lambda: nginx.api.get("/ready").status_code == 200, "readiness")
    members.elect(0)
    one = members.members[1]
    accepted, refused = one.port.accepted, one.refused
    for _ in range(5):
        assert nginx.api.patch(path, json={"n": 2}).status_code in (503, 504)  # it is tried again meanwhile
        assert nginx.api.get("/ready").status_code == 503
        assert nginx.api.get(path).status_code == 200
    assert one.port.accepted - accepted < (one.refused - refused) / 2
    assert "MongoDB is away" not in nginx.log()
    members.elect(1)
    wait_until(lambda: nginx.api.get("/ready").status_code == 200, "readiness")
    assert nginx.api.patch(path, json={"n": 2}).status_code == 200


@pytest.mark.parametrize("asked, told", [("other", 'of the replica set "nacre"'), ("nacre", "no member of a replica set")])
def test_a_set_of_another_name_is_named(start, launch, mongodb, members, asked, told):
    with Routers(mongodb.port) as routers:
        host = members.hosts[0] if asked == "other" else routers.routers[0].address
        nginx = start(on(f"mongodb://{host}/nacre?replicaSet={asked}"), workers=1)
        line = f'MongoDB is away: no suitable server: {host} is {told}, and "{asked}" is looked for'
        wait_until(lambda: line in nginx.log(), "the line in the log")
