"""Nacre beside other ways to run nginx: how it takes connections, where its error log goes, what leads to a location."""

import socket

import pytest
import raw
import yamls
from assertions import assert_problem, create
from harness import Client, wait_until
from servers.redis_server import RedisServer


def ask(connection, path):
    connection.sendall(raw.request("GET", path))
    return connection.read_answer()


def connections_to(nginx, worker, count):
    """Connections that this worker has accepted. Another one that accepts too is kept from it for a while."""
    found = []

    def look():
        connection = raw.connect(nginx.port)
        if int(ask(connection, "/test/worker")[2]) == worker:
            found.append(connection)
        else:
            connection.sendall(raw.request("GET", "/test/stall"))
        return len(found) == count

    wait_until(look, "connections to a worker")
    return found


@pytest.mark.memory
@pytest.mark.parametrize("events", ["accept_mutex on;", "accept_mutex on; multi_accept on;"])
def test_workers_that_post_their_events_outlive_a_redis_that_hangs_and_is_killed(start, launch, test_module, events):
    """A worker that holds accept_mutex posts the events of sockets, and timers come before them: one that closes a connection
    whose event is posted must take the event along. The workers are held up until both are due."""
    redis = launch(RedisServer)
    yaml = yamls.EXAMPLE.replace('"memory:"', f'"redis://{redis.address}", local: off') + "timeouts: { redis: 250ms }\n"
    nginx = start(yaml, module=test_module, workers=2, events=f"worker_connections 1024; {events}")
    create(nginx.api, "/notes", {"_id": "one", "title": "x"})
    workers = nginx.workers()
    asking = {worker: connections_to(nginx, worker, 2) for worker in workers}
    for _ in range(3):
        assert all(ask(reading, "/notes/one")[0] == 200 for reading, _ in asking.values())
        redis.pause()
        for worker, (reading, stalling) in asking.items():
            file = nginx.home / f"stalled-{worker}"
            file.unlink(missing_ok=True)
            reading.sendall(raw.request("GET", "/notes/one"))
            stalling.sendall(raw.request("GET", f"/test/stall?file={file}"))
        wait_until(lambda: all((nginx.home / f"stalled-{worker}").exists() for worker in workers), "stalled workers")
        redis.kill()
        for reading, stalling in asking.values():
            assert stalling.read_answer()[::2] == (200, b"stalled")
            assert reading.read_answer()[0] == 200
        redis.start()
    assert nginx.workers() == workers, "a worker died"


class Syslog:
    """A socket that takes the place of a syslog daemon."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]
        self.lines = []

    def has(self, text):
        while True:
            try:
                self.lines.append(self.socket.recv(65536).decode())
            except BlockingIOError:
                return any(text in line for line in self.lines)


@pytest.mark.sqlite
@pytest.mark.parametrize("workers", [1, 2])
def test_what_threads_say_reaches_a_syslog(start, workers):
    syslog = Syslog()
    nginx = start(workers=workers, main=f"error_log syslog:server=127.0.0.1:{syslog.port},nohostname notice;")
    create(nginx.api, "/uncached", {"_id": "one"})
    for name in ("nacre.db", "nacre.db-wal"):
        with open(nginx.home / name, "r+b") as file:
            file.write(b"\xff" * 100_000)
    wait_until(lambda: nginx.api.get("/uncached?count=true").status_code == 503, "the store to fail")
    wait_until(lambda: syslog.has("nacre: reads of "), "the line that a thread said")
    assert all(line.startswith("<") and "nginx: " in line for line in syslog.lines)


NO_WORDS = "something was thrown that is no std::exception"
FAULTS = {"number": NO_WORDS, "text": NO_WORDS, "memory": "bad_alloc", "thread": NO_WORDS}  # and what the log says of each


@pytest.fixture(scope="module")
def faulty(make_nginx, test_module):
    nginx = make_nginx(module=test_module)
    nginx.start()
    yield nginx
    nginx.stop()


def faults_told(nginx):
    return [line for line in nginx.log().splitlines() if "[error]" in line and "(request id " in line]


@pytest.mark.parametrize("what", FAULTS)
def test_what_a_handler_throws_is_a_500_and_the_worker_goes_on(faulty, what):
    workers = faulty.workers()
    told = len(faults_told(faulty))
    answers = [faulty.api.get("/test/throw/" + what) for _ in range(10)]
    for answer, line in zip(answers, faults_told(faulty)[told:], strict=True):
        assert_problem(answer, 500)
        request = answer.json()["instance"]
        assert FAULTS[what] in line and request in line and f'request: "GET /test/throw/{what} ' in line
    assert faulty.api.get("/hello/x").status_code == 200
    assert faulty.workers() == workers


@pytest.mark.parametrize(
    "query",
    ["value=a%0d%0aX-Evil:%20yes", "value=a%0aX-Evil:%20yes", "value=a%00b", "name=X%20Evil", "name=X-Evil:%20yes%0d%0aX"],
)
def test_a_header_that_would_open_another_line_is_not_sent(faulty, query):
    with raw.connect(faulty.port) as connection:
        connection.sendall(raw.request("GET", "/test/header?" + query))
        status, headers, body = connection.read_answer()
    assert status == 500 and headers["content-type"] == "application/problem+json"
    assert "x-evil" not in headers and "x-own" not in headers and b"own" not in body
    assert faulty.api.get("/test/header?value=good").headers["X-Own"] == "good"


@pytest.mark.parametrize("status", ["0", "99", "101", "600"])
def test_a_status_that_is_no_final_one_is_not_sent(faulty, status):
    assert_problem(faulty.api.get("/test/header?status=" + status), 500)
    assert faulty.api.get("/test/header?status=299").status_code == 299


@pytest.mark.parametrize("path", [["/test/spin"], ["/test/pong", "/test/ping"]])
def test_fibers_that_never_stop_leave_the_loop_to_others(faulty, path):
    """Two fibers that wake each other, or one that takes turn after turn; a timer and other sockets get theirs meanwhile."""
    spinning = [raw.connect(faulty.port) for _ in path]
    try:
        for connection, target in zip(spinning, path):
            connection.sendall(raw.request("GET", target))
        for i in range(20):
            assert faulty.api.get("/uncached?limit=1").status_code == 200  # waits for a thread
        with Client(faulty.url) as client:
            assert client.get("/live").status_code == 200
        faulty.api.get("/test/stop")
        for connection in spinning:
            assert connection.read_answer()[0] == 200
    finally:
        for connection in spinning:
            connection.socket.close()


def test_a_fiber_that_never_stops_ends_at_its_deadline(start, test_module):
    nginx = start(yamls.EXAMPLE.replace("resources:", "timeouts: { request: 500ms }\nresources:", 1), module=test_module)
    assert_problem(nginx.api.get("/test/spin"), 504)
