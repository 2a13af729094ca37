"""A server that speaks MongoDB's protocol: `mongod` if there is one on PATH, else SecantusDB.

SecantusDB is WiredTiger behind MongoDB's protocol, a Python package (requirements.txt) that calls itself a replica set of one
member. mongod is made one.
"""

import os
import pathlib
import secrets
import shutil
import sys
import urllib.parse

import pymongo

from .process import Process

CLIENT = {"serverSelectionTimeoutMS": 10_000, "connectTimeoutMS": 10_000, "socketTimeoutMS": 60_000}


class MongoServer(Process):
    """A replica set of one member; an acknowledged write survives kill().

    `user` is a pair of name and password, which clients must then give. `identity`, with the certificate of the authority `ca`,
    makes it speak TLS only, and `ask_client` makes it demand a certificate of that authority.
    """

    def __init__(self, home, *, user=None, identity=None, ca=None, ask_client=False):
        super().__init__(home)
        self.user, self.identity, self.ca, self.ask_client = user, identity, ca, ask_client
        self.data = self.home / "data"
        self.data.mkdir(exist_ok=True)
        self.locked = False
        self.kind = Mongod(self) if shutil.which("mongod") else Secantus(self)

    def command(self):
        return self.kind.command()

    def start(self):
        super().start()
        if self.user and not self.locked:
            self.create_user()
            self.restart()
        return self

    def create_user(self):
        name, password = self.user
        with self.client() as client:
            client.admin.command("createUser", name, pwd=password, roles=["root"])
        self.locked = True

    def create_certificate_user(self, subject):
        with self.client() as client:
            client["$external"].command("createUser", subject, **self.kind.certificate_user)

    def uri(self, **options):
        """A URI with the set's name, the user and TLS with the authority's certificate; options are the URI's own."""
        options = {"replicaSet": self.kind.set_name, **options}
        if self.locked:
            options.setdefault("authSource", "admin")
        if self.identity:
            options = {"tls": "true", "tlsCAFile": str(self.ca), **options}
        return f"mongodb://{self.credentials()}{self.address}/nacre?{urllib.parse.urlencode(options)}"

    def credentials(self):
        return "{}:{}@".format(*map(urllib.parse.quote_plus, self.user)) if self.locked else ""

    def client(self, **options):
        """A pymongo.MongoClient of this server."""
        if self.identity:
            options = {"tlsCertificateKeyFile": str(self.identity.pem), "tlsInsecure": True, **options}
        return pymongo.MongoClient(self.uri(), **{**CLIENT, **options})

    def answers(self):
        try:
            with self.client(serverSelectionTimeoutMS=200) as client:
                client.admin.command("ping")
                return True
        except pymongo.errors.PyMongoError:
            return self.kind.begin()

    def fail(self, *commands, times=None, **data):
        """Has the commands fail as MongoDB's failCommand does: fail("find", errorCode=…, closeConnection=…, blockTimeMS=…)."""
        data |= {"failCommands": commands, "blockConnection": "blockTimeMS" in data}
        self.set_fail_point({"times": times} if times else "alwaysOn", data=data)

    def renew(self):
        """It runs, does as it is told, and holds nothing."""
        if self.process.poll() is None:
            self.resume()
        else:
            self.start()
        self.heal()
        with self.client() as client:
            for name in set(client.list_database_names()) - {"admin", "config", "local"}:
                client.drop_database(name)

    def heal(self):
        self.set_fail_point("off")

    def set_fail_point(self, mode, **options):
        with self.client() as client:
            client.admin.command("configureFailPoint", "failCommand", mode=mode, **options)

    def step_down(self, seconds):
        """It is a secondary for that long, and there is no primary."""
        with self.client() as client:
            client.admin.command("replSetStepDown", seconds, force=True)


class Secantus:
    """How SecantusDB is started."""

    set_name = "secantus"
    certificate_user = {"roles": [{"role": "root", "db": "admin"}], "mechanisms": ["MONGODB-X509"]}

    def __init__(self, server):
        self.server = server

    def command(self):
        server = self.server
        # Not the configuration that a user may have for this program.
        configuration = server.home / "secantusd.toml"
        configuration.touch()
        command = [pathlib.Path(sys.prefix) / "bin/secantusd-py", "--config", configuration, "--host", "127.0.0.1"]
        command += ["--port", server.port, "--storage-path", server.data, "--log-level", "WARNING"]
        # Where sixteen documents of 4 MB at once are a fifth of the cache, WiredTiger may wait for ever for room to read in.
        command += ["--cache-size", "2G", "--sync-on-commit", "--enable-test-commands"]
        if server.locked:
            command.append("--auth")
        if server.identity:
            command += ["--tls-cert-file", server.identity.certificate, "--tls-key-file", server.identity.key]
        if server.ask_client:
            command += ["--tls-ca-file", server.ca, "--tls-require-client-cert"]
        return command

    def begin(self):
        return False


class Mongod:
    """How MongoDB's own server is started."""

    set_name = "nacre"
    certificate_user = {"roles": [{"role": "root", "db": "admin"}]}

    def __init__(self, server):
        self.server = server
        self.key = server.home / "members.key"
        self.key.write_text(secrets.token_hex(100))
        os.chmod(self.key, 0o600)

    def command(self):
        server = self.server
        command = [
            "mongod",
            "--bind_ip",
            "127.0.0.1",
            "--port",
            server.port,
            "--dbpath",
            server.data,
            "--replSet",
            self.set_name,
        ]
        command += ["--wiredTigerCacheSizeGB", "0.25", "--setParameter", "enableTestCommands=1"]
        if server.locked:
            command += ["--keyFile", self.key]
        if server.identity:
            command += ["--tlsMode", "requireTLS", "--tlsCertificateKeyFile", server.identity.pem, "--tlsCAFile", server.ca]
            if not server.ask_client:
                command.append("--tlsAllowConnectionsWithoutCertificates")
        return command

    def begin(self):
        """Makes a new server a replica set."""
        members = [{"_id": 0, "host": self.server.address}]
        try:
            with self.server.client(directConnection=True, serverSelectionTimeoutMS=200) as client:
                client.admin.command("replSetInitiate", {"_id": self.set_name, "members": members})
        except pymongo.errors.PyMongoError:
            pass
        return False
