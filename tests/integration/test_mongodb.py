"""The store in MongoDB: what stands there."""

import contextlib
import datetime
import os
import re
import signal
import time

import bson
import pytest

from assertions import assert_problem, create
from harness import wait_until
from on_mongodb import PATIENT, first, on
from proxies.overheard import Overheard


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
