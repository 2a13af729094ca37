"""The same over HTTP/2."""

import json

import http2
import pytest
from assertions import create


@pytest.fixture
def connection(server):
    with http2.Connection(server.h2_port) as connection:
        yield connection


def test_a_document_goes_all_its_way(connection, api, notes):
    status, headers, body = connection.request("POST", notes, b'{"title":"x"}')
    assert status == 201
    path = headers["location"]
    assert connection.request("GET", path)[2] == body
    assert connection.request("GET", path, headers=[("if-none-match", headers["etag"])])[0] == 304
    assert connection.request("PATCH", path, b'{"stars":2}')[0] == 200
    assert connection.request("DELETE", path)[0] == 204
    status, headers, body = connection.request("GET", path)
    assert status == 404 and headers["content-type"] == "application/problem+json"
    assert json.loads(body)["instance"] == headers["x-request-id"]


def test_many_streams_at_once(connection, api, notes):
    for i in range(10):
        create(api, notes, {"_id": f"n{i}", "title": str(i) * 100})
    streams = [connection.begin("GET", f"{notes}/n{i % 10}") for i in range(100)]
    for i, stream in enumerate(streams):
        status, _, body = connection.finish(stream)
        assert status == 200 and json.loads(body)["title"] == str(i % 10) * 100


def test_a_body_without_a_length_is_read(connection, notes):
    stream = connection.begin("POST", notes, [("content-type", "application/json")], end=False)
    for part in (b'{"ti', b'tle":"', b'x"}'):
        connection.send(stream, part)
    connection.send(stream, b"", end=True)
    assert connection.finish(stream)[0] == 201


def test_a_large_answer_waits_for_the_window(connection, api, notes):
    created = create(api, "/free", {"text": "x" * 1_000_000})
    status, _, body = connection.request("GET", "/free/" + created["_id"])
    assert status == 200 and json.loads(body) == created
