"""The part of the benchmark that needs Redis and MongoDB; bench.py calls it.

Nacre's worker and its peers use the same Redis and the same MongoDB-speaking server.
"""

import itertools
import os
import pathlib
import re
import statistics
import subprocess
import threading
import time

import raw
import yamls
from harness import Nginx, free_port, wait_until
from peers.peers import Flask, LuaRedis, python_of_peers
from servers.canned_mongo import CannedMongo
from servers.process import Process
from servers.redis_server import RedisServer

HERE = pathlib.Path(__file__).resolve().parent
TICKS = os.sysconf("SC_CLK_TCK")
DOCUMENT = '{"_id":"one","title":"Note 1: a title of the usual length","body":"%s","stars":7}' % ("x" * 160)

PLAIN = f"""
version: 1
store: {{ uri: "STORE" }}
cache: {{ uri: "CACHE", local: off }}
resources:
  notes:
    schema: {{ type: object, properties: {{ title: {{ type: string }}, body: {{ type: string }} }} }}
    access: {yamls.PUBLIC}
    cache: POLICY
"""


def application(store, cache="memory:", policy="off"):
    return PLAIN.replace("STORE", store).replace("CACHE", cache).replace("POLICY", policy)


class Nacre(Nginx):
    """One worker with the application, and in a server of its own nginx's own answers of the same bodies."""

    def __init__(self, binary, module, home, yaml, returns):
        home.mkdir()
        home.chmod(0o755)
        super().__init__(binary, module, home, yaml)
        self.plain_port = free_port()
        locations = "".join(
            f"location = /return/{name} {{ default_type application/json; return 200 '{body}'; }}"
            for name, body in returns.items()
        )
        self.write_conf(
            zone="32m",
            events="worker_connections 4096;",
            http=f"server {{ listen 127.0.0.1:{self.plain_port} backlog=4096; access_log off; {locations} }}",
            server="access_log off; location / { nacre api; }",
        )
        self.start()


class Daemon(Process):
    """A MongoDB-speaking server in Rust, where `scripts/secantus` has built it."""

    def __init__(self, home, program):
        super().__init__(home)
        self.program = program

    def command(self):
        return [self.program, "--port", self.port, "--storage-path", self.home / "data"]

    def answers(self):
        import pymongo

        try:
            with pymongo.MongoClient(self.uri(), serverSelectionTimeoutMS=200) as client:
                return client.admin.command("ping")
        except pymongo.errors.PyMongoError:
            return False

    def uri(self):
        return f"mongodb://{self.address}/nacre?directConnection=true"


def cpu(pids):
    """Seconds of processor time."""
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


class Side:
    """One of those that are compared: a URL, and the processes whose time it takes."""

    def __init__(self, url, pids, script=None):
        self.url, self.pids, self.script = url, pids, script

    def run(self, seconds, connections=64):
        """Requests a second, microseconds of processor time a request, p99 in milliseconds."""
        options = ["-s", str(self.script)] if self.script else []
        before = cpu(self.pids)
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *options, self.url]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        used = cpu(self.pids) - before
        assert "Non-2xx" not in printed, f"{self.url}: {printed}"
        number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", printed).groups()
        p99 = float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
        requests = int(re.search(r"(\d+) requests in", printed)[1])
        return float(re.search(r"Requests/sec:\s+([\d.]+)", printed)[1]), used / requests * 1e6, p99


def in_turns(sides, rounds, seconds):
    """The medians of each side's figures."""
    figures = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            figures[name].append(side.run(seconds))
    return {name: [statistics.median(column) for column in zip(*rows)] for name, rows in figures.items()}


def bench_redis(bench, home, rounds, seconds):
    redis = RedisServer(home / "redis").start()
    lua = LuaRedis(home / "lua", redis.port).start()
    flask = Flask(home / "flask", python_of_peers(), redis.port, "mongodb://127.0.0.1:1/nacre").start()
    try:
        yaml = application(f"sqlite:{home}/redis.db", f"redis://{redis.address}", "{ ttl: 1h }")
        nginx = bench(yaml, {"document": DOCUMENT})
        try:
            assert nginx.api.post("/notes", data=DOCUMENT, headers={"Content-Type": "application/json"}).status_code == 201
            wait_until(lambda: "l2" in nginx.api.get("/notes/one").headers["Cache-Status"], "Redis to have it")
            body = nginx.api.get("/notes/one").text
            redis.client().set("one", body)
            sides = {
                "nacre": Side(nginx.url + "/notes/one", nginx.workers()),
                "return": Side(f"http://127.0.0.1:{nginx.plain_port}/return/document", nginx.workers()),
                "lua": Side(f"http://127.0.0.1:{lua.port}/redis/one", lua.pids()),
                "flask": Side(f"http://127.0.0.1:{flask.port}/redis/one", flask.pids()),
            }
            return in_turns(sides, rounds, seconds)
        finally:
            nginx.stop()
    finally:
        for server in (flask, lua, redis):
            server.stop()


def bench_canned(bench, home, program, rounds, seconds):
    canned = CannedMongo(home / "canned", program).start()
    try:
        nginx = bench(application(canned.uri()), {"document": DOCUMENT})
        try:
            wait_until(lambda: nginx.api.get("/notes/one").status_code == 200, "the canned document")
            sides = {
                "nacre": Side(nginx.url + "/notes/one", nginx.workers()),
                "return": Side(f"http://127.0.0.1:{nginx.plain_port}/return/document", nginx.workers()),
            }
            return in_turns(sides, rounds, seconds)
        finally:
            nginx.stop()
    finally:
        canned.stop()


def libmongoc(programs, home, seconds):
    """The same find through libmongoc's API, with as many connections as serve it best."""
    canned = CannedMongo(home / "canned-api", programs / "canned_mongo").start()
    try:
        rates = []
        for threads in (4, 16, 64):
            command = [programs / "libmongoc_find", canned.uri(), str(seconds), str(threads)]
            rates.append(float(subprocess.run(command, capture_output=True, check=True).stdout))
        return max(rates)
    finally:
        canned.stop()


def memory(pid, field):
    """KiB."""
    return int(re.search(rf"{field}:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def bench_waiting(bench, home, program, connections):
    """Seconds until 1,000 lists are answered, each of which takes MongoDB 50 ms, and KiB that each of them takes."""
    canned = CannedMongo(home / f"waiting{connections}", program, list=50).start()
    try:
        size = f"&minPoolSize={connections}&maxPoolSize={connections}&maxConnecting=64"
        nginx = bench(application(canned.uri(size)), {})
        try:
            wait_until(lambda: nginx.api.get("/notes/one").status_code == 200, "the canned document")
            time.sleep(3)
            clients = [raw.connect(nginx.port) for _ in range(1000)]
            request = raw.request("GET", "/notes")
            (worker,) = nginx.workers()
            before = memory(worker, "VmRSS")
            began = time.monotonic()
            for client in clients:
                client.sendall(request)
            for client in clients:
                assert client.read_answer()[0] == 200
            took = time.monotonic() - began
            return took, (memory(worker, "VmHWM") - before) / len(clients)
        finally:
            nginx.stop()
    finally:
        canned.stop()


def bench_acknowledged(bench, home, program, seconds):
    """Inserts a second of 64 clients where the other members take 10 ms to acknowledge, and the median of reads beside them."""
    canned = CannedMongo(home / "acknowledged", program, insert=10).start()
    try:
        nginx = bench(application(canned.uri()), {})
        try:
            wait_until(lambda: nginx.api.get("/notes/one").status_code == 200, "the canned document")
            inserts = Side(nginx.url + "/notes", nginx.workers(), HERE / "insert.lua")
            inserts.run(1)  # the pool grows
            took, stop = [], threading.Event()

            def read():
                with raw.connect(nginx.port) as client:
                    while not stop.wait(0.001):
                        began = time.monotonic()
                        client.sendall(raw.request("GET", "/notes/one"))
                        assert client.read_answer()[0] == 200
                        took.append(time.monotonic() - began)

            reader = threading.Thread(target=read)
            reader.start()
            rate, _, _ = inserts.run(2 * seconds)
            stop.set()
            reader.join()
            return rate, statistics.median(took) * 1000
        finally:
            nginx.stop()
    finally:
        canned.stop()


def bench_slow_lists(bench, home, program):
    """The longest read by id, in milliseconds, from the moment that 100 lists are asked for that MongoDB never answers."""
    canned = CannedMongo(home / "slow", program, list=3_600_000).start()
    try:
        nginx = bench(application(canned.uri()), {})
        try:
            wait_until(lambda: nginx.api.get("/notes/one").status_code == 200, "the canned document")
            lists = [raw.connect(nginx.port) for _ in range(100)]
            for client in lists:
                client.sendall(raw.request("GET", "/notes"))
            took = []
            end = time.monotonic() + 5  # beyond `timeouts.store`
            while time.monotonic() < end:
                began = time.monotonic()
                assert nginx.api.get("/notes/one").status_code == 200
                took.append(time.monotonic() - began)
                time.sleep(0.001)
            assert {client.read_answer()[0] for client in lists} == {504}
            return max(took) * 1000
        finally:
            nginx.stop()
    finally:
        canned.stop()


def bench_real(bench, home, program, rounds, seconds):
    mongodb = Daemon(home / "mongodb", program).start()
    redis = RedisServer(home / "redis2").start()
    flask = Flask(home / "flask2", python_of_peers(), redis.port, mongodb.uri()).start()
    try:
        nginx = bench(application(mongodb.uri()), {})
        try:
            answer = nginx.api.post("/notes", data=DOCUMENT, headers={"Content-Type": "application/json"})
            assert answer.status_code == 201, answer.text
            insert = HERE / "insert.lua"
            reads = in_turns(
                {
                    "nacre": Side(nginx.url + "/notes/one", nginx.workers()),
                    "flask": Side(f"http://127.0.0.1:{flask.port}/mongo/one", flask.pids()),
                },
                rounds,
                seconds,
            )
            inserts = in_turns(
                {
                    "nacre": Side(nginx.url + "/notes", nginx.workers(), insert),
                    "flask": Side(f"http://127.0.0.1:{flask.port}/mongo", flask.pids(), insert),
                },
                rounds,
                seconds,
            )
            return reads, inserts
        finally:
            nginx.stop()
    finally:
        for server in (flask, redis, mongodb):
            server.stop()


def run(row, programs, binary, home, rounds, seconds, daemon):
    """Adds rows to the table: row(what, ours, beside, value, wanted, lower)."""
    numbers = itertools.count()

    def bench(yaml, returns):
        return Nacre(binary, programs / "nacre_bench_module.so", home / f"on-servers{next(numbers)}", yaml, returns)

    def against(what, figures, beside, names, column=0, unit="requests/s", lower=False):
        ours, theirs = figures["nacre"][column], figures[beside][column]
        name, wanted = names
        row(
            what,
            f"{ours:,.{1 if column else 0}f} {unit}",
            f"{name}: {theirs:,.{1 if column else 0}f} {unit}",
            ours / theirs,
            wanted,
            lower,
        )

    what = "document from Redis"
    figures = bench_redis(bench, home, rounds, seconds)
    against(what, figures, "return", ("`return 200` of the same body", 0.72))
    against(what, figures, "lua", ("lua-nginx-module, lua-resty-redis", 2))
    against(what, figures, "flask", ("gunicorn, Flask, redis-py", 18))
    for beside in ("lua", "flask"):
        against(f"{what}: p99", figures, beside, (beside, 1), 2, "ms", lower=True)

    what = "document from a MongoDB that does no work"
    figures = bench_canned(bench, home, programs / "canned_mongo", rounds, seconds)
    against(what, figures, "return", ("`return 200` of the same body", 0.60))
    more = figures["nacre"][1] - figures["return"][1]
    row(
        f"{what}: processor time",
        f"{figures['nacre'][1]:.1f} µs",
        f"`return 200`: {figures['return'][1]:.1f} µs",
        more,
        4,
        True,
    )
    api = libmongoc(programs, home, seconds)
    row(
        what,
        f"{figures['nacre'][0]:,.0f} requests/s",
        f"libmongoc's API: {api:,.0f} finds/s",
        figures["nacre"][0] / api,
        2.4,
        False,
    )
    took, each = bench_waiting(bench, home, programs / "canned_mongo", 1000)
    what = "1,000 lists that take MongoDB 50 ms, 1,000 connections"
    row(what, f"{took * 1000:.0f} ms", "", took * 1000, 150, True)
    row(f"{what}: memory of each", f"{each:.1f} KB", "", each, 24, True)

    rate, median = bench_acknowledged(bench, home, programs / "canned_mongo", seconds)
    row("inserts that other members acknowledge after 10 ms, 64 clients", f"{rate:,.0f} requests/s", "", rate, 5000, False)
    row("median of reads by id beside them", f"{median:.1f} ms", "", median, 3, True)
    longest = bench_slow_lists(bench, home, programs / "canned_mongo")
    row("longest read by id beside 100 lists without an end", f"{longest:.0f} ms", "", longest, 100, True)

    if not daemon:
        return
    reads, inserts = bench_real(bench, home, daemon, rounds, seconds)
    for what, figures in (("document from MongoDB", reads), ("insert into MongoDB", inserts)):
        against(what, figures, "flask", ("gunicorn, Flask, pymongo", 4))
        against(f"{what}: processor time", figures, "flask", ("gunicorn's workers", 0.1), 1, "µs", lower=True)
