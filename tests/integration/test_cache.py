"""The cache: hits, invalidation, staleness, and what is said about it."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
import yamls
from assertions import assert_problem, create
from harness import Client, wait_until


def cache_status(answer):
    return answer.headers.get("Cache-Status")


@pytest.mark.parametrize("tail", ["/{id}", "?sort=title", '?where={{"stars":3}}'])
def test_the_second_read_is_a_hit_with_the_same_answer(api, notes, tail):
    path = notes + tail.format(id=create(api, notes, {"title": "x", "stars": 3})["_id"])
    first, second = api.get(path), api.get(path)
    assert cache_status(first) == "nacre; fwd=miss"
    assert cache_status(second) == "nacre; hit"
    assert first.content == second.content
    for name in ("ETag", "Last-Modified", "Content-Type", "Link"):
        assert first.headers.get(name) == second.headers.get(name)


@pytest.mark.parametrize("method, body", [("PUT", {"title": "y"}), ("PATCH", {"title": "y"}), ("DELETE", None)])
def test_a_write_is_seen_by_the_next_read(api, notes, method, body):
    path = f"{notes}/{create(api, notes, {'title': 'x'})['_id']}"
    for url in (path, notes, notes + "?count=true"):
        api.get(url)
        assert cache_status(api.get(url)) == "nacre; hit"
    assert api.request(method, path, json=body).status_code in (200, 204)
    if method == "DELETE":
        assert_problem(api.get(path), 404)
        assert api.get(notes).json()["items"] == []
        assert api.get(notes + "?count=true").json()["total"] == 0
    else:
        assert api.get(path).json()["title"] == "y"
        assert api.get(notes).json()["items"][0]["title"] == "y"


def test_a_write_that_is_refused_ends_nothing(api, notes):
    path = f"{notes}/{create(api, notes, {'_id': 'a', 'title': 'x'})['_id']}"
    for url in (path, notes):
        api.get(url)
        assert cache_status(api.get(url)) == "nacre; hit"
    assert_problem(api.post(notes, json={"_id": "a", "title": "y"}), 409)
    assert_problem(api.patch(path, json={"title": "y"}, headers={"If-Match": '"other"'}), 412)
    assert_problem(api.delete(f"{notes}/none"), 404)
    for url in (path, notes):
        assert cache_status(api.get(url)) == "nacre; hit"


def test_an_insert_is_seen_by_the_next_list(api, notes):
    assert api.get(notes).json()["items"] == []
    for number in range(1, 30):
        create(api, notes, {"title": "x"})
        assert api.get(notes + "?count=true").json()["total"] == number


def test_a_document_that_was_missing_is_seen_once_it_is_there(api, notes):
    assert_problem(api.get(notes + "/new"), 404)
    create(api, notes, {"_id": "new", "title": "x"})
    assert api.get(notes + "/new").status_code == 200


def test_writes_of_one_document_leave_the_others_cached(api, notes):
    first, second = (f"{notes}/{create(api, notes, {'title': 'x'})['_id']}" for _ in range(2))
    api.get(first)
    assert api.patch(second, json={"title": "y"}).status_code == 200
    assert cache_status(api.get(first)) == "nacre; hit"


def test_cache_off_is_never_a_hit(api):
    path = "/uncached/" + create(api, "/uncached", {"a": 1})["_id"]
    answers = [api.get(path) for _ in range(3)]
    assert all("hit" not in (cache_status(answer) or "") for answer in answers)
    assert all(answer.headers["Cache-Control"] in ("no-store", "no-cache") for answer in answers)


def test_a_browser_asks_each_time_so_that_it_reads_its_own_writes(api, notes):
    path = f"{notes}/{create(api, notes, {'title': 'x'})['_id']}"
    for url in (path, notes):
        answer = api.get(url)
        assert answer.headers["Cache-Control"] == "no-cache"
        again = api.get(url, headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304 and again.headers["Cache-Control"] == "no-cache"
    assert "no-store" in api.get("/members").headers["Cache-Control"]


def test_the_resource_says_for_how_long_a_browser_need_not_ask(start):
    nginx = start(yamls.EXAMPLE.replace("ttl: 30s, stale: 5m", "ttl: 30s, stale: 5m, client: 90s"))
    create(nginx.api, "/notes", {"_id": "one", "title": "x"})
    for url in ("/notes/one", "/notes"):
        assert nginx.api.get(url).headers["Cache-Control"] == "max-age=90"
    assert nginx.api.get("/free").headers["Cache-Control"] == "no-cache"


def test_an_entry_past_its_time_is_served_stale_and_renewed(api):
    path = "/brief/" + create(api, "/brief", {"n": 1})["_id"]
    assert cache_status(api.get(path)) == "nacre; fwd=miss"
    seen = []

    def renewed():
        seen.append(cache_status(api.get(path)))
        return "nacre; fwd=stale" in seen and seen[-1] == "nacre; hit"

    wait_until(renewed, "stale, then renewed")
    assert "nacre; fwd=miss" not in seen


@pytest.mark.sqlite
def test_stale_is_served_while_the_store_fails(start):
    nginx = start()
    api = nginx.api
    path = "/brief/" + create(api, "/brief", {"n": 1})["_id"]
    fresh = api.get(path)
    with sqlite3.connect(nginx.home / "nacre.db") as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            if "brief" in table or len(tables) == 1:
                database.execute(f'ALTER TABLE "{table}" RENAME TO gone_{abs(hash(table))}')
    stale = wait_until(
        lambda: (answer := api.get(path)) and "stale" in (cache_status(answer) or "") and answer,
        "a stale answer",
    )
    assert stale.status_code == 200 and stale.content == fresh.content
    for _ in range(3):
        assert api.get(path).content == fresh.content
    answer = api.get("/brief/another")
    assert answer.status_code in (500, 503)
    assert_problem(answer, answer.status_code)


def test_all_workers_share_one_cache(start):
    nginx = start(workers=4)
    create(nginx.api, "/notes", {"_id": "one", "title": "x"})

    def read(_):
        with Client(nginx.url) as client:
            return cache_status(client.get("/notes/one"))

    read(None)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(read, range(64))) == {"nacre; hit"}


def test_a_client_reads_its_own_writes_on_any_worker(start):
    nginx = start(workers=4)
    create(nginx.api, "/notes", {"_id": "one", "title": "x", "stars": 0})

    def write_and_read(number):
        for _ in range(25):
            with Client(nginx.url) as client:
                revision = client.patch("/notes/one", json={"stars": number}).json()["_rev"]
            with Client(nginx.url) as client:
                assert client.get("/notes/one").json()["_rev"] >= revision
                assert client.get("/notes").json()["items"][0]["_rev"] >= revision

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write_and_read, range(4)))


def test_a_reload_keeps_the_cache(start):
    nginx = start()
    path = "/notes/" + create(nginx.api, "/notes", {"title": "x"})["_id"]
    nginx.api.get(path)
    nginx.reload()
    assert cache_status(nginx.api.get(path)) == "nacre; hit"


def test_a_reload_with_another_schema_does_not_serve_answers_of_the_old_one(start):
    nginx = start()
    path = "/notes/" + create(nginx.api, "/notes", {"title": "x"})["_id"]
    nginx.api.get(path)
    yaml = (nginx.home / "nacre.yaml").read_text()
    nginx.write_yaml(yaml.replace("ttl: 30s", "ttl: 31s"))
    nginx.reload()
    assert cache_status(nginx.api.get(path)) == "nacre; fwd=miss"
