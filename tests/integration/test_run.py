"""`make run`, as a user starts it (scripts/run is what it calls once all is built)."""

import contextlib
import os
import pathlib
import pwd
import re
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from assertions import create
from harness import Client, children, free_port, open_to_all, preload_of, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path):
    """Where any user may write."""
    open_to_all(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    os.chmod(home, 0o777)
    return home


@pytest.fixture
def run(request, folder):
    """Starts scripts/run with variables, and stops it in the end as Ctrl-C does."""
    started = []
    build = pathlib.Path(request.config.getoption("--module")).resolve().parent.relative_to(ROOT)

    def start(cwd=ROOT, user=None, **variables):
        variables.setdefault("DATA", str(folder / "data"))
        environment = {**os.environ, **variables, "NGINX_BINARY": request.config.getoption("--nginx")}
        # scripts/run asks `nginx -t`, which leaves the configuration to the end of the process.
        environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        process = subprocess.Popen(
            [ROOT / "scripts/run", build],
            cwd=cwd,
            env=environment,
            user=user,
            group=user and pwd.getpwnam(user).pw_gid,
            extra_groups=[] if user else None,
            start_new_session=True,
            stdout=open(folder / "stdout", "w"),
            stderr=open(folder / "stderr", "w"),
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def lines(folder, name="stderr"):
    return (folder / name).read_text().splitlines()


def interrupted(process):
    os.killpg(process.pid, signal.SIGINT)
    return process.wait(30)


def assert_refused(process, folder, *mentions):
    assert process.wait(30) not in (0, None)
    assert len(lines(folder)) == 1, lines(folder)
    for text in mentions:
        assert text in lines(folder)[0]


def assert_serves(process, folder, port):
    wait_until(lambda: process.poll() is not None or len(lines(folder, "stdout")) == 4, "the lines to try")
    printed = lines(folder, "stdout")
    assert process.poll() is None, lines(folder)
    assert f"http://127.0.0.1:{port}" in printed[0]
    for line in printed[1:]:
        answer = subprocess.run(["sh", "-c", line], capture_output=True, text=True)
        assert re.match(r"HTTP/1.1 20[01] ", answer.stdout), f"{line}: {answer.stdout}{answer.stderr}"


def users():
    """Whom to start it as: root, and somebody else if the project is where others can see it."""
    if os.geteuid() != 0:
        return [None]
    return ["root", "nobody"] if all(folder.stat().st_mode & 0o1 for folder in [ROOT, *ROOT.parents]) else ["root"]


@pytest.mark.parametrize("user", users())
def test_it_prints_lines_that_work_and_stops_at_ctrl_c(run, folder, user):
    port = free_port()
    process = run(PORT=str(port), user=user, cwd="/")
    assert_serves(process, folder, port)
    assert interrupted(process) == 0
    assert not [line for line in lines(folder) if re.search(r"\[(alert|emerg|error|crit)\]", line)], lines(folder)


def test_data_is_kept_and_written_only_there(run, folder):
    marked = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True).stdout
    port = free_port()
    for expected in (1, 2):
        process = run(PORT=str(port))
        assert_serves(process, folder, port)
        with Client(f"http://127.0.0.1:{port}") as client:
            assert client.get("/notes?count=true").json()["total"] == expected
        assert interrupted(process) == 0
    assert (folder / "data/nacre.db").exists() and (folder / "data/access.log").exists()
    assert subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True).stdout == marked


def test_workers_and_rate_are_what_was_asked(run, folder):
    port = free_port()
    process = run(PORT=str(port), WORKERS="3", RATE="off")
    assert_serves(process, folder, port)
    with Client(f"http://127.0.0.1:{port}") as client:
        assert {client.get("/notes").status_code for _ in range(200)} == {200}
    master = (folder / "data/nginx.pid").read_text().strip()
    workers = subprocess.run(["ps", "--ppid", master, "-o", "args="], capture_output=True, text=True).stdout
    assert workers.count("worker process") == 3


def test_requests_above_the_rate_are_delayed_and_then_refused(run, folder):
    port = free_port()
    process = run(PORT=str(port), RATE="10r/s")
    assert_serves_one(process, folder, port)

    def status(_):
        with Client(f"http://127.0.0.1:{port}") as client:
            return client.get("/notes").status_code

    begun = time.monotonic()
    with ThreadPoolExecutor(80) as pool:
        statuses = list(pool.map(status, range(80)))
    assert set(statuses) == {200, 429} and statuses.count(200) >= 21
    assert time.monotonic() - begun > 1, "20 of them wait for their turn, a tenth of a second each"


def assert_serves_one(process, folder, port):
    wait_until(lambda: process.poll() is not None or len(lines(folder, "stdout")) == 4, "the lines to try")
    assert process.poll() is None, lines(folder)


def test_a_taken_port_is_refused(run, folder):
    port = free_port()
    first = run(PORT=str(port))
    assert_serves_one(first, folder, port)
    assert_refused(run(PORT=str(port), DATA=str(folder / "other")), folder, str(port), "taken")
    assert first.poll() is None


def test_a_second_start_on_the_same_data_is_refused(run, folder):
    port = free_port()
    first = run(PORT=str(port))
    assert_serves_one(first, folder, port)
    assert_refused(run(PORT=str(free_port())), folder, "running already")


def test_workers_that_outlived_their_master_are_named(run, folder):
    port = free_port()
    first = run(PORT=str(port), WORKERS="1")
    assert_serves_one(first, folder, port)
    master = int((folder / "data/nginx.pid").read_text())
    (worker,) = wait_until(lambda: children(master), "the worker")
    os.kill(master, signal.SIGKILL)
    first.wait(30)
    try:
        assert_refused(run(PORT=str(free_port())), folder, "killed", f"kill -QUIT {worker}")
    finally:
        os.kill(worker, signal.SIGQUIT)


@pytest.mark.parametrize(
    "variables, mentions",
    [
        ({"CONFIG": "missing.yaml"}, ["missing.yaml"]),
        ({"PORT": "http"}, ["PORT", "http"]),
        ({"PORT": "70000"}, ["PORT", "70000"]),
        ({"WORKERS": "many"}, ["WORKERS", "many"]),
        ({"RATE": "fast"}, ["RATE", "fast"]),
        ({"DATA": "/proc/none"}, ["DATA", "/proc/none"]),
    ],
)
def test_a_wrong_variable_is_refused(run, folder, variables, mentions):
    assert_refused(run(**{"PORT": str(free_port()), **variables}), folder, *mentions)


def test_a_bad_configuration_is_refused_with_its_place(run, folder):
    config = folder / "nacre.yaml"
    config.write_text("version: 1\nresources:\n  notes:\n    shema: {}\n")
    process = run(PORT=str(free_port()), CONFIG=str(config))
    assert_refused(process, folder, "nacre.yaml:4:5: ", "shema")


def test_a_module_that_was_not_built_is_named(folder):
    done = subprocess.run([ROOT / "scripts/run", "no-build"], capture_output=True, text=True)
    assert done.returncode != 0 and "make build" in done.stderr and done.stderr.count("\n") == 1


def test_the_shipped_nginx_conf_works_as_it_stands(request, folder):
    """`nginx -p . -c conf/nginx.conf`, but for the port and the build folder, which may be taken by others."""
    module = pathlib.Path(request.config.getoption("--module")).resolve()
    port = free_port()
    (folder / "data").mkdir()
    for name in ("build", "conf"):
        (folder / name).mkdir()
    (folder / "build/ngx_http_nacre_module.so").symlink_to(module)
    (folder / "conf/nacre.yaml").write_text((ROOT / "conf/nacre.yaml").read_text())
    conf = (ROOT / "conf/nginx.conf").read_text().replace("listen 8080", f"listen {port}")
    user = "user root;\n" if os.geteuid() == 0 else ""
    (folder / "conf/nginx.conf").write_text(user + conf)
    environment = {**os.environ, "LD_PRELOAD": " ".join(preload_of(module))}
    with open(folder / "stderr", "w") as stderr:
        process = subprocess.Popen(
            [request.config.getoption("--nginx"), "-p", folder, "-c", "conf/nginx.conf"],
            env=environment,
            stderr=stderr,
        )
        with Client(f"http://127.0.0.1:{port}") as client:

            def ready():
                assert process.poll() is None, lines(folder)
                try:
                    return client.get("/ready").status_code == 200
                except OSError:
                    return False

            wait_until(ready, "ready")
            assert client.post("/notes", json={"title": "x"}).status_code == 201
            assert [item["title"] for item in client.get("/notes").json()["items"]] == ["x"]
        process.send_signal(signal.SIGQUIT)
        assert process.wait(30) == 0


def test_the_example_on_mongodb_and_redis(run, folder, mongodb_uri, redis_server):
    """It is the same application, but for where its documents are and what its answers are cached in."""

    def lines_but_for_places(name):
        text = (ROOT / "conf" / name).read_text()
        return [line for line in text.splitlines() if not re.match("#|store:|cache:", line)]

    assert lines_but_for_places("nacre.yaml") == lines_but_for_places("nacre.mongodb.yaml")
    port = free_port()
    database = mongodb_uri.replace("/nacre?", "/nacre_example?")
    servers = {"MONGODB_URI": database, "REDIS_ENDPOINT": redis_server.address}
    process = run(PORT=str(port), CONFIG="conf/nacre.mongodb.yaml", **servers)
    assert_serves(process, folder, port)
    with Client(f"http://127.0.0.1:{port}") as api:
        assert api.get("/ready").status_code == 200
        made = create(api, "/notes", {"title": "Tea"})
        assert api.get("/notes/" + made["_id"]).json() == made
    assert interrupted(process) == 0


def test_a_browser_is_led_to_the_page_with_its_own_address(run, folder):
    port = free_port()
    process = run(PORT=str(port), RATE="off")
    assert_serves(process, folder, port)
    with Client(f"http://127.0.0.1:{port}") as client:
        answer = client.get("/", allow_redirects=False)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/docs")
        page = client.get("/docs")
        assert f"http://127.0.0.1:{port}/notes" in page.text and "localhost:8080" not in page.text
        assert "http://api.example.com:81/notes" in client.get("/docs", headers={"Host": "api.example.com:81"}).text
        strange = client.get("/docs", headers={"Host": "<script>"})
        assert "<script" not in strange.text


def test_all_mistakes_of_a_configuration_are_said(run, folder):
    bad = folder / "bad.yaml"
    bad.write_text("version: 1\ncache: { ttl: x }\nresources:\n  a: { schema: { type: objekt, minLenght: 1 } }\n")
    process = run(PORT=str(free_port()), CONFIG=str(bad))
    assert process.wait(30) == 1
    said = [line for line in lines(folder) if line.startswith("run: ")]
    places = [re.search(r"bad.yaml:(\d+):", line) for line in said]
    assert [place and place[1] for place in places] == ["2", "4", "4"], said


def test_the_access_log_does_not_grow_without_end(run, folder):
    port = free_port()
    process = run(PORT=str(port), RATE="off", LOG_SIZE="20k")
    assert_serves(process, folder, port)
    old, log = folder / "data/access.log.1", folder / "data/access.log"

    def ask_and_look():
        with Client(f"http://127.0.0.1:{port}") as client:
            for _ in range(20):
                client.get("/live")
        return old.exists() and log.exists()

    wait_until(ask_and_look, "a second log")

    def written():
        with contextlib.suppress(FileNotFoundError):  # while it is renamed again
            return ask_and_look() and log.read_bytes()

    wait_until(written, "lines in the new log")
    assert old.stat().st_size > 20_000
    assert interrupted(process) == 0


def test_the_access_log_may_be_elsewhere_or_off(run, folder):
    for given, expected in ((str(folder / "a b.log"), True), ("off", False)):
        port = free_port()
        process = run(PORT=str(port), RATE="off", ACCESS_LOG=given)
        assert_serves(process, folder, port)
        assert interrupted(process) == 0
        assert (folder / "a b.log").exists() == expected
        assert not (folder / "data/access.log").exists()
        (folder / "a b.log").unlink(missing_ok=True)
