"""nacre_backup, beside an nginx that is written to and read all the while, and what it takes to go back to a backup."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess

import pytest
from assertions import create
from harness import may_mount, wait_until, with_mounts_of_its_own
from load import Load

pytestmark = pytest.mark.sqlite


@pytest.fixture
def backup(request, tmp_path):
    """Starts nacre_backup with the arguments, in a folder of the test's own."""
    build = os.path.dirname(request.config.getoption("--module"))
    program = os.path.abspath(os.path.join(build, "nacre_backup"))

    def start(*arguments, behind=()):
        return subprocess.Popen([*behind, program, *map(str, arguments)], cwd=tmp_path, stderr=subprocess.PIPE, text=True)

    return start


def finished(process):
    """Its exit code, and what it said."""
    said = process.communicate(timeout=60)[1]
    return process.returncode, said


def wait_until_begun(process, folder):
    """Until it has made its file, or has ended."""

    def begun():
        return process.poll() is not None or any(name.endswith(".partial") for name in os.listdir(folder))

    wait_until(begun, "the copy's beginning")


def ask(database, sql):
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
        return [row[0] for row in opened.execute(sql)]


def fill(nginx, count):
    for first in range(0, count, 1000):
        documents = [{"_id": f"d{i}", "title": "x" * 100, "body": "y" * 1000} for i in range(first, first + 1000)]
        assert nginx.api.post("/notes", json=documents).status_code == 201


def test_a_backup_under_load_has_all_that_was_acknowledged_and_holds_nobody_up(start, backup, tmp_path):
    nginx = start(workers=3)
    fill(nginx, 20_000)
    with Load(nginx.port, threads=6) as load:
        for number in range(4):
            enough = load.answers + 200
            wait_until(lambda: load.answers > enough, "load")
            copy, acknowledged = tmp_path / f"copy{number}.db", list(load.acknowledged)
            process = backup(nginx.home / "nacre.db", copy)
            wait_until_begun(process, tmp_path)
            # Nothing waits for a backup, however long it takes.
            process.send_signal(signal.SIGSTOP)
            enough = load.answers + 100
            wait_until(lambda: load.answers > enough, "load beside a backup that stands still")
            process.send_signal(signal.SIGCONT)
            assert finished(process) == (0, "")
            ids = set(ask(copy, "SELECT id FROM r_notes"))
            assert {f"d{i}" for i in range(20_000)} <= ids and set(acknowledged) <= ids
            assert ask(copy, "PRAGMA integrity_check") == ["ok"]
            assert copy.stat().st_mode & 0o7777 == 0o600
    assert not load.failed, load.failed[:3]
    assert sorted(os.listdir(tmp_path)) == [f"copy{number}.db" for number in range(4)]


def test_updates_and_deletions_do_not_tear_a_backup(start, backup, tmp_path):
    nginx = start(workers=2)
    fill(nginx, 5_000)
    process = backup(nginx.home / "nacre.db", tmp_path / "copy.db")
    number = 0
    while process.poll() is None:
        assert nginx.api.patch(f"/notes/d{number}", json={"stars": number}).status_code == 200
        assert nginx.api.delete(f"/notes/d{number + 1}").status_code == 204
        number += 2
    assert finished(process) == (0, "")
    assert ask(tmp_path / "copy.db", "PRAGMA integrity_check") == ["ok"]
    # Updates and deletions took turns: those that the copy has are the first ones, without a gap.
    updated = len(ask(tmp_path / "copy.db", "SELECT id FROM r_notes WHERE rev = 2"))
    deleted = 5_000 - ask(tmp_path / "copy.db", "SELECT count(*) FROM r_notes")[0]
    assert updated - deleted in (0, 1)


def test_going_back_to_a_backup(start, backup, tmp_path):
    nginx = start(workers=2)
    before = create(nginx.api, "/notes", {"_id": "before", "title": "x", "slug": "one"})
    assert finished(backup(nginx.home / "nacre.db", tmp_path / "copy.db")) == (0, "")
    assert nginx.api.patch("/notes/before", json={"title": "y"}).status_code == 200
    create(nginx.api, "/notes", {"_id": "after", "title": "x"})
    nginx.stop()
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            (nginx.home / f"nacre.db{suffix}").unlink()
    shutil.copy(tmp_path / "copy.db", nginx.home / "nacre.db")
    nginx.start()
    try:
        assert nginx.api.get("/notes/before").json() == before
        assert nginx.api.get("/notes/after").status_code == 404
        assert nginx.api.post("/notes", json={"title": "x", "slug": "one"}).status_code == 409
        create(nginx.api, "/notes", {"_id": "after", "title": "x"})
    finally:
        nginx.stop()


def test_the_file_of_a_stopped_nginx_can_be_made_small(start):
    nginx = start()
    fill(nginx, 3_000)
    create(nginx.api, "/notes", {"_id": "kept", "title": "x", "slug": "one"})
    for number in range(0, 2_000):
        assert nginx.api.delete(f"/notes/d{number}").status_code == 204
    nginx.stop()
    file = nginx.home / "nacre.db"
    size = file.stat().st_size
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute("VACUUM")
    assert file.stat().st_size < size / 2
    nginx.start()
    try:
        assert nginx.api.get("/notes/kept").json()["slug"] == "one"
        assert nginx.api.post("/notes", json={"title": "x", "slug": "one"}).status_code == 409
    finally:
        nginx.stop()


def test_a_backup_replaces_nothing_and_says_what_is_wrong(start, backup, tmp_path):
    nginx = start()
    (tmp_path / "copy.db").write_text("mine")
    assert finished(backup(nginx.home / "nacre.db", "copy.db")) == (1, "nacre_backup: copy.db is there already\n")
    assert (tmp_path / "copy.db").read_text() == "mine"
    assert finished(backup("none.db", "new.db")) == (1, "nacre_backup: none.db: No such file or directory\n")
    code, said = finished(backup(nginx.home / "nacre.db", "none/new.db"))
    assert code == 1 and said == "nacre_backup: none/new.db: No such file or directory\n"
    assert finished(backup()) == (2, "usage: nacre_backup FROM TO\n")
    assert os.listdir(tmp_path) == ["copy.db"]


@pytest.fixture
def large(tmp_path):
    """A database of 300 MB that passes for a store."""
    with contextlib.closing(sqlite3.connect(tmp_path / "large.db")) as database:
        database.execute("CREATE TABLE t AS SELECT zeroblob(300000000) AS hole")
        database.execute("CREATE TABLE nacre_remembered (key)")
    return "large.db"


def test_a_backup_that_may_grow_no_further_leaves_nothing_behind(backup, large, tmp_path):
    code, said = finished(backup(large, "copy.db", behind=["sh", "-c", 'ulimit -f 8000 && exec "$@"', "sh"]))
    assert code == 1 and said.endswith("nacre_backup: copying to copy.db: disk I/O error: File too large\n")
    assert os.listdir(tmp_path) == [large]


@pytest.mark.skipif(not may_mount(), reason="a small file system can't be mounted here (a container without CAP_SYS_ADMIN)")
def test_a_backup_on_a_full_disk_leaves_nothing_behind(backup, large, tmp_path):
    (tmp_path / "small").mkdir()
    script = 'mount -t tmpfs -o size=2m,mode=777 none small && "$@"; code=$?; [ -z "$(ls small)" ] || echo left; exit $code'
    process = backup(large, "small/copy.db", behind=[*with_mounts_of_its_own(), "sh", "-c", script + " >&2", "sh"])
    assert finished(process) == (1, "nacre_backup: copying to small/copy.db: No space left on device\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_backup_that_is_told_to_stop_leaves_nothing_behind(backup, large, tmp_path, number):
    process = backup(large, "copy.db", behind=["nice", "-n", "19"])  # slower than this test
    wait_until_begun(process, tmp_path)
    process.send_signal(number)
    assert finished(process) == (1, "nacre_backup: stopped\n")
    assert os.listdir(tmp_path) == [large]


def test_a_backup_under_nohup_outlives_its_terminal(backup, large, tmp_path):
    process = backup(large, "copy.db", behind=["sh", "-c", "trap '' HUP; exec \"$@\"", "sh"])
    wait_until_begun(process, tmp_path)
    process.send_signal(signal.SIGHUP)
    assert finished(process) == (0, "")
    assert sorted(os.listdir(tmp_path)) == ["copy.db", large]
