"""Connections to MongoDB: how they are shared and lost, and how one gets in."""

import collections
import contextlib
import pathlib
import re
import select
import struct
import subprocess
import threading
import time
import urllib.parse

import pytest

import raw
from assertions import assert_problem, create
from harness import Client, wait_until
from load import Threads
from on_mongodb import BRIEF, PATIENT, first, on, ready
from proxies.bytes_proxy import BytesProxy
from proxies.mongo_wire import OP_REPLY
from proxies.overheard import Overheard
from proxies.routers import Routers
from servers.canned_mongo import CannedMongo
from servers.dns_server import DnsServer
from servers.mongo_server import MongoServer
from stalls import Stalls


@pytest.fixture
def proxy(mongodb):
    with BytesProxy(mongodb.port) as one:
        yield one


@pytest.mark.parametrize("name", ["ping", "ismaster"])
def test_a_handshake_of_malformed_replies_harms_no_worker(start, mongodb, name):
    """libmongoc, which leads it, would not survive them."""

    def spoil(command, reply):
        spoiled.append(next(iter(command)))
        if spoiled[-1].lower() != name:
            return reply
        if name == "ping":  # of another kind of message
            return reply[:12] + struct.pack("<i", OP_REPLY) + reply[16:]
        place = reply.index(b"\x03topologyVersion\0") + len(b"\x03topologyVersion\0")
        end = place + struct.unpack_from("<i", reply, place)[0]
        return reply[: end - 1] + b"\1" + reply[end:]  # a document that does not end as one

    spoiled = []
    with Overheard(mongodb.port) as proxy:
        nginx = start(on(proxy.uri(), timeouts=PATIENT), workers=1)
        path = first(nginx, "/uncached", {"n": 1})
        workers = nginx.workers()
        proxy.spoil = spoil
        proxy.loop.call_soon_threadsafe(proxy.listening.cut)
        wait_until(lambda: [each.lower() for each in spoiled].count(name) >= 5, "handshakes")
        proxy.spoil = lambda command, reply: reply
        wait_until(lambda: nginx.api.get(path).status_code == 200, "a connection")
        assert nginx.workers() == workers


def through(proxy):
    return f"mongodb://{proxy.address}/nacre?directConnection=true"


def test_a_pool_is_filled_again_when_its_connections_are_lost(start, proxy):
    nginx = start(on(through(proxy) + "&minPoolSize=6", timeouts=PATIENT))

    def idle():
        answer = nginx.api.get("/metrics").text
        return int(re.search(r'nacre_pool_connections{state="idle"} (\d+)', answer).group(1))

    wait_until(lambda: idle() > 6, "the pool and a shared connection")
    proxy.refuse()
    wait_until(lambda: idle() == 0, "their loss")
    proxy.accept()
    wait_until(lambda: idle() > 6, "the pool again")


@pytest.fixture
def canned(launch, request):
    """Starts a MongoDB that does no work but takes its time."""
    program = pathlib.Path(request.config.getoption("--module")).resolve().parent / "tests/bench/canned_mongo"
    return lambda **latencies: launch(CannedMongo, program=program, **latencies)


def test_reads_by_id_wait_for_no_list(start, canned):
    """Neither while 100 lists are worked on that take too long, nor when all are given up; and then lists are served again."""
    mongodb = canned(list=3_600_000)
    nginx = start(on(mongodb.uri(), timeouts="{ store: 5s, request: 20s }"))
    wait_until(lambda: nginx.api.get("/uncached/x").status_code == 200, "the canned document")
    with contextlib.ExitStack() as clients:
        lists = [clients.enter_context(raw.connect(nginx.port)) for _ in range(100)]
        for client in lists:
            client.sendall(raw.request("GET", "/uncached"))
        for _ in range(20):
            assert nginx.api.get("/uncached/x").status_code == 200
        answered, _, _ = select.select([client.socket for client in lists], [], [], 0)
        assert answered == []
        statuses = [client.read_answer()[0] for client in lists]
        assert set(statuses) <= {503, 504} and 504 in statuses
    for _ in range(50):
        assert nginx.api.get("/uncached/x").status_code == 200
    wait_until(lambda: 'nacre_pool_connections{state="busy"} 0' in nginx.api.get("/metrics").text, "all connections to be idle")


def test_writes_wait_for_acknowledgement_side_by_side(start, canned):
    mongodb = canned(insert=500)
    nginx = start(on(mongodb.uri("&maxConnecting=16"), timeouts=PATIENT))
    first(nginx, "/uncached", {"n": 1})

    def took(count):
        with contextlib.ExitStack() as clients:
            connections = [clients.enter_context(raw.connect(nginx.port)) for _ in range(count)]
            began = time.monotonic()
            for connection in connections:
                connection.sendall(raw.request("POST", "/uncached", b"{}"))
            assert {connection.read_answer()[0] for connection in connections} == {201}
            return time.monotonic() - began

    took(64)  # the pool grows
    assert took(64) < 4  # seconds; by fours it were 8, one after another 32


def test_transactions_stay_with_their_router(start, mongodb):
    with Routers(mongodb.port) as routers:
        nginx = start(on(routers.uri(), timeouts=PATIENT))
        first(nginx, "/uncached", {"n": 1})
        statuses = collections.Counter()

        def insert(client):
            with Client(nginx.url) as api:
                for batch in range(10):
                    documents = [{"_id": f"c{client}-{batch}-{i}"} for i in range(5)]
                    statuses[api.post("/uncached", json=documents).status_code] += 1

        with Threads(insert, [(client,) for client in range(8)]):
            pass
        assert statuses == {201: 80}
        assert routers.strays == []
        assert set(routers.commits) == set(routers.routers)
        assert nginx.api.get("/uncached", params={"count": "true"}).json()["total"] == 401


@pytest.mark.parametrize("lost", ["insert", "commitTransaction"])
def test_a_reply_of_a_transaction_is_lost(start, mongodb, lost):
    """What was done before it was lost stands in nobody's way, and is there once."""
    with Routers(mongodb.port) as routers:
        nginx = start(on(routers.uri(), timeouts=PATIENT))
        first(nginx, "/uncached", {"n": 1})
        for batch in range(5):
            routers.lose_reply(lost)
            answer = nginx.api.post("/uncached", json=[{"_id": f"b{batch}-{i}"} for i in range(5)])
            assert answer.status_code == 201, answer.text
            assert routers.lost is None
        assert nginx.api.get("/uncached", params={"count": "true"}).json()["total"] == 26
        # While no reply has come, only the router at which a transaction began knows of it: there it is aborted.
        assert routers.strays == [] and routers.unended == set()
        assert routers.aborts == (5 if lost == "insert" else 0)


@pytest.mark.parametrize("split", [False, True])
def test_a_connection_cut_at_every_byte_of_a_reply(start, proxy, split):
    nginx = start(on(through(proxy), timeouts=PATIENT))
    path = "/uncached/" + create(nginx.api, "/uncached", {"n": 1})["_id"]
    expected = nginx.api.get(path).json()
    proxy.split = split
    before = proxy.replied
    assert nginx.api.get(path).json() == expected
    size = proxy.replied - before
    assert size > 100
    for at in range(1, size + 1, 9 if split else 1):
        proxy.cut_after(at)
        assert nginx.api.get(path).json() == expected


def test_a_half_open_connection(start, proxy):
    nginx = start(on(through(proxy), timeouts="{ store: 500ms, request: 2s }"))
    path = first(nginx, "/uncached", {"n": 1})
    proxy.lose()
    assert nginx.api.get(path).status_code in (503, 504)
    proxy.heal()
    wait_until(lambda: nginx.api.get(path).status_code == 200, "a connection that works")


def test_a_server_slower_than_the_deadline(start, mongodb):
    nginx = start(on(mongodb.uri(), timeouts="{ store: 300ms, request: 5s }"))
    path = first(nginx, "/uncached", {"n": 1})
    mongodb.fail("find", blockTimeMS=3000)
    for _ in range(2):
        began = time.monotonic()
        assert_problem(nginx.api.get(path), 504)
        assert time.monotonic() - began < 2.5
    mongodb.heal()
    wait_until(lambda: nginx.api.get(path).status_code == 200, "an answer")
    other = first(nginx, "/uncached", {"n": 2})
    for _ in range(20):
        assert nginx.api.get(path).json()["n"] == 1
        assert nginx.api.get(other).json()["n"] == 2


@pytest.mark.parametrize("code", [91, 189, 10107, 11600, 13436])
def test_errors_that_pass_are_tried_again(start, mongodb, code):
    nginx = start(on(mongodb.uri(), timeouts=PATIENT))
    created = create(nginx.api, "/uncached", {"n": 1})
    path = "/uncached/" + created["_id"]
    mongodb.fail("find", times=1, errorCode=code)
    assert nginx.api.get(path).status_code == 200
    mongodb.fail("findAndModify", times=1, errorCode=code, errorLabels=["RetryableWriteError"])
    assert nginx.api.patch(path, json={"n": 2}).json()["_rev"] == 2
    mongodb.fail("insert", times=1, closeConnection=True)
    assert create(nginx.api, "/uncached", {"n": 3})["_rev"] == 1
    assert len(nginx.api.get("/uncached").json()["items"]) == 2


def test_a_document_that_an_update_makes_too_large_for_the_server_is_413(start, mongodb):
    nginx = start(on(mongodb.uri()))
    path = first(nginx, "/uncached", {"n": 1})
    for code in (17419, 17420):
        mongodb.fail("findAndModify", times=1, errorCode=code)
        assert_problem(nginx.api.patch(path, json={"n": 2}), 413)


def test_connections_of_lists_and_writes_that_are_lost_for_good_are_told(start, launch):
    mongodb = launch(MongoServer, user=("app", "old"))
    nginx = start(on(mongodb.uri(), timeouts="{ store: 500ms, request: 1s }"))
    path = first(nginx, "/uncached", {"n": 1})
    mongodb.fail("insert", times=1, closeConnection=True)
    with mongodb.client() as client:
        client.admin.command("updateUser", "app", pwd="new")
        nginx.api.post("/uncached", json={"n": 2})
        wait_until(lambda: nginx.api.get("/uncached").status_code == 503, "no connection")
        wait_until(lambda: nginx.api.get("/ready").status_code == 503, "a /ready that says so")
        assert nginx.api.get(path).status_code == 200
        wait_until(lambda: "MongoDB takes no more connections: " in nginx.log(), "a line")
        client.admin.command("updateUser", "app", pwd="old")
    wait_until(lambda: nginx.api.get("/uncached").status_code == 200, "lists")
    wait_until(lambda: nginx.api.get("/ready").status_code == 200, "readiness")


def test_a_pool_that_is_exhausted(start, mongodb):
    uri = mongodb.uri(maxPoolSize=1, waitQueueTimeoutMS=200)
    nginx = start(on(uri, timeouts="{ store: 3s, request: 6s }"))
    path = first(nginx, "/uncached", {"n": 1})
    mongodb.fail("find", blockTimeMS=1000)
    statuses = []

    def read():
        with Client(nginx.url) as client:
            statuses.append(client.get(path).status_code)

    threads = [threading.Thread(target=read) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {200, 503, 504} and 200 in statuses and len(set(statuses)) > 1
    mongodb.heal()
    wait_until(lambda: nginx.api.get(path).status_code == 200, "an answer")


def test_requests_queue_in_order_on_few_connections(start, proxy, mongodb):
    """A connection carries one at a time of what takes 150 ms: the first are answered, the last are late, nothing breaks."""
    pool = "&minPoolSize=8&maxPoolSize=8&maxConnecting=8"
    nginx = start(on(through(proxy) + pool, timeouts="{ store: 2100ms, request: 15s }"))
    first(nginx, "/uncached", {"n": 1})
    path = "/uncached"
    # The pool's, one for look-ups, and one that is closed again for each of: collections, unique indexes, other indexes.
    wait_until(lambda: (proxy.accepted, proxy.connections) == (9 + 3, 9), "all connections")
    mongodb.fail("find", blockTimeMS=150)
    with contextlib.ExitStack() as clients:
        connections = [clients.enter_context(raw.connect(nginx.port)) for _ in range(240)]
        for connection in connections:
            connection.sendall(raw.request("GET", path))
        statuses = [connection.read_answer()[0] for connection in connections]
    assert set(statuses) <= {200, 503, 504} and statuses[:16] == [200] * 16 and statuses[-1] != 200
    last_answered, first_late = 239 - statuses[::-1].index(200), [status == 200 for status in statuses].index(False)
    assert last_answered - first_late < 24, statuses
    mongodb.heal()
    wait_until(lambda: nginx.api.get(path).status_code == 200, "the late ones to be over")
    for _ in range(20):
        assert nginx.api.get(path).json()["items"][0]["n"] == 1
    assert (proxy.accepted, proxy.connections) == (9 + 3, 9)


@pytest.mark.skipif(subprocess.run(["unshare", "--mount", "true"]).returncode != 0, reason="needs a mount namespace")
def test_a_name_of_srv_records(make_nginx, launch, tmp_path):
    """DNS tells the members and where users are kept; nginx starts without it, and waits for it without a stall."""
    mongodb = launch(MongoServer, user=("app", "secret"))
    dns = DnsServer(tmp_path, mongodb.port, f"authSource=admin&replicaSet={mongodb.kind.set_name}")
    nginx = make_nginx(on(f"mongodb+srv://app:secret@{dns.name}/nacre?tls=false", timeouts=BRIEF))
    nginx.stalls = Stalls(nginx)
    nginx.behind = dns.asked_by()
    nginx.start()
    try:
        assert nginx.api.get("/ready").status_code == 503
        dns.start()
        path = first(nginx, "/uncached", {"n": 1})
        assert nginx.api.get(path).json()["n"] == 1
        assert nginx.stalls.bounded(), nginx.stalls
    finally:
        dns.stop()
        nginx.stop()


def test_a_password(start, launch):
    mongodb = launch(MongoServer, user=("app", "p@ss/word"))
    nginx = start(on(mongodb.uri(), timeouts=PATIENT))
    assert create(nginx.api, "/notes", {"title": "x"})["_rev"] == 1


def test_a_wrong_password(watched, launch):
    mongodb = launch(MongoServer, user=("app", "right"))
    nginx = watched(on(mongodb.uri().replace("right", "hunter2"), timeouts=BRIEF))
    assert_problem(nginx.api.get("/ready"), 503)
    assert_problem(nginx.api.post("/notes", json={"title": "x"}), 503)
    assert "hunter2" not in nginx.log()
    assert nginx.stalls.bounded(), nginx.stalls


def test_tls(start, launch, certificates):
    mongodb = launch(
        MongoServer,
        identity=certificates.server,
        ca=certificates.ca,
        user=("app", "secret"),
    )
    nginx = start(on(mongodb.uri(), timeouts=PATIENT))
    assert create(nginx.api, "/notes", {"title": "x"})["_rev"] == 1


@pytest.mark.parametrize("name", ["expired", "wrong_host"])
def test_a_certificate_that_is_not_to_be_trusted(watched, launch, certificates, name):
    mongodb = launch(MongoServer, identity=getattr(certificates, name), ca=certificates.ca)
    nginx = watched(on(mongodb.uri(), timeouts=BRIEF))
    assert_problem(nginx.api.get("/ready"), 503)
    assert_problem(nginx.api.get("/notes"), 503)
    assert nginx.stalls.bounded(), nginx.stalls


def test_a_client_certificate_that_is_a_user(start, launch, certificates):
    mongodb = launch(MongoServer, identity=certificates.server, ca=certificates.ca, user=("app", "secret"), ask_client=True)
    mongodb.create_certificate_user("CN=client,OU=tests,O=Nacre")
    options = {"authMechanism": "MONGODB-X509", "authSource": "$external", "tls": "true", "tlsCAFile": certificates.ca}
    options |= {"replicaSet": mongodb.kind.set_name, "tlsCertificateKeyFile": certificates.client.pem}
    uri = f"mongodb://{mongodb.address}/nacre?{urllib.parse.urlencode(options)}"
    nginx = start(on(uri, timeouts=PATIENT))
    assert create(nginx.api, "/notes", {"title": "x"})["_rev"] == 1


def test_certificates_are_read_anew_at_reload(start, launch, certificates, tmp_path):
    mongodb = launch(MongoServer, identity=certificates.server, ca=certificates.ca)
    authority = tmp_path / "ca.pem"
    authority.write_text(certificates.other_ca.read_text())
    nginx = start(on(mongodb.uri(tlsCAFile=authority), timeouts="{ store: 1s, request: 2s }"))
    assert_problem(nginx.api.get("/ready"), 503)
    authority.write_text(certificates.ca.read_text())
    nginx.reload()
    wait_until(lambda: ready(nginx), "readiness")
