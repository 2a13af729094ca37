"""The example application's own code (libcore/app/example.cc); a test for a handler of yours looks like these."""

from concurrent.futures import ThreadPoolExecutor

from assertions import assert_problem, create
from harness import Client


def test_hello_greets_and_counts(api):
    before = api.get("/hello/Ann").json()["visits"]
    answer = api.get("/hello/Bob")
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {"hello": "Bob", "visits": before + 1}


def test_a_path_parameter_is_decoded(api):
    assert api.get("/hello/J%C3%B6rg%20%22x%22").json()["hello"] == 'Jörg "x"'


def test_head_follows_get_and_other_methods_are_405(api):
    answer = api.head("/hello/Ann")
    assert answer.status_code == 200 and answer.content == b""
    assert_problem(api.post("/hello/Ann", json={}), 405)
    assert "GET" in api.options("/hello/Ann").headers["Allow"]
    assert_problem(api.get("/hello"), 404)
    assert_problem(api.get("/hello/a/b"), 404)


def test_all_workers_count_together_and_a_reload_goes_on(start):
    nginx = start(workers=4)

    def visit(_):
        with Client(nginx.url) as client:
            return client.get("/hello/x").json()["visits"]

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(visit, range(200))) == list(range(1, 201))
    nginx.reload()
    assert visit(0) == 201


def test_star_loses_no_vote(server, api, notes):
    path = f"{notes}/{create(api, notes, {'title': 'x'})['_id']}"

    def star(_):
        with Client(server.url) as client:
            return client.post(path + "/star").status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(star, range(40))) == {200}
    assert api.get(path).json()["stars"] == 40
    assert_problem(api.post(notes + "/none/star"), 404)
