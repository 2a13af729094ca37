"""Workers of two zones side by side, in a binary upgrade and after a reload that changes the zone: no read is older than what
was answered before it."""

import os
import re
import signal
import subprocess
import time

import pytest
import yamls
from assertions import create
from harness import wait_until
from lines import fetch
from load import Threads
from upgrades import quit, start_daemon, upgrade

YAML = yamls.EXAMPLE + "timeouts: { store: 2s }\n"
# A new program has no variable of its predecessor's but these.
SANITIZERS = "".join(f"env {name};" for name in ("LD_PRELOAD", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"))
CONF = {
    "zone": "8m",
    "main": SANITIZERS,
    "server": "location / { add_header X-Worker $pid always; nacre api; } location = /metrics { nacre metrics; }",
}


@pytest.fixture
def programs(make_nginx):
    """An nginx that can be upgraded, and a list for what it becomes."""
    running = [make_nginx(YAML, **CONF)]
    start_daemon(running[0])
    yield running
    for nginx in running:
        nginx.stop()


class Watch(Threads):
    """Clients that write a number, higher each time, and read it as a document and in a list, on new connections. A number that
    is lower than one answered before the question is `stale`."""

    def __init__(self, nginx):
        super().__init__(self.run, [(self.write,), (self.read,), (self.read_list,)])
        self.port = nginx.port
        self.path = "/notes/" + create(nginx.api, "/notes", {"title": "0"})["_id"]
        nginx.api.close()
        self.answered = 0
        self.workers, self.hits = (
            [],
            [],
        )  # process ids: of all answers to what was asked since a look began, of those from a zone
        self.stale, self.failed = [], []

    def run(self, turn):
        while not self.stopping.is_set():
            try:
                turn()
            except Exception as failure:  # to be seen by the test
                self.failed.append(repr(failure))

    def ask(self, *request):
        workers, hits = self.workers, self.hits
        answer = fetch(self.port, *request)
        assert answer.status == 200, answer.body
        worker = int(answer.one("X-Worker"))
        workers.append(worker)
        if "nacre; hit" in answer.all("Cache-Status"):
            hits.append(worker)
        return answer

    def write(self):
        number = self.answered + 1
        self.ask("PATCH", self.path, [], b'{"title":"%d"}' % number)
        self.answered = number
        time.sleep(0.005)  # or nothing would ever be found in a cache

    def judge(self, path, pattern):
        least = self.answered
        answer = self.ask("GET", path)
        number = int(re.search(pattern, answer.body)[1])
        if number < least:
            self.stale.append((path, number, least, answer.lines))

    def read(self):
        self.judge(self.path, rb'"title":"(\d+)"')

    def read_list(self):
        self.judge("/notes", rb'"title":"(\d+)"')

    def both(self, one, other, count=100):
        """Waits until workers of two zones have answered so often; none of that is found in a zone."""
        self.workers, self.hits = [], []

        def answered(by):
            return sum(worker in by for worker in list(self.workers)) >= count

        wait_until(lambda: answered(one) and answered(other), "answers of both")
        assert self.hits == []

    def served(self, by):
        """Waits until workers find things in their zone."""
        self.hits = []
        wait_until(lambda: sum(worker in by for worker in list(self.hits)) >= 20, "answers from a zone")

    def __exit__(self, *raised):
        super().__exit__(*raised)
        assert self.stale == [] and self.failed == []


def hits_counted(nginx):
    metrics = nginx.api.get("/metrics").text
    return sum(
        int(number) for number in re.findall(r'^nacre_cache_requests_total{tier="l1",result="hit"} (\d+)', metrics, re.M)
    )


def test_an_upgrade_and_another(programs):
    (old,) = programs
    with Watch(old) as watch:
        watch.served(old.workers())
        new = upgrade(old)
        programs.append(new)
        watch.both(old.workers(), new.workers())
        quit(old)
        watch.served(new.workers())
        assert hits_counted(new) >= 20
        newest = upgrade(new)
        programs.append(newest)
        watch.both(new.workers(), newest.workers())


@pytest.mark.plain
def test_an_upgrade_without_proc(make_nginx):
    """In a chroot or a jail /proc may be missing: the new program finds what it shares with the old one all the same."""
    without_proc = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"]
    if subprocess.run([*without_proc, "true"], capture_output=True).returncode != 0:
        pytest.skip("may not make a mount namespace")
    old = make_nginx(YAML, **CONF)
    running = [old]
    try:
        start_daemon(old, without_proc)
        with Watch(old) as watch:
            watch.served(old.workers())
            running.append(upgrade(old))
            watch.both(old.workers(), running[1].workers())
            quit(old)
            watch.served(running[1].workers())
    finally:
        for nginx in running:
            nginx.stop()


def test_an_upgrade_that_is_taken_back(programs):
    (old,) = programs
    with Watch(old) as watch:
        watch.served(old.workers())
        new = upgrade(old)
        programs.append(new)
        watch.both(old.workers(), new.workers())
        quit(new)
        watch.served(old.workers())


def test_an_upgrade_that_is_taken_back_when_the_old_workers_have_ended(programs):
    (old,) = programs
    with Watch(old) as watch:
        new = upgrade(old)
        programs.append(new)
        old.process.send_signal(signal.SIGWINCH)
        watch.served(new.workers())
        assert not old.workers()
        old.process.send_signal(signal.SIGHUP)
        wait_until(old.workers, "workers of the old program")
        watch.both(old.workers(), new.workers())
        quit(new)
        watch.served(old.workers())


def test_an_upgrade_whose_workers_are_killed(programs):
    (old,) = programs
    old.tolerate(r"worker process \d+ exited on signal 9")
    with Watch(old) as watch:
        new = upgrade(old)
        programs.append(new)
        for program in (old, new):
            (worker,) = program.workers()
            os.kill(worker, signal.SIGKILL)
            wait_until(lambda: program.workers() not in ([], [worker]), "another worker")
            watch.both(old.workers(), new.workers())
        quit(old)
        watch.served(new.workers())
        watch.failed.clear()  # what the killed ones had under way


def test_zones_of_other_sizes_one_after_another(start):
    nginx = start(YAML, workers=2, **CONF)
    with Watch(nginx) as watch:
        for size in ("16m", "12m", "8m"):
            nginx.write_conf(**{**nginx.conf, "zone": size})
            nginx.reload()
            watch.served(nginx.workers())
