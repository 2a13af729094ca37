"""What goes wrong around Nacre: reloads, killed workers, a full disk, a locked database, a clock that is set, a full zone."""

import contextlib
import os
import pathlib
import re
import signal
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
import raw
import yamls
from assertions import assert_problem, create
from harness import Client, Nginx, may_mount, wait_until, with_mounts_of_its_own
from load import Load, inodes_of_peers, sockets_of


def present(api, ids):
    """Which of the documents are there, read from the store."""
    found = set()
    for i in range(0, len(ids), 100):
        where = '{"_id":{"$in":[' + ",".join(f'"{id}"' for id in ids[i : i + 100]) + "]}}"
        # A condition of 100 values is one condition.
        answer = api.get("/notes", params={"where": where, "limit": "100", "fields": "_id"})
        assert answer.status_code == 200, answer.text
        found |= {item["_id"] for item in answer.json()["items"]}
    return found


def test_twenty_reloads_under_load_fail_no_request(start):
    nginx = start(workers=2)
    with Load(nginx.port) as load:
        for _ in range(20):
            answered = load.answers
            nginx.reload()
            wait_until(lambda answered=answered: load.answers > answered + 10, "requests between reloads")
    assert load.failed == []
    assert present(nginx.api, load.acknowledged) == set(load.acknowledged)


def test_a_killed_worker_takes_only_its_own_connections_along(start):
    nginx = start(workers=2)
    nginx.tolerate(r"exited on signal 9")
    create(nginx.api, "/notes", {"_id": "one", "title": "x"})
    connections = [raw.connect(nginx.port) for _ in range(60)]
    for connection in connections:
        connection.sendall(raw.request("GET", "/notes/one"))
        assert connection.read_answer()[0] == 200
    victim, other = nginx.workers()
    held = {worker: sockets_of(worker) for worker in (victim, other)}
    inodes = inodes_of_peers([connection.socket for connection in connections])
    owners = [next(worker for worker in held if inode in held[worker]) for inode in inodes]
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: victim not in nginx.workers() and len(nginx.workers()) == 2, "a new worker")
    for connection, owner in zip(connections, owners):
        if owner == victim:
            assert connection.read_to_end() == b""
        else:
            connection.sendall(raw.request("GET", "/notes/one"))
            assert connection.read_answer()[0] == 200
        connection.socket.close()


def test_killed_workers_lose_no_acknowledged_write_and_leave_the_zone_intact(start):
    nginx = start(workers=2)
    nginx.tolerate(r"exited on signal 9")
    visits = nginx.api.get("/hello/x").json()["visits"]
    with Load(nginx.port) as load:
        for _ in range(10):
            answered = load.answers
            victim = nginx.workers()[0]
            os.kill(victim, signal.SIGKILL)
            wait_until(
                lambda victim=victim: victim not in nginx.workers() and len(nginx.workers()) == 2,
                "a new worker",
            )
            wait_until(lambda answered=answered: load.answers > answered + 50, "requests between kills")
    assert all("closed without an answer" in failure or "Connection" in failure for failure in load.failed), load.failed
    assert len(load.failed) <= 10 * len(load.threads)
    assert present(nginx.api, load.acknowledged) == set(load.acknowledged)
    assert nginx.api.get("/hello/x").json()["visits"] == visits + 1
    for _ in range(2):
        answer = nginx.api.get("/notes/" + load.acknowledged[0])
    assert answer.headers["Cache-Status"] == "nacre; hit"


class ConfinedNginx(Nginx):
    """An nginx that sees a small file system of its own at `home`/small."""

    def command(self, *arguments):
        mount = f'mount -t tmpfs -o size=2m,mode=777 none "{self.home}/small" && head -c 1200000 /dev/zero > "$0" && exec "$@"'
        return [*with_mounts_of_its_own(), "sh", "-c", mount, f"{self.home}/small/ballast", *super().command(*arguments)]


@pytest.mark.skipif(not may_mount(), reason="a small file system can't be mounted here (a container without CAP_SYS_ADMIN)")
def test_a_full_disk_is_503_and_heals(request, tmp_path):
    os.chmod(tmp_path, 0o755)
    (tmp_path / "small").mkdir()
    yaml = yamls.EXAMPLE.replace("sqlite:nacre.db", "sqlite:small/nacre.db")
    nginx = ConfinedNginx(request.config.getoption("--nginx"), request.config.getoption("--module"), tmp_path, yaml)
    nginx.start()
    try:
        stored, answer = [], None
        for i in range(2000):
            document = {"_id": f"d{i}", "title": "x", "body": "y" * 10_000}
            answer = nginx.api.post("/notes", json=document)
            if answer.status_code != 201:
                break
            stored.append(answer.json())
        assert_problem(answer, 503)
        assert len(stored) > 10
        for document in stored:
            assert nginx.api.get("/notes/" + document["_id"]).json() == document
        assert_problem(nginx.api.patch("/notes/d0", json={"body": "z" * 10_000}), 503)
        # The process's own view of its file system.
        pathlib.Path(f"/proc/{nginx.process.pid}/root{tmp_path}/small/ballast").unlink()
        wait_until(lambda: nginx.api.patch("/notes/d0", json={"body": "z" * 10_000}).status_code == 200, "recovery")
        for document in stored[1:]:
            assert nginx.api.get("/notes/" + document["_id"]).json() == document
        create(nginx.api, "/notes", {"title": "x"})
    finally:
        nginx.stop()


@pytest.mark.sqlite
def test_a_locked_database_is_an_answer_in_time_and_heals(start):
    nginx = start(yamls.EXAMPLE.replace("resources:", "timeouts: { request: 2s, store: 1s }\nresources:", 1))
    created = create(nginx.api, "/notes", {"title": "x"})
    database = sqlite3.connect(nginx.home / "nacre.db", isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    for _ in range(2):
        assert_problem(nginx.api.post("/notes", json={"title": "y"}), 504)
    assert nginx.api.get("/notes/" + created["_id"]).status_code == 200
    database.execute("ROLLBACK")
    database.close()
    wait_until(lambda: nginx.api.post("/notes", json={"title": "z"}).status_code == 201, "recovery")
    log = (nginx.home / "error.log").read_text()
    assert len(re.findall("writes to .*/nacre.db fail: SQLite: database is locked", log)) == 1
    assert len(re.findall("writes to .*/nacre.db work again", log)) == 1


@pytest.mark.sqlite
def test_a_reload_that_adds_a_resource_to_a_locked_database_makes_no_read_wait_for_long(start):
    nginx = start()
    created = create(nginx.api, "/notes", {"title": "x"})
    with contextlib.closing(sqlite3.connect(nginx.home / "nacre.db", isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        nginx.write_yaml(
            yamls.EXAMPLE.replace("resources:", f"resources:\n  added: {{ schema: {{}}, access: {yamls.PUBLIC} }}", 1)
        )
        nginx.reload()
        assert nginx.api.get("/added").status_code in (503, 504)
        locked = re.compile("reads of .*/nacre.db fail: SQLite: database is locked")
        wait_until(lambda: locked.search((nginx.home / "error.log").read_text()), "a line that says so")
        database.execute("ROLLBACK")
    wait_until(lambda: nginx.api.get("/added").status_code == 200, "the new resource")
    assert nginx.api.get("/notes/" + created["_id"]).status_code == 200


def test_a_full_thread_queue_is_503_and_heals(start):
    nginx = start(main="thread_pool small threads=1 max_queue=1;", http="nacre_thread_pool small;")
    documents = [create(nginx.api, "/uncached", {"n": i}) for i in range(8)]

    def read(i):
        with Client(nginx.url) as client:
            return client.get("/uncached/" + documents[i % 8]["_id"])

    with ThreadPoolExecutor(32) as pool:
        for answer in pool.map(read, range(300)):
            if answer.status_code != 200:
                assert_problem(answer, 503)
    assert read(0).status_code == 200


def test_a_clock_set_back_changes_nothing_but_dates(start, make_nginx, tmp_path):
    offset = tmp_path / "offset"
    offset.write_text("0")
    nginx = make_nginx(main="env CLOCK_OFFSET_FILE;")
    nginx.environment = {"LD_PRELOAD": str(nginx.module.parent / "nacre_test_clock.so"), "CLOCK_OFFSET_FILE": str(offset)}
    nginx.start()
    try:
        api, headers = nginx.api, {"Idempotency-Key": '"clock"'}
        before = api.post("/notes", json={"title": "x"}, headers=headers).json()
        path = "/notes/" + before["_id"]
        api.get(path)
        offset.write_text("-172800")
        assert api.get(path).headers["Cache-Status"] == "nacre; hit"
        after = wait_until(
            lambda: (made := create(api, "/notes", {"title": "y"}))["_created"] < before["_created"] and made,
            "the clock's step",
        )
        assert after["_id"] != before["_id"]
        assert api.post("/notes", json={"title": "x"}, headers=headers).json() == before
        assert api.patch(path, json={"stars": 1}).json()["_rev"] == 2
        assert api.get(path).json()["stars"] == 1
        brief = "/brief/" + create(api, "/brief", {"n": 1})["_id"]
        api.get(brief)
        wait_until(lambda: "stale" in api.get(brief).headers["Cache-Status"], "entries age all the same")
        nginx.reload()
        assert api.get(path).json()["stars"] == 1
    finally:
        nginx.stop()


@pytest.mark.sqlite
def test_kept_answers_are_gone_soon_after_their_day_though_nothing_comes(make_nginx, tmp_path):
    offset = tmp_path / "offset"
    offset.write_text("0")
    nginx = make_nginx(workers=2, main="env CLOCK_OFFSET_FILE;")
    nginx.environment = {"LD_PRELOAD": str(nginx.module.parent / "nacre_test_clock.so"), "CLOCK_OFFSET_FILE": str(offset)}
    nginx.start()
    try:
        for i in range(400):
            create(nginx.api, "/uncached", {"n": i}, headers={"Idempotency-Key": f'"k{i}"'})
        with contextlib.closing(sqlite3.connect(nginx.home / "nacre.db", isolation_level=None)) as database:
            count = "SELECT count(*) FROM nacre_remembered"
            assert database.execute(count).fetchone() == (400,)
            offset.write_text(str(25 * 3600))
            wait_until(lambda: database.execute(count).fetchone() == (0,), "the answers' end")
    finally:
        nginx.stop()


def test_a_full_zone_evicts_and_goes_on(start):
    nginx = start(zone="2m")
    documents = [{"_id": f"z{i}", "title": f"t{i}", "body": "x" * 10_000} for i in range(500)]
    for i in range(0, 500, 100):
        assert nginx.api.post("/notes", json=documents[i : i + 100]).status_code == 201
    for _ in range(2):
        for document in documents:
            answer = nginx.api.get("/notes/" + document["_id"])
            assert answer.json()["title"] == document["title"] and len(answer.json()["body"]) == 10_000
    nginx.api.get("/notes/z0")
    assert nginx.api.get("/notes/z0").headers["Cache-Status"] == "nacre; hit"
    large = create(nginx.api, "/free", {"text": "x" * 700_000})
    for _ in range(2):
        assert nginx.api.get("/free/" + large["_id"]).json() == large
    assert nginx.api.get("/hello/x").json()["visits"] >= 1
    for i in range(300):
        created = nginx.api.post("/notes", json={"title": "x"}, headers={"Idempotency-Key": f'"zone-{i}"'})
        assert created.status_code == 201


def test_another_size_of_the_zone_is_taken_over_at_a_reload(start):
    nginx = start(zone="4m")
    created = create(nginx.api, "/notes", {"title": "x"})
    nginx.write_conf(zone="16m")
    nginx.reload()
    assert nginx.api.get("/notes/" + created["_id"]).json() == created
