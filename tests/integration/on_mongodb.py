"""What all tests of the store in MongoDB begin with."""

import yamls
from harness import wait_until

# For tests in which nothing is late: a busy machine is not what they are about.
PATIENT = "{ store: 20s, request: 25s }"
BRIEF = "{ store: 2s, request: 5s }"  # the defaults


def on(uri, cache="memory:", more="", timeouts=""):
    yaml = yamls.EXAMPLE.replace('"sqlite:nacre.db"', f'"{uri}"').replace('"memory:"', f'"{cache}"{more}')
    return yaml + (f"timeouts: {timeouts}\n" if timeouts else "")


def ready(nginx):
    return nginx.api.get("/ready").status_code == 200


def first(nginx, path, document):
    """Creates a document once the store is ready for it, with its collections and unique indexes; returns the path of it."""

    def created():
        answer = nginx.api.post(path, json=document)
        return answer.status_code == 201 and answer.json()

    return path + "/" + wait_until(created, "the first document")["_id"]
