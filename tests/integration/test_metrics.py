"""What `nacre metrics` says of the workers' connections, added up over workers that come and go."""

import contextlib
import os
import re
import signal
import socket

import raw
from harness import children, wait_until


def connections(nginx):
    """By state. The one that asks is among them."""
    text = nginx.api.get("/metrics", headers={"Connection": "close"}).text
    return {state: int(number) for state, number in re.findall(r'^nacre_connections{state="(\w+)"} (\d+)$', text, re.M)}


def expect(nginx, **expected):
    """Workers tell of themselves every second."""
    wait_until(lambda: connections(nginx) == expected, f"{expected}, last: {connections(nginx)}")


def keep_alive(nginx, stack):
    connection = stack.enter_context(contextlib.closing(raw.Connection(nginx.port).socket))
    connection.sendall(raw.request("GET", "/live"))
    assert connection.recv(10_000).startswith(b"HTTP/1.1 200")
    return connection


def silent(nginx, stack):
    return stack.enter_context(socket.create_connection(("127.0.0.1", nginx.port), 30))


def test_connections_have_the_states_of_stub_status(start):
    nginx = start(workers=2)
    with contextlib.ExitStack() as stack:
        kept = [keep_alive(nginx, stack) for _ in range(6)]
        silent(nginx, stack)
        expect(nginx, active=8, reading=0, writing=1, waiting=7)
        kept[0].sendall(b"GET /live HTTP/1.1\r\nHo")
        kept[1].sendall(b"PUT /notes/x HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
        expect(nginx, active=8, reading=1, writing=2, waiting=5)
    expect(nginx, active=1, reading=0, writing=1, waiting=0)


def test_a_connection_to_another_server_is_none_of_a_client(start):
    with socket.create_server(("127.0.0.1", 0)) as other:
        nginx = start(
            server=f"""location = /metrics {{ nacre metrics; }}
            location / {{ proxy_pass http://127.0.0.1:{other.getsockname()[1]}; }}"""
        )
        with contextlib.ExitStack() as stack:
            client = silent(nginx, stack)
            client.sendall(raw.request("GET", "/"))
            stack.enter_context(other.accept()[0])
            expect(nginx, active=2, reading=0, writing=2, waiting=0)


def test_connections_of_killed_workers_are_not_counted(start):
    nginx = start(workers=2)
    nginx.tolerate(r"exited on signal 9")
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            keep_alive(nginx, stack)
        expect(nginx, active=21, reading=0, writing=1, waiting=20)
        killed = nginx.workers()
        for worker in killed:
            os.kill(worker, signal.SIGKILL)
        wait_until(lambda: len(set(nginx.workers()) - set(killed)) == 2, "new workers")
        expect(nginx, active=1, reading=0, writing=1, waiting=0)


def test_connections_of_workers_that_end_after_a_reload_are_counted_until_then(start):
    nginx = start()
    with contextlib.ExitStack() as stack:
        late = silent(nginx, stack)
        late.sendall(b"PUT /notes/x HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
        expect(nginx, active=2, reading=0, writing=2, waiting=0)
        old = set(children(nginx.process.pid))
        nginx.reload()
        expect(nginx, active=2, reading=0, writing=2, waiting=0)
        late.close()
        wait_until(lambda: not old & set(children(nginx.process.pid)), "the old worker's end")
        expect(nginx, active=1, reading=0, writing=1, waiting=0)
