"""The cache in Redis: its tiers, two hosts, and what Redis may do to them."""

import concurrent.futures
import contextlib
import os
import re
import signal
import sqlite3
import threading
import time

import pytest

import yamls
from assertions import assert_changes_nothing, assert_problem, create
from harness import Client, wait_until
from load import Load, assert_a_killed_worker_lost_nothing
from proxies.bytes_proxy import BytesProxy
from servers.redis_groups import RedisCluster, RedisSentinels
from servers.redis_server import RedisServer, overheard

LOCAL = 5  # seconds for which a host trusts its own memory
UNHEARD = LOCAL - 1  # later it may have forgotten without a word


def on(uri, options="", store="sqlite:nacre.db", timeout="250ms"):
    yaml = yamls.EXAMPLE.replace('"memory:"', f'"{uri}"{options}').replace("sqlite:nacre.db", store)
    yaml = yaml.replace("cache: { ttl: 30s, stale: 5m }", "cache: { ttl: 1h, stale: 5m }")
    return yaml + f"timeouts: {{ redis: {timeout} }}\n"


@pytest.fixture
def redis(launch):
    return launch(RedisServer, appendonly="yes", appendfsync="always")


@pytest.fixture
def proxy(redis):
    with BytesProxy(redis.port) as one:
        yield one


@pytest.fixture
def hosts(start, redis, tmp_path):
    """Two hosts on one store."""
    tmp_path.chmod(0o777)
    yaml = on(f"redis://{redis.address}", store=f"sqlite:{tmp_path}/shared.db", timeout="5s")
    return start(yaml), start(yaml)


def status(answer):
    return answer.headers["Cache-Status"]


def ready(nginx):
    return nginx.api.get("/ready").status_code == 200


def title(nginx, path):
    return nginx.api.get(path).json()["title"]


# The tiers


def test_what_one_host_read_another_finds_in_redis(hosts):
    here, there = hosts
    path = "/notes/" + create(here.api, "/notes", {"title": "x"})["_id"]
    assert status(here.api.get(path)) == "nacre; fwd=miss"
    wait_until(lambda: status(there.api.get(path)) != "nacre; fwd=miss", "a hit")
    assert status(here.api.get(path)) == "nacre; hit"
    assert status(there.api.get(path)) == "nacre; hit"


def test_without_the_local_tier_each_read_is_redis(start, redis):
    nginx = start(on(f"redis://{redis.address}", ", local: off"))
    first = "/notes/" + create(nginx.api, "/notes", {"title": "w"})["_id"]
    wait_until(lambda: "l2" in status(nginx.api.get(first)), "the first epoch")

    def hits():
        return int(re.search(r'nacre_cache_requests_total{tier="l2",result="hit"} (\d+)', nginx.api.get("/metrics").text)[1])

    before = hits()
    created = create(nginx.api, "/notes", {"title": "x"})
    path = "/notes/" + created["_id"]
    missed = nginx.api.get(path)
    assert status(missed) == "nacre; fwd=miss"
    for _ in range(3):
        hit = nginx.api.get(path)
        assert status(hit) == "nacre; hit; detail=l2"
        assert hit.json() == created
        assert hit.headers["ETag"] == missed.headers["ETag"] and hit.headers["Last-Modified"] and hit.headers["Age"] == "0"
    assert nginx.api.get(path, headers={"If-None-Match": missed.headers["ETag"]}).status_code == 304
    assert status(nginx.api.get("/notes")) == "nacre; fwd=miss"
    assert status(nginx.api.get("/notes")) == "nacre; hit; detail=l2"
    assert hits() - before == 5
    metrics = nginx.api.get("/metrics").text
    assert 'nacre_redis_commands_total{result="ok"}' in metrics
    assert "nacre_redis_command_duration_seconds_count" in metrics
    entries = nginx.logged(path, 5)
    assert [entry["cache"] for entry in entries] == ["miss", "l2-hit", "l2-hit", "l2-hit", "l2-hit"]
    assert all(float(entry["redis_time"]) > 0 for entry in entries)


def test_without_the_local_tier_stale_answers_are_those_of_redis(start, redis):
    nginx = start(on(f"redis://{redis.address}", ", local: off"))
    path = "/brief/" + create(nginx.api, "/brief", {"n": 1})["_id"]
    wait_until(lambda: "l2" in status(nginx.api.get(path)), "Redis to have it")
    wait_until(lambda: status(nginx.api.get(path)) == "nacre; fwd=stale", "it to be stale")
    metrics = nginx.api.get("/metrics").text
    assert 'nacre_cache_requests_total{tier="l2",result="stale"} 1' in metrics
    assert 'tier="l1"' not in metrics


def test_a_write_is_read_at_once_and_then_filled_in(start, redis):
    nginx = start(on(f"redis://{redis.address}", ", local: off"))
    path = "/notes/" + create(nginx.api, "/notes", {"title": "x"})["_id"]
    nginx.api.get(path)
    for i in range(20):
        assert nginx.api.patch(path, json={"stars": i}).json()["_rev"] == i + 2
        answer = nginx.api.get(path)
        assert answer.json()["stars"] == i and status(answer) == "nacre; fwd=miss"
        wait_until(lambda: "l2" in status(nginx.api.get(path)), "Redis to have it")
        assert nginx.api.get(path).json()["stars"] == i
        assert [item["stars"] for item in nginx.api.get("/notes").json()["items"]] == [i]
    assert nginx.api.delete(path).status_code == 204
    assert nginx.api.get(path).status_code == 404
    assert nginx.api.get("/notes").json()["items"] == []


def test_two_configurations_do_not_find_each_other_s_answers(start, redis, tmp_path):
    tmp_path.chmod(0o777)
    yaml = on(f"redis://{redis.address}", ", local: off", store=f"sqlite:{tmp_path}/shared.db")
    first, second = start(yaml), start(yaml.replace("maxLength: 20000", "maxLength: 30000"))
    path = "/notes/" + create(first.api, "/notes", {"title": "x"})["_id"]
    for nginx in (first, second, first, second):
        assert nginx.api.get(path).json()["title"] == "x"
    first.api.patch(path, json={"title": "y"})
    assert title(second, path) == "y"


def test_counters_and_marks_are_shared_by_hosts(hosts):
    here, there = hosts
    visits = [nginx.api.get("/hello/x").json()["visits"] for nginx in (here, there, here)]
    assert visits == [1, 2, 3]
    key = {"Idempotency-Key": '"k"'}
    first = here.api.post("/notes", json={"title": "x"}, headers=key)
    again = there.api.post("/notes", json={"title": "x"}, headers=key)
    assert again.json() == first.json() and again.headers["Idempotency-Replayed"] == "true"


# Two hosts


def test_other_hosts_hear_of_a_write(hosts):
    here, there = hosts
    path = "/notes/" + create(here.api, "/notes", {"title": "0"})["_id"]
    for i in range(1, 30):
        assert title(there, path) and there.api.get("/notes").status_code == 200
        here.api.patch(path, json={"title": str(i)})
        assert title(here, path) == str(i)
        began = time.monotonic()
        wait_until(lambda: title(there, path) == str(i), "the write")
        wait_until(
            lambda: there.api.get("/notes").json()["items"][0]["title"] == str(i),
            "the write in a list",
        )
        assert time.monotonic() - began < UNHEARD


def test_what_changes_nothing_is_told_to_nobody(start, redis, tmp_path):
    tmp_path.chmod(0o777)
    file = tmp_path / "shared.db"
    yaml = on(f"redis://{redis.address}", store=f"sqlite:{file}")
    nginx = start(yaml.replace("timeouts: {", "timeouts: { store: 500ms,"))
    path = "/notes/" + create(nginx.api, "/notes", {"_id": "a", "title": "x"})["_id"]
    with overheard(redis) as next_write:
        assert_changes_nothing(nginx.api, path)
        with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert nginx.api.patch(path, json={"title": "y"}).status_code in (503, 504)
        create(nginx.api, "/notes", {"_id": "b", "title": "z"})
        assert next_write() == ["notes", "b"]


def test_one_worker_of_a_host_hears_the_others_and_another_one_when_it_is_killed(hosts, redis):
    here, there = hosts
    there.tolerate("worker process .* exited on signal 9")
    there.write_conf(**{**there.conf, "workers": 4})
    there.reload()

    def listeners():
        return len(redis.execute("CLIENT", "LIST", "TYPE", "pubsub").splitlines())

    path = "/notes/" + create(here.api, "/notes", {"title": "0"})["_id"]
    for number, worker in enumerate(there.workers(), 1):
        wait_until(lambda: listeners() == 2, "one listener of each host")
        title(there, path)
        wait_until(lambda: status(there.api.get(path)) == "nacre; hit", "a hit")
        here.api.patch(path, json={"title": str(number)})
        began = time.monotonic()
        wait_until(lambda: title(there, path) == str(number), "the write")
        assert time.monotonic() - began < UNHEARD
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: worker not in there.workers() and len(there.workers()) == 4, "another worker")
        there.api.close()


def test_what_is_not_heard_is_seen_within_five_seconds(start, redis, proxy, tmp_path):
    tmp_path.chmod(0o777)
    store = f"sqlite:{tmp_path}/shared.db"
    here = start(on(f"redis://{redis.address}", store=store))
    there = start(on(f"redis://{proxy.address}", store=store))
    path = "/notes/" + create(here.api, "/notes", {"title": "old"})["_id"]
    wait_until(lambda: status(there.api.get(path)) == "nacre; hit", "the document in the zone, after the first epoch")
    redis.execute("CLIENT", "KILL", "TYPE", "pubsub")
    proxy.stall()
    here.api.patch(path, json={"title": "new"})
    proxy.heal()
    wait_until(lambda: title(there, path) == "new", "the write", 4 * LOCAL)


def test_a_client_reads_its_own_writes_and_never_goes_back(hosts):
    """Writers on both hosts, each on a connection of its own; readers check that what they see only grows."""
    paths = ["/notes/" + create(hosts[0].api, "/notes", {"title": "x", "stars": 0})["_id"] for _ in range(3)]
    stop = threading.Event()

    def write(nginx, path):
        with Client(nginx.url) as client:
            while not stop.is_set():
                rev = client.patch(path, json={"title": "y"}).json()["_rev"]
                assert client.get(path).json()["_rev"] >= rev

    def read(nginx, path):
        seen = 0
        with Client(nginx.url) as client:
            while not stop.is_set():
                rev = client.get(path).json()["_rev"]
                assert rev >= seen, (rev, seen)
                seen = rev
        return seen

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        work = [pool.submit(write, nginx, path) for nginx in hosts for path in paths[:2]]
        work += [pool.submit(read, nginx, path) for nginx in hosts for path in paths for _ in range(1)]
        done, _ = concurrent.futures.wait(work, timeout=4, return_when=concurrent.futures.FIRST_EXCEPTION)
        stop.set()
        for one in work:
            one.result()
    latest = hosts[0].api.get(paths[0]).json()["_rev"]
    assert latest > 10
    wait_until(lambda: hosts[1].api.get(paths[0]).json()["_rev"] == latest, "the last write")


# What Redis may do


def test_redis_killed_and_back(watched, redis):
    nginx = watched(on(f"redis://{redis.address}"))
    hot = "/notes/" + create(nginx.api, "/notes", {"title": "x"})["_id"]
    nginx.api.get(hot)
    with Load(nginx.port) as load:
        wait_until(lambda: load.answers > 50, "load")
        redis.kill()
        wait_until(lambda: not ready(nginx), "readiness to fall")
        assert_problem(nginx.api.get("/ready"), 503)
        assert "cache" in nginx.api.get("/ready").json()["detail"]
        assert_problem(nginx.api.get("/hello/x"), 503)
        before = load.answers
        wait_until(lambda: load.answers > before + 50, "load without Redis")
        assert nginx.api.get(hot).json()["title"] == "x"
        redis.start()
        wait_until(lambda: ready(nginx), "readiness", 10)
        assert nginx.api.get("/hello/x").status_code == 200
        before = load.answers
        wait_until(lambda: load.answers > before + 50, "load again")
    assert load.failed == []
    assert nginx.stalls.bounded(), nginx.stalls


def test_what_was_written_without_redis_is_not_read_old_when_it_is_back(start, redis):
    nginx = start(on(f"redis://{redis.address}", ", local: off"))
    path = "/notes/" + create(nginx.api, "/notes", {"title": "old"})["_id"]
    nginx.api.get("/notes")
    wait_until(lambda: "l2" in status(nginx.api.get(path)), "Redis to have it")
    redis.kill()
    assert nginx.api.patch(path, json={"title": "new"}).status_code == 200
    assert title(nginx, path) == "new"
    redis.start()
    end = time.monotonic() + 3
    while time.monotonic() < end:
        assert title(nginx, path) == "new"
        assert nginx.api.get("/notes").json()["items"][0]["title"] == "new"
    wait_until(lambda: "l2" in status(nginx.api.get("/notes")), "Redis to be trusted again")


def test_redis_hung(watched, redis):
    nginx = watched(on(f"redis://{redis.address}"))
    hot = "/notes/" + create(nginx.api, "/notes", {"title": "x"})["_id"]
    nginx.api.get(hot)
    with Load(nginx.port) as load:
        wait_until(lambda: load.answers > 50, "load")
        redis.pause()
        try:
            wait_until(lambda: not ready(nginx), "readiness to fall")
            before = load.answers
            wait_until(lambda: load.answers > before + 100, "load without Redis")
            assert nginx.api.get(hot).json()["title"] == "x"
        finally:
            redis.resume()
        wait_until(lambda: ready(nginx), "readiness", 10)
    assert load.failed == []
    assert nginx.stalls.bounded(), nginx.stalls


@pytest.mark.parametrize("split", [False, True])
def test_a_connection_cut_at_every_byte_of_a_reply(start, proxy, split):
    nginx = start(on(f"redis://{proxy.address}", ", local: off"))
    path = "/free/" + create(nginx.api, "/free", {"_id": "a"})["_id"]
    expected = nginx.api.get(path).json()
    wait_until(lambda: "l2" in status(nginx.api.get(path)), "Redis to have it")
    before = proxy.replied
    assert status(nginx.api.get(path)) == "nacre; hit; detail=l2"
    size = proxy.replied - before
    assert 100 < size < 300
    proxy.split = split
    for at in range(1, size, 9 if split else 1):
        wait_until(lambda: "l2" in status(nginx.api.get(path)), "a connection that works")
        proxy.cut_after(at)
        assert nginx.api.get(path).json() == expected
        assert proxy.left is None


def test_a_half_open_connection(start, proxy):
    nginx = start(on(f"redis://{proxy.address}", ", local: off"))
    path = "/notes/" + create(nginx.api, "/notes", {"title": "x"})["_id"]
    wait_until(lambda: "l2" in status(nginx.api.get(path)), "Redis to have it")
    proxy.lose()
    for _ in range(20):
        assert title(nginx, path) == "x"
    proxy.heal()
    wait_until(lambda: "l2" in status(nginx.api.get(path)), "a connection that works")


def test_a_slow_redis_costs_no_more_than_its_time_limit(start, proxy):
    nginx = start(on(f"redis://{proxy.address}", ", local: off"))
    path = "/notes/" + create(nginx.api, "/notes", {"title": "x"})["_id"]
    nginx.api.get(path)
    proxy.delay = 4
    began = time.monotonic()
    assert title(nginx, path) == "x"
    assert time.monotonic() - began < proxy.delay
    proxy.heal()
    wait_until(lambda: "l2" in status(nginx.api.get(path)), "a connection that works")


# Ways in


def serves(nginx):
    wait_until(lambda: ready(nginx), "readiness")
    path = "/notes/" + create(nginx.api, "/notes", {"title": "x"})["_id"]
    nginx.api.get(path)
    wait_until(lambda: "l2" in status(nginx.api.get(path)), "Redis to have it")


def test_passwords_users_databases_and_sockets(start, launch):
    redis = launch(RedisServer, password="p@ss/word", acl=["app on >se:cret ~* &* +@all"])
    uris = [
        f"redis://:p%40ss%2Fword@{redis.address}/3",
        f"redis://app:se%3Acret@{redis.address}",
        f"redis+unix://app:se%3Acret@{redis.socket}?db=2",
    ]
    for uri in uris:
        serves(start(on(uri, ", local: off")))


@pytest.mark.parametrize("credentials", ["", ":wrong@", "app:wrong@", "nobody:secret@"])
def test_a_wrong_password(watched, launch, credentials):
    redis = launch(RedisServer, password="right", acl=["app on >right ~* &* +@all"])
    nginx = watched(on(f"redis://{credentials}{redis.address}"))
    assert_problem(nginx.api.get("/ready"), 503)
    created = create(nginx.api, "/notes", {"title": "x"})
    assert nginx.api.get("/notes/" + created["_id"]).json() == created
    assert "wrong" not in nginx.log().replace("WRONGPASS", "") and "secret" not in nginx.log()
    assert nginx.stalls.bounded(), nginx.stalls


def messages_refused(nginx):
    """What /ready says of it, or None."""
    answer = nginx.api.get("/ready")
    assert answer.status_code == 200, answer.text
    return next((line for line in answer.json().get("detail", []) if "other hosts" in line), None)


def test_a_user_who_may_not_hear_messages(start, launch, tmp_path):
    redis = launch(RedisServer, acl=["app on >pw resetchannels ~* +@all"])
    tmp_path.chmod(0o777)
    yaml = on(f"redis://app:pw@{redis.address}", store=f"sqlite:{tmp_path}/shared.db", timeout="5s")
    here, there = start(yaml, workers=2), start(yaml, workers=2)
    for nginx in (here, there):
        wait_until(lambda: "NOPERM" in (messages_refused(nginx) or ""), "the refusal in /ready")
        assert nginx.log().count("redis: messages is away: SUBSCRIBE: NOPERM") == 1
    with redis.client(single_connection_client=True) as client:
        before = client.info("stats")["total_connections_received"]
        end = time.monotonic() + 5
        path = "/notes/" + create(here.api, "/notes", {"title": "old"})["_id"]
        assert title(there, path) == "old"
        assert here.api.patch(path, json={"title": "new"}).status_code == 200
        wait_until(lambda: title(there, path) == "new", "the other host's write", 2 * LOCAL)
        time.sleep(max(0, end - time.monotonic()))
        took = time.monotonic() - end + 5
        assert client.info("stats")["total_connections_received"] - before <= 2 * 2.5 * took  # pauses of half a second and more
    redis.execute("ACL", "SETUSER", "app", "&*")
    for nginx in (here, there):
        wait_until(lambda: messages_refused(nginx) is None, "messages to be heard", 10)
        wait_until(lambda: "redis: messages is back" in nginx.log(), "the line in the log")


def test_a_replica_is_no_redis_for_a_user_of_one_prefix(start, launch):
    rights = "on >pw ~shop:* &shop:* +@read +@write +@pubsub +@scripting +@connection +info"
    master = launch(RedisServer)
    replica = launch(RedisServer, acl=[f"shop {rights}"], replicaof=f"127.0.0.1 {master.port}")
    nginx = start(on(f"redis://shop:pw@{replica.address}", ', prefix: "shop"'), workers=3)
    wait_until(lambda: "DEL: READONLY" in nginx.log(), "the reason in the log")
    time.sleep(0.5)  # in which all workers try
    assert len(re.findall(r"\[error\].* redis is away: .*READONLY", nginx.log())) == 1
    assert_problem(nginx.api.get("/ready"), 503)
    replica.execute("REPLICAOF", "NO", "ONE")
    wait_until(lambda: ready(nginx), "readiness", 10)
    time.sleep(0.5)
    assert len(re.findall(r"\[notice\].* redis is back", nginx.log())) == 1


def test_no_connection_is_left(start, launch):
    redis = launch(RedisServer)
    with redis.client(single_connection_client=True) as client:
        client.config_set("maxclients", 1)
        nginx = start(on(f"redis://{redis.address}"))
        wait_until(lambda: "max number of clients reached" in nginx.log(), "the reason in the log")
        assert_problem(nginx.api.get("/ready"), 503)
        client.config_set("maxclients", 1000)
        wait_until(lambda: ready(nginx), "readiness", 10)


def test_tls(start, launch, certificates):
    redis = launch(
        RedisServer,
        identity=certificates.server,
        ca=certificates.ca,
        tls_auth_clients="yes",
    )
    client = f"cert_file={certificates.client.certificate}&key_file={certificates.client.key}"
    serves(
        start(
            on(
                f"rediss://localhost:{redis.port}?ca_file={certificates.ca}&{client}",
                ", local: off",
            )
        )
    )


@pytest.mark.parametrize("name", ["expired", "wrong_host"])
def test_a_certificate_that_is_not_to_be_trusted(watched, launch, certificates, name):
    redis = launch(RedisServer, identity=getattr(certificates, name), ca=certificates.ca)
    nginx = watched(on(f"rediss://localhost:{redis.port}?ca_file={certificates.ca}"))
    assert_problem(nginx.api.get("/ready"), 503)
    assert create(nginx.api, "/notes", {"title": "x"})["_rev"] == 1
    assert nginx.stalls.bounded(), nginx.stalls


# Groups


def test_a_failover_by_sentinel(watched, launch):
    group = launch(RedisSentinels)
    hosts = ",".join(sentinel.address for sentinel in group.sentinels)
    nginx = watched(on(f"redis+sentinel://{hosts}/{group.name}", ", local: off"))
    serves(nginx)
    with Load(nginx.port) as load:
        wait_until(lambda: load.answers > 50, "load")
        group.nodes[0].kill()
        wait_until(lambda: not ready(nginx), "readiness to fall")
        wait_until(lambda: ready(nginx), "the new master")
        before = load.answers
        wait_until(lambda: load.answers > before + 50, "load")
    assert load.failed == []
    serves(nginx)
    assert nginx.stalls.bounded(), nginx.stalls


def test_a_sentinel_that_does_not_tell_of_a_new_master(start, launch):
    group = launch(RedisSentinels)
    for sentinel in group.sentinels:
        sentinel.execute("ACL", "SETUSER", "default", "resetchannels")
        sentinel.execute("CLIENT", "KILL", "TYPE", "pubsub")
    hosts = ",".join(sentinel.address for sentinel in group.sentinels)
    nginx = start(on(f"redis+sentinel://{hosts}/{group.name}"), workers=1)
    refused = "a new master is seen late, for Sentinel refuses to tell of it: NOPERM"

    def told():
        answer = nginx.api.get("/ready")
        return answer.status_code == 200 and any(line.startswith(refused) for line in answer.json().get("detail", []))

    wait_until(told, "the refusal in /ready")
    for sentinel in group.sentinels:
        sentinel.execute("ACL", "SETUSER", "default", "allchannels")
    wait_until(lambda: not told(), "Sentinel to tell of new masters")


def test_a_slot_of_a_cluster_moves(watched, launch):
    cluster = launch(RedisCluster)
    hosts = ",".join(node.address for node in cluster.nodes)
    nginx = watched(on(f"redis+cluster://{hosts}", ", local: off"))
    serves(nginx)
    paths = ["/notes/" + create(nginx.api, "/notes", {"title": str(i)})["_id"] for i in range(30)]
    with Load(nginx.port) as load:
        wait_until(lambda: load.answers > 50, "load")
        for path in paths:
            nginx.api.get(path)
        epoch = cluster.owner(cluster.slot_of("nacre:epoch")).execute("GET", "nacre:epoch").split()[0]
        for path in paths:
            slot = cluster.slot_of(f"nacre:{epoch}:dnotes/" + path[len("/notes/") :])
            owner = cluster.nodes.index(cluster.owner(slot))
            cluster.move(slot, cluster.nodes[(owner + 1) % 3])
        for i, path in enumerate(paths):
            assert title(nginx, path) == str(i)
            wait_until(lambda: "l2" in status(nginx.api.get(path)), "Redis to have it")
    assert load.failed == []
    assert nginx.stalls.bounded(), nginx.stalls


def test_a_reload_and_a_killed_worker(start, redis):
    nginx = start(on(f"redis://{redis.address}"), workers=2)
    nginx.tolerate("worker process .* exited on signal 9")
    with Load(nginx.port) as load:
        wait_until(lambda: load.answers > 50, "load")
        for _ in range(3):
            nginx.reload()
        assert load.failed == []
        os.kill(nginx.workers()[0], signal.SIGKILL)
        before = load.answers
        wait_until(lambda: load.answers > before + 50, "load after the kill")
    assert_a_killed_worker_lost_nothing(nginx, load)
