"""Reading and writing single documents and arrays of them."""

import re
from email.utils import parsedate_to_datetime

import pytest
import raw
from assertions import assert_document, assert_problem, create, pointers, user_fields


def test_post_answers_201_with_location_etag_and_the_document(api, notes):
    answer = api.post(notes, json={"title": "Hello", "stars": 3})
    assert answer.status_code == 201
    document = answer.json()
    assert_document(document, rev=1)
    assert re.fullmatch("[0-9a-f]{24}", document["_id"])
    assert user_fields(document) == {"title": "Hello", "stars": 3}
    assert answer.headers["Location"] == f"/notes/{document['_id']}"
    assert answer.headers["ETag"] == api.get(answer.headers["Location"]).headers["ETag"]
    assert answer.headers["Content-Type"] == "application/json"
    assert document["_created"] == document["_updated"]


def test_get_gives_the_document_with_validators(api, notes):
    document = create(api, notes, {"title": "Hello"})
    answer = api.get(f"{notes}/{document['_id']}")
    assert answer.status_code == 200
    assert answer.json() == document
    assert re.fullmatch('"[!#-~]+"', answer.headers["ETag"])
    assert parsedate_to_datetime(answer.headers["Last-Modified"]).isoformat()[:19] == document["_updated"][:19]


@pytest.mark.parametrize("path", ["/notes", "/notes/{id}"])
def test_head_gives_the_headers_of_get_and_no_body(api, notes, path):
    path = path.format(id=create(api, notes, {"title": "Hello"})["_id"])
    get, head = api.get(path), api.head(path)
    assert head.status_code == 200 and head.content == b""
    for name in ("ETag", "Content-Type", "Content-Length", "Last-Modified", "Cache-Control", "Vary", "Link"):
        assert head.headers.get(name) == get.headers.get(name), name


def test_fields_cut_a_document_and_keep_its_etag(api, notes):
    made = create(api, notes, {"title": "x", "stars": 1, "tags": ["a"], "author": {"name": "n", "age": 7}})
    path = f"{notes}/{made['_id']}"
    whole = api.get(path)
    for _ in range(2):
        answer = api.get(path, params={"fields": "title,author.age"})
        assert answer.json() == {"_id": made["_id"], "title": "x", "author": {"age": 7}}
        assert answer.headers["ETag"] == whole.headers["ETag"]
        assert api.get(path).content == whole.content
    head = api.head(path, params={"fields": "title,author.age"})
    assert head.content == b"" and head.headers["Content-Length"] == answer.headers["Content-Length"]
    listed = api.get(notes, params={"fields": "title,author.age"}).json()["items"]
    assert listed == [answer.json()]
    assert api.get(path, params={"fields": "_rev,_owner"}).json() == {"_id": made["_id"], "_rev": 1, "_owner": None}
    same = api.get(path, params={"fields": "title"}, headers={"If-None-Match": whole.headers["ETag"]})
    assert same.status_code == 304


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("name, value", [("fields", "nothing"), ("fields", ""), ("limit", "1"), ("count", "true"), ("x", "")])
def test_other_parameters_of_a_document_are_400(api, notes, method, name, value):
    path = f"{notes}/{create(api, notes, {'title': 'x'})['_id']}"
    answer = api.request(method, path, params={name: value})
    assert answer.status_code == 400
    if method == "GET":
        assert_problem(answer, 400, name)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "x-unknown"])
def test_a_coded_body_is_415(api, notes, method, coding):
    path = notes if method == "POST" else f"{notes}/{create(api, notes, {'title': 'x'})['_id']}"
    answer = api.request(method, path, json={"title": "y"}, headers={"Content-Encoding": coding})
    assert_problem(answer, 415, "Content-Encoding")
    assert answer.headers["Accept-Encoding"] == "identity"
    answer = api.request(method, path, json={"title": "y"}, headers={"Content-Encoding": "identity"})
    assert answer.status_code == (201 if method == "POST" else 200)
    answer = api.request(method, path, data=b"x", headers={"Content-Type": "text/plain"})
    assert_problem(answer, 415)
    assert "Accept-Encoding" not in answer.headers, "it would mean that the coding was at fault (RFC 9110 §12.5.3)"


def test_head_of_what_is_missing_is_404_without_a_body(api, notes):
    answer = api.head(notes + "/none")
    assert answer.status_code == 404 and answer.content == b""


@pytest.mark.parametrize("id", ["a", "A-b_c.d~e", "0" * 64, "...", "..a", "%61bc"])
def test_a_client_may_choose_the_id(api, notes, id):
    wanted = id.replace("%61", "a")
    document = create(api, notes, {"_id": wanted, "title": "x"})
    assert document["_id"] == wanted
    assert api.get(f"{notes}/{id}").json() == document


@pytest.mark.parametrize("id", ["", ".", "..", "a b", "ä", "a/b", "x" * 65, 7, None, {"a": 1}])
def test_other_ids_are_422(api, notes, id):
    assert pointers(assert_problem(api.post(notes, json={"_id": id, "title": "x"}), 422)) == ["/_id"]


@pytest.mark.parametrize("segment", [".", "..", "%2e", "%2E%2e", ".%2e"])
def test_dots_lead_to_no_document(server, segment):
    """nginx resolves them, encoded or not, as RFC 3986 §5.2.4 wants it."""
    for method, body in (("GET", b""), ("PUT", b'{"title":"x"}'), ("DELETE", b"")):
        with raw.connect(server.port) as connection:
            connection.sendall(raw.request(method, f"/notes/{segment}", body, ["If-None-Match: *"]))
            assert connection.read_answer()[0] == 404


def test_an_id_that_is_taken_is_409(api, notes):
    create(api, notes, {"_id": "one", "title": "x"})
    assert_problem(api.post(notes, json={"_id": "one", "title": "y"}), 409)
    assert api.get(notes + "/one").json()["title"] == "x"


@pytest.mark.parametrize("name", ["_x", "_rev", "_created", "$set", "$x", "a.b", "a\0b"])
def test_reserved_names_are_422(api, name):
    problem = assert_problem(api.post("/free", json={name: 1}), 422)
    assert len(pointers(problem)) == 1


def test_an_array_inserts_all(api, notes):
    answer = api.post(notes, json=[{"title": f"n{i}"} for i in range(1000)])
    assert answer.status_code == 201, answer.text
    items = answer.json()["items"]
    assert [item["title"] for item in items] == [f"n{i}" for i in range(1000)]
    assert len({item["_id"] for item in items}) == 1000
    assert api.get(notes + "?count=true").json()["total"] == 1000


def test_an_array_inserts_all_or_none(api, notes):
    problem = assert_problem(api.post(notes, json=[{"title": "a"}, {"title": ""}, {"stars": -1}]), 422)
    assert {"/1/title", "/2/title", "/2/stars"} <= set(pointers(problem))
    create(api, notes, {"_id": "taken", "title": "x"})
    problem = assert_problem(api.post(notes, json=[{"title": "a"}, {"_id": "taken", "title": "b"}]), 409)
    assert pointers(problem) == ["/1/_id"]
    problem = assert_problem(api.post(notes, json=[{"_id": "p", "title": "a"}, {"_id": "p", "title": "b"}]), 409)
    assert pointers(problem) == ["/1/_id"]
    assert api.get(notes + "?count=true").json()["total"] == 1


def test_a_conflict_points_into_the_body(api, notes):
    create(api, notes, {"_id": "first", "title": "x", "slug": "s"})
    free, taken = {"title": "a", "slug": "free"}, {"title": "b", "slug": "s"}
    for body, pointer in (
        (taken, "/slug"),
        ([taken], "/0/slug"),
        ([free, taken], "/1/slug"),
        ([free, {"title": "c"}, free], "/2/slug"),
        ({"_id": "first", "title": "d"}, "/_id"),
        ([{"_id": "first", "title": "d"}], "/0/_id"),
    ):
        assert pointers(assert_problem(api.post(notes, json=body), 409)) == [pointer]
        headers = {"Idempotency-Key": f'"{pointer}"'}
        for _ in range(2):  # the second answer is the first one, kept
            assert pointers(assert_problem(api.post(notes, json=body, headers=headers), 409)) == [pointer]
    assert api.get(notes + "?count=true").json()["total"] == 1


def test_an_array_of_over_a_thousand_is_refused(api, notes):
    answer = api.post(notes, json=[{"title": "x"}] * 1001)
    assert answer.status_code in (400, 413, 422)
    assert_problem(answer, answer.status_code)
    assert api.get(notes + "?count=true").json()["total"] == 0


def test_put_replaces(api, notes):
    before = create(api, notes, {"title": "Hello", "stars": 3})
    answer = api.put(f"{notes}/{before['_id']}", json={"title": "New"})
    assert answer.status_code == 200
    after = answer.json()
    assert_document(after, rev=2)
    assert user_fields(after) == {"title": "New"}
    assert after["_created"] == before["_created"] and after["_updated"] >= before["_updated"]
    read = api.get(f"{notes}/{before['_id']}")
    assert read.json() == after and read.headers["ETag"] == answer.headers["ETag"]


def test_put_of_what_is_missing_is_404(api, notes):
    assert_problem(api.put(notes + "/none", json={"title": "x"}), 404)


def test_put_with_if_none_match_creates_once(api, notes):
    answer = api.put(notes + "/mine", json={"title": "x"}, headers={"If-None-Match": "*"})
    assert answer.status_code == 201
    assert answer.headers["ETag"] == api.get(notes + "/mine").headers["ETag"]
    assert_document(answer.json(), rev=1)
    assert_problem(api.put(notes + "/mine", json={"title": "y"}, headers={"If-None-Match": "*"}), 412)
    assert api.get(notes + "/mine").json()["title"] == "x"


def test_put_checks_the_id_that_it_creates(api, notes):
    answer = api.put(f"{notes}/{'x' * 65}", json={"title": "x"}, headers={"If-None-Match": "*"})
    assert answer.status_code in (404, 422)
    assert_problem(answer, answer.status_code)


def test_delete_answers_204_and_then_404(api, notes):
    path = f"{notes}/{create(api, notes, {'title': 'x'})['_id']}"
    answer = api.delete(path)
    assert answer.status_code == 204 and answer.content == b""
    assert_problem(api.delete(path), 404)
    assert_problem(api.get(path), 404)


def test_options_names_methods_and_patch_types(api):
    for path, methods in (
        ("/notes", "GET HEAD POST OPTIONS"),
        ("/notes/x", "GET HEAD PUT PATCH DELETE OPTIONS"),
    ):
        answer = api.options(path)
        assert answer.status_code == 204 and answer.content == b""
        assert set(answer.headers["Allow"].replace(" ", "").split(",")) == set(methods.split())
        assert {"application/merge-patch+json", "application/json-patch+json"} <= set(
            answer.headers["Accept-Patch"].replace(" ", "").split(",")
        )


@pytest.mark.parametrize("method, path", [("PUT", "/notes"), ("DELETE", "/notes"), ("PATCH", "/notes")])
def test_other_methods_of_a_list_are_405(api, method, path):
    answer = api.request(method, path, json={})
    assert_problem(answer, 405)
    assert {"GET", "POST"} <= set(answer.headers["Allow"].replace(" ", "").split(","))


@pytest.mark.parametrize("method", ["POST", "PROPFIND", "BREW"])
def test_other_methods_of_a_document_are_405(api, method):
    answer = api.request(method, "/notes/x", data=b"{}")
    assert_problem(answer, 405)
    assert {"GET", "PUT", "PATCH", "DELETE"} <= set(answer.headers["Allow"].replace(" ", "").split(","))


@pytest.mark.parametrize("number", [0, 2**53 + 1, 2**63 - 1])
def test_integers_keep_64_bits(api, notes, number):
    document = create(api, notes, {"title": "x", "stars": number})
    assert document["stars"] == number
    path = f"{notes}/{document['_id']}"
    assert api.get(path).json()["stars"] == number
    assert api.patch(path, json={"title": "y"}).json()["stars"] == number
    assert api.get(path).json()["stars"] == number
    assert [item["stars"] for item in api.get(notes).json()["items"]] == [number]


def test_negative_integers_and_fractions_come_back(api):
    values = {"a": -(2**63), "b": -1, "c": 1.5, "d": 1e300, "e": 0.1}
    assert user_fields(create(api, "/free", values)) == values


def test_any_json_comes_back_as_it_was(api):
    document = {
        "text": 'ä€😀"\\/\b\f\n\r\t\u0001',
        "list": [1, [2, {"x": None}]],
        "object": {"t": True, "f": False},
        "": 1,
    }
    created = create(api, "/free", document)
    assert user_fields(created) == document
    assert user_fields(api.get("/free/" + created["_id"]).json()) == document


def test_dates_are_utc_with_milliseconds(api, notes):
    document = create(api, notes, {"title": "x", "due": "2026-01-02T03:04:05+02:00"})
    assert document["due"] == "2026-01-02T01:04:05.000Z"


def test_unique_indexes_are_409_and_leave_out_documents_without_the_key(api, notes):
    create(api, notes, {"title": "a"})
    create(api, notes, {"title": "b"})
    first = create(api, notes, {"title": "c", "slug": "s"})
    second = create(api, notes, {"title": "d", "slug": "t"})
    assert_problem(api.post(notes, json={"title": "e", "slug": "s"}), 409)
    assert_problem(api.put(f"{notes}/{second['_id']}", json={"title": "d", "slug": "s"}), 409)
    assert_problem(api.patch(f"{notes}/{second['_id']}", json={"slug": "s"}), 409)
    assert api.delete(f"{notes}/{first['_id']}").status_code == 204
    create(api, notes, {"title": "e", "slug": "s"})


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_prefer_minimal_leaves_out_the_body(api, notes, method):
    path = notes if method == "POST" else f"{notes}/{create(api, notes, {'title': 'x'})['_id']}"
    answer = api.request(method, path, json={"title": "y"}, headers={"Prefer": "return=minimal"})
    assert answer.status_code == (201 if method == "POST" else 204)
    assert answer.content == b""
    assert "Content-Type" not in answer.headers
    assert (method == "POST") == ("Location" in answer.headers)
    assert answer.headers["ETag"] == api.get(answer.headers.get("Location", path)).headers["ETag"]


def test_a_large_document_comes_back_whole(api):
    document = {"text": "é" * 300_000, "list": list(range(50_000))}
    created = create(api, "/free", document)
    assert user_fields(api.get("/free/" + created["_id"]).json()) == document


def test_a_body_in_chunks_is_read(api, notes):
    answer = api.post(notes, data=iter([b'{"ti', b'tle":', b'"x"}']), headers={"Content-Type": "application/json"})
    assert answer.status_code == 201 and answer.json()["title"] == "x"


def test_access_that_needs_a_user_is_401(api):
    assert_problem(api.get("/members"), 401)
    assert_problem(api.get("/members/x"), 401)
    assert_problem(api.post("/members", json={}), 401)
    assert_problem(api.put("/members/x", json={}), 401)
    assert_problem(api.delete("/members/x"), 401)


def test_access_is_nobody_unless_granted(api):
    assert_problem(api.get("/closed"), 403)
    assert_problem(api.get("/closed/x"), 403)
    assert_problem(api.post("/closed", json={}), 403)


def test_a_bad_bearer_token_is_401(api):
    answer = api.get("/members", headers={"Authorization": "Bearer nacre_forged"})
    assert_problem(answer, 401)
    assert "Bearer" in answer.headers["WWW-Authenticate"]


def test_a_number_that_must_be_an_integer_is_stored_as_one(api, notes):
    made = api.post(notes, data='{"title":"x","stars":1.0}', headers={"Content-Type": "application/json"})
    assert made.status_code == 201 and '"stars":1,' in made.text.replace("}", ",")
    path = made.headers["Location"]
    sent = {
        "PUT": ("application/json", '{"title":"x","stars":2e0}'),
        "PATCH": ("application/merge-patch+json", '{"stars":3.0}'),
    }
    for stars, (method, (form, body)) in enumerate(sent.items(), start=2):
        answer = api.request(method, path, data=body, headers={"Content-Type": form})
        assert answer.status_code == 200 and answer.text == api.get(path).text
        assert f'"stars":{stars},' in answer.text.replace("}", ",")
    added = '[{"op":"replace","path":"/stars","value":4.0}]'
    answer = api.patch(path, data=added, headers={"Content-Type": "application/json-patch+json"})
    assert answer.status_code == 200 and type(answer.json()["stars"]) is int
    bulk = api.post(notes, data='[{"title":"x","stars":5.0}]', headers={"Content-Type": "application/json"})
    assert type(bulk.json()["items"][0]["stars"]) is int
    assert type(api.get(notes, params={"where": '{"stars":4.0}'}).json()["items"][0]["stars"]) is int
    for beyond in ("1e300", "9223372036854775808.0", "9223372036854775808"):
        body = f'{{"title":"x","stars":{beyond}}}'
        answer = api.put(path, data=body, headers={"Content-Type": "application/json"})
        assert pointers(assert_problem(answer, 422)) == ["/stars"]
