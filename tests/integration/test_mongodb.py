"""The store in MongoDB: what stands there, and what MongoDB may do to those who use it."""

import collections
import contextlib
import datetime
import os
import pathlib
import re
import select
import signal
import subprocess
import threading
import time
import urllib.parse

import bson
import pytest

import raw
from assertions import assert_changes_nothing, assert_problem, create
from harness import Client, wait_until
from load import Load, Threads
from on_mongodb import BRIEF, PATIENT, first, on, ready
from proxies.bytes_proxy import BytesProxy
from proxies.overheard import Overheard
from proxies.replica_set import ReplicaSet
from proxies.routers import Routers
from servers.canned_mongo import CannedMongo
from servers.dns_server import DnsServer
from servers.mongo_server import MongoServer
from servers.redis_server import RedisServer, overheard
from stalls import Stalls


WAITED = 10  # seconds that a member which is away costs whoever waits for it


@pytest.fixture
def proxy(mongodb):
    with BytesProxy(mongodb.port) as one:
        yield one


def through(proxy):
    return f"mongodb://{proxy.address}/nacre?directConnection=true"


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


# What stands in MongoDB


def test_a_document_has_the_types_that_other_programs_expect(start, mongodb):
    nginx = start(on(mongodb.uri(), timeouts=PATIENT))
    note = {
        "title": "x",
        "stars": 2**53 + 1,
        "due": "2026-01-02T03:04:05.678Z",
        "tags": ["a"],
        "author": {"name": "n"},
    }
    made = create(nginx.api, "/notes", note)
    named = create(nginx.api, "/notes", {"_id": "a-name", "title": "y"})
    with mongodb.client() as client:
        stored = client.nacre.notes.find_one({"_id": bson.ObjectId(made["_id"])})
        assert stored["_rev"] == 1 and isinstance(stored["_rev"], bson.Int64)
        assert stored["stars"] == 2**53 + 1 and stored["tags"] == ["a"] and stored["author"] == {"name": "n"}
        assert stored["due"] == datetime.datetime(2026, 1, 2, 3, 4, 5, 678000)
        assert isinstance(stored["_created"], datetime.datetime) and stored["_created"] == stored["_updated"]
        assert stored["_owner"] is None
        assert client.nacre.notes.find_one({"_id": named["_id"]})["title"] == "y"
    assert nginx.api.get("/notes/" + made["_id"]).json() == made


def test_documents_of_other_programs_are_served(start, mongodb):
    now = datetime.datetime(2026, 1, 2, 3, 4, 5, 6000)
    with mongodb.client() as client:
        client.nacre.notes.insert_one(
            {
                "_id": "foreign",
                "_rev": bson.Int64(4),
                "_created": now,
                "_updated": now,
                "_owner": None,
                "title": "x",
                "due": now,
            }
        )
    # Not before: SecantusDB hangs when one client makes a collection by an insert, and another by `create`.
    nginx = start(on(mongodb.uri(), timeouts=PATIENT))
    answer = nginx.api.get("/notes/foreign")
    assert answer.status_code == 200 and answer.json()["_rev"] == 4
    assert answer.json()["due"] == answer.json()["_updated"] == "2026-01-02T03:04:05.006Z"
    assert nginx.api.patch("/notes/foreign", json={"stars": 1}).json()["_rev"] == 5
    found = nginx.api.get("/notes", params={"where": '{"due":{"$lte":"2026-01-02T03:04:05.006Z"}}'})
    assert [item["_id"] for item in found.json()["items"]] == ["foreign"]


def test_documents_without_what_the_server_sets_have_etags_too(start, mongodb):
    """And ones that change with a document which another program wrote without counting `_rev` up."""
    strange = {"_rev": 3.0, "_created": "yesterday", "_updated": None}
    with mongodb.client() as client:
        client.nacre.uncached.insert_many([{"_id": "bare", "n": 1}, {"_id": "odd", **strange, "n": 1}])
    nginx = start(on(mongodb.uri(), timeouts=PATIENT))
    for id, rev in ("bare", 1), ("odd", 3):
        path = "/uncached/" + id
        before = nginx.api.get(path)
        assert before.json()["_rev"] == rev and before.json()["n"] == 1
        etag = before.headers["ETag"]
        assert nginx.api.get(path, headers={"If-None-Match": etag}).status_code == 304
        with mongodb.client() as client:
            client.nacre.uncached.update_one({"_id": id}, {"$set": {"n": 2}})
        for method in ("PUT", "PATCH", "DELETE"):
            assert_problem(nginx.api.request(method, path, json={"n": 7}, headers={"If-Match": etag}), 412)
        after = nginx.api.get(path, headers={"If-None-Match": etag})
        assert after.status_code == 200 and after.json()["_rev"] == rev and after.json()["n"] == 2
        patched = nginx.api.patch(path, json={"n": 3}, headers={"If-Match": after.headers["ETag"]})
        assert patched.status_code == 200 and patched.json()["_rev"] == rev + 1
        put = nginx.api.put(path, json=patched.json(), headers={"If-Match": patched.headers["ETag"]})
        assert put.status_code == 200, put.text
        assert nginx.api.delete(path, headers={"If-Match": put.headers["ETag"]}).status_code == 204


def test_lists_leave_no_cursor_behind(start, mongodb):
    """Neither pages that are full nor ones whose documents are more than one reply holds."""
    with Overheard(mongodb.port) as proxy:
        nginx = start(on(proxy.uri(), timeouts=PATIENT))
        create_many = [{"title": str(i), "stars": i % 3} for i in range(30)]
        wait_until(lambda: nginx.api.post("/notes", json=create_many).status_code == 201, "documents")
        with mongodb.client() as client:
            client.nacre.free.insert_many([{"_id": str(i), "text": "x" * 1_500_000} for i in range(30)])
        for path in "/notes?limit=5", "/notes?limit=30", "/notes?limit=5&sort=-stars&count=true", "/free?limit=25":
            while path:
                answer = nginx.api.get(path)
                assert answer.status_code == 200, answer.text
                path = answer.links["next"]["url"] if "next" in answer.links else None
        left = {reply["cursor"]["id"] for command, reply in proxy.said if "cursor" in reply} - {0}
        ended = {cursor for command, _ in proxy.commands("killCursors") for cursor in command["cursors"]}
        assert left <= ended
        pages = [command for command, _ in proxy.commands("find") if command["limit"] > 1]
        assert pages and all(command["batchSize"] > command["limit"] for command in pages)


def test_a_patch_that_others_are_always_faster_than_pauses_and_ends(start, mongodb):
    """An own revision or none: another program changes the document before each write reaches it."""
    with Overheard(mongodb.port) as proxy, mongodb.client() as client:
        nginx = start(on(proxy.uri(), timeouts="{ store: 2s, request: 6s }"))
        path = first(nginx, "/notes", {"title": "x", "stars": 1})
        other = {"_id": "other", "title": "x", "stars": 1}
        client.nacre.notes.insert_one(other)

        def count(command):
            if "findAndModify" in command or "delete" in command:
                client.nacre.notes.update_many({"_rev": {"$exists": True}}, {"$inc": {"_rev": bson.Int64(1)}})
                client.nacre.notes.update_many({"_rev": {"$exists": False}}, {"$inc": {"stars": 1}})

        proxy.before = count
        for target in path, "/notes/other":
            proxy.said.clear()
            began = time.monotonic()
            answer = nginx.api.patch(target, json={"title": "y"})
            took = time.monotonic() - began
            problem = assert_problem(answer, 503)
            assert "others change the document" in problem["detail"] and answer.headers["Retry-After"]
            assert took > 1
            assert 1 < len(proxy.commands("findAndModify")) < 12 * took
        proxy.before = None
        assert nginx.api.patch(path, json={"title": "y"}).json()["title"] == "y"


def test_a_transaction_that_a_killed_worker_left_bars_no_repetition(start, mongodb):
    """Only the mark of the request that was running does, for as long as it might have run."""
    with Overheard(mongodb.port) as proxy:
        nginx = start(on(proxy.uri(), timeouts="{ store: 1s, request: 2s }"))
        first(nginx, "/notes", {"title": "first"})
        nginx.tolerate("worker process .* exited on signal 9")
        killed = []

        def kill(command):
            if not killed and "commitTransaction" in command:
                killed.extend(nginx.workers())
                os.kill(killed[0], signal.SIGKILL)
                raise ConnectionAbortedError

        proxy.before = kill
        documents = [{"title": f"bulk {i}"} for i in range(5)]

        def repeated():
            with contextlib.suppress(OSError):
                return nginx.api.post("/notes", json=documents, headers={"Idempotency-Key": '"once"'}).status_code == 201

        repeated()
        assert killed
        wait_until(repeated, "the repetition", 30)  # the mark lasts for 4 s, the transaction for 60 s
        with mongodb.client() as client:
            assert client.nacre.notes.count_documents({"title": {"$regex": "^bulk"}}) == 5


def test_the_sessions_of_keys_are_ended(start, mongodb):
    """They are the key's own, of which there is no end; all others are used again."""
    with Overheard(mongodb.port) as proxy:
        nginx = start(on(proxy.uri(), timeouts=PATIENT), workers=1)
        first(nginx, "/uncached", {"n": 0})
        proxy.said.clear()
        for index in range(120):
            headers = {"Idempotency-Key": f'"key {index}"'}
            assert nginx.api.post("/uncached", json={"n": index}, headers=headers).status_code == 201

        used = {bytes(command["lsid"]["id"]) for command, _ in proxy.commands("commitTransaction")}
        assert len(used) == 120

        def ended():
            ids = [bytes(session["id"]) for command, _ in proxy.commands("endSessions") for session in command["endSessions"]]
            return [one for one in ids if one in used]

        wait_until(lambda: set(ended()) == used, "the end of all")
        assert len(ended()) == 120 and len(proxy.commands("endSessions")) < 60
        assert all(reply["ok"] for _, reply in proxy.commands("endSessions"))
        repeated = nginx.api.post("/uncached", json={"n": 7}, headers={"Idempotency-Key": '"key 7"'})
        with mongodb.client() as client:
            assert repeated.status_code == 201 and client.nacre.uncached.count_documents({"n": 7}) == 1


def test_indexes_come_from_the_configuration(start, mongodb):
    nginx = start(on(mongodb.uri(), timeouts=PATIENT), workers=2)
    with mongodb.client() as client:

        def keys():
            return sorted(list(index["key"].items()) for index in client.nacre.notes.list_indexes())

        expected = [[("_id", 1)], [("slug", 1)], [("slug", 1), ("_id", 1)], [("title", 1), ("_id", 1)]]
        expected.append([("stars", -1), ("title", 1), ("_id", 1)])
        wait_until(lambda: keys() == sorted(expected), "the indexes")
    assert create(nginx.api, "/notes", {"title": "a"}) and create(nginx.api, "/notes", {"title": "b"})
    create(nginx.api, "/notes", {"title": "c", "slug": "s"})
    assert_problem(nginx.api.post("/notes", json={"title": "d", "slug": "s"}), 409)


@pytest.mark.parametrize(
    ["code", "why"],
    [(13, "may not do that"), (67, "sharded"), (171, "arrays"), (20, "error 20")],
)
def test_an_index_that_is_refused_closes_its_resource_alone(start, mongodb, code, why):
    """To what is created and replaced; it is told of, and once it can be made, all is open."""
    with mongodb.client() as client:
        client.nacre.notes.insert_one({"_id": "there", "title": "x"})
    mongodb.fail("createIndexes", errorCode=code)
    nginx = start(on(mongodb.uri(), timeouts=PATIENT), workers=4)
    answer = nginx.api.post("/notes", json={"title": "x", "slug": "s"})
    assert_problem(answer, 503, mentions="the unique index on slug can't be made")
    assert why in answer.json()["detail"]
    assert nginx.api.get("/notes/there").status_code == 200
    assert len(nginx.api.get("/notes").json()["items"]) == 1
    assert nginx.api.delete("/notes/there").status_code == 204
    create(nginx.api, "/uncached", {"n": 1})
    ready = nginx.api.get("/ready")
    assert ready.status_code == 200 and any(
        "resource notes: the unique index on slug" in line for line in ready.json()["detail"]
    )
    mongodb.heal()
    first(nginx, "/notes", {"title": "x", "slug": "s"})
    assert_problem(nginx.api.post("/notes", json={"title": "x", "slug": "s"}), 409)
    wait_until(lambda: "detail" not in nginx.api.get("/ready").json(), "all to be well")
    for line in ("nacre: resource notes: the unique index on slug", "nacre: over: resource notes: the unique index on slug"):
        assert nginx.log().count(line) == 1


def test_what_a_user_may_not_do_is_told_once_a_resource(start, mongodb):
    mongodb.fail("create", "listIndexes", "createIndexes", "update", errorCode=13)
    nginx = start(on(mongodb.uri(), timeouts=PATIENT), workers=2)
    assert_problem(nginx.api.post("/notes", json={"title": "x"}), 503, mentions="MongoDB's user may not do that")
    for _ in range(20):  # meanwhile the other steps are taken
        told = nginx.api.get("/ready").json()["detail"]
        assert len({line.split(":")[0] for line in told}) == len(told) > 1, told
    mongodb.heal()
    wait_until(lambda: "detail" not in nginx.api.get("/ready").json(), "all to be well")
    lines = re.findall(r"nacre: ((?:over: )?resource \w+: .* may not do that)", nginx.log())
    assert len(lines) == len(set(lines)) == 2 * len(told)


def test_a_collection_with_a_collation_takes_nothing_new(start, mongodb):
    """Its ids are the same in upper and lower case, which Nacre's are not."""
    collation = {"locale": "en", "strength": 2}
    with mongodb.client() as client:
        client.nacre.create_collection("notes", collation=collation)
        # SecantusDB has no collations: it shows those of indexes that were made with one.
        client.nacre.notes.create_index("_id", name="ids", collation=collation)
        client.nacre.notes.insert_one({"_id": "there", "title": "x"})
    nginx = start(on(mongodb.uri(), timeouts=PATIENT), workers=2)
    assert_problem(nginx.api.post("/notes", json={"title": "x"}), 503, mentions="its collection has a collation")
    assert nginx.api.get("/notes/there").status_code == 200
    create(nginx.api, "/uncached", {"n": 1})
    told = [line for line in nginx.api.get("/ready").json()["detail"] if "collation" in line]
    assert len(told) == 1 and told[0].startswith("resource notes: ")
    assert nginx.log().count("its collection has a collation") == 1
    with mongodb.client() as client:
        client.nacre.notes.drop()
    first(nginx, "/notes", {"title": "x"})


@pytest.mark.parametrize(["unique", "code"], [(False, 85), (False, 86), (True, 85), (True, 86)])
def test_an_index_of_another_program_stands_in_the_place_of_ours(start, mongodb, unique, code):
    with mongodb.client() as client:
        client.nacre.notes.create_index("slug", name="theirs", unique=unique, sparse=True)
    mongodb.fail("createIndexes", errorCode=code)
    nginx = start(on(mongodb.uri(), timeouts=PATIENT))
    if unique:
        create(nginx.api, "/notes", {"title": "x", "slug": "s"})
        assert_problem(nginx.api.post("/notes", json={"title": "x", "slug": "s"}), 409)
    else:
        assert_problem(nginx.api.post("/notes", json={"title": "x"}), 503, mentions="not unique")


def test_an_index_is_made_before_its_predecessor_is_dropped(start, mongodb):
    yaml = on(mongodb.uri(), timeouts=PATIENT)
    old = start(yaml)
    create(old.api, "/notes", {"title": "x", "slug": "s"})

    def uniques():
        with mongodb.client() as client:
            return sorted(tuple(index["key"]) for index in client.nacre.notes.list_indexes() if index.get("unique"))

    wait_until(lambda: uniques() == [("slug",)], "the first")
    mongodb.fail("createIndexes", errorCode=67)
    new = start(yaml.replace("keys: [slug], unique: true", "keys: [slug, title], unique: true"))
    wait_until(lambda: "detail" in new.api.get("/ready").json(), "the refusal")
    assert uniques() == [("slug",)]
    mongodb.heal()
    wait_until(lambda: uniques() == [("slug", "title")], "the second alone")


# What MongoDB may do


def test_mongodb_killed_and_back(watched, mongodb):
    nginx = watched(on(mongodb.uri(), timeouts=BRIEF))
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
    for id in load.acknowledged:
        assert nginx.api.get("/notes/" + id).status_code == 200
    assert nginx.stalls.bounded(), nginx.stalls


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
    for id in load.acknowledged:
        assert nginx.api.get("/notes/" + id).status_code == 200
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
            found = sum(nginx.api.get(f"/notes/b{batch}-{i}").status_code == 200 for i in range(20))
            assert found == 20 if answer.status_code == 201 else found in (0, 20), answer.text  # a commit's end may be unknown
            assert answer.status_code in (201, 503, 504)
    finally:
        stop.set()
        mover.join()


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


# Ways in


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


# Both


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
    assert len(load.failed) <= len(load.threads)
    for id in load.acknowledged:
        assert nginx.api.get("/notes/" + id).status_code == 200


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
