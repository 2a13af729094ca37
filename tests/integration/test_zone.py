"""The shared-memory zone over reloads that change it, and what it must have room for."""

import re
import socket

import pytest
import yamls
from assertions import create
from harness import children, wait_until


def status(answer):
    return answer.headers["Cache-Status"].split(";")[1].strip()


def begin_put(nginx, path, body):
    """A PUT whose body has not come whole: the worker that reads it stays until it has."""
    connection = socket.create_connection(("127.0.0.1", nginx.port), 30)
    head = f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body[:1])
    return connection


@pytest.mark.memory
def test_a_zone_of_another_size_keeps_nothing_while_old_workers_write(start):
    nginx = start(yamls.EXAMPLE + "timeouts: { store: 2s }\n")
    path = "/notes/" + create(nginx.api, "/notes", {"title": "before"})["_id"]
    assert [status(nginx.api.get(path)) for _ in range(2)] == ["fwd=miss", "hit"]
    late = begin_put(nginx, path, b'{"title":"after"}')
    old = set(children(nginx.process.pid))

    nginx.write_conf(**{**nginx.conf, "zone": "16m"})
    nginx.reload()
    nginx.api.close()
    for _ in range(3):  # read under the new zone, and kept nowhere
        answer = nginx.api.get(path)
        assert answer.json()["title"] == "before" and status(answer) == "fwd=miss"
    late.sendall(b'"title":"after"}')
    assert late.recv(1000).startswith(b"HTTP/1.1 200")
    late.close()
    assert nginx.api.get(path).json()["title"] == "after"
    wait_until(lambda: not old & set(children(nginx.process.pid)), "the old worker's end")
    wait_until(lambda: status(nginx.api.get(path)) == "hit", "the new zone in use")
    assert nginx.api.get(path).json()["title"] == "after"


@pytest.mark.memory
def test_a_reload_with_the_same_zone_keeps_what_is_in_it(start):
    nginx = start()
    path = "/notes/" + create(nginx.api, "/notes", {"title": "x"})["_id"]
    nginx.api.get(path)
    nginx.reload()
    nginx.api.close()
    assert status(nginx.api.get(path)) == "hit"


def many_resources(count):
    rule = "schema: { type: object }, access: { read: public, create: public, update: public, delete: public }"
    return 'version: 1\nstore: { uri: "sqlite:nacre.db" }\ncache: { uri: "memory:" }\nresources:\n' + "".join(
        f"  resource{i}: {{ {rule} }}\n" for i in range(count)
    )


def test_a_zone_without_room_for_the_metrics_is_refused(make_nginx):
    nginx = make_nginx(many_resources(500), zone="4m")
    code, said = nginx.test()
    assert code == 1
    assert re.search(r"nacre_zone: too small for the metrics of 500 resources; allowed: \d+m and more", said)


def test_the_default_zone_holds_the_series_of_500_resources(start):
    nginx = start(many_resources(500), zone="32m")
    assert nginx.api.get("/resource499").status_code == 200
    metrics = nginx.api.get("/metrics").text
    assert "nacre_metrics_lost_series_total 0" in metrics
    assert 'nacre_http_requests_total{route="resource0.delete",method="DELETE",status="204"} 0' in metrics


def test_times_are_measured_in_microseconds(start):
    nginx = start()
    path = "/notes/" + create(nginx.api, "/notes", {"title": "x"})["_id"]
    for _ in range(20):
        nginx.api.get(path)
    metrics = nginx.api.get("/metrics").text
    series = 'nacre_http_request_duration_seconds_{}{{route="notes.read"}} (.*)'
    count = int(re.search(series.format("count"), metrics)[1])
    microseconds = float(re.search(series.format("sum"), metrics)[1]) * 1e6
    assert count == 20
    assert microseconds > 0 and microseconds % 1000 != 0


def test_a_route_that_nobody_may_use_has_no_series(start):
    nginx = start(yamls.EXAMPLE + "  hidden: { schema: { type: object } }\n")
    assert 'route="hidden.' not in nginx.api.get("/metrics").text
