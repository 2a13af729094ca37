"""Options and fixtures: `start` starts an nginx, `server` is one for a whole file of tests, `launch` starts other servers.

With --store mongodb and --cache redis the tests run on these in place of the embedded ones; the marks `sqlite` and `memory` are
of those that are about the embedded ones.
"""

import contextlib
import itertools
import os
import pathlib
import re
import signal
import urllib.parse

import pytest

import yamls
from harness import Nginx, preload_of, wait_until
from proxies.replica_set import ReplicaSet
from servers.certificates import Certificates
from servers.mongo_server import MongoServer
from servers.redis_server import RedisServer, running_redis
from stalls import Stalls

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Of tests that say nothing of timeouts, so that a busy machine fails none of them.
PATIENT = "timeouts: { request: 25s, store: 20s, redis: 5s }\n"

# libmongoc complains on standard error where a process of the same id was killed and left its counters in /dev/shm.
os.environ["MONGOC_DISABLE_SHM"] = "1"

# A shell that starts the tests in the background has them, and all that they start, ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)


# Those whose tests wait the most. They are begun first, or the last of them would be waited for alone in the end.
LONGEST = (
    "test_mongodb_connections.py",
    "test_redis_outages.py",
    "test_mongodb_outages.py",
    "test_redis.py",
    "test_mongodb_members.py",
    "test_large_answers.py",
    "test_mongodb.py",
    "test_proxies.py",
    "test_upgrade.py",
    "test_backup.py",
    "test_redis_cluster.py",
    "test_faults.py",
    "test_cost.py",
    "test_embedded_store.py",
    "test_docs.py",
    "test_clients_away.py",
    "test_run.py",
)


def pytest_addoption(parser):
    parser.addoption("--nginx", default="nginx", help="the nginx program")
    parser.addoption(
        "--module",
        default=str(ROOT / "build/ngx_http_nacre_module.so"),
        help="the module to load",
    )
    parser.addoption("--store", choices=["sqlite", "mongodb"], default="sqlite")
    parser.addoption("--cache", choices=["memory", "redis"], default="memory")


def pytest_configure(config):
    config.addinivalue_line("markers", "sqlite: about the embedded store")
    config.addinivalue_line("markers", "memory: about the embedded cache")
    config.addinivalue_line("markers", "plain: about a module without sanitizers, which watch for themselves what it looks at")


def pytest_collection_modifyitems(config, items):
    chosen = {config.getoption("--store"), config.getoption("--cache")}
    if not preload_of(pathlib.Path(config.getoption("--module"))):
        chosen.add("plain")
    out = {mark for mark in ("sqlite", "memory", "plain") if mark not in chosen}
    dropped = [item for item in items if any(mark.name in out for mark in item.iter_markers())]
    config.hook.pytest_deselected(items=dropped)
    items[:] = [item for item in items if item not in dropped]
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def make_nginx(request, tmp_path_factory):
    """Makes an Nginx that is not started yet."""
    numbers = itertools.count()

    def placed(yaml, number):
        """The same application on the servers that were asked for, with a database and a prefix of its own, and patient."""
        if "timeouts:" not in yaml:
            yaml = f"{yaml}\n{PATIENT}"
        database = f"nacre_{os.getpid()}_{number}"
        if request.config.getoption("--store") == "mongodb":
            server = urllib.parse.urlsplit(request.getfixturevalue("mongodb_uri"))
            yaml = re.sub(
                r'"sqlite:[^"]*"',
                f'"{server._replace(path="/" + database).geturl()}"',
                yaml,
            )
        if request.config.getoption("--cache") == "redis":
            redis = request.getfixturevalue("redis_server").address
            yaml = yaml.replace('"memory:"', f'"redis://{redis}", prefix: "{database}"')
        return yaml

    def make(yaml=yamls.EXAMPLE, module=None, **conf):
        number = next(numbers)
        home = tmp_path_factory.mktemp(f"nginx{number}")
        return Nginx(
            request.config.getoption("--nginx"),
            module or request.config.getoption("--module"),
            home,
            placed(yaml, number),
            **conf,
        )

    return make


@pytest.fixture(scope="session")
def test_module(request):
    """The module with the handlers of handlers.cc."""
    return pathlib.Path(request.config.getoption("--module")).parent / "nacre_test_module.so"


@pytest.fixture
def start(make_nginx):
    """Starts an nginx of the test's own, and checks and stops it in the end."""
    running = []

    def start_one(yaml=yamls.EXAMPLE, **conf):
        running.append(make_nginx(yaml, **conf))
        return running[-1].start()

    yield start_one
    for nginx in running:
        nginx.stop()


@pytest.fixture
def watched(make_nginx):
    """Starts an nginx of the test's own whose stalls are measured."""
    running = []

    def start_one(yaml, **conf):
        nginx = make_nginx(yaml, **conf)
        nginx.stalls = Stalls(nginx)
        running.append(nginx)
        return nginx.start()

    yield start_one
    for nginx in running:
        nginx.stop()


@pytest.fixture(scope="module")
def server(make_nginx):
    """One nginx for all tests of a file."""
    nginx = make_nginx().start()
    yield nginx
    nginx.stop()


@pytest.fixture
def api(server):
    """An HTTP client of that nginx."""
    return server.api


@pytest.fixture
def notes(api):
    """The resource `notes`, empty. Waits for a store that has to do with what the test before left behind."""

    def listed():
        answer = api.get("/notes?limit=100&fields=_id")
        assert answer.status_code in (200, 503, 504), answer.text
        return answer.status_code == 200 and answer.json()

    while items := wait_until(listed, "a list")["items"]:
        for item in items:
            assert api.delete("/notes/" + item["_id"]).status_code == 204
    return "/notes"


@pytest.fixture
def launch(tmp_path_factory):
    """Starts a server of the test's own, launch(RedisServer, password="secret"), which ends with the test."""
    with contextlib.ExitStack() as started:

        def launch_one(kind, **options):
            one = kind(tmp_path_factory.mktemp(kind.__name__), **options)
            started.callback(one.stop)
            return one.start()

        yield launch_one


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory):
    """A Redis for all tests that leave it as it is: the one that REDIS_ENDPOINT names, or one of their own."""
    running = running_redis()
    one = running or RedisServer(tmp_path_factory.mktemp("redis")).start()
    yield one
    if not running:
        one.stop()


@pytest.fixture(scope="session")
def mongodb_uri(tmp_path_factory):
    """The URI of a MongoDB for all tests that leave it as it is: MONGODB_URI, or one of their own."""
    if "MONGODB_URI" in os.environ:
        yield os.environ["MONGODB_URI"]
        return
    one = MongoServer(tmp_path_factory.mktemp("mongodb")).start()
    yield one.uri()
    one.stop()


@pytest.fixture(scope="module")
def lasting_mongodb(tmp_path_factory):
    one = MongoServer(tmp_path_factory.mktemp("mongodb")).start()
    yield one
    one.stop()


@pytest.fixture
def mongodb(lasting_mongodb):
    """A MongoDB with which a test may do what it wants: as new, though all tests of a file have the same."""
    lasting_mongodb.renew()
    return lasting_mongodb


@pytest.fixture
def members(mongodb):
    """A replica set of three before it."""
    with ReplicaSet(mongodb.port) as one:
        yield one
