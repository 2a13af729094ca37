"""What Redis could not be told of a write: two hosts on one store and one Redis, and all that Redis may do meanwhile."""

import contextlib
import itertools
import os
import pathlib
import re
import shutil
import signal
import threading
import time

import pytest
import raw
import yamls
from assertions import create
from harness import wait_until
from hosts import LOCAL, MARGIN, UNHEARD, Hosts, running
from proxies.bytes_proxy import BytesProxy
from servers.redis_server import RedisServer
from upgrades import quit, start_daemon, upgrade

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def redis(launch):
    return launch(RedisServer, enable_debug_command="yes")


@pytest.fixture
def hosts(make_nginx, redis, tmp_path):
    two = Hosts(make_nginx, tmp_path, redis.address)
    with running(two):
        yield two


def said(nginx, text, count=1):
    """Waits until the log has as many lines with a text, and no more."""
    wait_until(lambda: nginx.log().count(text) >= count, f'"{text}" in the log')
    assert nginx.log().count(text) == count, nginx.log()


def not_ready(nginx):
    answer = nginx.api.get("/ready")
    return answer.status_code == 503 and "the cache takes no writes" in answer.json()["detail"]


def ready(nginx):
    return nginx.api.get("/ready").status_code == 200


# Redis is gone for a while, and keeps what it had


@contextlib.contextmanager
def hung(redis):
    redis.pause()
    try:
        yield
    finally:
        redis.resume()


def test_writes_while_redis_hangs(hosts, redis):
    with hosts.watched():
        with hung(redis):
            for _ in range(6):
                hosts.write()
        hosts.recovered()


def test_a_worker_that_is_killed(hosts, redis):
    with hosts.watched():
        with hung(redis):
            for _ in range(6):
                hosts.write()
            for worker in hosts.here.workers():
                os.kill(worker, signal.SIGKILL)
                wait_until(lambda: len(hosts.here.workers()) == 2 and worker not in hosts.here.workers(), "another worker")
            assert hosts.seen(hosts.here) == [hosts.number] * 2
        hosts.recovered()


def test_a_reload(hosts, redis):
    with hosts.watched():
        with hung(redis):
            hosts.write()
            hosts.here.reload()
            assert hosts.seen(hosts.here) == [hosts.number] * 2
        hosts.recovered()


def test_a_reload_with_another_size_of_the_zone(hosts, redis):
    with hosts.watched():
        with hung(redis):
            hosts.write()
            hosts.here.write_conf(**{**hosts.here.conf, "zone": "16m"})
            hosts.here.reload()
            assert hosts.seen(hosts.here) == [hosts.number] * 2
        hosts.recovered()


def test_a_binary_upgrade(make_nginx, redis, tmp_path):
    variables = "".join(f"env {name};" for name in ("LD_PRELOAD", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"))
    hosts = Hosts(make_nginx, tmp_path, redis.address, main=variables)
    start_daemon(hosts.here)
    old = hosts.here
    try:
        hosts.there.start()
        hosts.begin()
        with hosts.watched():
            with hung(redis):
                hosts.write()
                hosts.here = upgrade(old)
                quit(old)
                assert hosts.seen(hosts.here) == [hosts.number] * 2
            hosts.recovered()
    finally:
        for nginx in {old, *hosts.both}:
            nginx.stop()


def test_10_060_writes(hosts, redis):
    paths = [f"/free/{i}" for i in range(10_060)]

    def ask_all(nginx, requests):
        with raw.connect(nginx.port) as connection:
            threading.Thread(target=connection.sendall, args=(b"".join(requests),), daemon=True).start()
            for _ in requests:
                yield connection.read_answer()

    for i in range(0, len(paths), 1000):
        made = hosts.here.api.post("/free", json=[{"_id": path[6:], "n": 0} for path in paths[i : i + 1000]])
        assert made.status_code == 201
    gets = [raw.request("GET", path, b"", []) for path in paths]
    for nginx in hosts.both:
        assert all(status == 200 for status, *_ in ask_all(nginx, gets))
    with hosts.watched():
        redis.kill()
        puts = [raw.request("PUT", path, b'{"n":1}', []) for path in paths]
        assert all(status == 200 for status, *_ in ask_all(hosts.here, puts))
        hosts.write()
        redis.start()
        hosts.recovered()
    for nginx in hosts.both:
        assert all(b'"n":1' in body for _, _, body in ask_all(nginx, gets))


@pytest.mark.parametrize("kind", ["ALL", "WRITE"])
def test_client_pause(hosts, redis, kind):
    with hosts.watched():
        redis.execute("CLIENT", "PAUSE", 3000, kind)
        began = time.monotonic()
        for _ in range(6):
            hosts.write()
        with contextlib.suppress(Exception):
            time.sleep(max(0, 3 - (time.monotonic() - began)))
        hosts.recovered()


# Redis answers, and takes no writes


def refusing(hosts, begin, end):
    """Redis refuses writes between `begin()` and `end()`; both hosts say so, once."""
    with hosts.watched():
        begin()
        for nginx in hosts.both:
            said(nginx, "redis takes no writes: ")
        wait_until(lambda: not_ready(hosts.here), "readiness to fall")
        for _ in range(6):
            hosts.write()
        end()
        hosts.recovered()
    for nginx in hosts.both:
        said(nginx, "redis takes writes again")
        said(nginx, "redis takes no writes: ")
        wait_until(lambda: ready(nginx), "readiness")


def test_a_full_redis_and_hosts_hear_of_writes_at_once(make_nginx, redis, tmp_path):
    hosts = Hosts(make_nginx, tmp_path, redis.address, local=True, workers=1)
    with running_local(hosts):
        epoch = redis.execute("GET", "nacre:epoch")
        redis.execute("CONFIG", "SET", "maxmemory", 1)
        for nginx in hosts.both:
            said(nginx, "redis takes no writes: OOM")
        wait_until(lambda: not_ready(hosts.here), "readiness to fall")
        for _ in range(20):
            hosts.write()
            began = time.monotonic()
            wait_until(lambda: hosts.seen(hosts.there) == [hosts.number] * 2, "the write")
            assert time.monotonic() - began < UNHEARD
        redis.execute("CONFIG", "SET", "maxmemory", 0)
        wait_until(lambda: ready(hosts.here), "readiness")
        # What could be deleted needs no new epoch.
        assert redis.execute("GET", "nacre:epoch") == epoch


@contextlib.contextmanager
def running_local(hosts):
    hosts.wait_until_used = lambda *_: None
    with running(hosts):
        for nginx in hosts.both:
            wait_until(lambda: hosts.ask(nginx, hosts.path).headers["Cache-Status"] == "nacre; hit", "a hit")
        yield


def through(nginx, before, after):
    """Has a host that has not started reach Redis otherwise."""
    nginx.write_yaml((nginx.home / "nacre.yaml").read_text().replace(before, after))


def test_a_full_redis_that_could_not_be_told(make_nginx, redis, tmp_path):
    """What can't be deleted is put out of the other host's reach although nothing has room."""
    with BytesProxy(redis.port) as proxy:
        hosts = Hosts(make_nginx, tmp_path, redis.address)
        through(hosts.here, redis.address, proxy.address)
        with running(hosts):
            redis.execute("CONFIG", "SET", "maxmemory", 1)
            for nginx in hosts.both:
                said(nginx, "redis takes no writes: OOM")
            assert hosts.seen(hosts.there) == [0, 0]
            proxy.refuse()
            hosts.write()
            proxy.accept()
            wait_until(lambda: hosts.seen(hosts.there) == [1, 1], "the write", LOCAL + MARGIN)
            for nginx in hosts.both:
                said(nginx, "redis takes no writes: OOM")


def test_looks_do_not_follow_the_pace_of_requests(hosts, redis):
    def looks():
        with redis.client() as client:
            return client.info("commandstats")["cmdstat_evalsha"]["calls"]

    redis.execute("CONFIG", "SET", "min-replicas-to-write", 1)
    said(hosts.here, "redis takes no writes: ")
    before, began = looks(), time.monotonic()
    while time.monotonic() < began + 2:
        hosts.ask(hosts.here, hosts.path)
    looked = looks() - before
    assert looked < (time.monotonic() - began) * 2 * 2 * 15  # seconds, hosts, workers; 10 are meant


def test_a_full_redis_is_used_again_when_it_has_room(hosts, redis):
    refusing(
        hosts,
        lambda: redis.execute("CONFIG", "SET", "maxmemory", 1),
        lambda: redis.execute("CONFIG", "SET", "maxmemory", 0),
    )


def test_misconf(hosts, redis):
    (redis.home / "dump.rdb").mkdir()  # in whose place no snapshot can be put

    def begin():
        redis.execute("CONFIG", "SET", "save", "3600 1")
        redis.execute("BGSAVE")

    refusing(hosts, begin, lambda: redis.execute("CONFIG", "SET", "stop-writes-on-bgsave-error", "no"))


def test_too_few_replicas(hosts, redis):
    refusing(
        hosts,
        lambda: redis.execute("CONFIG", "SET", "min-replicas-to-write", 1),
        lambda: redis.execute("CONFIG", "SET", "min-replicas-to-write", 0),
    )


def test_a_script_that_does_not_end(hosts, redis):
    redis.execute("CONFIG", "SET", "busy-reply-threshold", 50)

    def loop():
        with contextlib.suppress(Exception):
            redis.execute("EVAL", "while true do end", 0)

    refusing(hosts, lambda: threading.Thread(target=loop).start(), lambda: redis.execute("SCRIPT", "KILL"))


def test_a_master_that_became_a_replica(hosts, redis, launch):
    """As after a failover: it takes over what the new master has, and is the master again later."""
    other = launch(RedisServer)
    with hosts.watched():
        redis.execute("REPLICAOF", "127.0.0.1", other.port)
        wait_until(lambda: not ready(hosts.here), "readiness to fall")
        for _ in range(6):
            hosts.write()
        redis.execute("REPLICAOF", "NO", "ONE")
        hosts.recovered()
    for nginx in hosts.both:
        wait_until(lambda: ready(nginx), "readiness")


# Redis comes back as another


def test_a_redis_that_loads(make_nginx, launch, tmp_path):
    redis = launch(RedisServer, save='"3600 1"', enable_debug_command="yes")
    hosts = Hosts(make_nginx, tmp_path, redis.address)
    with running(hosts), hosts.watched():
        for i in range(50):
            redis.execute("SET", f"other{i}", "x" * 2000)
        redis.execute("SAVE")
        redis.kill()
        hosts.write()
        conf = redis.home / "redis.conf"
        conf.write_text(conf.read_text() + "key-load-delay 50000\nloading-process-events-interval-bytes 1024\n")
        redis.launch()
        for _ in range(4):
            hosts.write()
        redis.wait()
        hosts.recovered()


def test_an_older_snapshot(make_nginx, launch, tmp_path):
    redis = launch(RedisServer)
    hosts = Hosts(make_nginx, tmp_path, redis.address)
    with running(hosts), hosts.watched():
        redis.execute("SAVE")
        shutil.copy(redis.home / "dump.rdb", redis.home / "older.rdb")
        hosts.write()  # Redis hears of it
        redis.kill()
        shutil.copy(redis.home / "older.rdb", redis.home / "dump.rdb")
        redis.start()
        hosts.recovered()


def test_a_promoted_replica_that_missed_the_last_writes(make_nginx, redis, launch, tmp_path):
    replica = launch(RedisServer, replicaof=f"127.0.0.1 {redis.port}")
    wait_until(lambda: replica.execute("INFO", "replication")["master_link_status"] == "up", "replication")
    with BytesProxy(redis.port) as proxy:
        hosts = Hosts(make_nginx, tmp_path, proxy.address)
        with running(hosts), hosts.watched():
            wait_until(lambda: replica.execute("DBSIZE") == redis.execute("DBSIZE"), "the replica to have everything")
            replica.execute("REPLICAOF", "NO", "ONE")
            for _ in range(3):
                hosts.write()
            redis.kill()
            proxy.server_port = replica.port
            hosts.recovered()


def test_a_redis_that_was_emptied(hosts, redis):
    with hosts.watched():
        redis.execute("FLUSHALL")
        for _ in range(6):
            hosts.write()
        hosts.recovered()


# Redis says less than it might, or something else


LIMITED = "limited on >pw ~* &* +@all -@dangerous"  # without INFO


def test_an_older_snapshot_of_a_redis_that_does_not_say_who_it_is(make_nginx, launch, tmp_path):
    redis = launch(RedisServer, acl=[LIMITED])
    hosts = Hosts(make_nginx, tmp_path, redis.address)
    for nginx in hosts.both:
        through(nginx, "redis://", "redis://limited:pw@")
    with running(hosts), hosts.watched():
        redis.execute("SAVE")
        shutil.copy(redis.home / "dump.rdb", redis.home / "older.rdb")
        hosts.write()
        redis.kill()
        shutil.copy(redis.home / "older.rdb", redis.home / "dump.rdb")
        redis.start()
        hosts.recovered()


def test_a_user_with_the_rights_of_the_documentation(make_nginx, launch, tmp_path):
    line = re.search("`ACL SETUSER (.*?)`", (ROOT / "docs/operations.md").read_text()).group(1)
    redis = launch(RedisServer, acl=[line])
    hosts = Hosts(make_nginx, tmp_path, redis.address)
    for nginx in hosts.both:
        through(nginx, "redis://", "redis://nacre:secret@")
    with running(hosts), hosts.watched():
        hosts.write()
        hosts.write(hosts.there)
        assert hosts.there.api.get("/ready").status_code == 200
        hosts.recovered()
    assert redis.execute("ACL", "LOG") == []


def test_hosts_of_which_one_is_told_who_redis_is_agree_on_an_epoch(make_nginx, launch, tmp_path):
    redis = launch(RedisServer, acl=[LIMITED])
    hosts = Hosts(make_nginx, tmp_path, redis.address)
    through(hosts.there, "redis://", "redis://limited:pw@")
    with running(hosts):
        epoch = redis.execute("GET", "nacre:epoch")
        end = time.monotonic() + 3
        while time.monotonic() < end:
            assert redis.execute("GET", "nacre:epoch") == epoch
        hosts.recovered()


@pytest.mark.parametrize("epoch", ["0 %s", "99999999999999999999999 %s", "x %s", "", None])
def test_an_epoch_that_is_none(hosts, redis, epoch):
    server = redis.execute("GET", "nacre:epoch").split()[1]
    with redis.client() as client, client.pipeline() as both:
        both.delete("nacre:epoch")
        both.rpush("nacre:epoch", "x") if epoch is None else both.set("nacre:epoch", epoch % server if "%" in epoch else epoch)
        both.execute()
    with hosts.watched():
        hosts.write()
        wait_until(lambda: redis.execute("TYPE", "nacre:epoch") == "string", "an epoch")
        hosts.recovered()


def test_writes_on_the_host_that_has_not_learned_of_an_epoch(make_nginx, redis, tmp_path):
    """One host is cut off from Redis, misses a new epoch and writes the moment that it can tell Redis again."""
    with BytesProxy(redis.port) as proxy:
        hosts = Hosts(make_nginx, tmp_path, redis.address)
        through(hosts.there, redis.address, proxy.address)
        with running(hosts):
            proxy.stall()
            with hung(redis):
                hosts.write()
            hosts.wait_until_used(hosts.here, 10)
            proxy.heal()
            for _ in range(10):
                hosts.write(hosts.there)
                assert hosts.seen(hosts.here) == [hosts.number] * 2
            hosts.recovered()


def test_databases_that_are_swapped_and_swapped_back(hosts, redis):
    """What was cached comes back, older than what was written meanwhile."""
    with hosts.watched():
        for learned in (True, False):
            for _ in range(2):
                redis.execute("SWAPDB", 0, 1)
                if learned:
                    hosts.recovered()
                hosts.write()
            hosts.recovered()


# Redis has others to serve


@pytest.mark.parametrize("policy", ["allkeys-random", "allkeys-lru"])
def test_keys_that_redis_evicts(hosts, redis, policy):
    """The epoch among them, and the generations of lists."""
    epoch = redis.execute("GET", "nacre:epoch")
    redis.execute("CONFIG", "SET", "maxmemory-policy", policy)
    redis.execute("CONFIG", "SET", "maxmemory", redis.execute("INFO", "memory")["used_memory"] + 200_000)

    def other_application(stopping):
        with redis.client() as client:
            for i in itertools.count():
                if stopping.is_set():
                    return
                client.set(f"other:{i}", "x" * 1000)

    with hosts.watched():
        stopping = threading.Event()
        other = threading.Thread(target=other_application, args=(stopping,))
        other.start()
        try:
            for _ in range(20):
                hosts.write()
                wait_until(lambda: hosts.seen(hosts.there) == [hosts.number] * 2, "the write", LOCAL + MARGIN)
            redis.execute("DEL", "nacre:epoch")
            hosts.write()
            wait_until(lambda: hosts.seen(hosts.there) == [hosts.number] * 2, "the write", LOCAL + MARGIN)
        finally:
            stopping.set()
            other.join()
        assert redis.execute("INFO", "stats")["evicted_keys"] > 0
        redis.execute("CONFIG", "SET", "maxmemory", 0)
        hosts.recovered()
    assert redis.execute("GET", "nacre:epoch") != epoch


def test_two_applications_under_one_prefix(start, redis):
    """Neither shows the other's documents, whatever the two have in common."""
    cache = f'"redis://{redis.address}", local: off'
    both = [start(yamls.EXAMPLE.replace('"memory:"', cache), workers=1) for _ in range(2)]
    for n, nginx in enumerate(both):
        create(nginx.api, "/free", {"_id": "two", "n": n})
    for _ in range(20):
        for n, nginx in enumerate(both):
            assert nginx.api.get("/free/two").json()["n"] == n
            assert [one["n"] for one in nginx.api.get("/free").json()["items"]] == [n]
    for n, nginx in enumerate(both):
        assert nginx.api.patch("/free/two", json={"n": n + 10}).status_code == 200
        assert [one.api.get("/free/two").json()["n"] % 10 for one in both] == [0, 1]
