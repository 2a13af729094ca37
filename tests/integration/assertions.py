"""What the contract says of every answer of a kind."""

import re

TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    412: "Precondition Failed",
    413: None,  # renamed over the years
    415: "Unsupported Media Type",
    422: None,
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: None,
}


def assert_problem(answer, status, mentions=""):
    """RFC 9457, with the request's id as the instance."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert {"type", "title", "status", "detail", "instance"} <= problem.keys(), problem
    assert problem["status"] == status
    assert TITLES[status] is None or problem["title"] == TITLES[status]
    assert problem["instance"] and problem["instance"] == answer.headers["X-Request-Id"]
    assert mentions in problem["detail"], problem
    if status == 401:
        assert answer.headers["WWW-Authenticate"]
    if status in (429, 503):
        assert int(answer.headers["Retry-After"]) >= 1
    if status == 405:
        assert answer.headers["Allow"]
    return problem


def pointers(problem):
    assert all(error["detail"] for error in problem["errors"])
    return [error["pointer"] for error in problem["errors"]]


def assert_document(document, rev=None):
    """What the server sets."""
    assert re.fullmatch(r"[A-Za-z0-9_.~-]{1,64}", document["_id"])
    assert isinstance(document["_rev"], int) and (rev is None or document["_rev"] == rev)
    for name in ("_created", "_updated"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", document[name]), document[name]
    assert document["_owner"] is None


def user_fields(document):
    return {name: value for name, value in document.items() if not name.startswith("_")}


def create(api, path, document, **options):
    answer = api.post(path, json=document, **options)
    assert answer.status_code == 201, answer.text
    return answer.json()


def assert_changes_nothing(api, path):
    """Writes that are refused: `path` is that of the note "a"."""
    assert_problem(api.post("/notes", json={"_id": "a", "title": "y"}), 409)
    assert_problem(api.patch(path, json={"title": "y"}, headers={"If-Match": '"other"'}), 412)
    assert_problem(api.patch(path, json={"title": 1}), 422)
    assert_problem(api.delete("/notes/none"), 404)
