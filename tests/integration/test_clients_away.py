"""Clients that go away, stop half-way, or send everything at once."""

import http2
import pytest
import raw
from assertions import create
from harness import preload_of, wait_until
from load import clients_of, resident_kib


@pytest.fixture
def unharmed(server, api, notes):
    """A document, and that afterwards no connection is left over, and the worker is still the same and well."""
    create(api, notes, {"_id": "one", "title": "x"})
    api.close()
    (worker,) = server.workers()
    yield
    api.close()
    wait_until(lambda: not clients_of(worker, server.port, server.h2_port), "connections closed")
    assert server.workers() == [worker], "a worker died"
    assert api.get(notes + "/one").status_code == 200


PART = raw.request("POST", "/notes", b'{"title":"gone","body":"' + b"x" * 500 + b'"}')


@pytest.mark.parametrize("kept", [20, 150, len(PART) - 200, len(PART) - 1])
@pytest.mark.parametrize("how", ["reset", "close"])
def test_mid_body(server, api, unharmed, kept, how):
    for _ in range(20):
        connection = raw.connect(server.port)
        connection.sendall(PART[:kept])
        connection.reset() if how == "reset" else connection.socket.close()
    assert api.get("/notes?count=true").json()["total"] == 1


@pytest.mark.parametrize(
    "data",
    [
        raw.request("POST", "/uncached", b'{"a":1}'),
        raw.request("GET", "/uncached?count=true"),
        raw.request("PATCH", "/notes/one", b'{"stars":1}'),
        raw.request("POST", "/notes/one/star"),
    ],
)
def test_while_the_store_works(server, unharmed, data):
    for _ in range(100):
        connection = raw.connect(server.port)
        connection.sendall(data)
        connection.reset()


def test_mid_answer(server, api, unharmed):
    path = "/free/" + create(api, "/free", {"text": "x" * 4_000_000})["_id"]
    for _ in range(20):
        connection = raw.connect(server.port)
        connection.sendall(raw.request("GET", path))
        assert connection.socket.recv(100)
        connection.reset()


def test_a_body_cut_short_stores_nothing(server, api, unharmed):
    for kept in (len(PART) - 300, len(PART) - 1):
        with raw.connect(server.port) as connection:
            connection.sendall(PART[:kept])
            connection.shutdown_write()
            answer = connection.read_to_end()
        assert not answer or answer.startswith(b"HTTP/1.1 400")
    assert api.get("/notes?count=true").json()["total"] == 1


def test_chunks_cut_short_store_nothing(server, api, unharmed):
    head = b"POST /notes HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    for tail in (b'd\r\n{"title":"x"}', b'd\r\n{"title":"x"}\r\n', b"zz\r\n", b"fffffffffffffffff\r\n"):
        with raw.connect(server.port) as connection:
            connection.sendall(head + tail)
            connection.shutdown_write()
            answer = connection.read_to_end()
        assert not answer or answer.startswith(b"HTTP/1.1 400")
    assert api.get("/notes?count=true").json()["total"] == 1


def test_http2_mid_body(server, api, unharmed):
    for how in ("reset", "close"):
        for _ in range(20):
            with http2.Connection(server.h2_port) as connection:
                stream = connection.begin(
                    "POST",
                    "/notes",
                    [("content-type", "application/json"), ("content-length", "500")],
                    end=False,
                )
                connection.send(stream, b'{"title":"gone"')
                if how == "reset":
                    connection.reset(stream)
                    assert connection.request("GET", "/notes/one")[0] == 200
    assert api.get("/notes?count=true").json()["total"] == 1


def test_http2_while_the_store_works(server, unharmed):
    with http2.Connection(server.h2_port) as connection:
        for _ in range(100):
            stream = connection.begin("GET", "/uncached?count=true")
            connection.reset(stream)
        assert connection.request("GET", "/notes/one")[0] == 200
    for _ in range(50):
        with http2.Connection(server.h2_port) as connection:
            for _ in range(5):
                connection.begin("GET", "/uncached?count=true")


def test_http2_mid_answer(server, api, unharmed):
    path = "/free/" + create(api, "/free", {"text": "x" * 4_000_000})["_id"]
    for how in ("reset", "close"):
        for _ in range(10):
            with http2.Connection(server.h2_port) as connection:
                stream = connection.begin("GET", path)
                while not connection.answers[stream]["body"]:
                    connection.read(acknowledge=False)
                if how == "reset":
                    connection.reset(stream)
                    assert connection.request("GET", "/notes/one")[0] == 200


def test_pipelined_requests_are_answered_in_order(server, api, unharmed):
    for i in range(20):
        create(api, "/notes", {"_id": f"p{i}", "title": f"t{i}"})
    with raw.connect(server.port) as connection:
        connection.sendall(b"".join(raw.request("GET", f"/notes/p{i % 20}") for i in range(200)))
        for i in range(200):
            status, _, body = connection.read_answer()
            assert status == 200 and b'"title":"t%d"' % (i % 20) in body


def test_a_body_in_single_bytes_is_read(server, unharmed):
    with raw.connect(server.port) as connection:
        for byte in raw.request("POST", "/notes", b'{"title":"slow"}'):
            connection.sendall(bytes([byte]))
        assert connection.read_answer()[0] == 201


def test_ten_thousand_idle_connections(start):
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard == resource.RLIM_INFINITY or hard >= 12_500, "10,000 connections need `ulimit -Hn` of at least 12,500"
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    nginx = start(events="worker_connections 12000;", main="worker_rlimit_nofile 12500;", http="keepalive_timeout 600s;")
    create(nginx.api, "/notes", {"_id": "one", "title": "x"})
    (worker,) = nginx.workers()
    before = resident_kib(worker)
    connections = []
    try:
        for _ in range(10_000):
            connection = raw.connect(nginx.port)
            connections.append(connection)
            connection.sendall(raw.request("GET", "/notes/one"))
        assert all(connection.read_answer()[0] == 200 for connection in connections)
        assert nginx.api.get("/notes/one").status_code == 200
        assert preload_of(nginx.module) or resident_kib(worker) - before < 10_000 * 4, "under 4 KiB for an idle connection"
        for connection in connections[::100]:
            connection.sendall(raw.request("GET", "/notes"))
            assert connection.read_answer()[0] == 200
        nginx.reload()
        assert connections[0].read_answer() is None, "a reload closes idle connections"
    finally:
        for connection in connections:
            connection.socket.close()
