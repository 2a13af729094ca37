"""The interface of a resource, row by row as it is documented."""

import json
import re

import pytest
import raw
from assertions import assert_document, assert_problem, create, pointers, user_fields

MERGE, PATCH = "application/merge-patch+json", "application/json-patch+json"
STRONG = re.compile('"[!#-~]+"')


@pytest.fixture
def note(api, notes):
    return create(api, notes, {"title": "x", "stars": 1, "tags": ["a", "b"]})


@pytest.fixture
def path(notes, note):
    return f"{notes}/{note['_id']}"


def exchange(server, method, path, *headers, body=b""):
    """Status, headers and body as they come over the wire."""
    with raw.connect(server.port) as connection:
        connection.sendall(raw.request(method, path, body, headers))
        return connection.read_answer()


def heads(server, path):
    """What GET and HEAD have in common, and the body of each."""
    with raw.connect(server.port) as connection:
        connection.sendall(raw.request("HEAD", path, headers=["Connection: close"]))
        head = connection.read_to_end()
    status, get, body = exchange(server, "GET", path)
    lines = head.split(b"\r\n\r\n", 1)[0].decode().split("\r\n")
    assert int(lines[0].split()[1]) == status
    fields = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
    for changing in ("connection", "date", "x-request-id", "age", "cache-status"):
        get.pop(changing, None)
        fields.pop(changing, None)
    return get, fields, body, head.split(b"\r\n\r\n", 1)[1]


# Documents


def test_what_the_server_sets(api, notes):
    document = create(api, notes, {"title": "x"})
    assert_document(document, rev=1)
    assert list(document)[:5] == ["_id", "_rev", "_created", "_updated", "_owner"]
    assert re.fullmatch("[0-9a-f]{24}", document["_id"])
    after = api.put(f"{notes}/{document['_id']}", json={"title": "y"}).json()
    assert_document(after, rev=2)
    assert after["_created"] == document["_created"] and after["_updated"] >= document["_updated"]


@pytest.mark.parametrize("name", ["_x", "_rev", "_owner", "$x", "a.b", "a\0b"])
def test_names_that_are_not_a_clients(api, name):
    assert len(pointers(assert_problem(api.post("/free", json={name: 1}), 422))) == 1
    assert len(pointers(assert_problem(api.post("/free", json={"a": [{"b": 1}, {name: 1}]}), 422))) == 1


def test_integers_keep_64_bits(api, notes):
    for number in (0, 2**53 + 1, 2**63 - 1):
        assert api.get(f"{notes}/{create(api, notes, {'title': 'x', 'stars': number})['_id']}").json()["stars"] == number


# GET /notes


def test_get_of_the_collection(api, notes):
    for number in range(3):
        create(api, notes, {"title": f"n{number}"})
    answer = api.get(notes, params={"limit": 2, "sort": "title", "count": "true"})
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/json"
    page = answer.json()
    assert [item["title"] for item in page["items"]] == ["n0", "n1"] and page["total"] == 3
    link, relation = answer.headers["Link"].split(";")
    assert relation.strip() == 'rel="next"' and page["next"] in link
    assert STRONG.fullmatch(answer.headers["ETag"])
    last = api.get(link.strip("<>")).json()
    assert [item["title"] for item in last["items"]] == ["n2"] and last["next"] is None
    assert api.get(notes, headers={"If-None-Match": api.get(notes).headers["ETag"]}).status_code == 304


# GET /notes/{id}


def test_get_of_a_document(api, note, path):
    answer = api.get(path)
    assert answer.status_code == 200 and answer.json() == note
    assert STRONG.fullmatch(answer.headers["ETag"])
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", answer.headers["Last-Modified"])
    assert api.get(path, params={"fields": "title"}).json() == {"_id": note["_id"], "title": "x"}
    assert api.get(path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert_problem(api.get("/notes/none"), 404)


def test_last_modified_is_never_in_the_future(server, api, path):
    from email.utils import parsedate_to_datetime as parse

    for _ in range(20):
        api.patch(path, json={"title": "y"})
        answer = api.get(path)
        assert parse(answer.headers["Last-Modified"]) <= parse(answer.headers["Date"])


# HEAD


@pytest.mark.parametrize("of", ["/notes", "/notes?limit=1&count=true", "{path}", "{path}?fields=title", "/notes/none", "/none"])
def test_head_has_the_headers_of_get_and_no_body(server, api, note, path, of):
    create(api, "/notes", {"title": "another"})
    of = of.format(path=path)
    api.get(of)
    get, head, body, nothing = heads(server, of)
    get.pop("retry-after", None)
    assert head == get and nothing == b""
    assert int(head["content-length"]) == len(body)


# POST /notes


def test_post(api, notes):
    answer = api.post(notes, json={"_id": "own~id", "title": "x"})
    assert answer.status_code == 201
    assert answer.headers["Location"] == notes + "/own~id"
    assert answer.json() == api.get(answer.headers["Location"]).json()
    assert answer.headers["ETag"] == api.get(answer.headers["Location"]).headers["ETag"]
    assert_problem(api.post(notes, json={"_id": "own~id", "title": "x"}), 409)
    many = api.post(notes, json=[{"title": "a"}, {"title": "b"}])
    assert many.status_code == 201 and [item["title"] for item in many.json()["items"]] == ["a", "b"]
    assert_problem(api.post(notes, json=[{"title": "c"}, {"title": ""}]), 422)
    assert api.get(notes, params={"count": "true"}).json()["total"] == 3


# PUT /notes/{id}


def test_put(api, notes, note, path):
    answer = api.put(path, json={"title": "y"})
    assert answer.status_code == 200 and user_fields(answer.json()) == {"title": "y"}
    assert_problem(api.put(notes + "/new", json={"title": "y"}), 404)
    create_only = {"If-None-Match": "*"}
    made = api.put(notes + "/new", json={"title": "y"}, headers=create_only)
    assert made.status_code == 201 and made.headers["Location"] == notes + "/new"
    assert_problem(api.put(notes + "/new", json={"title": "y"}, headers=create_only), 412)
    assert api.put(path, json=answer.json()).status_code == 200, "what was read can be sent back"
    assert_problem(api.put(path, json=answer.json()), 412)
    assert_problem(api.put(path, json={"title": "y", "_id": "other"}), 422)
    ignored = api.put(path, json={"title": "y", "_created": 1, "_updated": 2, "_owner": 3})
    assert ignored.status_code == 200 and ignored.json()["_created"] == note["_created"]


# PATCH /notes/{id}


def test_patch(api, notes, path):
    def patch(document, media_type):
        return api.patch(path, data=json.dumps(document), headers={"Content-Type": media_type})

    for media_type in (MERGE, "application/json"):
        answer = patch({"tags": None, "stars": 2}, media_type)
        assert answer.status_code == 200 and user_fields(answer.json()) == {"title": "x", "stars": 2}
    answer = patch([{"op": "test", "path": "/stars", "value": 2}, {"op": "add", "path": "/tags", "value": []}], PATCH)
    assert answer.status_code == 200 and answer.json()["tags"] == []
    assert_problem(patch([{"op": "test", "path": "/stars", "value": 9}], PATCH), 409)
    assert pointers(assert_problem(patch({"title": None}, MERGE), 422)) == ["/title"]
    assert_problem(api.patch(notes + "/none", json={}), 404)


# DELETE /notes/{id}


def test_delete(server, api, path):
    status, headers, body = exchange(server, "DELETE", path)
    assert status == 204 and body == b"" and "content-type" not in headers and "content-length" not in headers
    assert_problem(api.delete(path), 404)
    assert_problem(api.get(path), 404)


# OPTIONS and other methods


@pytest.mark.parametrize(
    "target, allowed", [("/notes", "GET HEAD POST OPTIONS"), ("/notes/x", "GET HEAD PUT PATCH DELETE OPTIONS")]
)
def test_options_and_other_methods(server, api, target, allowed):
    status, headers, body = exchange(server, "OPTIONS", target)
    assert status == 204 and body == b"" and "content-length" not in headers
    assert set(headers["allow"].split(", ")) == set(allowed.split())
    assert set(headers["accept-patch"].split(", ")) == {MERGE, PATCH}
    for method in {"POST", "PUT", "PATCH", "DELETE", "PROPFIND"} - set(allowed.split()):
        answer = api.request(method, target, data=b"{}")
        assert_problem(answer, 405)
        assert set(answer.headers["Allow"].split(", ")) == set(allowed.split())


# Preferences and bodies


def test_prefer_minimal(server, notes, path):
    body = b'{"title":"y"}'
    for method, target, status in ("POST", notes, 201), ("PUT", path, 204), ("PATCH", path, 204):
        answer = exchange(server, method, target, "Prefer: return=minimal", body=body)
        assert (answer[0], answer[2]) == (status, b"")
        assert "content-type" not in answer[1] and STRONG.fullmatch(answer[1]["etag"])
        assert answer[1]["preference-applied"] == "return=minimal"
        assert answer[1].get("content-length") == ("0" if status == 201 else None)


def test_a_body_with_a_coding(api, notes):
    answer = api.post(notes, json={"title": "x"}, headers={"Content-Encoding": "gzip"})
    assert_problem(answer, 415)
    assert answer.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"a":1,"a":2}', b'{"a":"\xff"}', b"[" * 65 + b"]" * 65, b'{"a":1} x', b"nul", b'{"a":01}'],
)
def test_what_is_no_json_is_400(api, notes, body):
    assert_problem(api.post(notes, data=body, headers={"Content-Type": "application/json"}), 400)


# Idempotency-Key


def test_an_idempotency_key(api, notes):
    def post(title, **more):
        return api.post(notes, json={"title": title, **more}, headers={"Idempotency-Key": '"contract"'})

    assert_problem(post(""), 422)
    first = post("x")
    assert first.status_code == 201
    again = post("x")
    assert again.status_code == 201 and again.content == first.content
    assert again.headers["Idempotency-Replayed"] == "true" and "Idempotency-Replayed" not in first.headers
    assert_problem(post("y"), 422)
