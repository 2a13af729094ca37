"""Documents that other programs write to MongoDB: what Nacre shows of them, and what it leaves as it is."""

import contextlib
import datetime
import json
import math
import os
import threading
import urllib.parse
import uuid

import bson
import pymongo
import pytest

from assertions import assert_problem
from harness import wait_until

MERGE = "application/merge-patch+json"
PATCH = "application/json-patch+json"

# What has other values than JSON is outside of it, or has a type that its JSON does not have.
YAML = """
version: 1
store: { uri: "%s" }
cache: { uri: "memory:" }
timeouts: { store: 20s, request: 25s }
resources:
  things:
    schema:
      type: object
      additionalProperties: false
      required: [title]
      properties:
        title: { type: string, maxLength: 50 }
        price: { type: number }
        stars: { type: integer }
        due: { type: string, format: date-time }
        tags: { type: array, items: { type: string } }
        lines:
          type: array
          items: { type: object, additionalProperties: false, properties: { name: { type: string }, price: { type: number } } }
    access: { read: public, create: public, update: public, delete: public }
    indexes: [{ keys: [price] }]
    cache: off
    page: { default: 3, max: 100 }
"""

WHEN = datetime.datetime(2026, 1, 2, 3, 4, 5, 678000)


def of_mongoose():
    return {
        "title": "a",
        "price": bson.Decimal128("9.90"),
        "author": bson.ObjectId(),
        "lines": [
            {"name": "x", "price": bson.Decimal128("1.50"), "_id": bson.ObjectId()},
            {"name": "y", "price": bson.Decimal128("2.50"), "_id": bson.ObjectId()},
            {"name": "z", "price": bson.Int64(7), "_id": bson.ObjectId()},
        ],
        "createdAt": WHEN,
        "updatedAt": WHEN,
        "__v": 3,
    }


def of_spring_data():
    return {
        "title": "a",
        "due": WHEN,
        "price": 3.0,
        "stars": 5,
        "_class": "com.example.Thing",
        "owner": bson.DBRef("users", bson.ObjectId()),
        "tags": ["p", "q"],
    }


def of_pymongo():
    return {
        "_id": str(bson.ObjectId()),
        "_rev": "seven",
        "title": "a",
        "price": math.nan,
        "blob": b"\x00\xff",
        "key": bson.Binary.from_uuid(uuid.uuid4()),
        "pattern": bson.Regex("^a", "i"),
        "numbers": [1, bson.Int64(2), 2.0, math.inf, -0.0],
        "nothing": None,
    }


def of_go():
    return {
        "_id": bson.Binary.from_uuid(uuid.uuid4()),
        "title": "a",
        "when": bson.Timestamp(1_700_000_000, 1),
        "edge": [bson.MinKey(), bson.MaxKey()],
        "deep": {"a.b": {"$x": bson.Decimal128("1")}, "$y": [bson.ObjectId()]},
        "odd.name": bson.Code("f()"),
        "due": "2026-01-02T03:04:05+01:00",
    }


def of_numbers():
    return {"_id": 7, "title": "a", "stars": bson.Int64(1)}


PROGRAMS = [of_mongoose, of_spring_data, of_pymongo, of_go, of_numbers]


@pytest.fixture(scope="module")
def things(mongodb_uri):
    """The collection."""
    with pymongo.MongoClient(mongodb_uri) as client:
        name = f"nacre_foreign_{os.getpid()}"
        yield client[name].things
        client.drop_database(name)


@pytest.fixture(scope="module")
def server(make_nginx, mongodb_uri, things):
    # SecantusDB hangs when one client makes a collection by an insert, and another by `create`.
    things.insert_one({"_id": "first", "title": "first"})
    uri = urllib.parse.urlsplit(mongodb_uri)._replace(path="/" + things.database.name).geturl()
    nginx = make_nginx(YAML % uri).start()
    wait_until(lambda: nginx.api.get("/ready").status_code == 200, "the store")
    assert nginx.api.delete("/things/first").status_code == 204
    yield nginx
    nginx.stop()


def put_there(things, document):
    """Inserts it, and gives its path and its elements."""
    document = {"_id": bson.ObjectId(), **document}
    things.delete_one({"_id": document["_id"]})
    things.insert_one(document)
    shown = document["_id"].as_uuid() if isinstance(document["_id"], bson.Binary) else document["_id"]
    return f"/things/{shown}", elements(things.find_one({"_id": document["_id"]}))


def elements(document):
    """The bytes of each top-level element, by its name, in the document's order."""
    return {name: bson.encode({"": value}) for name, value in document.items()}


def stored(things, before):
    return elements(things.find_one({"_id": bson.decode(before["_id"])[""]}))


def users(all_elements):
    return {name: value for name, value in all_elements.items() if name not in ("_rev", "_updated")}


def send(api, path, patch):
    media_type = PATCH if isinstance(patch, list) else MERGE
    return api.patch(path, data=json.dumps(patch), headers={"Content-Type": media_type})


@pytest.mark.parametrize(
    "patch", [{"title": "b"}, [{"op": "replace", "path": "/title", "value": "b"}]], ids=["merge", "operations"]
)
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_patch_leaves_what_it_does_not_name(api, things, program, patch):
    path, before = put_there(things, program())
    for rev in (2, 3):
        answer = send(api, path, patch)
        assert answer.status_code == 200, answer.text
        assert answer.json()["_rev"] == rev
        after = stored(things, before)
        assert bson.decode(after["title"])[""] == "b"
        assert list(users(after)) == list(users(before))
        assert {**users(after), "title": None} == {**users(before), "title": None}


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_was_read_can_be_sent_back(api, things, program):
    path, before = put_there(things, program())
    read = api.get(path)
    document = {**read.json(), "title": "b"}
    answer = api.put(path, json=document, headers={"If-Match": read.headers["ETag"]})
    assert answer.status_code == 200, answer.text
    after = stored(things, before)
    assert {**users(after), "title": None} == {**users(before), "title": None}
    assert answer.json()["title"] == "b"


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_put_replaces_what_is_shown_and_keeps_what_is_hidden(api, things, program):
    path, before = put_there(things, program())
    assert api.put(path, json={"title": "b"}).status_code == 200
    after = stored(things, before)
    hidden = {name for name in before if name.startswith("_") and name not in ("_id", "_rev")}
    assert set(after) == {"_id", "_rev", "_updated", "title"} | hidden
    assert all(after[name] == before[name] for name in hidden)


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_is_deleted_with_its_etag(api, things, program):
    path, before = put_there(things, program())
    read = api.get(path)
    assert_problem(api.delete(path, headers={"If-Match": '"another"'}), 412)
    assert api.delete(path, headers={"If-Match": read.headers["ETag"]}).status_code == 204
    assert things.find_one({"_id": bson.decode(before["_id"])[""]}) is None
    assert_problem(api.delete(path), 404)


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_is_deleted_without_an_etag(api, things, program):
    path, before = put_there(things, program())
    assert api.delete(path).status_code == 204
    assert things.find_one({"_id": bson.decode(before["_id"])[""]}) is None


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([{"op": "remove", "path": "/lines/0"}], [1, 2]),
        ([{"op": "move", "from": "/lines/2", "path": "/lines/0"}], [2, 0, 1]),
        ([{"op": "add", "path": "/lines/0", "value": {"name": "n"}}], [None, 0, 1, 2]),
        ([{"op": "remove", "path": "/lines/0"}, {"op": "replace", "path": "/lines/0/name", "value": "n"}], [1, 2]),
        ([{"op": "copy", "from": "/lines/1", "path": "/lines/-"}], [0, 1, 2, 1]),
    ],
)
def test_elements_of_an_array_keep_their_values_wherever_they_go(api, things, operations, expected):
    path, before = put_there(things, of_mongoose())
    answer = send(api, path, operations)
    assert answer.status_code == 200, answer.text
    was = bson.decode(before["lines"])[""]
    now = bson.decode(stored(things, before)["lines"])[""]
    assert len(now) == len(expected)
    for element, place in zip(now, expected):
        if place is not None:
            assert {**element, "name": None} == {**was[place], "name": None}


def test_a_patch_may_write_what_another_program_wrote(api, things):
    path, before = put_there(things, of_mongoose())
    answer = send(api, path, {"price": 3, "author": None, "lines": None})
    assert answer.status_code == 200, answer.text
    after = stored(things, before)
    assert bson.decode(after["price"])[""] == 3 and "author" not in after and "lines" not in after
    assert after["createdAt"] == before["createdAt"]


def test_a_patch_takes_out_names_that_it_may_not_write(api, things):
    path, before = put_there(things, of_go())
    assert send(api, path, {"odd.name": None}).status_code == 200
    after = stored(things, before)
    assert "odd.name" not in after and after["deep"] == before["deep"]


@pytest.mark.parametrize(
    "patch",
    [
        {"price": "cheap"},
        {"title": None},
        {"author": "x"},
        {"extra": 1},
        {"lines": [{"_id": str(bson.ObjectId())}]},
        {"__v": 4},
        {"deep.x": 1},
        [{"op": "replace", "path": "/lines/0/_id", "value": str(bson.ObjectId())}],
        [{"op": "add", "path": "/lines/0/extra", "value": 1}],
    ],
)
def test_what_a_patch_writes_must_satisfy_the_schema_nevertheless(api, things, patch):
    path, before = put_there(things, of_mongoose())
    assert_problem(send(api, path, patch), 422)
    assert stored(things, before) == before


def test_a_document_nested_deeper_than_one_may_be_is_read_and_not_patched(api, things):
    deep = 1
    for _ in range(80):
        deep = {"d": deep}
    path, before = put_there(things, {"title": "a", "deep": deep})
    assert api.get(path).status_code == 200
    assert_problem(api.patch(path, json={"title": "b"}), 422, "nested deeper than 64")
    assert stored(things, before) == before
    assert api.delete(path).status_code == 204


def test_a_string_of_hex_digits_is_an_id_beside_object_ids(api, things):
    one, both = bson.ObjectId(), bson.ObjectId()
    things.insert_many([{"_id": str(one), "title": "text"}, {"_id": both, "title": "id"}, {"_id": str(both), "title": "other"}])
    assert api.get(f"/things/{one}").json()["title"] == "text"
    assert api.get(f"/things/{both}").json()["title"] == "id"
    assert send(api, f"/things/{one}", {"title": "new"}).status_code == 200
    assert things.find_one({"_id": str(one)})["title"] == "new"
    assert api.delete(f"/things/{both}").status_code == 204
    assert things.find_one({"_id": both}) is None and things.find_one({"_id": str(both)})["title"] == "other"


@contextlib.contextmanager
def other_program(things, id, pause):
    """Counts `n` of a document up, without a revision, again and again; gives a list that holds how often."""
    stop = threading.Event()
    counted = [0]

    def count():
        while not stop.wait(pause):
            things.update_one({"_id": id}, {"$inc": {"n": 1}})
            counted[0] += 1

    thread = threading.Thread(target=count)
    thread.start()
    try:
        yield counted
    finally:
        stop.set()
        thread.join()


def test_no_write_of_another_program_is_lost(api, things):
    path, before = put_there(things, {"_id": "counted", "title": "a", "stars": 0, "n": 0})
    with other_program(things, "counted", 0.03) as counted:
        done = sum(send(api, path, {"stars": i}).status_code == 200 for i in range(10))
    after = things.find_one({"_id": "counted"})
    assert done > 0 and after["n"] == counted[0] and after["_rev"] == done + 1


def test_a_precondition_holds_for_the_whole_of_a_document_without_a_revision(api, things):
    path, before = put_there(things, {"_id": "whole", "title": "a", "n": 0})
    etag = api.get(path).headers["ETag"]
    things.update_one({"_id": "whole"}, {"$inc": {"n": 1}})
    for method in "PUT", "PATCH", "DELETE":
        assert_problem(api.request(method, path, json={"title": "b"}, headers={"If-Match": etag}), 412)


def walk(api, sort):
    """All pages, each document by the text of its id."""
    seen = []
    query = f"/things?limit=2&sort={sort}"
    answer = api.get(query)
    while True:
        assert answer.status_code == 200, answer.text
        page = answer.json()
        seen += [item["title"] for item in page["items"]]
        if page["next"] is None:
            return seen
        assert len(seen) < 200
        answer = api.get(f"{query}&after={page['next']}")


VALUES = [
    None,
    bson.MinKey(),
    bson.MaxKey(),
    math.nan,
    bson.Decimal128("NaN"),
    -math.inf,
    math.inf,
    bson.Decimal128("-Infinity"),
    bson.Decimal128("1.5"),
    bson.Decimal128("1.50"),
    1.5,
    2,
    bson.Int64(2**60),
    "text",
    "2026-01-02T03:04:05.678Z",
    WHEN,
    WHEN + datetime.timedelta(days=1),
    {"a": 1},
    {"a": 2},
    b"\x00",
    bson.ObjectId(),
    bson.ObjectId(),
    True,
    False,
    bson.Timestamp(1, 1),
    bson.Timestamp(2, 1),
]


@pytest.fixture
def mixture(things):
    things.delete_many({})
    documents = [{"title": str(i), "price": value, "due": value} for i, value in enumerate(VALUES)]
    documents += [{"title": "none"}, {"title": "none too"}]
    hexes = [bson.ObjectId() for _ in range(3)]
    ids = [*hexes, *map(str, hexes), 1, 2.5, bson.Decimal128("3"), "z", bson.Binary.from_uuid(uuid.uuid4()), {"a": 1}, True]
    for i, id in enumerate(ids):
        documents.append({"_id": id, "title": f"id {i}", "price": i % 2, "_rev": "text", "_created": WHEN})
    things.insert_many(documents)
    yield sorted(document["title"] for document in documents)
    things.delete_many({})


@pytest.mark.parametrize("direction", ["", "-"])
@pytest.mark.parametrize("key", ["_id", "price", "due", "title", "_created", "_rev", "price,title", "price,-due"])
def test_pages_show_each_document_once_whatever_other_programs_wrote(api, things, mixture, key, direction):
    seen = walk(api, direction + key)
    assert sorted(seen) == mixture


def test_a_key_that_is_an_array_has_no_place_in_an_order(api, things, mixture):
    things.insert_many([{"title": "array", "price": [1, 9]}, {"title": "more", "price": [2, 3]}])
    query = "/things?limit=1&sort=price"
    answer = api.get(query)
    while answer.status_code == 200:
        query_next = answer.json()["next"]
        assert query_next
        answer = api.get(f"{query}&after={query_next}")
    problem = assert_problem(answer, 400)
    assert "price" in problem["detail"] and "array" in problem["detail"]
