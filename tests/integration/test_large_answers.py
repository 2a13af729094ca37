"""Answers of megabytes: whole and right whatever filters and clients do with them, and never much work at a time."""

import base64
import gzip
import json
import pathlib
import random
import re
import time

import http2
import pytest
import raw
from assertions import assert_problem, create
from harness import wait_until
from load import clients_of
from stalls import MOST

YAML = """
version: 1
store: { uri: "sqlite:nacre.db" }
cache: { uri: "memory:", ttl: 60s }
timeouts: { request: 30s, store: 20s }
resources:
  free: &free
    schema: { type: object }
    access: { read: public, create: public, update: public, delete: public }
    page: { default: 100, max: 100 }
  uncached: { <<: *free, cache: off }
"""

GZIP = "gzip on; gzip_types application/json;"
LARGE = 3_900_000  # of the 4 MB that a document may have
MOST_MEMORY = 200 << 20  # bytes of a worker's own, the store's caches included
REPLIES = 100 << 20  # beyond that, what as many of MongoDB's connections may bring at once
LEFT_MEMORY = 100 << 20
PATHS = ("/free/large", "/free", "/uncached")  # a document of 3.9 MB, lists of 7.8 and of 2 MB

LOCATIONS = """
location / { nacre api; }
location /replaced/ { sub_filter_types *; sub_filter_once off; sub_filter '"text"' '"TEXT"'; nacre api; }
location /around/ { add_before_body /free/small; add_after_body /free/large; addition_types *; nacre api; }
location /inside/ { ssi on; root HOME; }
location /limited/ { limit_rate 4m; nacre api; }
location /impatient/ { send_timeout 1s; nacre api; }
"""

PAGE = '[<!--#include virtual="/uncached/a" -->|<!--#include virtual="/free/large" -->]'


def text(size):
    """Text on which compression has much work."""
    return base64.b64encode(random.Random(size).randbytes(size * 3 // 4)).decode()


@pytest.fixture(scope="module")
def server(make_nginx):
    nginx = make_nginx(YAML, zone="64m")
    (nginx.home / "inside").mkdir()
    (nginx.home / "inside/page.html").write_text(PAGE)
    nginx.write_conf(zone="64m", http=GZIP, server=LOCATIONS.replace("HOME", str(nginx.home)))
    nginx.start()
    fill(nginx.api)
    yield nginx
    nginx.stop()


def fill(api):
    create(api, "/free", {"_id": "large", "text": text(LARGE)})
    create(api, "/free", {"_id": "other", "text": text(LARGE - 1)})
    create(api, "/free", {"_id": "small", "text": "x"})
    create(api, "/uncached", {"_id": "a", "text": text(1_000_000)})
    create(api, "/uncached", {"_id": "b", "text": text(1_000_001)})


@pytest.fixture(scope="module")
def answers(server):
    """What is right: one answer of each path, as it is without compression."""
    found = {path: server.api.get(path, headers={"Accept-Encoding": "identity"}).content for path in PATHS}
    assert json.loads(found["/free/large"])["text"] == text(LARGE)
    assert [item["_id"] for item in json.loads(found["/free"])["items"]] == ["large", "other"]
    assert [item["text"] for item in json.loads(found["/uncached"])["items"]] == [text(1_000_000), text(1_000_001)]
    return found


@pytest.fixture
def unharmed(server):
    (worker,) = server.workers()
    yield
    server.api.close()
    wait_until(lambda: not clients_of(worker, server.port, server.h2_port), "connections closed")
    assert server.workers() == [worker], "a worker died"


def get(path, *headers):
    return raw.request("GET", path, headers=headers)


def test_each_turn_of_the_loop_works_for_a_bounded_time(watched):
    nginx = watched(YAML, zone="64m", http=GZIP)
    fill(nginx.api)
    longest = {}
    for path in PATHS * 2:
        for coding in ("identity", "gzip"):
            nginx.stalls.reset()
            answer = nginx.api.get(path, headers={"Accept-Encoding": coding})
            assert answer.status_code == 200 and answer.headers.get("Content-Encoding", "identity") == coding
            nginx.api.get("/free/small")  # the turn before is over
            longest[path, coding] = nginx.stalls.longest_work()
    assert not {case: work for case, work in longest.items() if work >= MOST}


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_an_answer_is_whole(server, api, answers, unharmed, coding):
    for path, body in answers.items():
        answer = api.get(path, headers={"Accept-Encoding": coding})
        assert answer.content == body and answer.headers.get("Content-Encoding", "identity") == coding
        head = api.head(path, headers={"Accept-Encoding": coding})
        assert head.status_code == 200 and head.headers["ETag"] == answer.headers["ETag"]
        with http2.Connection(server.h2_port) as connection:
            streams = [connection.begin("GET", path, [("accept-encoding", coding)]) for _ in range(3)]
            for stream in streams:
                status, _, sent = connection.finish(stream)
                assert status == 200 and (gzip.decompress(sent) if coding == "gzip" else sent) == body


def test_written_documents_come_back_whole(api, unharmed):
    path = "/free/" + create(api, "/free", {"text": "x"})["_id"]
    document = {"text": text(LARGE - 2)}
    assert api.put(path, json=document).json()["text"] == document["text"]
    assert api.patch(path, json={"more": 1}).json()["text"] == document["text"]
    assert api.delete(path).status_code == 204


def test_pipelined_answers_come_in_order(server, answers, unharmed):
    with raw.connect(server.port) as connection:
        connection.sendall(b"".join(get(path) for path in PATHS for _ in range(3)) + get("/free/small"))
        for path in PATHS:
            for _ in range(3):
                status, _, body = connection.read_answer()
                assert status == 200 and body == answers[path]
        assert b'"small"' in connection.read_answer()[2]


def test_filters_see_the_whole_answer(api, answers, unharmed):
    for path, body in answers.items():
        replaced = body.replace(b'"text"', b'"TEXT"')
        for coding in ("identity", "gzip"):
            assert api.get("/replaced" + path, headers={"Accept-Encoding": coding}).content == replaced


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_parts_of_an_answer_come_in_order(api, answers, unharmed, coding):
    headers = {"Accept-Encoding": coding}
    small = api.get("/free/small").content
    for path, body in answers.items():
        assert api.get("/around" + path, headers=headers).content == small + body + answers["/free/large"]
    item = api.get("/uncached/a").content
    assert api.get("/inside/page.html", headers=headers).content == b"[" + item + b"|" + answers["/free/large"] + b"]"


def test_a_limited_rate_is_kept(api, answers, unharmed):
    began = time.monotonic()
    assert api.get("/limited/free/large", headers={"Accept-Encoding": "identity"}).content == answers["/free/large"]
    assert time.monotonic() - began > 0.5


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_a_slow_reader_gets_the_whole_answer_and_holds_nobody_up(server, api, answers, unharmed, coding):
    with raw.connect(server.port) as connection:
        connection.sendall(get("/free", f"Accept-Encoding: {coding}", "Connection: close"))
        first = connection.socket.recv(1000)
        for _ in range(20):
            assert api.get("/free/small").status_code == 200
        head, body = (first + connection.read_to_end()).split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 200")
    if coding == "identity":
        assert body == answers["/free"]
    else:
        assert body.endswith(b"0\r\n\r\n") and len(body) > len(answers["/free"]) // 2


def test_a_reload_cuts_no_answer_off(server, api, answers):
    with raw.connect(server.port) as connection:
        connection.sendall(get("/free"))
        connection.rest = connection.socket.recv(1000)
        server.reload()
        assert api.get("/free/small").status_code == 200
        assert connection.read_answer()[2] == answers["/free"]


def test_who_reads_nothing_is_given_up(server, unharmed):
    (worker,) = server.workers()
    with raw.connect(server.port) as connection:
        connection.sendall(get("/impatient/free"))
        server.api.close()
        wait_until(lambda: not clients_of(worker, server.port), "the connection is closed")


@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize("path", [*PATHS, "/around/free/large", "/inside/page.html", "/limited/free"])
def test_clients_may_go_away_in_the_middle(server, api, unharmed, path, coding):
    for kept in (1, 100_000, 1_000_000):
        for how in ("reset", "close"):
            connection = raw.connect(server.port)
            connection.sendall(get(path, f"Accept-Encoding: {coding}"))
            read = 0
            while read < kept and (data := connection.socket.recv(65536)):
                read += len(data)
            connection.reset() if how == "reset" else connection.socket.close()
    for how in ("reset", "close"):
        with http2.Connection(server.h2_port) as connection:
            streams = [connection.begin("GET", path, [("accept-encoding", coding)]) for _ in range(5)]
            while not any(connection.answers[stream]["body"] for stream in streams):
                connection.read(acknowledge=False)
            if how == "reset":
                for stream in streams:
                    connection.reset(stream)
                assert connection.request("GET", "/free/small")[0] == 200


def own_memory(pid):
    """Bytes that are resident and shared with nobody."""
    return int(re.search(r"^RssAnon:\s+(\d+) kB$", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)[1]) << 10


@pytest.fixture
def crowd(start, request):
    """An nginx, and how much memory its worker has, less such replies. Afterwards it has given that back."""
    replies = REPLIES if request.config.getoption("--store") == "mongodb" else 0
    nginx = start(YAML, zone="64m", http=GZIP + "send_timeout 600s;")
    fill(nginx.api)
    (worker,) = nginx.workers()
    yield nginx, lambda: own_memory(worker) - replies
    nginx.api.close()
    wait_until(lambda: not clients_of(worker, nginx.port, nginx.h2_port), "connections closed")
    wait_until(lambda: own_memory(worker) < LEFT_MEMORY, "memory is given back")
    assert nginx.workers() == [worker], "a worker died"


def others_are_answered(api):
    for _ in range(20):
        assert api.get("/free/small").status_code == 200
    for path in PATHS:
        assert api.get(path).status_code == 200


@pytest.mark.plain
@pytest.mark.parametrize("path", ["/free", "/uncached", "/free/large", "/free?count=true"])
def test_streams_without_a_window_take_bounded_memory(crowd, path):
    nginx, memory = crowd
    with http2.Connection(nginx.h2_port, window=0) as connection:
        streams = [connection.begin("GET", path, [("accept-encoding", "identity")]) for _ in range(100)]
        while not all(connection.answers[stream]["headers"] for stream in streams):
            connection.read()
            assert memory() < MOST_MEMORY
        assert {connection.answers[stream]["headers"][":status"] for stream in streams} == {"200"}
        others_are_answered(nginx.api)
        assert memory() < MOST_MEMORY


@pytest.mark.plain
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_connections_that_nobody_reads_from_take_bounded_memory(crowd, coding):
    nginx, memory = crowd
    connections = [raw.connect(nginx.port) for _ in range(40)]
    body = nginx.api.get("/free", headers={"Accept-Encoding": "identity"}).content
    for connection in connections:
        connection.sendall(get("/free", f"Accept-Encoding: {coding}"))
        connection.rest = connection.socket.recv(1000)
        assert memory() < MOST_MEMORY
    others_are_answered(nginx.api)
    assert memory() < MOST_MEMORY
    if coding == "identity":
        for connection in connections:  # those in memory and those in files
            assert connection.read_answer()[2] == body
    for connection in connections:
        connection.socket.close()


@pytest.mark.plain
def test_beyond_all_room_reading_is_refused_and_writing_is_not(crowd):
    nginx, _ = crowd
    connections = [http2.Connection(nginx.h2_port, window=0) for _ in range(2)]
    try:
        statuses = set()
        for connection in connections:
            streams = [connection.begin("GET", "/free", [("accept-encoding", "identity")]) for _ in range(100)]
            while not all(connection.answers[stream]["headers"] for stream in streams):
                connection.read()
            statuses |= {connection.answers[stream]["headers"][":status"] for stream in streams}
        assert statuses == {"200", "503"}
        refused = nginx.api.get("/free")
        assert_problem(refused, 503)
        assert int(refused.headers["Retry-After"]) >= 1
        assert nginx.api.get("/free/small").status_code == 200
        large = {"text": text(2_000_000)}
        assert nginx.api.post("/free", json=large).json()["text"] == large["text"]
    finally:
        for connection in connections:
            connection.socket.close()
    wait_until(lambda: nginx.api.get("/free").status_code == 200, "there is room again")
