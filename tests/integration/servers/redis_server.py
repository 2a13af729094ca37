"""redis-server, as Debian packages it."""

import contextlib
import os

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from harness import wait_until

from .process import Process

CLIENT = {"decode_responses": True, "retry": Retry(NoBackoff(), 0)}


class RedisServer(Process):
    """One Redis.

    `password` is that of the user `default`; `acl` holds lines such as "app on >secret ~* &* +@all"; `identity`, with the
    certificate of the authority `ca`, makes it speak TLS only. It listens on the Unix socket `socket` too. Nothing is kept over
    a kill() unless `appendonly="yes"` is among the options, which are those of redis.conf with _ for -.
    """

    program = "redis-server"

    def __init__(self, home, *, password=None, acl=(), identity=None, ca=None, **options):
        super().__init__(home)
        self.password, self.identity, self.ca = password, identity, ca
        self.socket = self.home / "socket"
        options = {"save": '""', "repl_diskless_sync_delay": 0, "unixsocket": self.socket, **options}
        if password:
            options["requirepass"] = options["masterauth"] = password
        if identity:
            options |= {"port": 0, "tls_port": self.port, "tls_cert_file": identity.certificate, "tls_key_file": identity.key}
            options |= {"tls_ca_cert_file": ca, "tls_auth_clients": options.get("tls_auth_clients", "no")}
        else:
            options["port"] = self.port
        self.write_configuration(options, [f"user {line}" for line in acl])

    def write_configuration(self, options, lines=()):
        options = {"bind": "127.0.0.1", "dir": self.home, **options}
        text = "\n".join([*(f"{name.replace('_', '-')} {value}" for name, value in options.items()), *lines, ""])
        (self.home / "redis.conf").write_text(text)

    def command(self):
        return [self.program, self.home / "redis.conf"]

    def client(self, **options):
        """A redis.Redis of this server, which tries once."""
        if self.identity:
            options = {"ssl": True, "ssl_ca_certs": str(self.ca), **options}
        return redis.Redis(port=self.port, **{"password": self.password, **CLIENT, **options})

    def execute(self, *words):
        with self.client() as client:
            return client.execute_command(*words)

    def answers(self):
        # Under TLS a certificate of the tests' choice may be one that no client accepts.
        options = {"ssl_cert_reqs": "none", "ssl_check_hostname": False} if self.identity else {}
        if self.identity:
            options |= {"ssl_certfile": str(self.identity.certificate), "ssl_keyfile": str(self.identity.key)}
        try:
            with self.client(**options) as client:
                return client.ping()
        except redis.RedisError:
            return False


class RunningRedis:
    """The Redis that REDIS_ENDPOINT=host[:port] names. It may hold what others put there."""

    def __init__(self, endpoint):
        self.host, _, port = endpoint.partition(":")
        self.port = int(port or 6379)

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    def client(self, **options):
        return redis.Redis(self.host, self.port, **{**CLIENT, **options})


@contextlib.contextmanager
def overheard(server):
    """Gives a function that waits for what one nginx host tells the others next: a resource and the ids that were written."""
    channel = "nacre:writes"
    with server.client() as client, client.pubsub(ignore_subscribe_messages=True) as messages:

        def told():
            message = messages.get_message(timeout=1)
            return message and not message["data"].endswith(" =") and message["data"].split()[1:]  # = is a new epoch

        messages.subscribe(channel)
        wait_until(lambda: client.pubsub_numsub(channel)[0][1] == 2, "the test to listen")
        yield lambda: wait_until(told, "a message")


def running_redis():
    endpoint = os.environ.get("REDIS_ENDPOINT")
    return RunningRedis(endpoint) if endpoint else None
