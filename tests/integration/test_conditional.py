"""If-Match, If-None-Match, If-Modified-Since (RFC 9110 §13)."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from assertions import assert_problem, create
from harness import Client


@pytest.fixture
def path(api, notes):
    return f"{notes}/{create(api, notes, {'title': 'x'})['_id']}"


@pytest.mark.parametrize("value", ['"1"', 'W/"1"', '"7", "1"', '"7","1" , "9"', "*"])
def test_if_none_match_that_matches_is_304(api, path, value):
    for method in ("GET", "HEAD"):
        answer = api.request(method, path, headers={"If-None-Match": value})
        assert answer.status_code == 304 and answer.content == b""
        assert answer.headers["ETag"] == '"1"'


@pytest.mark.parametrize("value", ['"2"', '"11"', '"0", "2"', "1", '"'])
def test_if_none_match_that_does_not_match_is_200(api, path, value):
    assert api.get(path, headers={"If-None-Match": value}).status_code == 200


def test_304_also_from_the_cache_and_not_after_a_write(api, path):
    assert api.get(path).headers["ETag"] == '"1"'
    for _ in range(3):
        assert api.get(path, headers={"If-None-Match": '"1"'}).status_code == 304
    assert api.patch(path, json={"title": "y"}).status_code == 200
    assert api.get(path, headers={"If-None-Match": '"1"'}).status_code == 200
    assert api.get(path, headers={"If-None-Match": '"2"'}).status_code == 304


def test_if_modified_since(api, path):
    moment = api.get(path).headers["Last-Modified"]
    assert api.get(path, headers={"If-Modified-Since": moment}).status_code == 304
    assert api.get(path, headers={"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}).status_code == 200
    answer = api.get(path, headers={"If-Modified-Since": moment, "If-None-Match": '"9"'})
    assert answer.status_code == 200, "If-None-Match goes before If-Modified-Since"


def test_lists_have_an_etag_that_changes_with_them(api, notes, path):
    etag = api.get(notes).headers["ETag"]
    assert api.get(notes).headers["ETag"] == etag
    answer = api.get(notes, headers={"If-None-Match": etag})
    assert answer.status_code == 304 and answer.content == b""
    create(api, notes, {"title": "y"})
    answer = api.get(notes, headers={"If-None-Match": etag})
    assert answer.status_code == 200 and answer.headers["ETag"] != etag


WRITES = [("PUT", {"title": "y"}), ("PATCH", {"title": "y"}), ("DELETE", None)]


@pytest.mark.parametrize("method, body", WRITES)
@pytest.mark.parametrize("value", ['"2"', '"0", "9"', 'W/"1"', '"01"', '"x"'])
def test_if_match_that_does_not_match_is_412(api, path, method, body, value):
    assert_problem(api.request(method, path, json=body, headers={"If-Match": value}), 412)
    assert api.get(path).json()["_rev"] == 1


@pytest.mark.parametrize("method, body", WRITES)
@pytest.mark.parametrize("value", ['"1"', '"5", "1"', "*"])
def test_if_match_that_matches_lets_the_write_through(api, path, method, body, value):
    answer = api.request(method, path, json=body, headers={"If-Match": value})
    assert answer.status_code == (204 if method == "DELETE" else 200)


@pytest.mark.parametrize("method, body", WRITES)
def test_if_match_of_what_is_missing_writes_nothing(api, notes, method, body):
    for value in ('"1"', "*"):
        answer = api.request(method, notes + "/none", json=body, headers={"If-Match": value})
        assert answer.status_code in (404, 412)
        assert_problem(answer, answer.status_code)
    assert api.get(notes).json()["items"] == []


def test_without_if_match_the_last_writer_wins(api, path):
    for title in "abc":
        assert api.put(path, json={"title": title}).status_code == 200
    assert api.get(path).json()["title"] == "c" and api.get(path).json()["_rev"] == 4


def test_of_concurrent_writers_at_one_revision_one_wins(server, path):
    def write(number):
        with Client(server.url) as client:
            return client.put(path, json={"title": str(number)}, headers={"If-Match": '"1"'}).status_code

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(write, range(16)))
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
