"""Benchmarks, side by side in one run, as a Markdown table: bench.py BUILD NGINX.

One worker. What is compared runs in turns, and each figure is the median of its rounds; of a latency it is the lower quartile
of slices of them, since stalls of the machine only add. BENCH_ROUNDS and BENCH_SECONDS (of a round) may be set.
"""

import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

import on_servers  # noqa: E402
import raw  # noqa: E402
import yamls  # noqa: E402
from harness import Nginx, free_port, wait_until  # noqa: E402
from instructions import LOG_FORMAT  # noqa: E402
from load import resident_kib  # noqa: E402

# A list of 25 whose text nginx.conf can hold: a word there has at most 4,096 characters.
LIST = "/notes?fields=title,stars"

ROUNDS = int(os.environ.get("BENCH_ROUNDS", 5))
SECONDS = int(os.environ.get("BENCH_SECONDS", 2))
SLICES = 5  # of a round, for latencies

YAML = (HERE.parents[1] / "conf/nacre.yaml").read_text()
PLAIN = f"""
  plain:
    schema: {{ type: object }}
    access: {yamls.PUBLIC}
    cache: off
"""
FIXED = "x" * 240


def server(port, log, locations):
    return f"server {{ listen 127.0.0.1:{port} backlog=4096; {log} {locations} }}"


class Bench:
    def __init__(self, build, binary, home):
        self.programs = pathlib.Path(build).resolve() / "tests/bench"
        self.nginx = Nginx(binary, self.programs / "nacre_bench_module.so", home, YAML + PLAIN)
        self.nginx.environment["NACRE_DATA"] = str(home)
        # Of nginx's own answers, which are in servers without Nacre, and of both with the shipped access log.
        self.plain_port, self.logged_plain_port, self.logged_port = (free_port() for _ in range(3))
        self.rows = []

    def port(self, path, logged):
        if path.startswith("/return/"):
            return self.logged_plain_port if logged else self.plain_port
        return self.logged_port if logged else self.nginx.port

    def start(self, document="", listing=""):
        """Nacre, and in a server of its own, which has no Nacre, nginx's own answers of the same bodies."""
        returns = {"fixed": FIXED, "document": document, "list": listing}
        locations = "".join(
            f"location = /return/{name} {{ default_type {'text/plain' if name == 'fixed' else 'application/json'};"
            f" return 200 '{body}'; }}"
            for name, body in returns.items()
        )
        locations += f"location /return/plain/ {{ default_type text/plain; return 200 '{FIXED}'; }}"
        log = f"access_log {self.nginx.home}/shipped.log shipped buffer=64k flush=1s;"
        self.nginx.write_conf(
            zone="32m",
            events="worker_connections 4096;",
            http=LOG_FORMAT
            + server(self.plain_port, "access_log off;", locations)
            + server(self.logged_plain_port, log, locations)
            + server(self.logged_port, log, "location / { nacre api; }"),
            server="access_log off; location / { nacre api; }",
        )
        self.nginx.start()

    def wrk(self, path, *options, connections=64, logged=False):
        """Requests a second; every answer must be 2xx or 3xx."""
        command = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{SECONDS}s",
            *options,
            f"http://127.0.0.1:{self.port(path, logged)}{path}",
        ]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert "Non-2xx" not in printed, f"{path}: {printed}"
        return float(re.search(r"Requests/sec:\s+([\d.]+)", printed)[1])

    def bare(self, *arguments):
        return float(subprocess.run([self.programs / "bare_sqlite", *arguments], capture_output=True, check=True).stdout)

    def open_loop(self, path, rate):
        # Short and many: a stall of the machine then spoils one of many figures, not one of a few.
        command = [self.programs / "open_loop", str(self.port(path, False)), path, str(rate), str(SECONDS / SLICES), "64"]
        _, _, p99, _, failed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        assert failed == "0", f"{path}: {failed} failed"
        return float(p99)

    def compare(self, what, unit, ours, beside, theirs, wanted, lower=False, rounds=ROUNDS, pick=statistics.median):
        """Measures both in turns and adds a row; `wanted` bounds the ratio."""
        pairs = [(ours(), theirs()) for _ in range(rounds)]
        a, b = (pick(column) for column in zip(*pairs))
        self.row(what, f"{a:,.0f} {unit}", f"{beside}: {b:,.0f} {unit}", a / b, wanted, lower)
        return a

    def row(self, what, ours, beside, value, wanted, lower):
        good = value <= wanted if lower else value >= wanted
        cells = [what, ours, beside, f"{value:.2f}", f"{'≤' if lower else '≥'} {wanted}{'' if good else ' (missed)'}"]
        self.rows.append(cells)
        print("| " + " | ".join(cells) + " |", flush=True)


def memory(bench):
    nginx = bench.nginx
    (worker,) = nginx.workers()
    loaded = resident_kib(worker)
    bench.row("worker, example loaded", f"{loaded / 1024:.1f} MB", "", loaded / 1024, 30, lower=True)

    connections = [raw.connect(nginx.port) for _ in range(1000)]
    for connection in connections:
        connection.sendall(raw.request("GET", "/notes/none"))
        connection.read_answer()
    before = resident_kib(worker)
    for connection in connections:
        connection.sendall(raw.request("GET", "/bench/wait"))
    most = before

    def answered():
        nonlocal most
        most = max(most, resident_kib(worker))
        connections[0].socket.setblocking(False)
        try:
            return connections[0].socket.recv(1)
        except BlockingIOError:
            return None

    wait_until(answered, "the first answer")
    for connection in connections:
        connection.socket.close()
    each = (most - before) / len(connections)
    bench.row("a request in flight, of 1,000", f"{each:.1f} KB", "", each, 24, lower=True)


def growth(bench):
    """Resident memory before and after a million requests of all kinds."""
    (worker,) = bench.nginx.workers()
    url, lua = bench.nginx.url, str(HERE / "mixed.lua")

    def requests(count):
        done = 0
        while done < count:
            printed = subprocess.run(
                ["wrk", "-t1", "-c64", "-d5s", "-s", lua, url], capture_output=True, text=True, check=True
            ).stdout
            done += int(re.search(r"(\d+) requests in", printed)[1])
        return done

    requests(100_000)
    before = resident_kib(worker)
    done = requests(1_000_000)
    grown = resident_kib(worker) - before
    bench.row(f"growth over {done:,} requests", f"{grown} KB", f"of {before:,} KB", grown / before, 0.01, lower=True)


def fill(api):
    """The document, the list of 25 and the resource that the rounds read."""
    text = "All that a note of this size has to say. " * 2
    for i in range(25):
        note = {
            "_id": "one" if i == 0 else f"n{i}",
            "title": f"Note {i}: a title of the usual length, {i:02}",
            "body": text,
            "tags": ["bench"],
            "stars": i,
        }
        assert api.post("/notes", json=note).status_code == 201
    for start in range(0, 10_000, 1000):
        documents = [{"_id": f"d{i}", "title": f"Note {i}", "body": "x" * 150} for i in range(start, start + 1000)]
        assert api.post("/plain", json=documents).status_code == 201


def store(bench, home):
    """The store alone, without HTTP: 64 fibers beside a loop of the same statement."""
    printed = subprocess.run([bench.programs / "store_bench", home], capture_output=True, text=True, check=True).stdout
    for line, wanted in zip(printed.splitlines()[1:], (0.5, 3)):
        bare, ours, ratio = (float(word) for word in line[26:].split()[:3])
        what = f"the store alone: {line[:26].strip()}"
        bench.row(what, f"{ours:,.0f} operations/s", f"bare loop: {bare:,.0f} operations/s", ratio, wanted, lower=False)


def bson(bench):
    """BSON read and written beside libbson: the reasons for code of our own."""
    names = {
        "document": "BSON of a document, read",
        "list": "BSON of a list of 25, read",
        "command": "BSON of a command, written",
    }
    printed = subprocess.run([bench.programs / "bson_bench"], capture_output=True, text=True, check=True).stdout
    for line, wanted in zip(printed.splitlines(), (1.25, 1.25, 3)):
        name, ours, libbson = line.split()
        ratio = float(libbson) / float(ours)
        bench.row(names[name], f"{float(ours):,.0f} ns", f"libbson: {float(libbson):,.0f} ns", ratio, wanted, lower=False)


def hot_key(bench):
    """One key of the zone, read by two processes at once: the best of the rounds, since stalls only take away."""

    def rates():
        command = [bench.programs / "zone_readers_bench", str(SECONDS)]
        return map(float, subprocess.run(command, capture_output=True, check=True).stdout.split())

    one, two = (max(column) for column in zip(*(rates() for _ in range(ROUNDS))))
    bench.row(
        "one key of the zone, two processes",
        f"{two:,.0f} reads/s",
        f"one process: {one:,.0f} reads/s",
        two / one,
        1.7,
        lower=False,
    )


def secantus():
    """The MongoDB-speaking server in Rust, which `scripts/setup bench` builds; None where it can't be built."""
    done = subprocess.run([HERE.parents[1] / "scripts/secantus"], stdout=subprocess.PIPE, text=True)
    return done.stdout.strip() or None


def main():
    build, binary = sys.argv[1:3]
    with tempfile.TemporaryDirectory(prefix="nacre-bench-") as folder:
        home = pathlib.Path(folder)
        os.chmod(home, 0o755)
        bench = Bench(build, binary, home)
        print("| what | Nacre | beside it | ratio | wanted |\n|---|---|---|---|---|", flush=True)
        bench.start()
        memory(bench)
        fill(bench.nginx.api)
        document, listing = (bench.nginx.api.get(path).text for path in ("/notes/one", LIST))
        bench.nginx.stop()
        bench.start(document, listing)
        rates(bench, home)
        store(bench, home)
        bson(bench)
        hot_key(bench)
        growth(bench)
        bench.nginx.stop()
        on_servers.run(bench.row, bench.programs, binary, home, ROUNDS, SECONDS, secantus())


def rates(bench, home):
    etag = bench.nginx.api.get("/notes/one").headers["ETag"]
    assert bench.nginx.api.get("/notes/one", headers={"If-None-Match": etag}).status_code == 304
    each = "requests/s"
    same = "`return 200` of the same body"
    bench.compare(
        "fixed C++ handler",
        each,
        lambda: bench.wrk("/bench/fixed"),
        same,
        lambda: bench.wrk("/return/fixed"),
        0.95,
    )
    cached = bench.compare(
        "cached document",
        each,
        lambda: bench.wrk("/notes/one"),
        same,
        lambda: bench.wrk("/return/document"),
        0.93,
    )
    bench.compare(
        "304 of it",
        each,
        lambda: bench.wrk("/notes/one", "-H", f"If-None-Match: {etag}"),
        "the cached 200",
        lambda: bench.wrk("/notes/one"),
        1.0,
    )
    bench.compare("cached list of 25", each, lambda: bench.wrk(LIST), same, lambda: bench.wrk("/return/list"), 0.9)
    for what, path, beside, wanted in (
        ("document", "/notes/one", "/return/document", 0.93),
        ("list of 25", LIST, "/return/list", 0.9),
    ):
        bench.compare(
            f"cached {what}, with the shipped access log",
            each,
            lambda path=path: bench.wrk(path, logged=True),
            f"{same}, with it as well",
            lambda beside=beside: bench.wrk(beside, logged=True),
            wanted,
        )
    bench.compare(
        "SQLite read, no cache",
        each,
        lambda: bench.wrk("/plain/", "-s", str(HERE / "miss.lua")),
        "`return 200` of such a body",
        lambda: bench.wrk("/return/plain/", "-s", str(HERE / "miss.lua")),
        0.6,
    )
    bench.compare(
        "SQLite insert, 64 connections",
        each,
        lambda: bench.wrk("/plain", "-s", str(HERE / "insert.lua")),
        "bare loop, a commit each",
        lambda: bench.bare("insert", home / "bare.db", str(SECONDS)),
        7,
    )
    rate = cached / 2
    bench.compare(
        f"p99 of the cached document at {rate:,.0f} requests/s",
        "µs",
        lambda: bench.open_loop("/notes/one", rate),
        same,
        lambda: bench.open_loop("/return/document", rate),
        2,
        lower=True,
        rounds=ROUNDS * SLICES,
        pick=lambda figures: statistics.quantiles(figures)[0],
    )


if __name__ == "__main__":
    main()
