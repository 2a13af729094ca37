"""Preconditions (RFC 9110 §13)."""

import email.utils
import itertools
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from assertions import assert_problem, create, pointers
from harness import Client

LONG_AGO = "Mon, 01 Jan 2001 00:00:00 GMT"
OTHER = '"another-tag"'


@pytest.fixture
def path(api, notes):
    return f"{notes}/{create(api, notes, {'title': 'x'})['_id']}"


@pytest.fixture
def etag(api, path):
    return api.get(path).headers["ETag"]


# What an ETag is


def test_an_etag_is_strong_and_opaque(api, notes, path, etag):
    assert re.fullmatch('"[!#-~]+"', etag)
    assert api.get(path).headers["ETag"] == etag, "the same from the cache"
    assert api.head(path).headers["ETag"] == etag


def test_an_etag_never_comes_again(api, notes):
    """Neither for another state of a document nor for one that takes its place, with the same content or another."""
    seen = set()
    for title in ("x", "x", "y", "x"):
        made = api.put(notes + "/again", json={"title": title}, headers={"If-None-Match": "*"})
        assert made.status_code == 201
        changed = api.patch(notes + "/again", json={"stars": 1})
        back = api.put(notes + "/again", json={"title": title})
        for answer in (made, changed, back):
            assert answer.headers["ETag"] not in seen
            seen.add(answer.headers["ETag"])
        assert api.delete(notes + "/again").status_code == 204


def test_the_etag_of_a_deleted_document_is_no_key_to_its_successor(api, notes):
    created = {"If-None-Match": "*"}
    old = api.put(notes + "/one", json={"title": "mine"}, headers=created).headers["ETag"]
    assert api.get(notes + "/one").headers["ETag"] == old
    assert api.delete(notes + "/one").status_code == 204
    assert api.put(notes + "/one", json={"title": "hers"}, headers=created).status_code == 201
    answer = api.get(notes + "/one", headers={"If-None-Match": old})
    assert answer.status_code == 200 and answer.json()["title"] == "hers"
    for method, body in WRITES:
        assert_problem(api.request(method, notes + "/one", json=body, headers={"If-Match": old}), 412)
    assert api.get(notes + "/one").json()["title"] == "hers"


@pytest.mark.parametrize(
    "document",
    [
        {"a": 1.0, "b": -0.0, "c": 1e300, "d": 2**63 - 1, "e": -(2**63), "f": 0.1},
        {"text": "é\u0000\u2028\U0001f600", "": {}, "list": [[], [{}], None]},
        {"z": 1, "a": 2, "date": "2026-01-02T03:04:05+02:00"},
    ],
)
def test_the_etag_that_a_write_gives_is_the_one_that_a_read_gives(api, document):
    """Whatever a store makes of the document."""
    answer = api.post("/free", json=document)
    path = answer.headers["Location"]
    for method, body in ("PUT", document), ("PATCH", {"new": 1.0}), ("GET", None):
        read = api.get(path)
        assert read.content == answer.content and read.headers["ETag"] == answer.headers["ETag"]
        answer = api.request(method, path, json=body)
    assert api.delete(path, headers={"If-Match": answer.headers["ETag"]}).status_code == 204


def test_an_etag_outlives_a_restart(start):
    nginx = start(workers=2)
    path = "/notes/" + create(nginx.api, "/notes", {"title": "x"})["_id"]
    etag = nginx.api.get(path).headers["ETag"]
    nginx.reload()
    assert nginx.api.get(path).headers["ETag"] == etag
    assert nginx.api.patch(path, json={"title": "y"}, headers={"If-Match": etag}).status_code == 200


# GET and HEAD


@pytest.mark.parametrize("form", ["{}", "W/{}", '"7", {}', '"7",{} , "9"', '"7",,W/{},', "*"])
def test_if_none_match_that_matches_is_304(api, path, etag, form):
    for method in ("GET", "HEAD"):
        answer = api.request(method, path, headers={"If-None-Match": form.format(etag)})
        assert answer.status_code == 304 and answer.content == b""
        assert answer.headers["ETag"] == etag
        assert answer.headers["Cache-Control"] == api.get(path).headers["Cache-Control"]
        assert "Content-Type" not in answer.headers and "Content-Length" not in answer.headers


@pytest.mark.parametrize("value", ['"1"', '"11"', '"0", "2"', "1", '"', 'W/"1"'])
def test_if_none_match_that_does_not_match_is_200(api, path, value):
    assert api.get(path, headers={"If-None-Match": value}).status_code == 200


def test_304_also_from_the_cache_and_not_after_a_write(api, path, etag):
    for _ in range(3):
        assert api.get(path, headers={"If-None-Match": etag}).status_code == 304
    later = api.patch(path, json={"title": "y"}).headers["ETag"]
    assert api.get(path, headers={"If-None-Match": etag}).status_code == 200
    assert api.get(path, headers={"If-None-Match": later}).status_code == 304


def test_if_modified_since(api, path):
    moment = api.get(path).headers["Last-Modified"]
    assert api.get(path, headers={"If-Modified-Since": moment}).status_code == 304
    assert api.get(path, headers={"If-Modified-Since": LONG_AGO}).status_code == 200
    answer = api.get(path, headers={"If-Modified-Since": moment, "If-None-Match": OTHER})
    assert answer.status_code == 200, "If-None-Match goes before If-Modified-Since"


def test_the_old_forms_of_a_date_count_too(api, path):
    moment = email.utils.parsedate_to_datetime(api.get(path).headers["Last-Modified"])
    for form in ("%A, %d-%b-%y %H:%M:%S GMT", "%a %b {:2} %H:%M:%S %Y".format(moment.day)):
        assert api.get(path, headers={"If-Modified-Since": moment.strftime(form)}).status_code == 304


@pytest.mark.parametrize("value", ["yesterday", "0", "2001-01-01T00:00:00Z", LONG_AGO + ", " + LONG_AGO])
def test_what_is_no_date_is_ignored(api, path, value):
    assert api.get(path, headers={"If-Modified-Since": value}).status_code == 200
    assert api.patch(path, json={"title": "y"}, headers={"If-Unmodified-Since": value}).status_code == 200


def test_if_match_and_if_unmodified_since_are_heeded_by_what_reads(api, notes, path, etag):
    for method, target in itertools.product(("GET", "HEAD"), (path, notes)):
        own = api.get(target).headers["ETag"]
        assert api.request(method, target, headers={"If-Match": OTHER}).status_code == 412
        assert api.request(method, target, headers={"If-Match": f"{OTHER}, {own}"}).status_code == 200
        assert api.request(method, target, headers={"If-Match": own, "If-None-Match": own}).status_code == 304
    assert_problem(api.get(path, headers={"If-Unmodified-Since": LONG_AGO}), 412)
    assert api.get(notes, headers={"If-Unmodified-Since": LONG_AGO}).status_code == 200, "a list has no date"
    assert_problem(api.get(notes + "/none", headers={"If-Match": "*"}), 404)


def test_lists_have_an_etag_that_changes_with_them(api, notes, path):
    etag = api.get(notes).headers["ETag"]
    assert api.get(notes).headers["ETag"] == etag
    answer = api.get(notes, headers={"If-None-Match": etag})
    assert answer.status_code == 304 and answer.content == b""
    create(api, notes, {"title": "y"})
    answer = api.get(notes, headers={"If-None-Match": etag})
    assert answer.status_code == 200 and answer.headers["ETag"] != etag


def test_what_a_handler_tags_is_conditional_too(start, test_module):
    api = start(module=test_module).api
    answer = api.get("/test/tagged")
    assert answer.status_code == 200 and answer.headers["ETag"] == '"v1"' and answer.text == "tagged"
    moment = answer.headers["Last-Modified"]
    for method in ("GET", "HEAD"):
        for headers, status in (
            ({"If-None-Match": 'W/"v1"'}, 304),
            ({"If-None-Match": '"v2"'}, 200),
            ({"If-Modified-Since": moment}, 304),
            ({"If-Match": '"v2"'}, 412),
            ({"If-Match": '"v1"', "If-Unmodified-Since": "Sat, 05 Nov 1994 08:49:37 GMT"}, 200),
            ({"If-Unmodified-Since": "Sat, 05 Nov 1994 08:49:37 GMT"}, 412),
        ):
            answer = api.request(method, "/test/tagged", headers=headers)
            assert answer.status_code == status, headers
            assert (answer.text == "tagged") == (method == "GET" and status == 200)
            assert status == 412 or answer.headers["ETag"] == '"v1"'
    assert api.get("/test/status/404", headers={"If-Match": '"v1"'}).status_code == 404


# Writes

WRITES = [("PUT", {"title": "y"}), ("PATCH", {"title": "y"}), ("DELETE", None)]


def done(method):
    return 204 if method == "DELETE" else 200


@pytest.mark.parametrize("method, body", WRITES)
@pytest.mark.parametrize("value", ['"2"', '"0", "9"', 'W/"1"', '"01"', '"x"', '""'])
def test_if_match_that_does_not_match_is_412(api, path, method, body, value):
    problem = assert_problem(api.request(method, path, json=body, headers={"If-Match": value}), 412, "If-Match")
    assert ("W/" in problem["detail"]) == ("W/" in value)
    assert api.get(path).json()["_rev"] == 1


@pytest.mark.parametrize("method, body", WRITES)
@pytest.mark.parametrize("form", ["{}", '"5", {}', "*", "W/{}"])
def test_if_match_that_matches_lets_the_write_through(api, path, etag, method, body, form):
    answer = api.request(method, path, json=body, headers={"If-Match": form.format(etag)})
    assert answer.status_code == done(method)


@pytest.mark.parametrize("method, body", WRITES)
def test_if_match_of_what_is_missing_is_412_and_writes_nothing(api, notes, method, body):
    for value in ('"1"', "*"):
        assert_problem(api.request(method, notes + "/none", json=body, headers={"If-Match": value}), 412)
    assert_problem(api.request(method, notes + "/none", json=body), 404)
    assert_problem(api.request(method, notes + "/none", json=body, headers={"If-None-Match": OTHER}), 404)
    assert_problem(api.request(method, notes + "/none", json=body, headers={"If-Unmodified-Since": LONG_AGO}), 404)
    assert api.get(notes).json()["items"] == []


@pytest.mark.parametrize("method, body", WRITES)
def test_if_unmodified_since_is_heeded_by_writes(api, path, method, body):
    moment = api.get(path).headers["Last-Modified"]
    assert_problem(api.request(method, path, json=body, headers={"If-Unmodified-Since": LONG_AGO}), 412, "If-Unmodified-Since")
    assert api.get(path).json()["_rev"] == 1
    assert api.request(method, path, json=body, headers={"If-Unmodified-Since": moment}).status_code == done(method)


@pytest.mark.parametrize("method, body", WRITES)
def test_if_none_match_is_heeded_by_writes(api, path, etag, method, body):
    for value in (etag, f"{OTHER}, W/{etag}", "*"):
        assert_problem(api.request(method, path, json=body, headers={"If-None-Match": value}), 412, "If-None-Match")
    assert api.get(path).json()["_rev"] == 1
    assert api.request(method, path, json=body, headers={"If-None-Match": OTHER}).status_code == done(method)


@pytest.mark.parametrize("method, body", WRITES)
def test_tags_go_before_dates_and_both_lists_must_hold(api, path, etag, method, body):
    def ask(**headers):
        return api.request(method, path, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()})

    assert_problem(ask(If_Match=OTHER, If_Unmodified_Since=api.get(path).headers["Last-Modified"]), 412)
    assert_problem(ask(If_Match=etag, If_None_Match=etag), 412)
    assert_problem(ask(If_Match=etag, If_None_Match="*"), 412)
    assert_problem(ask(If_None_Match=OTHER, If_Unmodified_Since=LONG_AGO), 412)
    assert ask(If_Match=etag, If_None_Match=OTHER, If_Unmodified_Since=LONG_AGO).status_code == done(method)


@pytest.mark.parametrize("method, body", WRITES)
@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("value", ["1", '"1', '"1" "2"', '*, "1"', 'w/"1"'])
def test_what_is_no_list_of_tags_is_400(api, path, method, body, name, value):
    assert_problem(api.request(method, path, json=body, headers={name: value}), 400, name)
    assert api.get(path).json()["_rev"] == 1


def test_a_date_that_asks_for_changes_is_not_for_writes(api, path):
    moment = api.get(path).headers["Last-Modified"]
    assert api.patch(path, json={"title": "y"}, headers={"If-Modified-Since": moment}).status_code == 200


def test_a_failing_precondition_comes_before_what_the_patch_finds(api, path):
    patch = [{"op": "test", "path": "/title", "value": "other"}]
    headers = {"Content-Type": "application/json-patch+json", "If-Match": OTHER}
    assert_problem(api.patch(path, json=patch, headers=headers), 412)


def test_a_post_is_conditional_on_the_collection(api, notes):
    def post(**headers):
        return api.post(notes, json={"title": "x"}, headers={name.replace("_", "-"): value for name, value in headers.items()})

    empty = api.get(notes).headers["ETag"]
    assert_problem(post(If_None_Match="*"), 412)
    assert_problem(post(If_Match=OTHER), 412)
    assert_problem(post(If_Match="nonsense"), 400)
    assert post(If_Match=empty).status_code == 201
    assert_problem(post(If_Match=empty), 412)
    assert post(If_None_Match=empty, If_Unmodified_Since=LONG_AGO).status_code == 201
    assert len(api.get(notes).json()["items"]) == 2


def test_options_asks_for_nothing(api, path):
    assert api.options(path, headers={"If-Match": OTHER, "If-None-Match": "*"}).status_code == 204


# With nginx's gzip, which makes tags weak


def test_gzip_spoils_no_precondition(start):
    nginx = start(http="gzip on; gzip_types application/json; gzip_min_length 1;")
    path = "/notes/" + create(nginx.api, "/notes", {"title": "x", "body": "y" * 1000})["_id"]
    answer = nginx.api.get(path, headers={"Accept-Encoding": "gzip"})
    weak = answer.headers["ETag"]
    assert answer.headers["Content-Encoding"] == "gzip" and weak.startswith("W/")
    assert nginx.api.get(path, headers={"If-None-Match": weak}).status_code == 304
    changed = nginx.api.patch(path, json={"stars": 1}, headers={"If-Match": weak, "Accept-Encoding": "gzip"})
    assert changed.status_code == 200 and changed.headers["ETag"].startswith("W/")
    assert "W/" in assert_problem(nginx.api.delete(path, headers={"If-Match": weak}), 412)["detail"]
    assert nginx.api.delete(path, headers={"If-Match": changed.headers["ETag"]}).status_code == 204


# What was read can be sent back


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_what_was_read_can_be_sent_back_once(api, path, method):
    read = api.get(path).json()
    back = api.request(method, path, json={**read, "title": "mine"})
    assert back.status_code == 200 and back.json()["title"] == "mine"
    problem = assert_problem(api.request(method, path, json={**read, "title": "yours"}), 412)
    assert pointers(problem) == ["/_rev"]
    assert api.get(path).json() == back.json()
    assert api.request(method, path, json=back.json()).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_rev_may_be_written_with_a_fraction_of_nothing(api, path, method):
    assert api.request(method, path, json={"title": "y", "_rev": 1.0}).status_code == 200
    assert_problem(api.request(method, path, json={"title": "y", "_rev": 1.0}), 412)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("rev", [None, "1", 1.5, [1], {}, True])
def test_a_rev_that_is_no_integer_is_422(api, path, method, rev):
    problem = assert_problem(api.request(method, path, json={"title": "y", "_rev": rev}), 422)
    assert pointers(problem) == ["/_rev"]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_foreign_id_is_422(api, path, method):
    for id in ("other", 7, None):
        problem = assert_problem(api.request(method, path, json={"title": "y", "_id": id}), 422)
        assert pointers(problem) == ["/_id"]


def test_a_put_ignores_what_the_server_sets_anyway(api, path):
    before = api.get(path).json()
    forged = {"title": "y", "_created": "2001-01-01T00:00:00.000Z", "_updated": 7, "_owner": "me"}
    after = api.put(path, json=forged).json()
    assert (after["_created"], after["_owner"], after["_rev"]) == (before["_created"], None, 2)
    assert after["_updated"] >= before["_updated"]
    assert pointers(assert_problem(api.put(path, json={"title": "y", "_x": 1}), 422)) == ["/_x"]


def test_a_patch_changes_nothing_that_the_server_sets(api, path):
    read = api.get(path).json()
    for name in ("_created", "_updated", "_owner"):
        problem = assert_problem(api.patch(path, json={name: "2001-01-01T00:00:00.000Z"}), 422)
        assert pointers(problem) == ["/" + name]
        assert api.patch(path, json={name: api.get(path).json()[name]}).status_code == 200
    assert api.get(path).json()["_created"] == read["_created"]


def test_a_json_patch_may_test_a_revision_but_not_set_it(api, path):
    def patch(op, value):
        body = [{"op": op, "path": "/_rev", "value": value}, {"op": "replace", "path": "/title", "value": "y"}]
        return api.patch(path, json=body, headers={"Content-Type": "application/json-patch+json"})

    assert_problem(patch("test", 2), 409)
    assert patch("test", 1).status_code == 200
    assert pointers(assert_problem(patch("replace", 7), 422)) == ["/_rev"]
    assert_problem(
        api.patch(path, json=[{"op": "remove", "path": "/_rev"}], headers={"Content-Type": "application/json-patch+json"}), 422
    )


def test_a_rev_and_if_match_must_both_hold(api, path, etag):
    body = {"title": "y", "_rev": 1}
    assert_problem(api.put(path, json=body, headers={"If-Match": OTHER}), 412)
    assert_problem(api.put(path, json={**body, "_rev": 2}, headers={"If-Match": etag}), 412)
    assert api.put(path, json=body, headers={"If-Match": etag}).status_code == 200


def test_a_rev_never_creates(api, notes):
    body = {"title": "y", "_rev": 1}
    assert_problem(api.put(notes + "/new", json=body, headers={"If-None-Match": "*"}), 412)
    assert_problem(api.put(notes + "/new", json=body), 404)
    assert_problem(api.patch(notes + "/new", json=body), 404)


# Many at a time


def test_without_if_match_the_last_writer_wins(api, path):
    for title in "abc":
        assert api.put(path, json={"title": title}).status_code == 200
    assert api.get(path).json()["title"] == "c" and api.get(path).json()["_rev"] == 4


@pytest.mark.parametrize("how", ["If-Match", "If-None-Match of others", "_rev"])
def test_of_concurrent_writers_at_one_state_one_wins(server, api, path, etag, how):
    def write(number):
        body, headers = {"title": str(number)}, {}
        if how == "If-Match":
            headers["If-Match"] = etag
        elif how == "_rev":
            body["_rev"] = 1
        else:
            headers["If-None-Match"] = OTHER
        with Client(server.url) as client:
            return client.put(path, json=body, headers=headers).status_code

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(write, range(16)))
    if how == "If-None-Match of others":
        assert statuses == [200] * 16 and api.get(path).json()["_rev"] == 17
    else:
        assert sorted(statuses) == [200] + [412] * 15


def test_optimistic_counting_loses_nothing(server, api, notes):
    path = f"{notes}/{create(api, notes, {'title': 'x', 'stars': 0})['_id']}"

    def count(_):
        with Client(server.url) as client:
            done = 0
            while done < 10:
                document = client.get(path)
                answer = client.patch(
                    path,
                    json={"stars": document.json()["stars"] + 1},
                    headers={"If-Match": document.headers["ETag"]},
                )
                assert answer.status_code in (200, 412)
                done += answer.status_code == 200

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(4)))
    assert api.get(path).json()["stars"] == 40


def test_concurrent_patches_without_preconditions_lose_nothing(server, api):
    """Each one adds a name of its own, and none writes back what it did not change."""
    path = "/free/" + create(api, "/free", {})["_id"]

    def patch(number):
        with Client(server.url) as client:
            return client.patch(path, json={f"n{number}": number}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(patch, range(40))) == {200}
    document = api.get(path).json()
    assert all(document[f"n{number}"] == number for number in range(40)) and document["_rev"] == 41
