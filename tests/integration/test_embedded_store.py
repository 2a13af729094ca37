"""The embedded store's file: indexes that a reload adds or takes away while clients go on.

NACRE_TEST_DOCUMENTS says how many documents there are (20,000 unless it is set). With `-s` the first test prints how long the
slowest read and the slowest write took, with and without an index being made.
"""

import contextlib
import itertools
import json
import os
import sqlite3
import threading
import time

import pytest
import yamls
from harness import wait_until
from load import Threads, ask

pytestmark = pytest.mark.sqlite

DOCUMENTS = int(os.environ.get("NACRE_TEST_DOCUMENTS", "20000"))
PATIENCE = 150 + DOCUMENTS / 2000  # seconds: what a killed worker had begun to check is checked by another after 120


def configuration(indexes="[]"):
    return f"""
version: 1
store: {{ uri: "sqlite:nacre.db" }}
timeouts: {{ request: 15s, store: 10s }}
resources:
  notes:
    schema: {yamls.NOTES_SCHEMA}
    access: {yamls.PUBLIC}
    indexes: {indexes}
    cache: off
  others:
    schema: {{ type: object }}
    access: {yamls.PUBLIC}
    cache: off
"""


def fill(api, count):
    words = ["pearl", "shell", "sea", "grain", "layer", "light", "sand"]
    for first in range(0, count, 1000):
        some = [
            {
                "_id": f"d{i}",
                "title": f"{words[i % 7]} {(i * 7919) % 1_000_003}",
                "stars": i % 1000,
                "slug": f"s{i}",
                "body": "x" * 120,
            }
            for i in range(first, min(first + 1000, count))
        ]
        assert api.post("/notes", json=some).status_code == 201


class Clients(Threads):
    """Threads that read and write one resource until told to stop; each request has a connection of its own."""

    def __init__(self, port, resource="notes", readers=2, writers=2):
        super().__init__(self.run, enumerate([self.read] * readers + [self.write] * writers))
        self.port, self.resource = port, resource
        self.numbers = itertools.count()
        self.reads, self.writes, self.failed = [], [], []

    def run(self, thread, kind):
        while not self.stopping.is_set():
            try:
                kind(thread, next(self.numbers))
            except (OSError, AssertionError) as failure:
                self.failed.append(repr(failure))
            self.stopping.wait(0.002)

    def ask(self, times, method, path, body, expected):
        began = time.monotonic()
        ask(self.port, method, f"/{self.resource}{path}", body, expected)
        times.append(time.monotonic() - began)

    def read(self, thread, number):
        self.ask(self.reads, "GET", f"/d{(number * 7919) % DOCUMENTS}", b"", 200)
        self.ask(self.reads, "GET", "?limit=10&sort=-_id", b"", 200)

    def write(self, thread, number):
        id = f"new-{time.monotonic_ns()}-{thread}-{number}"
        body = json.dumps({"_id": id, "title": f"new {number}", "stars": number, "slug": id}).encode()
        self.ask(self.writes, "POST", "", body, 201)
        self.ask(self.writes, "PATCH", f"/{id}", b'{"stars":null,"title":"changed"}', 200)
        self.ask(self.writes, "PATCH", f"/d{(number * 31) % DOCUMENTS}", b'{"stars":7}', 200)
        if number % 2:
            self.ask(self.writes, "DELETE", f"/{id}", b"", 204)

    def told(self, what, seconds):
        return (
            f"{what}: {seconds:.1f} s, {len(self.reads)} reads, the slowest {max(self.reads) * 1000:.0f} ms; "
            f"{len(self.writes)} writes, the slowest {max(self.writes) * 1000:.0f} ms; {len(self.failed)} failed"
        )


def look(nginx, sql, *values):
    with contextlib.closing(sqlite3.connect(f"file:{nginx.home}/nacre.db?mode=ro", uri=True, timeout=20)) as file:
        return [row[0] for row in file.execute(sql, values)]


def indexes(nginx):
    return look(nginx, "SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'r_notes' AND sql IS NOT NULL")


def is_settled(nginx):
    """No index is being made, checked or cleared away."""
    left = "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'nacre_side%' OR name LIKE 'nacre_fill%' OR type = 'trigger'"
    return look(nginx, left) == [0] and look(nginx, "SELECT count(*) FROM nacre_builds") == [0]


def test_an_index_added_at_a_reload_holds_up_no_read_and_no_write(start):
    nginx = start(configuration(), workers=2)
    fill(nginx.api, DOCUMENTS)
    with Clients(nginx.port) as before:
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > 3, "some load")
    print("\n" + before.told("without", time.monotonic() - began))
    assert not before.failed, before.failed[:3]
    with Clients(nginx.port) as clients:
        began = time.monotonic()
        nginx.write_yaml(configuration("[ { keys: [-stars, title] }, { keys: [title] } ]"))
        nginx.reload()
        wait_until(lambda: len(indexes(nginx)) == 2, "both indexes", PATIENCE)
        made = time.monotonic() - began
        wait_until(lambda: is_settled(nginx), "all is checked and cleared", PATIENCE)
        took = time.monotonic() - began
    print(clients.told(f"two indexes on {DOCUMENTS} documents, made after {made:.1f} s, checked after {took:.1f} s", took))
    assert not clients.failed, clients.failed[:3]
    assert look(nginx, "PRAGMA integrity_check") == ["ok"]
    page = nginx.api.get("/notes?sort=-stars,title&limit=3")
    assert page.status_code == 200 and len(page.json()["items"]) == 3


def test_a_unique_index_added_at_a_reload_holds_up_no_write_and_lets_no_duplicate_in(start):
    nginx = start(configuration(), workers=2)
    fill(nginx.api, DOCUMENTS)
    stopping, answers = threading.Event(), []

    def write(thread):
        for number in itertools.count():
            if stopping.is_set():
                return
            answer = nginx.api.post(
                "/notes", json={"title": "t", "slug": f"twice-{number // 2}-{thread}"}, headers={"Connection": "close"}
            )
            answers.append(answer.status_code)

    nginx.write_yaml(configuration("[ { keys: [slug], unique: true } ]"))
    nginx.reload()
    threads = [threading.Thread(target=write, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    with Clients(nginx.port, readers=2, writers=0) as readers:
        wait_until(lambda: is_settled(nginx) and len(indexes(nginx)) == 2, "the unique index", PATIENCE)
        wait_until(lambda: answers.count(409) > 2, "duplicates are refused")
    stopping.set()
    for thread in threads:
        thread.join()
    assert not readers.failed, readers.failed[:3]
    assert set(answers) == {201, 409}, set(answers)
    twice = look(nginx, "SELECT count(*) FROM (SELECT 1 FROM r_notes GROUP BY json_extract(doc, '$.slug') HAVING count(*) > 1)")
    assert twice == [0]


def test_documents_that_are_the_same_keep_a_unique_index_from_being_made_and_hold_up_nothing(start):
    nginx = start(configuration(), workers=2)
    fill(nginx.api, DOCUMENTS)
    assert nginx.api.post("/notes", json={"_id": "twice", "title": "t", "slug": "s1"}).status_code == 201
    nginx.write_yaml(configuration("[ { keys: [slug], unique: true } ]"))
    nginx.reload()
    wait_until(lambda: "can't be made" in nginx.log(), "the duplicate is found", PATIENCE)
    assert '"twice" has the same as another' in nginx.log()
    assert nginx.log().count("can't be made") <= 2  # a worker says it once
    assert nginx.api.post("/notes", json={"title": "t", "slug": "other"}).status_code == 201
    for slug in ("s1", "s2", "other"):
        refused = nginx.api.post("/notes", json={"title": "t", "slug": slug})
        assert refused.status_code == 409 and refused.json()["errors"][0]["pointer"] == "/slug"
    assert nginx.api.patch("/notes/twice", json={"slug": "s3"}).status_code == 409
    assert nginx.api.patch("/notes/twice", json={"slug": "once"}).status_code == 200
    wait_until(lambda: is_settled(nginx) and len(indexes(nginx)) == 2, "the unique index", PATIENCE)
    assert nginx.api.post("/notes", json={"title": "t", "slug": "s1"}).status_code == 409
    assert nginx.api.post("/notes", json={"title": "t", "slug": "once"}).status_code == 409
    assert look(nginx, "PRAGMA integrity_check") == ["ok"]


def test_a_kill_while_an_index_is_made_leaves_nothing_behind(start):
    nginx = start(configuration(), workers=2)
    fill(nginx.api, DOCUMENTS)
    nginx.write_yaml(configuration("[ { keys: [title] }, { keys: [-stars] } ]"))
    nginx.reload()
    wait_until(lambda: look(nginx, "SELECT 1 FROM nacre_builds") or len(indexes(nginx)) == 2, "an index is being made")
    nginx.kill()
    nginx.start()
    wait_until(lambda: is_settled(nginx) and len(indexes(nginx)) == 2, "both indexes", PATIENCE)
    assert look(nginx, "PRAGMA integrity_check") == ["ok"]
    assert nginx.api.post("/notes", json={"title": "t"}).status_code == 201


def test_reloads_one_after_another_end_in_the_last_ones_indexes(start):
    nginx = start(configuration(), workers=2)
    fill(nginx.api, DOCUMENTS)
    with Clients(nginx.port, readers=1, writers=1) as clients:
        for keys in ("[title]", "[-stars, title]", "[slug]", "[title]"):
            nginx.write_yaml(configuration(f"[ {{ keys: {keys} }} ]"))
            nginx.reload()
        wait_until(lambda: is_settled(nginx) and len(indexes(nginx)) == 1, "one index", PATIENCE)
    assert not clients.failed, clients.failed[:3]
    assert "title" in indexes(nginx)[0]
    assert look(nginx, "PRAGMA integrity_check") == ["ok"]
