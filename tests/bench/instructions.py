"""Instructions of the worker for one request, as valgrind counts them, as a Markdown table: instructions.py BUILD NGINX.

No load of the machine moves these figures, but the state of the heap does by up to 430 (what nginx's two blocks of a request
cost in malloc). The profiles that they come from stay in BUILD/instructions, one for each row:
`callgrind_annotate --inclusive=yes FILE` shows where a request goes; compare two of them without the lines of malloc.c.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

import on_servers  # noqa: E402
import raw  # noqa: E402
import yamls  # noqa: E402
from harness import Nginx, free_port, wait_until  # noqa: E402
from servers.canned_mongo import CannedMongo  # noqa: E402
from servers.redis_server import RedisServer  # noqa: E402

REQUESTS = 2000
WARM_UP = 200
ROOT = HERE.parents[1]
SHIPPED = (ROOT / "conf/nginx.conf").read_text()
LOG_FORMAT = re.search(r"log_format nacre.*?;\n", SHIPPED, re.S)[0].replace("log_format nacre", "log_format shipped")
JSON = {"Content-Type": "application/json"}
LIST = "/notes?fields=title,stars"
YAML = (
    (ROOT / "conf/nacre.yaml").read_text()
    + f"""
  plain:
    schema: {{ type: object }}
    access: {yamls.PUBLIC}
    cache: off
"""
)


class Counted:
    """One nginx under callgrind: a server with Nacre, one without, and each once more with the shipped access log."""

    def __init__(self, build, binary, home, yaml=YAML):
        home.mkdir(exist_ok=True)
        self.nginx = Nginx(binary, pathlib.Path(build) / "ngx_http_nacre_module.so", home, yaml)
        self.nginx.environment["NACRE_DATA"] = str(home)
        self.ports = {(of, logged): free_port() for of in ("nacre", "return") for logged in (False, True)}
        self.profiles = pathlib.Path(build) / "instructions"
        self.profiles.mkdir(exist_ok=True)

    def write_conf(self, document="", listing=""):
        returns = "".join(
            f"location = /{name} {{ default_type application/json; return 200 '{body}'; }}"
            for name, body in (("document", document), ("list", listing))
        )
        api, servers = "location / { nacre api; }", ""
        for (of, logged), port in self.ports.items():
            log = f"access_log {self.nginx.home}/shipped.log shipped buffer=64k flush=1s;" if logged else "access_log off;"
            servers += f"server {{ listen 127.0.0.1:{port}; {log} {api if of == 'nacre' else ''} {returns} }}"
        self.nginx.write_conf(zone="32m", main="master_process off;", http=LOG_FORMAT + servers)

    def start(self, *behind):
        self.nginx.behind = behind
        self.nginx.process = subprocess.Popen(
            self.nginx.command(), env=self.nginx.child_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self.answers, "nginx answers", 120)

    def start_counted(self):
        self.start("valgrind", "--tool=callgrind", f"--callgrind-out-file={self.profiles}/out")

    def stop(self):
        self.nginx.process.terminate()
        self.nginx.process.wait()

    def answers(self):
        assert self.nginx.process.poll() is None, self.nginx.log()
        try:
            return raw.connect(self.nginx.port)
        except ConnectionError:
            return False

    def dump(self):
        """Writes what was counted since the last time into a file, and counts on from zero."""
        before = set(self.profiles.iterdir())
        command = ["vgdb", f"--pid={self.nginx.process.pid}", "dump"]
        subprocess.run(command, check=True, capture_output=True)
        (file,) = set(self.profiles.iterdir()) - before
        return file

    def count(self, name, path, status=200, of="nacre", headers=(), logged=False):
        """Instructions for each of many requests on one connection."""
        connection = raw.connect(self.ports[of, logged])
        request = raw.request("GET", path, headers=headers)

        def ask(times):
            for _ in range(times):
                connection.sendall(request)
                answered, _, _ = connection.read_answer()
                assert answered == status, f"{path}: {answered}"

        ask(WARM_UP)
        self.dump().unlink()
        ask(REQUESTS)
        file = self.dump().rename(self.profiles / name)
        connection.socket.close()
        return int(re.search(r"^(?:totals|summary): (\d+)", file.read_text(), re.M)[1]) / REQUESTS


def fill(api):
    """What is read: the list of 25, whose first note is `/notes/one`, and a document that no cache keeps."""
    text = "All that a note of this size has to say. " * 2
    for i in range(25):
        note = {"title": f"Note {i}: a title of the usual length, {i:02}", "body": text, "tags": ["bench"], "stars": i}
        note["_id"] = "one" if i == 0 else f"n{i}"
        assert api.post("/notes", json=note).status_code == 201
    assert api.post("/plain", json={"_id": "one", "title": "Note", "body": "x" * 150}).status_code == 201


def table(counted, etag):
    print("| a request | instructions | `return 200` of the same body | ratio |\n|---|---|---|---|", flush=True)
    for logged in (False, True):
        title, suffix = (", with the shipped access log", "-log") if logged else ("", "")

        def count(name, *arguments, logged=logged, suffix=suffix):
            return counted.count(name + suffix, *arguments, logged=logged)

        def row(what, ours, beside, title=title):
            print(f"| {what}{title} | {ours:,.0f} | {beside:,.0f} | {ours / beside:.2f} |", flush=True)

        document = count("return-document", "/document", 200, "return")
        row("`return 200` in a server with Nacre", count("return-beside", "/document"), document)
        row("cached document", count("document", "/notes/one"), document)
        row("304 of it", count("304", "/notes/one", 304, "nacre", [f"If-None-Match: {etag}"]), document)
        row("cached list of 25", count("list", LIST), count("return-list", "/list", 200, "return"))
        row("SQLite read, no cache", count("sqlite", "/plain/one"), document)


def row_on_server(build, binary, home, name, what, yaml):
    """A document that comes from a server for each request."""
    counted = Counted(build, binary, home, yaml)
    counted.write_conf(on_servers.DOCUMENT)
    counted.start_counted()
    api = counted.nginx.api
    wait_until(lambda: api.post("/notes", data=on_servers.DOCUMENT, headers=JSON).status_code in (201, 409), "the document")
    wait_until(lambda: api.get("/notes/one").headers.get("Cache-Status", "") in ("", "nacre; hit; detail=l2"), "the server")
    beside = counted.count(f"return-{name}", "/document", of="return")
    ours = counted.count(name, "/notes/one")
    counted.stop()
    print(f"| {what} | {ours:,.0f} | {beside:,.0f} | {ours / beside:.2f} |", flush=True)


def rows_on_servers(build, binary, home):
    redis, canned = RedisServer(home / "redis"), CannedMongo(home / "mongodb", build / "tests/bench/canned_mongo")
    try:
        yaml = on_servers.application(f"sqlite:{home}/behind-redis.db", f"redis://{redis.start().address}", "{ ttl: 1h }")
        row_on_server(build, binary, home / "on-redis", "redis", "document from Redis, L1 off", yaml)
        yaml = on_servers.application(canned.start().uri())
        row_on_server(build, binary, home / "on-mongodb", "mongodb", "document from a MongoDB that does no work", yaml)
    finally:
        redis.stop()
        canned.stop()


def main():
    build, binary = sys.argv[1:3]
    build = pathlib.Path(build).resolve()
    with tempfile.TemporaryDirectory(prefix="nacre-instructions-") as folder:
        home = pathlib.Path(folder)
        counted = Counted(build, binary, home)
        counted.write_conf()
        counted.start()
        fill(counted.nginx.api)
        document, listing = (counted.nginx.api.get(path) for path in ("/notes/one", LIST))
        counted.stop()
        counted.write_conf(document.text, listing.text)
        counted.start_counted()
        table(counted, document.headers["ETag"])
        counted.stop()
        rows_on_servers(build, binary, home)


if __name__ == "__main__":
    main()
