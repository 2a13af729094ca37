"""Runs a command with a MongoDB-speaking server whose URI is in MONGODB_URI: with_mongodb.py COMMAND ARGUMENT...

The server is started, and ended with the command, unless MONGODB_URI names one already. The exit code is the command's.
"""

import os
import subprocess
import sys
import tempfile

from servers.mongo_server import MongoServer


def run(environment):
    return subprocess.run(sys.argv[1:], env=environment).returncode


def main():
    if "MONGODB_URI" in os.environ:
        return run(os.environ)
    with tempfile.TemporaryDirectory(prefix="nacre-mongodb-") as home:
        server = MongoServer(home).start()
        try:
            return run({**os.environ, "MONGODB_URI": server.uri()})
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
