"""Clients that keep an nginx busy while a test disturbs it."""

import contextlib
import itertools
import os
import pathlib
import signal
import threading

import raw
from harness import wait_until


def ask(port, method, path, body, expected):
    """One request on a connection of its own, whose answer must have the status that is expected."""
    with raw.connect(port) as connection:
        connection.sendall(raw.request(method, path, body, ["Connection: close"]))
        answer = connection.read_answer()
    assert answer is not None, f"{method} {path}: closed without an answer"
    assert answer[0] == expected, f"{method} {path}: {answer}"


class Threads:
    """Threads that run `run` while a `with` block does, one for each tuple of arguments; at its end `stopping` is set."""

    def __init__(self, run, arguments):
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=run, args=some) for some in arguments]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


class Load(Threads):
    """Threads that write and read documents until told to stop. Notes what was acknowledged and what failed."""

    def __init__(self, port, threads=4):
        super().__init__(self.run, [(i,) for i in range(threads)])
        self.port = port
        self.acknowledged, self.failed, self.answers = [], [], 0
        self.numbers = itertools.count()

    def run(self, thread):
        while not self.stopping.is_set():
            id = f"load-{thread}-{next(self.numbers)}"
            try:
                self.exchange("POST", "/notes", b'{"_id":"%s","title":"x"}' % id.encode(), 201)
                self.acknowledged.append(id)
                self.exchange("GET", "/notes/" + id, b"", 200)
                self.exchange("GET", "/notes?limit=5", b"", 200)
            except (OSError, AssertionError) as failure:
                self.failed.append(repr(failure))

    def exchange(self, method, path, body, expected):
        ask(self.port, method, path, body, expected)
        self.answers += 1


def sockets_of(pid):
    """Inodes of the sockets that a process holds."""
    inodes = set()
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(link.readlink())
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            inodes.add(int(target[8:-1]))
    return inodes


def clients_of(pid, *ports):
    """Inodes of the connections that a process has accepted on these ports of 127.0.0.1."""
    ends, held = {f"0100007F:{port:04X}" for port in ports}, sockets_of(pid)
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(row[9]) for row in rows if row[1] in ends and int(row[9]) in held and row[3] != "0A"}  # LISTEN


def inodes_of_peers(connections):
    """The inodes of the server's ends of connections on this host."""

    def end(address):
        return f"0100007F:{address[1]:04X}"

    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {(row[1], row[2]): int(row[9]) for row in rows}
    return [inodes[end(one.getpeername()), end(one.getsockname())] for one in connections]


def is_stopped(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@contextlib.contextmanager
def one_connection_to_each_worker(nginx):
    """Of two or more workers."""
    with contextlib.ExitStack() as opened:
        connections = []
        for worker in nginx.workers():
            others = [other for other in nginx.workers() if other != worker]
            try:
                for other in others:
                    os.kill(other, signal.SIGSTOP)
                    wait_until(lambda other=other: is_stopped(other), "the worker to stop")
                connections.append(opened.enter_context(raw.connect(nginx.port)))
                connections[-1].sendall(raw.request("GET", "/live"))
                assert connections[-1].read_answer()[0] == 200
            finally:
                for other in others:
                    os.kill(other, signal.SIGCONT)
        yield connections


def resident_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def assert_acknowledged_is_there(nginx, load):
    for id in load.acknowledged:
        assert nginx.api.get("/notes/" + id).status_code == 200


def assert_a_killed_worker_lost_nothing(nginx, load):
    """Of a load that has ended: at most what each of its connections waited for just then has no answer."""
    assert len(load.failed) <= len(load.threads)
    assert_acknowledged_is_there(nginx, load)
