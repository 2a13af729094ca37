"""JSON Merge Patch (RFC 7396) and JSON Patch (RFC 6902)."""

import json

import pytest
from assertions import assert_problem, create, pointers, user_fields

MERGE, PATCH = "application/merge-patch+json", "application/json-patch+json"


def send(api, path, patch, media_type, **headers):
    return api.patch(path, data=json.dumps(patch), headers={"Content-Type": media_type, **headers})


@pytest.mark.parametrize("media_type", [MERGE, "application/json", MERGE + "; charset=utf-8"])
@pytest.mark.parametrize(
    "before, patch, after",
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch(api, media_type, before, patch, after):
    path = "/free/" + create(api, "/free", before)["_id"]
    answer = send(api, path, patch, media_type)
    assert answer.status_code == 200, answer.text
    assert user_fields(answer.json()) == after
    assert answer.json()["_rev"] == 2
    assert api.get(path).json() == answer.json() and api.get(path).headers["ETag"] == answer.headers["ETag"]


@pytest.mark.parametrize(
    "before, patch, after",
    [
        ({"a": 1}, [{"op": "add", "path": "/b", "value": 2}], {"a": 1, "b": 2}),
        ({"a": [1, 3]}, [{"op": "add", "path": "/a/1", "value": 2}], {"a": [1, 2, 3]}),
        ({"a": [1]}, [{"op": "add", "path": "/a/-", "value": 2}], {"a": [1, 2]}),
        ({"a": 1, "b": 2}, [{"op": "remove", "path": "/b"}], {"a": 1}),
        ({"a": [1, 2]}, [{"op": "remove", "path": "/a/0"}], {"a": [2]}),
        ({"a": 1}, [{"op": "replace", "path": "/a", "value": {"x": 1}}], {"a": {"x": 1}}),
        ({"a": {"b": 1}}, [{"op": "move", "from": "/a/b", "path": "/c"}], {"a": {}, "c": 1}),
        ({"a": [1]}, [{"op": "copy", "from": "/a", "path": "/b"}], {"a": [1], "b": [1]}),
        ({"a": 1}, [{"op": "test", "path": "/a", "value": 1}, {"op": "remove", "path": "/a"}], {}),
        ({"a/b": 1, "m~n": 2}, [{"op": "remove", "path": "/a~1b"}, {"op": "remove", "path": "/m~0n"}], {}),
        ({"a": 1}, [], {"a": 1}),
    ],
)
def test_json_patch(api, before, patch, after):
    path = "/free/" + create(api, "/free", before)["_id"]
    answer = send(api, path, patch, PATCH)
    assert answer.status_code == 200, answer.text
    assert user_fields(answer.json()) == after
    assert user_fields(api.get(path).json()) == after


def test_a_failing_test_is_409_and_changes_nothing(api):
    path = "/free/" + create(api, "/free", {"a": 1})["_id"]
    patch = [{"op": "replace", "path": "/a", "value": 2}, {"op": "test", "path": "/a", "value": 1}]
    assert_problem(send(api, path, patch, PATCH), 409)
    assert api.get(path).json()["a"] == 1 and api.get(path).json()["_rev"] == 1


@pytest.mark.parametrize(
    "patch",
    [
        {"a": 1},
        7,
        [7],
        [{}],
        [{"op": "jump", "path": "/a"}],
        [{"op": "add", "path": "/a"}],
        [{"op": "add", "path": "a", "value": 1}],
        [{"op": "add", "path": "/a~2", "value": 1}],
        [{"op": "move", "path": "/a"}],
        [{"op": "remove", "path": "/none"}],
        [{"op": "replace", "path": "/none", "value": 1}],
        [{"op": "add", "path": "/list/7", "value": 1}],
        [{"op": "add", "path": "/list/01", "value": 1}],
        [{"op": "add", "path": "/none/x", "value": 1}],
        [{"op": "move", "from": "/object", "path": "/object/x"}],
    ],
)
def test_a_patch_that_does_not_apply_is_refused(api, patch):
    path = "/free/" + create(api, "/free", {"a": 1, "list": [1], "object": {}})["_id"]
    answer = send(api, path, patch, PATCH)
    assert answer.status_code in (400, 409, 422)
    assert_problem(answer, answer.status_code)
    assert api.get(path).json()["_rev"] == 1


@pytest.mark.parametrize("patch", [[1], "x", 7, None])
def test_a_merge_patch_that_is_no_object_is_refused(api, patch):
    path = "/free/" + create(api, "/free", {"a": 1})["_id"]
    answer = send(api, path, patch, MERGE)
    assert answer.status_code in (400, 422)
    assert_problem(answer, answer.status_code)


def test_a_patch_that_changes_nothing_is_done_as_often_as_it_is_asked_for(api):
    path = "/free/" + create(api, "/free", {"a": 1})["_id"]
    for rev in (2, 3, 4):
        answer = send(api, path, {"a": 1}, MERGE)
        assert answer.status_code == 200 and answer.json()["_rev"] == rev


def test_the_result_is_checked_against_the_schema(api, notes):
    path = f"{notes}/{create(api, notes, {'title': 'x', 'stars': 1})['_id']}"
    assert pointers(assert_problem(send(api, path, {"title": None}, MERGE), 422)) == ["/title"]
    assert pointers(assert_problem(send(api, path, {"stars": -1}, MERGE), 422)) == ["/stars"]
    problem = assert_problem(send(api, path, [{"op": "add", "path": "/tags", "value": [1]}], PATCH), 422)
    assert pointers(problem) == ["/tags/0"]
    assert api.get(path).json()["_rev"] == 1


@pytest.mark.parametrize("name", ["_id", "_rev", "_created", "_owner", "_x", "$x", "a.b"])
def test_what_the_server_sets_can_not_be_patched(api, name):
    path = "/free/" + create(api, "/free", {"a": 1})["_id"]
    assert_problem(send(api, path, {name: "x"}, MERGE), 422)
    assert_problem(send(api, path, [{"op": "add", "path": "/" + name, "value": "x"}], PATCH), 422)
    assert api.get(path).json()["_rev"] == 1


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "application/jsonx", ""])
def test_other_media_types_are_415_and_name_the_right_ones(api, media_type):
    path = "/free/" + create(api, "/free", {"a": 1})["_id"]
    answer = api.patch(path, data=b'{"a":2}', headers={"Content-Type": media_type})
    assert_problem(answer, 415)
    assert MERGE in answer.headers["Accept-Patch"] and PATCH in answer.headers["Accept-Patch"]


def test_a_patch_of_what_is_missing_is_404(api):
    assert_problem(send(api, "/free/none", {"a": 1}, MERGE), 404)
    assert_problem(send(api, "/free/none", [], PATCH), 404)
