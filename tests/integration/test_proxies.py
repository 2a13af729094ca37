"""The test servers and proxies themselves, by clients that are trusted: what they do to Nacre, they do to these."""

import socket
import struct
import threading
import time

import bson
import pymongo
import pytest
import redis
from harness import wait_until
from proxies import mongo_wire
from proxies.bytes_proxy import BytesProxy
from proxies.replica_set import ReplicaSet
from pymongo import ReadPreference
from pymongo.errors import AutoReconnect, NotPrimaryError, PyMongoError, ServerSelectionTimeoutError
from servers.mongo_server import MongoServer
from servers.redis_groups import RedisCluster, RedisSentinels
from servers.redis_server import CLIENT, RedisServer


@pytest.fixture
def cached(launch):
    """A Redis with a value of 1,000 bytes."""
    server = launch(RedisServer)
    server.execute("SET", "key", "x" * 1000)
    return server


@pytest.fixture(scope="module")
def mongo(tmp_path_factory):
    server = MongoServer(tmp_path_factory.mktemp("mongo"), user=("app", "p@ss:word")).start()
    yield server
    server.stop()


@pytest.fixture
def documents(mongo, request):
    """A collection of the test's own."""
    return mongo.client()["nacre"][request.node.name]


def through(proxy):
    return redis.Redis(port=proxy.port, socket_timeout=1, **CLIENT)


def test_a_redis_keeps_its_port_over_kill_and_answers_after_a_pause(launch):
    server = launch(RedisServer, password="secret", appendonly="yes", appendfsync="always")
    server.execute("SET", "key", "value")
    port = server.port
    server.restart()
    assert (server.port, server.execute("GET", "key")) == (port, "value")
    server.pause()
    with pytest.raises(redis.TimeoutError):
        server.client(socket_timeout=0.2).ping()
    server.resume()
    assert server.client().ping()
    with pytest.raises(redis.AuthenticationError):
        server.client(password="wrong").ping()
    assert redis.Redis(unix_socket_path=str(server.socket), password="secret").ping()


def test_a_redis_has_users_of_its_own(launch):
    server = launch(RedisServer, acl=["app on >secret ~app:* +get"])
    client = server.client(username="app", password="secret")
    assert client.get("app:1") is None
    with pytest.raises(redis.exceptions.NoPermissionError):
        client.get("other")


@pytest.mark.parametrize(["identity", "complaint"], [("server", None), ("expired", "expired"), ("wrong_host", "not valid for")])
def test_certificates_are_good_or_bad_as_they_say(launch, certificates, identity, complaint):
    server = launch(RedisServer, identity=getattr(certificates, identity), ca=certificates.ca)
    if complaint:
        with pytest.raises(redis.ConnectionError, match=complaint):
            server.client().ping()
    else:
        assert server.client().ping()
    with pytest.raises(redis.ConnectionError):
        server.client(ssl_ca_certs=str(certificates.other_ca)).ping()


def test_mongodb_asks_for_a_certificate(launch, certificates):
    server = launch(MongoServer, identity=certificates.server, ca=certificates.ca, ask_client=True)
    pem = {"tlsCertificateKeyFile": str(certificates.client.pem)}
    with pymongo.MongoClient(server.uri(**pem)) as client:
        assert client.admin.command("ping")["ok"] == 1
    with pymongo.MongoClient(server.uri(), serverSelectionTimeoutMS=300) as client, pytest.raises(ServerSelectionTimeoutError):
        client.admin.command("ping")


def test_mongodb_loses_nothing_when_killed_and_fails_as_it_is_told(mongo, documents):
    documents.insert_many({"_id": i} for i in range(100))
    mongo.restart()
    assert documents.count_documents({}) == 100
    mongo.fail("find", errorCode=2, times=1)
    with pytest.raises(PyMongoError):
        documents.find_one()
    mongo.fail("find", blockTimeMS=200)
    began = time.monotonic()
    assert documents.find_one()
    assert time.monotonic() - began > 0.2
    mongo.heal()
    with pymongo.MongoClient(f"mongodb://app:wrong@{mongo.address}") as client, pytest.raises(PyMongoError):
        client.nacre.any.find_one()


def test_sentinels_replace_a_killed_master_and_move_it_on_demand(launch):
    group = launch(RedisSentinels, password="secret")
    first = group.master()
    first.execute("SET", "key", "value")
    first.execute("WAIT", 1, 5000)
    first.kill()
    second = group.wait_for_failover(first)
    assert (second.execute("GET", "key"), group.master()) == ("value", second)
    first.start()
    wait_until(lambda: group.role_of(first) == "slave", "the old master follows the new one")
    assert group.fail_over() is first


def test_a_cluster_moves_slots(launch):
    cluster = launch(RedisCluster)
    slot = cluster.slot_of("{tag}1")
    source = cluster.owner(slot)
    target = next(node for node in cluster.nodes if node is not source)
    source.execute("SET", "{tag}1", "value")
    cluster.begin_move(slot, target)
    assert source.execute("GET", "{tag}1") == "value"
    with pytest.raises(redis.exceptions.AskError):
        source.execute("GET", "{tag}2")
    cluster.finish_move(slot, source, target)
    with pytest.raises(redis.exceptions.MovedError):
        source.execute("GET", "{tag}1")
    assert (cluster.owner(slot), target.execute("GET", "{tag}1")) == (target, "value")


def test_bytes_are_counted_split_delayed_and_cut(cached):
    reply = len("$1000\r\n") + 1000 + 2
    with BytesProxy(cached.port) as proxy:
        client = through(proxy)
        client.ping()
        before = proxy.replied
        assert client.get("key") == "x" * 1000
        assert proxy.replied - before == reply
        proxy.split = True
        assert client.get("key") == "x" * 1000
        proxy.heal()
        for count in (0, 1, reply - 1):
            proxy.cut_after(count)
            with pytest.raises(redis.ConnectionError):
                client.get("key")
            assert client.get("key") == "x" * 1000
        proxy.cut_after(10, reset=True)
        with pytest.raises(redis.ConnectionError):
            client.get("key")
        proxy.delay = 0.1
        began = time.monotonic()
        client.ping()
        assert time.monotonic() - began > 0.1


def test_connections_stall_lose_everything_and_are_refused(cached):
    with BytesProxy(cached.port) as proxy:
        client = through(proxy)
        for trouble in (proxy.stall, proxy.lose):
            assert client.get("key")
            trouble()
            with pytest.raises(redis.TimeoutError):
                client.get("key")
            with pytest.raises(redis.TimeoutError):
                through(proxy).ping()
            proxy.heal()
        assert client.get("key")
        proxy.lose()
        cached.kill()
        with pytest.raises(redis.TimeoutError):
            client.ping()
        assert proxy.connections > 0
        proxy.refuse()
        with pytest.raises(redis.ConnectionError, match="refused"):
            client.ping()
        cached.start()
        proxy.heal()
        assert client.ping()


def test_mongodb_is_cut_and_comes_back(mongo, documents):
    documents.insert_one({"_id": 1, "text": "x" * 100})
    with BytesProxy(mongo.port) as proxy:
        uri = f"mongodb://app:p%40ss%3Aword@{proxy.address}/?directConnection=true&retryReads=false"
        with pymongo.MongoClient(uri, heartbeatFrequencyMS=60_000, serverMonitoringMode="poll") as client:
            through_proxy = client["nacre"][documents.name]
            assert through_proxy.find_one()["_id"] == 1
            proxy.cut_after(50)
            with pytest.raises(AutoReconnect):
                through_proxy.find_one()
            assert through_proxy.find_one()["_id"] == 1


@pytest.fixture
def members(mongo):
    with ReplicaSet(mongo.port) as members:
        yield members


@pytest.fixture
def driver(members):
    """A driver that knows the set, and counts on what it learns at once rather than in ten seconds."""
    with pymongo.MongoClient(members.uri("&authSource=admin"), username="app", password="p@ss:word") as client:
        client.admin.command("ping")
        yield client


def primary_of(driver):
    return driver.primary and driver.primary[1]


def test_a_driver_follows_the_primary(members, driver, documents):
    written = driver["nacre"][documents.name]
    for i, member in enumerate([0, 1, 2, 0]):
        members.elect(member)
        written.insert_one({"_id": i})
        wait_until(lambda member=member: primary_of(driver) == members.members[member].port.number, "the driver knows")
    wait_until(lambda: len(driver.secondaries) == 2, "the driver knows the others")
    assert documents.count_documents({}) == 4


def test_without_a_primary_writes_wait_and_secondaries_are_read(members, driver, documents):
    written = driver["nacre"][documents.name]
    written.insert_one({"_id": 0})
    members.elect(None)
    wait_until(lambda: driver.primary is None, "the driver knows")
    assert written.with_options(read_preference=ReadPreference.SECONDARY).find_one() == {"_id": 0}
    election = threading.Timer(0.2, members.elect, [1])
    election.start()
    written.insert_one({"_id": 1})
    election.join()
    assert documents.count_documents({}) == 2


def test_a_write_that_is_interrupted_is_done_once(mongo, members, driver, documents):
    written = driver["nacre"][documents.name]
    written.insert_one({"_id": 0, "n": 0})
    mongo.fail("update", blockTimeMS=300)
    election = threading.Timer(0.1, members.elect, [1])
    election.start()
    written.update_one({"_id": 0}, {"$inc": {"n": 1}})
    election.join()
    mongo.heal()
    assert documents.find_one()["n"] == 1


def test_a_member_refuses_what_only_the_primary_may(members, documents):
    host = members.hosts[1]
    with pymongo.MongoClient(host, directConnection=True, username="app", password="p@ss:word", retryWrites=False) as client:
        collection = client["nacre"][documents.name]
        with pytest.raises(NotPrimaryError) as refusal:
            collection.insert_one({"_id": 0})
        assert refusal.value.details["code"] == 10107
        assert refusal.value.details["topologyVersion"]["counter"] == 0
        # With one host alone a driver asks for what that one may give.
        assert collection.find_one() is None


def test_a_member_answers_the_hello_of_old(members):
    """OP_QUERY, answered by OP_REPLY: drivers begin with it when they do not know the server."""
    body = bytes(4) + b"admin.$cmd\0" + struct.pack("<ii", 0, -1) + bson.encode({"isMaster": 1})
    with socket.create_connection(("127.0.0.1", members.members[0].port.number)) as connection, connection.makefile(
        "rb"
    ) as reader:
        connection.sendall(mongo_wire.HEADER.pack(16 + len(body), 7, 0, mongo_wire.OP_QUERY) + body)
        size, _, answers, kind = mongo_wire.HEADER.unpack(reader.read(16))
        _, document = mongo_wire.parse(kind, reader.read(size - 16))
    assert (kind, answers, document["ismaster"], document["hosts"]) == (mongo_wire.OP_REPLY, 7, True, members.hosts)


def test_a_dead_member_is_done_without_and_a_hung_one_is_left(members, driver, documents):
    written = driver["nacre"][documents.name]
    members.kill(0)
    members.elect(1)
    written.insert_one({"_id": 0})
    members.revive(0)
    wait_until(lambda: len(driver.nodes) == 3, "the member is back")
    members.pause(1)
    members.elect(2)
    wait_until(lambda: primary_of(driver) == members.members[2].port.number, "the driver left the hung member")
    written.insert_one({"_id": 1})
    members.resume(1)
