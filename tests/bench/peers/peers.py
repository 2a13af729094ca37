"""How the peers are started. Each listens on `port` of 127.0.0.1 from start() until stop().

    LuaRedis(home, redis_port)                    GET /redis/KEY
    Flask(home, python, redis_port, mongodb_uri)  GET /redis/KEY, GET /mongo/KEY, POST /mongo

`python` is one that has requirements.txt (python_of_peers() makes it); KEY is that of a JSON text in Redis, and the _id of a
document of the collection nacre.notes in MongoDB.
"""

import os
import pathlib
import socket
import subprocess

from servers.process import Process

HERE = pathlib.Path(__file__).resolve().parent


def python_of_peers():
    venv = HERE.parents[2] / "scripts/venv"
    done = subprocess.run([venv, HERE / "requirements.txt"], stdout=subprocess.PIPE, text=True, check=True)
    return pathlib.Path(done.stdout.strip()) / "bin/python"


class Family(Process):
    """A process with workers, which it ends when it is ended itself."""

    at_end = "TERM"

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()

    def pids(self):
        """It and its workers."""
        found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True)
        return [self.process.pid, *map(int, found.stdout.split())]


class Nginx(Family):
    """nginx with the configuration `conf`, in which words in capitals stand for what is known only now."""

    conf = ""

    def __init__(self, home, binary="nginx", **words):
        super().__init__(home)
        self.binary = binary
        temporary = " ".join(f"{kind}_temp_path @HOME@/temp;" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        text = (HERE / self.conf).read_text()
        words |= {
            "USER": "user root;" if os.geteuid() == 0 else "",
            "TEMPORARY": temporary,
            "HOME": self.home,
            "PORT": self.port,
        }
        for word, value in words.items():
            text = text.replace(f"@{word}@", str(value))
        (self.home / "nginx.conf").write_text(text)

    def command(self):
        return [self.binary, "-p", self.home, "-c", self.home / "nginx.conf"]

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        except OSError:
            return False


class LuaRedis(Nginx):
    """lua-nginx-module with lua-resty-redis."""

    conf = "lua.conf"

    def __init__(self, home, redis_port, **options):
        super().__init__(home, REDIS_PORT=redis_port, **options)


class Gunicorn(Family):
    """gunicorn with the application of flask_app.py on a Unix socket.

    Its threaded workers, since only they keep nginx's connections open.
    """

    def __init__(self, home, python, redis_port, mongodb_uri, workers=4, threads=4):
        super().__init__(home)
        self.socket = self.home / "gunicorn.sock"
        servers = [f"REDIS_URL=redis://127.0.0.1:{redis_port}/0", f"MONGODB_URI={mongodb_uri}"]
        kind = ["--worker-class", "gthread", "--threads", threads, "--keep-alive", 75] if threads else []
        listen = ["--bind", f"unix:{self.socket}", "--chdir", HERE, "--log-level", "warning"]
        self.words = ["env", *servers, python, "-m", "gunicorn", "--workers", workers, *kind, *listen, "flask_app:app"]

    def command(self):
        return self.words

    def answers(self):
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0


class Flask(Nginx):
    """nginx before gunicorn before Flask."""

    conf = "flask.conf"

    def __init__(self, home, python, redis_port, mongodb_uri, *, workers=4, threads=4, **options):
        self.gunicorn = Gunicorn(home, python, redis_port, mongodb_uri, workers, threads)
        super().__init__(home, SOCKET=self.gunicorn.socket, **options)

    def start(self):
        self.gunicorn.start()
        return super().start()

    def stop(self):
        super().stop()
        self.gunicorn.stop()

    def pids(self):
        return super().pids() + self.gunicorn.pids()
