"""Lists: filters, sorting, fields, paging."""

import json
import re
from urllib.parse import urlencode

import pytest
from assertions import assert_problem, create


def listing(api, path, **parameters):
    if not isinstance(parameters.get("where", ""), str):
        parameters["where"] = json.dumps(parameters["where"])
    return api.get(path + "?" + urlencode(parameters))


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [item["_id"] for item in answer.json()["items"]]


DOCUMENTS = [
    {"_id": "a", "title": "alpha", "stars": 5, "tags": ["red", "blue"], "pinned": True},
    {"_id": "b", "title": "beta", "stars": 3, "tags": ["red"], "due": "2026-05-01T00:00:00Z"},
    {"_id": "c", "title": "gamma", "stars": 5, "tags": [], "author": {"name": "Ann", "age": 30}},
    {"_id": "d", "title": "alphabet", "due": "2026-04-30T23:00:00-02:00", "author": {"name": "Bob"}},
    {
        "_id": "e",
        "title": "al%_",
        "stars": 0,
        "pinned": False,
        "parts": [{"k": "x", "n": 1}, {"k": "y", "n": 9}],
    },
]


@pytest.fixture
def filled(api, notes):
    assert api.post(notes, json=DOCUMENTS).status_code == 201
    return notes


@pytest.mark.parametrize(
    "where, expected",
    [
        ({}, "abcde"),
        ({"title": "alpha"}, "a"),
        ({"title": {"$eq": "alpha"}}, "a"),
        ({"stars": 5}, "ac"),
        ({"stars": 5, "title": "gamma"}, "c"),
        ({"stars": {"$ne": 5}}, "bde"),
        ({"stars": {"$gt": 3}}, "ac"),
        ({"stars": {"$gte": 3}}, "abc"),
        ({"stars": {"$lt": 3}}, "e"),
        ({"stars": {"$lte": 3}}, "be"),
        ({"stars": {"$gt": 0, "$lt": 5}}, "b"),
        ({"stars": {"$in": [0, 3]}}, "be"),
        ({"stars": {"$nin": [5]}}, "bde"),
        ({"stars": {"$exists": False}}, "d"),
        ({"stars": {"$exists": True}}, "abce"),
        ({"stars": {"$not": {"$gt": 3}}}, "bde"),
        ({"$and": [{"stars": 5}, {"pinned": True}]}, "a"),
        ({"$or": [{"stars": 0}, {"title": "beta"}]}, "be"),
        ({"$nor": [{"stars": 5}, {"title": "beta"}]}, "de"),
        ({"pinned": True}, "a"),
        ({"pinned": False}, "e"),
        ({"tags": "red"}, "ab"),
        ({"tags": {"$all": ["blue", "red"]}}, "a"),
        ({"tags": {"$size": 0}}, "c"),
        ({"tags": {"$size": 2}}, "a"),
        ({"tags": {"$in": ["blue"]}}, "a"),
        ({"tags": {"$elemMatch": {"$eq": "blue"}}}, "a"),
        ({"parts": {"$elemMatch": {"k": "x", "n": {"$lt": 5}}}}, "e"),
        ({"parts": {"$elemMatch": {"k": "x", "n": {"$gt": 5}}}}, ""),
        ({"parts.k": "y"}, "e"),
        ({"author.name": "Ann"}, "c"),
        ({"author.age": {"$gte": 18}}, "c"),
        ({"due": "2026-05-01T00:00:00.000Z"}, "b"),
        ({"due": "2026-05-01T02:00:00+02:00"}, "b"),
        ({"due": {"$lt": "2026-05-01T00:30:00Z"}}, "b"),
        ({"due": {"$gt": "2026-05-01T00:30:00Z"}}, "d"),
        ({"title": {"$regex": "^alpha"}}, "ad"),
        ({"title": {"$regex": "^al%_"}}, "e"),
        ({"title": {"$regex": "^zzz"}}, ""),
        ({"_id": {"$in": ["a", "e", "zz"]}}, "ae"),
        ({"_rev": 1}, "abcde"),
        ({"_rev": {"$gt": 1}}, ""),
        ({"_created": {"$gt": "2020-01-01T00:00:00Z"}}, "abcde"),
        ({"_owner": None}, "abcde"),
    ],
)
def test_where(api, filled, where, expected):
    assert ids(listing(api, filled, where=where)) == list(expected)
    assert listing(api, filled, where=where, count="true").json()["total"] == len(expected)


@pytest.mark.parametrize(
    "sort, expected",
    [
        ("title", "eadbc"),
        ("-title", "cbdae"),
        ("_id", "abcde"),
        ("-_id", "edcba"),
        ("-stars,title", "acbed"),
        ("-stars,-title", "cabed"),
        ("stars,_id", "debac"),
    ],
)
def test_sort(api, filled, sort, expected):
    assert ids(listing(api, filled, sort=sort)) == list(expected)
    after, paged = None, []
    while True:
        answer = listing(api, filled, sort=sort, limit=2, **({"after": after} if after else {}))
        paged += ids(answer)
        after = answer.json()["next"]
        if after is None:
            break
    assert paged == list(expected)


def test_fields_are_chosen(api, filled):
    items = listing(api, filled, fields="title,stars", where={"_id": {"$in": ["a", "d"]}}).json()["items"]
    assert items == [{"_id": "a", "title": "alpha", "stars": 5}, {"_id": "d", "title": "alphabet"}]
    assert listing(api, filled, fields="_id", limit=1).json()["items"] == [{"_id": "a"}]
    assert listing(api, filled, fields="_rev", limit=1).json()["items"] == [{"_id": "a", "_rev": 1}]


def test_a_list_is_items_and_next(api, filled):
    answer = listing(api, filled)
    assert answer.json().keys() == {"items", "next"} and answer.json()["next"] is None
    assert "Link" not in answer.headers
    assert answer.json()["items"][0] == api.get(filled + "/a").json()
    assert listing(api, filled, count="true").json()["total"] == 5
    assert "total" not in listing(api, filled, count="false").json()


def test_the_link_header_leads_to_the_next_page(api, filled):
    path, pages = filled + "?limit=2&sort=-title&fields=title", []
    while path:
        answer = api.get(path)
        pages.append(ids(answer))
        link = re.fullmatch(r'<([^>]+)>; rel="next"', answer.headers.get("Link", ""))
        assert bool(link) == bool(answer.json()["next"])
        path = link and re.sub(r"^https?://[^/]+", "", link[1])
    assert pages == [["c", "b"], ["d", "a"], ["e"]]


def test_the_default_page_is_25_and_the_maximum_100(api, notes):
    assert api.post(notes, json=[{"title": "x"} for _ in range(120)]).status_code == 201
    assert len(ids(listing(api, notes))) == 25
    assert len(ids(listing(api, notes, limit=100))) == 100
    assert len(ids(listing(api, notes, limit=1))) == 1


def test_paging_neither_skips_nor_repeats_while_others_write(api, notes):
    stable = [f"s{i:03}" for i in range(60)]
    documents = [{"_id": id, "title": "t", "stars": i % 3} for i, id in enumerate(stable)]
    assert api.post(notes, json=documents).status_code == 201
    seen, after, page = [], None, 0
    while True:
        answer = listing(api, notes, sort="-stars", limit=7, **({"after": after} if after else {}))
        seen += [id for id in ids(answer) if id in stable]
        after = answer.json()["next"]
        if after is None:
            break
        create(api, notes, {"_id": f"n{page}", "title": "new", "stars": page % 3})
        if page:
            assert api.delete(f"{notes}/n{page - 1}").status_code == 204
        page += 1
    assert sorted(seen) == stable
    assert [int(id[1:]) % 3 for id in seen] == [2] * 20 + [1] * 20 + [0] * 20


def test_a_page_ends_exactly_at_the_end(api, filled):
    answer = listing(api, filled, limit=5)
    assert len(ids(answer)) == 5 and answer.json()["next"] is None


def test_sorting_and_paging_over_missing_values(api, notes):
    documents = [{"_id": f"{i:02}", "title": "t", **({"stars": i % 4} if i % 2 else {})} for i in range(20)]
    assert api.post(notes, json=documents).status_code == 201
    for sort in ("stars", "-stars"):
        whole = ids(listing(api, notes, sort=sort, limit=100))
        seen, after = [], None
        while True:
            answer = listing(api, notes, sort=sort, limit=3, **({"after": after} if after else {}))
            seen += ids(answer)
            after = answer.json()["next"]
            if after is None:
                break
        assert seen == whole and len(set(seen)) == 20


NESTED = {"stars": 1}
for _ in range(6):
    NESTED = {"$and": [NESTED]}


@pytest.mark.parametrize(
    "parameters, mentions",
    [
        ("where={", "where"),
        ("where=7", "where"),
        ("where=[]", "where"),
        ('where={"stars":{"$foo":1}}', "$foo"),
        ('where={"$where":"1"}', "$where"),
        ('where={"none":1}', "none"),
        ('where={"author.none.x":1}', "author"),
        ('where={"stars":{"$in":7}}', "$in"),
        ('where={"$or":[]}', "$or"),
        ('where={"$or":{}}', "$or"),
        ('where={"stars":{"$not":7}}', "$not"),
        ('where={"stars":{"$exists":"yes"}}', "$exists"),
        ('where={"tags":{"$size":-1}}', "$size"),
        ('where={"title":{"$regex":"alpha"}}', "$regex"),
        ('where={"title":{"$regex":"^a.*"}}', "$regex"),
        ('where={"title":{"$regex":"^a","$options":"i"}}', "$options"),
        ('where={"due":{"$gt":"yesterday"}}', "due"),
        ('where={"stars":1,"stars":2}', "where"),
        ("where=" + json.dumps(NESTED), "where"),
        ("where=" + json.dumps({"$or": [{"stars": i} for i in range(33)]}), "where"),
        ("sort=none", "sort"),
        ("sort=", "sort"),
        ("sort=title,title", "sort"),
        ("fields=none", "fields"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("count=maybe", "count"),
        ("after=forged", "after"),
        ("after=", "after"),
        ("limit=1&limit=2", "limit"),
        ("unknown=1", "unknown"),
        ("where=%zz", "where"),
        ("where=%ff", "where"),
    ],
)
def test_a_wrong_parameter_is_400_and_named(api, filled, parameters, mentions):
    name, _, value = parameters.partition("=")
    if value[:1] in "{[":
        parameters = urlencode({name: value})
    assert_problem(api.get(f"{filled}?{parameters}"), 400, mentions)


def test_32_conditions_and_depth_5_are_allowed(api, filled):
    assert len(ids(listing(api, filled, where={"$or": [{"stars": i} for i in range(31)]}))) == 4
    nested = {"stars": 5}
    for _ in range(3):
        nested = {"$and": [nested]}
    assert ids(listing(api, filled, where=nested)) == ["a", "c"]


def test_a_cursor_is_bound_to_its_query(api, filled):
    cursor = listing(api, filled, sort="title", limit=2).json()["next"]
    assert ids(listing(api, filled, sort="title", limit=2, after=cursor)) == ["d", "b"]
    assert_problem(listing(api, filled, sort="-title", after=cursor), 400, "after")
    assert_problem(listing(api, filled, sort="title", where={"stars": 5}, after=cursor), 400, "after")
    assert_problem(listing(api, "/free", after=cursor), 400, "after")


@pytest.mark.parametrize("middle", ["", "\0"])
def test_a_sort_by_long_text_has_a_next_that_fits_into_a_url(api, notes, middle):
    api.post(notes, json=[{"_id": i, "title": "t", "body": i[0] * 15000 + middle + i} for i in ("b1", "a1", "b2", "a2")])
    url, seen = f"{notes}?sort=body&limit=1", []
    while url:
        page = api.get(url)
        assert page.status_code == 200, page.text
        seen += ids(page)
        url = page.links["next"]["url"] if page.json()["next"] else None
    assert seen == ["a1", "a2", "b1", "b2"]
    cursor = listing(api, notes, sort="body", limit=1).json()["next"]
    assert api.patch(f"{notes}/a1", json={"body": "short"}).status_code == 200
    assert_problem(listing(api, notes, sort="body", limit=1, after=cursor), 400, "begin anew")


def test_every_damaged_cursor_is_400(api, filled):
    cursor = listing(api, filled, sort="title", limit=2).json()["next"]
    for i in range(len(cursor)):
        damaged = cursor[:i] + ("A" if cursor[i] != "A" else "B") + cursor[i + 1 :]
        answer = listing(api, filled, sort="title", limit=2, after=damaged)
        # The last character of base64 has bits that carry nothing.
        assert answer.status_code == 400 or (i == len(cursor) - 1 and answer.status_code == 200), damaged
    for length in range(1, len(cursor) - 1, 3):
        assert_problem(listing(api, filled, sort="title", after=cursor[:length]), 400, "after")


@pytest.mark.parametrize("text", ["'; DROP TABLE notes; --", '"', "\\", "$.x", "%", "\u0001", "😀"])
def test_values_never_become_part_of_a_statement(api, filled, text):
    create(api, filled, {"_id": "odd", "title": "x" + text})
    assert ids(listing(api, filled, where={"title": "x" + text})) == ["odd"]
    assert ids(listing(api, filled, where={"title": {"$in": ["x" + text]}})) == ["odd"]
    assert ids(listing(api, filled, where={"title": {"$gt": "x"}}, sort="title", limit=1)) == ["odd"]
    assert len(ids(listing(api, filled))) == 6


def test_a_text_with_nul_is_compared_as_a_whole(api, notes):
    texts = ["x", "x\0", "x\0\0", "x\0y", "x\1", "x\1y", "xy"]  # in order
    for number, text in enumerate(texts):
        create(api, notes, {"_id": f"n{number}", "title": text, "body": text, "slug": text, "tags": [text]})
        assert_problem(api.post(notes, json={"title": "t", "slug": text}), 409)
    everything = [f"n{number}" for number in range(len(texts))]
    for number, text in enumerate(texts):
        assert api.get(f"{notes}/n{number}").json()["title"] == text
        for field in ("title", "body", "tags"):  # with an index, without one, in an array
            assert ids(listing(api, notes, where={field: text})) == [f"n{number}"]
            assert ids(listing(api, notes, where={field: {"$in": [text, "none"]}})) == [f"n{number}"]
            assert ids(listing(api, notes, where={field: {"$gt": text}})) == everything[number + 1 :]
            assert ids(listing(api, notes, where={field: {"$lte": text}})) == everything[: number + 1]
            prefix = [f"n{other}" for other in range(len(texts)) if texts[other].startswith(text)]
            assert ids(listing(api, notes, where={field: {"$regex": "^" + text}})) == prefix
    for field in ("title", "-title", "body", "-body"):
        url, seen = f"{notes}?sort={field}&limit=1", []
        while url:
            page = api.get(url)
            seen += ids(page)
            url = page.links["next"]["url"] if page.json()["next"] else None
        assert seen == (everything[::-1] if field.startswith("-") else everything)
    assert ids(listing(api, notes, where={"_id": {"$in": ["n1\0", "n2"]}})) == ["n2"]
    patched = api.patch(f"{notes}/n3", json={"title": "\0\1\0"})
    assert patched.json()["title"] == "\0\1\0" and patched.text == api.get(f"{notes}/n3").text
    assert ids(listing(api, notes, where={"title": "\0\1\0"}, fields="title")) == ["n3"]
