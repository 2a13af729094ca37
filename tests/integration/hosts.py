"""Two hosts on one store and one cache: what each shows, and what it must not show any more."""

import contextlib
import threading

import yamls
from assertions import create
from harness import Client, wait_until

LOCAL = 5  # seconds after which every host has learned of every write that Redis can be told of
UNHEARD = LOCAL - 1  # later it may have been forgotten without a word
AGAIN = 2  # seconds within which Redis is used again
MARGIN = 15  # of a busy machine: what is broken stays so for good


class Hosts:
    """Two hosts of `workers` workers; a document and the list that shows it, whose title is a number that only rises."""

    def __init__(self, make_nginx, folder, address, *, local=False, workers=2, **conf):
        folder.chmod(0o777)
        uri = address if "://" in address else f"redis://{address}"
        cache = f'"{uri}"' + ("" if local else ", local: off")
        yaml = yamls.EXAMPLE.replace('"memory:"', cache).replace(
            "sqlite:nacre.db", f"sqlite:{folder}/shared.db?synchronous=normal"
        )
        yaml = yaml.replace("cache: { ttl: 30s, stale: 5m }", "cache: { ttl: 1h, stale: 5m }")
        yaml += "timeouts: { redis: 250ms }\n"
        self.here, self.there = (make_nginx(yaml, workers=workers, **conf) for _ in range(2))
        for nginx in self.both:
            nginx.tolerate("worker process .* exited on signal 9")
        self.number = 0

    @property
    def both(self):
        return self.here, self.there

    def begin(self):
        """Has Redis hold the document and the list as they are now."""
        self.path = "/notes/" + create(self.here.api, "/notes", {"title": "0"})["_id"]
        for nginx in self.both:
            self.wait_until_used(nginx, 30)

    def ask(self, nginx, path):
        """On a connection of its own, which any worker may take."""
        with Client(nginx.url) as client:
            answer = client.get(path, headers={"Connection": "close"})
        assert answer.status_code == 200, answer.text
        return answer

    def seen(self, nginx):
        """The numbers that a host shows."""
        return [
            int(self.ask(nginx, self.path).json()["title"]),
            int(self.ask(nginx, "/notes").json()["items"][0]["title"]),
        ]

    def write(self, nginx=None):
        """Writes, and reads it on all workers of the host."""
        nginx = nginx or self.here
        with Client(nginx.url) as client:
            answer = client.patch(self.path, json={"title": str(self.number + 1)}, headers={"Connection": "close"})
        assert answer.status_code == 200, answer.text
        self.number += 1
        for _ in range(4):
            assert self.seen(nginx) == [self.number] * 2

    def uses_redis(self, nginx):
        """Whether what is asked for is found in Redis, on whichever worker."""
        return all("l2" in self.ask(nginx, path).headers["Cache-Status"] for path in (self.path, "/notes") for _ in range(6))

    def wait_until_used(self, nginx, seconds):
        wait_until(lambda: self.uses_redis(nginx), "Redis to be used", seconds)

    @contextlib.contextmanager
    def watched(self):
        """Meanwhile nobody reads on the first host what is older than what was answered before."""
        stop, wrong = threading.Event(), []

        def watch():
            with Client(self.here.url) as client:
                while not stop.is_set():
                    least = self.number
                    with contextlib.suppress(OSError):  # a worker that is killed, or replaced
                        title = int(client.get(self.path).json()["title"])
                        if title < least:
                            wrong.append((title, least))

        threads = [threading.Thread(target=watch) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert wrong == []

    def recovered(self):
        """From the moment at which Redis is well again."""
        for nginx in self.both:
            self.wait_until_used(nginx, AGAIN + MARGIN)
        for nginx in self.both:
            wait_until(lambda: self.seen(nginx) == [self.number] * 2, "the last write", LOCAL + MARGIN)
            for _ in range(10):
                assert self.seen(nginx) == [self.number] * 2


@contextlib.contextmanager
def running(hosts):
    try:
        for nginx in hosts.both:
            nginx.start()
        hosts.begin()
        yield
    finally:
        for nginx in hosts.both:
            if nginx.process:
                nginx.stop()
