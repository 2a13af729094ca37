"""Idempotency-Key on POST."""

from concurrent.futures import ThreadPoolExecutor

from assertions import assert_problem, create
from harness import Client


def total(api, path):
    return api.get(path + "?count=true&limit=1").json()["total"]


def test_the_first_answer_is_given_again(api, notes):
    headers = {"Idempotency-Key": '"again"'}
    first = api.post(notes, json={"title": "x"}, headers=headers)
    assert first.status_code == 201 and "Idempotency-Replayed" not in first.headers
    for _ in range(3):
        again = api.post(notes, json={"title": "x"}, headers=headers)
        assert again.status_code == 201
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.content == first.content
        for name in ("Location", "ETag", "Content-Type"):
            assert again.headers[name] == first.headers[name]
    assert total(api, notes) == 1


def test_the_answer_outlives_the_document(api, notes):
    headers = {"Idempotency-Key": '"outlive"'}
    first = api.post(notes, json={"title": "x"}, headers=headers)
    assert api.delete(first.headers["Location"]).status_code == 204
    again = api.post(notes, json={"title": "x"}, headers=headers)
    assert again.status_code == 201 and again.content == first.content
    assert total(api, notes) == 0


def test_an_array_is_replayed_too(api, notes):
    headers = {"Idempotency-Key": '"array"'}
    first = api.post(notes, json=[{"title": "x"}, {"title": "y"}], headers=headers)
    again = api.post(notes, json=[{"title": "x"}, {"title": "y"}], headers=headers)
    assert again.content == first.content and total(api, notes) == 2


def test_the_same_key_with_another_body_is_422(api, notes):
    headers = {"Idempotency-Key": '"other"'}
    assert api.post(notes, json={"title": "x"}, headers=headers).status_code == 201
    assert_problem(api.post(notes, json={"title": "y"}, headers=headers), 422)
    assert total(api, notes) == 1


def test_other_keys_and_no_key_insert_again(api, notes):
    for key in ('"k1"', '"k2"', None, None):
        create(api, notes, {"title": "x"}, headers={"Idempotency-Key": key} if key else {})
    assert total(api, notes) == 4


def test_a_refused_request_leaves_the_key_free(api, notes):
    headers = {"Idempotency-Key": '"refused"'}
    good = {"title": "x"}
    assert_problem(api.post(notes, json={"title": ""}, headers=headers), 422)
    assert_problem(api.post(notes, data=b"{", headers={**headers, "Content-Type": "application/json"}), 400)
    assert_problem(api.post(notes, data=b"{}", headers={**headers, "Content-Type": "text/plain"}), 415)
    assert_problem(api.post(notes, json=good, headers={**headers, "Content-Encoding": "gzip"}), 415)
    assert_problem(api.post(notes, json={"title": "x" * 17_000_000}, headers=headers), 413)
    assert_problem(api.post(notes, json=good, headers={**headers, "Authorization": "Bearer nacre_forged"}), 401)
    assert_problem(api.post(notes, json=good, headers={**headers, "If-None-Match": "*"}), 412)
    answer = api.post(notes, json=good, headers=headers)
    assert answer.status_code == 201 and "Idempotency-Replayed" not in answer.headers
    assert api.post(notes, json=good, headers=headers).headers["Idempotency-Replayed"] == "true"
    assert total(api, notes) == 1


def test_a_conflict_is_given_again_when_there_is_none_any_more(api, notes):
    headers = {"Idempotency-Key": '"conflict"'}
    taken = create(api, notes, {"title": "x", "slug": "s"})
    mine = {"title": "y", "slug": "s"}
    first = assert_problem(api.post(notes, json=mine, headers=headers), 409)
    assert api.delete(f"{notes}/{taken['_id']}").status_code == 204
    answer = api.post(notes, json=mine, headers=headers)
    again = assert_problem(answer, 409)
    assert answer.headers["Idempotency-Replayed"] == "true"
    assert {**again, "instance": first["instance"]} == first
    assert_problem(api.post(notes, json={"title": "z"}, headers=headers), 422)
    assert total(api, notes) == 0
    create(api, notes, mine)


def test_of_concurrent_requests_with_one_key_one_inserts(server, api, notes):
    def post(_):
        with Client(server.url) as client:
            return client.post(notes, json={"title": "x"}, headers={"Idempotency-Key": '"race"'})

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(post, range(48)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    created = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.content for answer in created}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in created) == 1
    assert total(api, notes) == 1


def test_a_key_belongs_to_one_resource(api, notes):
    headers = {"Idempotency-Key": '"twice"'}
    assert create(api, notes, {"title": "x"}, headers=headers)["title"] == "x"
    answer = api.post("/free", json={"title": "x"}, headers=headers)
    assert answer.status_code == 201 and "Idempotency-Replayed" not in answer.headers


def test_a_minimal_answer_is_given_again_as_such(api, notes):
    headers = {"Idempotency-Key": '"minimal"', "Prefer": "return=minimal"}
    first = api.post(notes, json={"title": "x"}, headers=headers)
    again = api.post(notes, json={"title": "x"}, headers=headers)
    assert first.content == again.content == b""
    for name in ("Location", "ETag", "Preference-Applied"):
        assert again.headers[name] == first.headers[name]


def test_a_malformed_key_is_400(api, notes):
    for key in ("", '""', '"open', '"' + "x" * 4000 + '"'):
        answer = api.post(notes, json={"title": "x"}, headers={"Idempotency-Key": key})
        assert_problem(answer, 400)
    assert total(api, notes) == 0
