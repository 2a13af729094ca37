"""MongoDB that is away, hung, late or refuses, or whose primary moves."""

import os
import re
import signal
import threading
import time

import pytest

from assertions import assert_changes_nothing, assert_problem
from harness import Client, wait_until
from load import Load, Threads, assert_a_killed_worker_lost_nothing, assert_acknowledged_is_there
from on_mongodb import BRIEF, PATIENT, first, on, ready
from proxies.replica_set import ReplicaSet
from servers.mongo_server import MongoServer
from servers.redis_server import RedisServer, overheard


WAITED = 10  # seconds that a member which is away costs whoever waits for it


class Patches(Threads):
    """Clients that count one document up, each until it is told to stop; what was acknowledged must all be there."""

    def __init__(self, nginx, path, clients=3):
        super().__init__(self.run, [()] * clients)
        self.nginx, self.path = nginx, path
        self.done, self.failed = 0, []
        self.lock = threading.Lock()

    def run(self):
        with Client(self.nginx.url) as client:
            while not self.stopping.is_set():
                answer = client.patch(self.path, json={"title": "y"})
                with self.lock:
                    if answer.status_code == 200:
                        self.done += 1
                    else:
                        self.failed.append(answer.text)


def test_mongodb_killed_and_back(watched, mongodb):
    nginx = watched(on(mongodb.uri(), timeouts=BRIEF), workers=3)
    cached = first(nginx, "/brief", {"n": 1})
    assert nginx.api.get(cached).status_code == 200
    with Load(nginx.port) as load:
        wait_until(lambda: load.answers > 50, "load")
        mongodb.kill()
        wait_until(lambda: not ready(nginx), "readiness to fall")
        assert "store" in nginx.api.get("/ready").json()["detail"]
        answer = nginx.api.get("/uncached/x")
        assert answer.status_code in (503, 504)
        assert answer.status_code == 504 or answer.headers["Retry-After"]
        wait_until(
            lambda: "stale" in nginx.api.get(cached).headers["Cache-Status"],
            "a stale answer",
        )
        mongodb.start()
        wait_until(lambda: ready(nginx), "readiness")
        before = load.answers
        wait_until(lambda: load.answers > before + 50, "load again")
    assert_acknowledged_is_there(nginx, load)
    assert nginx.stalls.bounded(), nginx.stalls
    lines = re.findall(r"(\[\w+\]) .*nacre: MongoDB is ((?:away: .*|back))", nginx.log())
    assert len(lines) == len(set(lines)) and lines[-1] == ("[notice]", "back")
    assert {level for level, _ in lines[:-1]} == {"[error]"}


def test_mongodb_hung(watched, mongodb):
    nginx = watched(on(mongodb.uri(), timeouts="{ store: 500ms }"))
    cached = first(nginx, "/notes", {"title": "x"})
    nginx.api.get(cached)
    mongodb.pause()
    try:
        began = time.monotonic()
        answer = nginx.api.get("/uncached/x")
        assert answer.status_code in (503, 504) and time.monotonic() - began < 4
        assert nginx.api.get(cached).status_code == 200
        wait_until(lambda: not ready(nginx), "readiness to fall")
    finally:
        mongodb.resume()
    wait_until(lambda: ready(nginx), "readiness")
    assert first(nginx, "/notes", {"title": "y"})
    assert nginx.stalls.bounded(), nginx.stalls


def test_the_primary_moves(watched, members):
    """No request fails, and no write is done twice: a document's revision is the number of its acknowledged writes."""
    nginx = watched(on(members.uri(), timeouts=PATIENT))
    path = first(nginx, "/notes", {"title": "x"})
    with Load(nginx.port) as load, Patches(nginx, path) as patches:
        for index in (1, 2, 0, 1):
            before = load.answers
            wait_until(lambda: load.answers > before + 30, "load")
            members.elect(index)
        members.elect(None)
        time.sleep(0.5)
        members.elect(2)
        before = load.answers
        wait_until(lambda: load.answers > before + 30, "load")
    assert load.failed == [] and patches.failed == []
    assert nginx.api.get(path).json()["_rev"] == 1 + patches.done
    assert_acknowledged_is_there(nginx, load)
    assert nginx.stalls.bounded(), nginx.stalls


def test_a_member_dies(watched, members):
    nginx = watched(on(members.uri(), timeouts=PATIENT))
    with Load(nginx.port) as load:
        wait_until(lambda: load.answers > 30, "load")
        members.elect(1)
        members.kill(0)
        before = load.answers
        wait_until(lambda: load.answers > before + 30, "load")
    assert load.failed == []
    assert nginx.stalls.bounded(), nginx.stalls


@pytest.mark.parametrize("seeds", [1, 7])
@pytest.mark.parametrize("away", ["kill", "pause", "hide"])
def test_three_of_seven_members_are_away(watched, mongodb, away, seeds):
    """Whether they refuse, accept and are silent, or nothing gets to them: they cost no request its time."""
    with ReplicaSet(mongodb.port, members=7) as members:
        members.elect(6)
        for index in (0, 1, 4):
            getattr(members, away)(index)
        uri = members.uri(f"&connectTimeoutMS={1000 * WAITED}")
        uri = uri.replace(",".join(members.hosts), ",".join(members.hosts[7 - seeds :]))
        nginx = watched(on(uri, timeouts=PATIENT))

        def took():
            began = time.monotonic()
            assert_problem(nginx.api.get("/uncached/x"), 404)
            return time.monotonic() - began

        assert took() < WAITED / 2
        assert max(took() for _ in range(50)) < WAITED / 2
        members.elect(5)
        assert max(took() for _ in range(50)) < WAITED / 2
        assert first(nginx, "/notes", {"title": "x"})
        assert nginx.stalls.bounded(), nginx.stalls


def test_a_member_that_was_away_becomes_the_primary(start, members):
    for index in (1, 2):
        members.hide(index)
    nginx = start(on(members.uri(), timeouts=PATIENT))
    first(nginx, "/notes", {"title": "x"})
    members.revive(2)
    members.kill(0)
    members.elect(2)
    first(nginx, "/notes", {"title": "y"})


@pytest.fixture
def late(launch, mongodb, members):
    """Makes the secondaries show for ever what there is now."""
    old = launch(MongoServer)

    def copy(*collections):
        with mongodb.client() as source, old.client() as target:
            for name in collections:
                target.nacre[name].insert_many(source.nacre[name].find())
        for index in (1, 2):
            members.lag(index, old.port)

    return copy


def test_no_cache_is_filled_from_a_secondary_that_is_late(start, members, late):
    yaml = on(members.uri("&readPreference=secondary"), timeouts=PATIENT)
    writer, other = start(yaml, workers=2), start(yaml)
    path = first(writer, "/notes", {"title": "old"})
    late("notes")
    assert writer.api.put(path, json={"title": "new"}).status_code == 200
    for nginx in writer, other:
        assert nginx.api.get(path).json()["title"] == "new"
        assert [note["title"] for note in nginx.api.get("/notes").json()["items"]] == ["new"]


def test_a_worker_reads_its_writes_from_secondaries(start, mongodb, members, late):
    """Of what is not cached: that is read by the preference. A change is made from what the primary has."""
    nginx = start(on(members.uri("&readPreference=secondary"), timeouts=PATIENT), workers=1)
    path = first(nginx, "/uncached", {"n": 1})
    with mongodb.client() as client:
        client.nacre.uncached.update_many({}, {"$set": {"n": 2}, "$inc": {"_rev": 1}})
    late_n = nginx.api.get(path).json()["n"]
    assert late_n == 2
    late("uncached")
    with mongodb.client() as client:
        client.nacre.uncached.update_many({}, {"$set": {"n": 3}, "$inc": {"_rev": 1}})
    other = start(on(members.uri("&readPreference=secondary"), timeouts=PATIENT), workers=1)
    wait_until(lambda: ready(other), "readiness")
    assert other.api.get(path).json()["n"] == 2  # which wrote nothing: what the secondary has
    newest = other.api.patch(path, json={"other": "x"}, headers={"Prefer": "return=representation"})
    assert newest.status_code == 200 and newest.json()["n"] == 3
    assert other.api.get(path).json()["_rev"] == newest.json()["_rev"]
    assert other.api.get("/uncached").json()["items"][0]["n"] == 3


def is_there(nginx, path):
    """Asked until some primary says so or otherwise."""
    return wait_until(lambda: {200: "yes", 404: "no"}.get(nginx.api.get(path).status_code), "an answer of a primary") == "yes"


def test_all_or_none_while_the_primary_moves(start, members):
    nginx = start(on(members.uri(), timeouts=BRIEF))
    stop = threading.Event()

    def move():
        index = 0
        while not stop.is_set():
            index = (index + 1) % 3
            members.elect(index)
            stop.wait(0.3)

    mover = threading.Thread(target=move)
    mover.start()
    try:
        for batch in range(10):
            documents = [{"_id": f"b{batch}-{i}", "title": "x"} for i in range(20)]
            answer = nginx.api.post("/notes", json=documents)
            found = sum(is_there(nginx, f"/notes/b{batch}-{i}") for i in range(20))
            assert found == 20 if answer.status_code == 201 else found in (0, 20), answer.text  # a commit's end may be unknown
            assert answer.status_code in (201, 503, 504)
    finally:
        stop.set()
        mover.join()


def test_what_changes_nothing_is_told_to_nobody(start, mongodb, launch):
    redis = launch(RedisServer)
    nginx = start(on(mongodb.uri(), f"redis://{redis.address}", timeouts="{ store: 1s, request: 2s }"))
    path = first(nginx, "/notes", {"_id": "a", "title": "x"})
    with overheard(redis) as next_write:
        assert_changes_nothing(nginx.api, path)
        mongodb.fail("findAndModify", errorCode=10107)  # it is no primary
        assert nginx.api.patch(path, json={"title": "y"}).status_code in (503, 504)
        mongodb.heal()
        mongodb.kill()
        assert nginx.api.patch(path, json={"title": "y"}).status_code in (503, 504)
        mongodb.start()
        first(nginx, "/notes", {"_id": "b", "title": "z"})
        assert next_write() == ["notes", "b"]


@pytest.mark.parametrize("local", ["on", "off"])
def test_what_ends_when_nobody_waits_for_it_any_more_is_told(start, mongodb, launch, local):
    redis = launch(RedisServer)
    yaml = on(mongodb.uri(), f"redis://{redis.address}", f", local: {local}", timeouts="{ store: 500ms, request: 1s }")
    yaml = yaml.replace("cache: { ttl: 30s, stale: 5m }", "cache: { ttl: 1h }")
    here, there = start(yaml), start(yaml)
    path = first(here, "/notes", {"title": "old"})
    for nginx in (here, there):
        wait_until(lambda: "hit" in nginx.api.get(path).headers["Cache-Status"], "a hit")
    mongodb.fail("findAndModify", times=1, blockTimeMS=3000)
    assert here.api.patch(path, json={"title": "new"}).status_code == 504
    with mongodb.client() as client:
        notes = client.get_default_database("nacre").notes
        # Meanwhile the old state is read, and cached anew where it was ended too early.
        wait_until(lambda: [nginx.api.get(path) for nginx in (here, there)] and notes.find_one({"title": "new"}), "the write")
    for nginx in (here, there):
        wait_until(lambda: nginx.api.get(path).json()["title"] == "new", "the write", 8)


@pytest.mark.parametrize("code", [13, 100, 133, 261, 290, 365, 8000])
def test_what_the_server_refuses_is_503_and_told_where_it_lasts(start, mongodb, code):
    nginx = start(on(mongodb.uri(), timeouts=PATIENT))
    path = first(nginx, "/uncached", {"n": 1})
    for command, ask in (
        ("find", lambda: nginx.api.get(path)),
        ("insert", lambda: nginx.api.post("/uncached", json={"n": 2})),
        ("findAndModify", lambda: nginx.api.patch(path, json={"n": 3})),
    ):
        mongodb.fail(command, errorCode=code)
        for _ in range(2):
            answer = ask()
            assert_problem(answer, 503)
            assert answer.headers["Retry-After"]
        mongodb.heal()
    assert nginx.api.get(path).json()["n"] == 1
    told = 0 if code == 290 else 1
    log = nginx.log()
    assert len(re.findall(rf"MongoDB refuses reads: .*\({code}\)", log)) == told
    assert len(re.findall(rf"MongoDB refuses writes: .*\({code}\)", log)) == told


def test_reloads_and_a_killed_worker(start, mongodb):
    nginx = start(on(mongodb.uri(), timeouts=PATIENT), workers=2)
    nginx.tolerate("worker process .* exited on signal 9")
    with Load(nginx.port) as load:
        wait_until(lambda: load.answers > 50, "load")
        for _ in range(3):
            nginx.reload()
            before = load.answers
            wait_until(lambda: load.answers > before + 20, "load")
        assert load.failed == []
        os.kill(nginx.workers()[0], signal.SIGKILL)
        before = load.answers
        wait_until(lambda: load.answers > before + 50, "load after the kill")
    assert_a_killed_worker_lost_nothing(nginx, load)


def test_both_gone(watched, mongodb, launch):
    redis = launch(RedisServer)
    nginx = watched(on(mongodb.uri(), f"redis://{redis.address}", timeouts="{ store: 2s, redis: 250ms, request: 5s }"))
    wait_until(lambda: ready(nginx), "readiness")
    path = first(nginx, "/brief", {"n": 1})
    assert nginx.api.get(path).status_code == 200
    redis.kill()
    mongodb.kill()
    wait_until(
        lambda: "neither" in nginx.api.get("/ready").json()["detail"],
        "both to be missed",
    )
    wait_until(lambda: "stale" in nginx.api.get(path).headers["Cache-Status"], "a stale answer")
    assert nginx.api.get(path).json()["n"] == 1
    assert nginx.api.post("/brief", json={"n": 2}).status_code in (503, 504)
    mongodb.start()
    redis.start()
    wait_until(lambda: ready(nginx), "readiness")
    assert first(nginx, "/brief", {"n": 2})
    assert nginx.stalls.bounded(), nginx.stalls
