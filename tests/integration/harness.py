"""A real nginx with the module, in a folder of its own, for one test or one file of tests."""

import contextlib
import itertools
import json
import os
import pathlib
import random
import re
import select
import signal
import socket
import subprocess
import tempfile
import time

import requests

TIMEOUT = 60.0  # seconds until a condition that should come true is given up
WRONG_IN_LOG = re.compile(r"\[(alert|emerg)\]|ERROR: \w+Sanitizer|runtime error:|LeakSanitizer")

SANITIZER_ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=0:allocator_may_return_null=1:abort_on_error=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "LSAN_OPTIONS": "print_suppressions=0:suppressions=" + str(pathlib.Path(__file__).parent / "lsan.supp"),
}


def wait_until(condition, what, timeout=TIMEOUT):
    """Polls until `condition()` is true and returns what it gave."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited {timeout} s in vain: {what}"
        select.select([], [], [], 0.01)


def open_to_all(folder):
    """Lets any user come to a folder of the tests."""
    for path in (folder, *folder.parents):
        if path == pathlib.Path(tempfile.gettempdir()):
            break
        os.chmod(path, 0o755)


def ports_of_this_process():
    """Ports that the kernel gives to no client, in turn: a server that is down for a while finds its port free again, and two
    servers of a test, or of tests that run side by side, never have the same."""
    first_of_clients = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ports = list(range(10_000 + number, max(first_of_clients, 11_000), workers))
    begin = random.randrange(len(ports))
    return itertools.cycle(ports[begin:] + ports[:begin])


PORTS = ports_of_this_process()


def free_port():
    for port in itertools.islice(PORTS, 1000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("no port is free")


def with_mounts_of_its_own():
    """The beginning of a command that mounts file systems which no other process sees."""
    return ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]


def may_mount():
    return (
        subprocess.run([*with_mounts_of_its_own(), "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode == 0
    )


def modules_path():
    """Where the distribution's dynamic modules are."""
    about = subprocess.run(["nginx", "-V"], capture_output=True, text=True).stderr
    return about.split("--modules-path=")[1].split()[0]


def preload_of(module):
    """The sanitizers' runtime that a module was built with; nginx itself has none."""
    file = module.parent / "preload"
    return file.read_text().split() if file.exists() else []


def environment_for(module, **more):
    """The environment of an nginx that loads a module."""
    environment = {**os.environ, **more}
    preload = preload_of(module)
    if preload:
        environment.update(SANITIZER_ENVIRONMENT)
    if preload or "LD_PRELOAD" in environment:
        environment["LD_PRELOAD"] = " ".join([*preload, *environment.get("LD_PRELOAD", "").split()])
    return environment


def environment_to_judge(module):
    """The same for `nginx -t`, which leaves the configuration to the end of the process."""
    environment = environment_for(module)
    environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    return environment


def children(pid):
    """Process ids of a process's children, which its only thread started; none once it has ended."""
    try:
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


class Client(requests.Session):
    """requests with a base URL and a time limit; `json=` bodies are application/json."""

    def __init__(self, url):
        super().__init__()
        self.url = url

    def request(self, method, path, **options):
        options.setdefault("timeout", TIMEOUT)
        options.setdefault("allow_redirects", False)
        return super().request(method, self.url + path, **options)


class Nginx:
    """Starts, reloads and stops one nginx; `stop` checks what it left behind."""

    def __init__(self, binary, module, home, yaml, **conf):
        self.binary, self.module, self.home = binary, pathlib.Path(module).resolve(), pathlib.Path(home)
        self.home.mkdir(parents=True, exist_ok=True)
        os.chmod(self.home, 0o755)
        self.port, self.h2_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.api = Client(self.url)
        self.process = None
        self.tolerated = []
        self.environment = {}
        self.behind = []  # a command that starts what follows it
        self.conf = conf
        self.write_yaml(yaml)
        self.write_conf(**conf)

    def write_yaml(self, yaml):
        (self.home / "nacre.yaml").write_text(yaml)

    def write_conf(self, workers=1, main="", events="worker_connections 1024;", http="", server="", zone="8m"):
        """nginx.conf; `server` replaces the locations, the rest is added."""
        server = server or (
            "location / { nacre api; }"
            "location = /live { nacre live; } location = /ready { nacre ready; }"
            "location = /openapi.json { nacre openapi; } location = /docs { nacre docs; }"
            "location = /status { nacre status; } location = /metrics { nacre metrics; }"
        )
        temp = "".join(f"{kind}_temp_path {self.home}/temp;" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        fields = "request_id trace_id route cache store_time redis_time user".split() if "nacre_config" not in http else []
        if "client_max_body_size" not in http:
            http += "client_max_body_size 16m;"
        log = ",".join(f'"{name}":"$nacre_{name}"' for name in fields)
        user = "user root;" if os.geteuid() == 0 else ""
        text = f"""
{user}
load_module {self.module};
worker_processes {workers};
daemon off;
pid {self.home}/nginx.pid;
error_log {self.home}/error.log notice;
thread_pool default threads=4 max_queue=65536;
{main}
events {{ {events} }}
http {{
    log_format nacre escape=json '{{"uri":"$request_uri","status":$status,{log}}}';
    access_log {self.home}/access.log nacre;
    {temp}
    keepalive_requests 1000000;
    nacre_config {self.home}/nacre.yaml;
    nacre_zone {zone};
    {http}
    server {{
        listen 127.0.0.1:{self.port} backlog=4096;
        listen 127.0.0.1:{self.h2_port} http2;
        {server}
    }}
}}
"""
        (self.home / "nginx.conf").write_text(text)

    def command(self, *arguments):
        return [*self.behind, self.binary, "-p", str(self.home), "-c", str(self.home / "nginx.conf"), *arguments]

    def child_environment(self):
        return environment_for(self.module, **self.environment)

    def test(self):
        """`nginx -t`: its exit code and what it says. It leaves the configuration to the end of the process."""
        environment = self.child_environment()
        environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        done = subprocess.run(self.command("-t"), env=environment, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def start(self):
        with open(self.home / "output", "ab") as output:
            self.process = subprocess.Popen(
                self.command(),
                env=self.child_environment(),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            wait_until(self.answers, "nginx answers")
        except AssertionError:
            self.kill()
            raise
        return self

    def kill(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def answers(self):
        assert self.process.poll() is None, "nginx ended:\n" + self.log()
        assert not self.wrong_in_log(), self.log()
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return bool(self.workers())
        except OSError:
            return False

    def workers(self):
        """Process ids of the workers that take connections."""

        def command(pid):
            with contextlib.suppress(OSError):  # it has ended
                return pathlib.Path(f"/proc/{pid}/cmdline").read_text()
            return ""

        titles = {pid: command(pid) for pid in children(self.process.pid)}
        return [pid for pid, title in titles.items() if "worker process" in title and "shutting down" not in title]

    def reload(self):
        """`nginx -s reload`, until new workers have replaced the old ones."""
        before = set(self.workers())
        self.process.send_signal(signal.SIGHUP)
        self.api.close()  # old workers close what is idle, perhaps just when the next request is sent
        wait_until(lambda: self.workers() and not before & set(self.workers()), "new workers after reload")

    def tolerate(self, pattern):
        """An [alert] that the test itself causes."""
        self.tolerated.append(re.compile(pattern))

    def log(self):
        return "".join(
            (self.home / name).read_text(errors="replace") for name in ("error.log", "output") if (self.home / name).exists()
        )

    def logged(self, uri, count=1):
        """The access log's lines of a URI, once there are `count`: nginx writes them after the answers."""

        def lines():
            read = (self.home / "access.log").read_text()
            return [line for line in map(json.loads, read[: read.rfind("\n") + 1].splitlines()) if line["uri"] == uri]

        wait_until(lambda: len(lines()) >= count, f"{count} lines of {uri} in the access log")
        return lines()

    def wrong_in_log(self):
        return [
            line
            for line in self.log().splitlines()
            if WRONG_IN_LOG.search(line) and not any(pattern.search(line) for pattern in self.tolerated)
        ]

    def stop(self, check=True):
        """Ends nginx gracefully; then nothing alarming may stand in its log."""
        self.api.close()
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            try:
                code = self.process.wait(TIMEOUT)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("nginx did not stop:\n" + self.log()) from None
            assert not check or code == 0, f"nginx ended with code {code}:\n{self.log()}"
        assert not check or not self.wrong_in_log(), self.log()
