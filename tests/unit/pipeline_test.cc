#include "pipeline.h"

#include <doctest/doctest.h>

#include "support/worker_under_test.h"

namespace nacre {

namespace {

using http::Method;
using test::WorkerUnderTest;

constexpr const char* kNotes =
    "  notes:\n"
    "    schema:\n"
    "      type: object\n"
    "      required: [title]\n"
    "      additionalProperties: false\n"
    "      properties: { title: { type: string, maxLength: 20 }, stars: { type: integer }, slug: { type: string, maxLength: 9 "
    "}, due: { "
    "type: "
    "string, format: date-time } }\n"
    "    access: { read: public, create: public, update: public, delete: public }\n"
    "    indexes: [ { keys: [slug], unique: true } ]\n"
    "    cache: { ttl: 30s, stale: 5m }\n"
    "  secrets: { schema: { type: object }, access: { read: owner, create: user, update: nobody } }\n";

std::string pointers(const Json& problem) {
  std::string out;
  for (const Json& error : problem.at("errors").as_array()) out += std::string(error.at("pointer").as_string()) + ' ';
  return out;
}

}  // namespace

TEST_CASE("a document is created, read, replaced, patched and deleted") {
  WorkerUnderTest app(kNotes);
  const auto created =
      app.ask(Method::post, "/notes", R"({"title":"a","stars":9223372036854775807,"due":"2026-01-01T01:00:00+01:00"})");
  REQUIRE(created.status == 201);
  const Json document = app.json(created);
  const std::string id(document.at("_id").as_string());
  CHECK(created.header("Location") == "/notes/" + id);
  CHECK(document.at("stars").as_int64() == 9223372036854775807);
  CHECK(document.at("due").as_string() == "2026-01-01T00:00:00.000Z");
  CHECK(document.at("_owner").is_null());

  const auto read = app.ask(Method::get, "/notes/" + id);
  CHECK(read.body == created.body);
  CHECK(read.etag == created.etag);
  CHECK(app.trace.cache == cache::Outcome::miss);
  CHECK(app.ask(Method::get, "/notes/" + id).cache_status == "nacre; hit");

  CHECK(app.json(app.ask(Method::put, "/notes/" + id, R"({"title":"b"})")).at("_rev").as_int64() == 2);
  CHECK(app.json(app.ask(Method::patch, "/notes/" + id, R"({"stars":1})")).at("_rev").as_int64() == 3);
  const auto now = app.json(app.ask(Method::get, "/notes/" + id));
  CHECK(now.at("title").as_string() == "b");
  CHECK(now.at("stars").as_int64() == 1);

  CHECK(app.ask(Method::del, "/notes/" + id).status == 204);
  CHECK(app.ask(Method::get, "/notes/" + id).status == 404);
  CHECK(app.ask(Method::del, "/notes/" + id).status == 404);
}

TEST_CASE("a copy that is still good is 304 without a body") {
  WorkerUnderTest app(kNotes);
  const std::string etag(app.ask(Method::put, "/notes/n", R"({"title":"a"})", {{"If-None-Match", "*"}}).etag);
  const std::string weak = "W/" + etag;
  const auto same = app.ask(Method::get, "/notes/n", {}, {{"If-None-Match", weak}});
  CHECK(same.status == 304);
  CHECK(same.body.empty());
  CHECK(same.etag == etag);
  CHECK(app.ask(Method::get, "/notes/n", {}, {{"If-None-Match", "\"2\""}}).status == 200);
  const auto list = app.ask(Method::get, "/notes");
  CHECK(app.ask(Method::get, "/notes", {}, {{"If-None-Match", list.etag}}).status == 304);
}

TEST_CASE("If-Match is decided by the state that is there") {
  WorkerUnderTest app(kNotes);
  const std::string first(app.ask(Method::put, "/notes/n", R"({"title":"a"})", {{"If-None-Match", "*"}}).etag);
  const std::string list = "\"7\", W/" + first;
  CHECK(app.ask(Method::put, "/notes/n", R"({"title":"x"})", {{"If-Match", "\"1\""}}).status == 412);
  CHECK(app.ask(Method::patch, "/notes/n", R"({"title":"x"})", {{"If-Match", "W/\"1\""}}).status == 412);
  CHECK(app.ask(Method::del, "/notes/n", {}, {{"If-Match", "\"7\", \"8\""}}).status == 412);
  const auto patched = app.ask(Method::patch, "/notes/n", R"({"title":"x"})", {{"If-Match", list}});
  CHECK(patched.status == 200);
  CHECK(app.ask(Method::patch, "/notes/n", R"({"title":"y"})", {{"If-Match", list}}).status == 412);
  CHECK(app.ask(Method::put, "/notes/n", R"({"title":"z"})", {{"If-Match", patched.etag}}).status == 200);
  CHECK(app.ask(Method::del, "/notes/n", {}, {{"If-Match", "*"}}).status == 204);
}

TEST_CASE("If-Match of what is missing is 412 where it would be written, and GET says that it is missing") {
  WorkerUnderTest app(kNotes);
  for (const char* tags : {"*", "\"1\""}) {
    CHECK(app.ask(Method::put, "/notes/n", R"({"title":"x"})", {{"If-Match", tags}}).status == 412);
    CHECK(app.ask(Method::patch, "/notes/n", R"({"title":"x"})", {{"If-Match", tags}}).status == 412);
    CHECK(app.ask(Method::del, "/notes/n", {}, {{"If-Match", tags}}).status == 412);
    CHECK(app.ask(Method::get, "/notes/n", {}, {{"If-Match", tags}}).status == 404);
  }
  CHECK(app.ask(Method::put, "/notes/n", R"({"title":"x"})", {{"If-Match", "*"}, {"If-None-Match", "*"}}).status == 412);
  CHECK(app.ask(Method::get, "/notes/n").status == 404);
}

TEST_CASE("a document that is made again has another ETag, even in the same millisecond") {
  WorkerUnderTest app(kNotes);
  const auto make = [&](std::string_view body) { return app.ask(Method::put, "/notes/n", body, {{"If-None-Match", "*"}}); };
  const std::string stranger(make(R"({"title":"hers"})").etag);
  CHECK(app.ask(Method::del, "/notes/n").status == 204);
  const std::string own(make(R"({"title":"mine"})").etag);
  CHECK(own != stranger);
  CHECK(app.ask(Method::get, "/notes/n", {}, {{"If-None-Match", stranger}}).status == 200);
  CHECK(app.ask(Method::put, "/notes/n", R"({"title":"x"})", {{"If-Match", stranger}}).status == 412);
  CHECK(app.ask(Method::del, "/notes/n").status == 204);
  app.reactor.set_wall(app.reactor.wall() + Milliseconds{1});
  CHECK(make(R"({"title":"hers"})").etag != stranger);
}

TEST_CASE("every method heeds every precondition") {
  WorkerUnderTest app(kNotes);
  const std::string etag(app.ask(Method::put, "/notes/n", R"({"title":"a"})", {{"If-None-Match", "*"}}).etag);
  constexpr const char* kLongAgo = "Mon, 01 Jan 1970 00:00:00 GMT";
  const std::pair<Method, const char*> writes[] = {
      {Method::put, R"({"title":"b"})"}, {Method::patch, R"({"title":"b"})"}, {Method::del, ""}};
  for (const auto& [method, body] : writes) {
    CHECK(app.ask(method, "/notes/n", body, {{"If-None-Match", etag}}).status == 412);
    CHECK(app.ask(method, "/notes/n", body, {{"If-Unmodified-Since", kLongAgo}}).status == 412);
    CHECK(app.ask(method, "/notes/n", body, {{"If-Match", "nonsense"}}).status == 400);
    CHECK(app.ask(method, "/notes/n", body, {{"If-None-Match", "nonsense"}}).status == 400);
  }
  CHECK(app.ask(Method::patch, "/notes/n", R"({"title":"b"})", {{"If-None-Match", "*"}}).status == 412);
  CHECK(app.ask(Method::del, "/notes/n", {}, {{"If-None-Match", "*"}}).status == 412);
  for (const char* path : {"/notes/n", "/notes"}) {
    CHECK(app.ask(Method::get, path, {}, {{"If-Match", "\"other\""}}).status == 412);
    CHECK(app.ask(Method::head, path, {}, {{"If-Match", "*"}}).status == 200);
  }
  CHECK(app.ask(Method::get, "/notes/n", {}, {{"If-Unmodified-Since", kLongAgo}}).status == 412);
  CHECK(app.ask(Method::put, "/notes/n", R"({"title":"b"})", {{"If-None-Match", "\"other\""}}).status == 200);
}

TEST_CASE("a POST's preconditions are on the collection") {
  WorkerUnderTest app(kNotes);
  const std::string empty(app.ask(Method::get, "/notes").etag);
  CHECK(app.ask(Method::post, "/notes", R"({"title":"a"})", {{"If-None-Match", "*"}}).status == 412);
  CHECK(app.ask(Method::post, "/notes", R"({"title":"a"})", {{"If-Match", empty}}).status == 201);
  CHECK(app.ask(Method::post, "/notes", R"({"title":"b"})", {{"If-Match", empty}}).status == 412);
  CHECK(app.ask(Method::post, "/notes", R"({"title":"b"})", {{"If-Match", "*"}}).status == 201);
  CHECK(app.json(app.ask(Method::get, "/notes")).at("items").as_array().size() == 2);
}

TEST_CASE("PUT creates only when it is asked to, and never over another") {
  WorkerUnderTest app(kNotes);
  CHECK(app.ask(Method::put, "/notes/n", R"({"title":"a"})").status == 404);
  CHECK(app.ask(Method::put, "/notes/n", R"({"_id":"n","title":"a"})", {{"If-None-Match", "*"}}).status == 201);
  CHECK(app.ask(Method::put, "/notes/n", R"({"title":"b"})", {{"If-None-Match", "*"}}).status == 412);
  CHECK(app.ask(Method::put, "/notes/n", R"({"_id":"m","title":"b"})").status == 422);
  CHECK(app.json(app.ask(Method::get, "/notes/n")).at("title").as_string() == "a");
}

TEST_CASE("every flaw of a body is named by its pointer") {
  WorkerUnderTest app(kNotes);
  const auto bad = app.ask(Method::post, "/notes", R"({"stars":"x","_rev":1,"$a":1,"b.c":1})");
  CHECK(bad.status == 422);
  const std::string all = pointers(app.json(bad));
  for (const char* pointer : {"/title ", "/stars ", "/_rev ", "/$a ", "/b.c "}) CHECK(all.find(pointer) != std::string::npos);
  const auto array = app.ask(Method::post, "/notes", R"([{"title":"ok"},{"title":1},{}])");
  CHECK(pointers(app.json(array)) == "/1/title /2/title ");
  CHECK(app.json(app.ask(Method::get, "/notes")).at("items").as_array().empty());
}

TEST_CASE("a conflict names the field, and an array is all or none") {
  WorkerUnderTest app(kNotes);
  CHECK(app.ask(Method::post, "/notes", R"({"title":"a","slug":"s","_id":"n"})").status == 201);
  const auto taken = app.ask(Method::post, "/notes", R"([{"title":"b"},{"title":"c","slug":"s"}])");
  CHECK(taken.status == 409);
  CHECK(app.json(app.ask(Method::get, "/notes")).at("items").as_array().size() == 1);
  CHECK(app.ask(Method::post, "/notes", R"({"title":"a","_id":"n"})").status == 409);
}

TEST_CASE("a JSON Patch sees the server's members and must leave them") {
  WorkerUnderTest app(kNotes);
  const WorkerUnderTest::Headers type{{"Content-Type", "application/json-patch+json"}};
  app.ask(Method::put, "/notes/n", R"({"title":"a"})", {{"If-None-Match", "*"}});
  CHECK(app.ask(Method::patch, "/notes/n", R"([{"op":"test","path":"/_rev","value":2}])", type).status == 409);
  CHECK(app.ask(Method::patch, "/notes/n", R"([{"op":"test","path":"/_rev","value":1},{"op":"add","path":"/stars","value":1}])",
                type)
            .status == 200);
  const auto forged = app.ask(Method::patch, "/notes/n", R"([{"op":"replace","path":"/_owner","value":"me"}])", type);
  CHECK(forged.status == 422);
  CHECK(pointers(app.json(forged)) == "/_owner ");
  CHECK(app.ask(Method::patch, "/notes/n", "{}", {{"Content-Type", "text/plain"}}).status == 415);
}

TEST_CASE("fields cut a document, keep its ETag, and no other parameter is known") {
  WorkerUnderTest app(kNotes);
  app.ask(Method::put, "/notes/n", R"({"title":"a","stars":1})", {{"If-None-Match", "*"}});
  const auto whole = app.ask(Method::get, "/notes/n");
  for (int i = 0; i < 2; ++i) {
    const auto cut = app.ask(Method::get, "/notes/n?fields=stars");
    CHECK(cut.body == R"({"_id":"n","stars":1})");
    CHECK(cut.etag == whole.etag);
    CHECK(app.ask(Method::get, "/notes/n?fields=_rev,title,slug").body == R"({"_id":"n","_rev":1,"title":"a"})");
    CHECK(app.ask(Method::get, "/notes/n").body == whole.body);
  }
  CHECK(app.ask(Method::get, "/notes/n?fields=stars", {}, {{"If-None-Match", whole.etag}}).status == 304);
  CHECK(app.ask(Method::patch, "/notes/n", R"({"stars":2})", {{"If-Match", whole.etag}}).status == 200);
  CHECK(app.ask(Method::get, "/notes/n?fields=stars").body == R"({"_id":"n","stars":2})");
  for (const char* query : {"fields=nothing", "fields=", "limit=1", "x", "fields=title&fields=stars"}) {
    const auto refused = app.ask(Method::get, "/notes/n?" + std::string(query));
    CHECK(refused.status == 400);
    CHECK(refused.body.find(std::string(query).substr(0, std::string(query).find('='))) != std::string::npos);
  }
}

TEST_CASE("a body in a coding is refused, and only then is identity asked for") {
  WorkerUnderTest app(kNotes);
  app.ask(Method::put, "/notes/n", R"({"title":"a"})", {{"If-None-Match", "*"}});
  const std::pair<Method, const char*> writes[] = {
      {Method::post, "/notes"}, {Method::put, "/notes/n"}, {Method::patch, "/notes/n"}};
  for (const auto& [method, path] : writes) {
    for (const char* coding : {"gzip", "x-unknown", "identity, br"}) {
      const auto refused = app.ask(method, path, R"({"title":"b"})", {{"Content-Encoding", coding}});
      CHECK(refused.status == 415);
      CHECK(refused.header("Accept-Encoding") == "identity");
      CHECK_FALSE(refused.header("Accept-Patch").has_value());
    }
    CHECK(app.ask(method, path, R"({"title":"b"})", {{"Content-Encoding", "Identity"}}).status / 100 == 2);
    const auto other = app.ask(method, path, "x", {{"Content-Type", "text/plain"}});
    CHECK(other.status == 415);
    CHECK_FALSE(other.header("Accept-Encoding").has_value());
    CHECK(other.header(method == Method::patch ? "Accept-Patch" : "Accept").has_value());
  }
}

TEST_CASE("a dot and two dots are no ids") {
  WorkerUnderTest app(kNotes);
  for (const char* id : {".", ".."}) {
    const auto refused = app.ask(Method::post, "/notes", R"({"title":"a","_id":")" + std::string(id) + "\"}");
    CHECK(refused.status == 422);
    CHECK(pointers(app.json(refused)) == "/_id ");
    const std::string path = "/notes/" + std::string(id);
    CHECK(app.ask(Method::get, path).status == 404);
    CHECK(app.ask(Method::put, path, R"({"title":"a"})", {{"If-None-Match", "*"}}).status == 404);
  }
  CHECK(app.ask(Method::post, "/notes", R"({"title":"a","_id":"..."})").status == 201);
}

TEST_CASE("what was read can be sent back, and its _rev is a precondition") {
  WorkerUnderTest app(kNotes);
  app.ask(Method::put, "/notes/n", R"({"title":"a"})", {{"If-None-Match", "*"}});
  for (const Method method : {Method::put, Method::patch}) {
    const std::string read = app.ask(Method::get, "/notes/n").body;
    const auto back = app.ask(method, "/notes/n", read);
    CHECK(back.status == 200);
    const auto again = app.ask(method, "/notes/n", read);
    CHECK(again.status == 412);
    CHECK(pointers(app.json(again)) == "/_rev ");
    for (const char* rev : {"null", "\"1\"", "1.5", "{}"}) {
      const auto refused = app.ask(method, "/notes/n", R"({"title":"a","_rev":)" + std::string(rev) + "}");
      CHECK(refused.status == 422);
      CHECK(pointers(app.json(refused)) == "/_rev ");
    }
    CHECK(app.ask(method, "/notes/n", R"({"title":"a","_x":1})").status == 422);
    CHECK(app.ask(method, "/notes/n", R"({"title":"a","_id":"m"})").status == 422);
  }
  CHECK(app.ask(Method::put, "/notes/n", R"({"title":"a","_created":1,"_updated":null,"_owner":"me"})").status == 200);
  CHECK(app.json(app.ask(Method::get, "/notes/n")).at("_owner").is_null());
  CHECK(app.ask(Method::patch, "/notes/n", R"({"_owner":"me"})").status == 422);
  CHECK(app.ask(Method::put, "/notes/m", R"({"title":"a","_rev":1})").status == 404);
  CHECK(app.ask(Method::put, "/notes/m", R"({"title":"a","_rev":1})", {{"If-None-Match", "*"}}).status == 412);
  CHECK(app.ask(Method::get, "/notes/m").status == 404);
}

TEST_CASE("an idempotent POST runs once, and its answer is given again") {
  WorkerUnderTest app(kNotes);
  const WorkerUnderTest::Headers key{{"Idempotency-Key", "\"k1\""}};
  const auto first = app.ask(Method::post, "/notes", R"({"title":"a"})", key);
  CHECK(first.status == 201);
  CHECK_FALSE(first.header("Idempotency-Replayed").has_value());
  const auto again = app.ask(Method::post, "/notes", R"({"title":"a"})", key);
  CHECK(again.status == 201);
  CHECK(again.header("Idempotency-Replayed") == "true");
  CHECK(again.body == first.body);
  CHECK(again.etag == first.etag);
  CHECK(again.header("Location") == first.header("Location"));
  CHECK(app.ask(Method::post, "/notes", R"({"title":"b"})", key).status == 422);
  CHECK(app.json(app.ask(Method::get, "/notes")).at("items").as_array().size() == 1);

  app.reactor.set_wall(app.reactor.wall() + std::chrono::hours{25});
  CHECK_FALSE(app.ask(Method::post, "/notes", R"({"title":"b"})", key).header("Idempotency-Replayed").has_value());
}

TEST_CASE("a conflict is kept for its key, since the store decided it") {
  WorkerUnderTest app(kNotes);
  const WorkerUnderTest::Headers key{{"Idempotency-Key", "k2"}};
  app.ask(Method::post, "/notes", R"({"_id":"n","title":"a","slug":"s"})");
  const auto first = app.ask(Method::post, "/notes", R"({"title":"b","slug":"s"})", key);
  CHECK(first.status == 409);
  CHECK_FALSE(first.header("Idempotency-Replayed").has_value());
  CHECK(app.ask(Method::del, "/notes/n").status == 204);
  const auto again = app.ask(Method::post, "/notes", R"({"title":"b","slug":"s"})", key);
  CHECK(again.status == 409);
  CHECK(again.header("Idempotency-Replayed") == "true");
  CHECK(again.content_type == "application/problem+json");
  CHECK(app.json(again).at("errors") == app.json(first).at("errors"));
  CHECK(pointers(app.json(again)) == "/slug ");
}

TEST_CASE("what the store did not decide leaves the key free") {
  WorkerUnderTest app(kNotes);
  const WorkerUnderTest::Headers key{{"Idempotency-Key", "k2"}};
  const auto with = [&](http::Header header) {
    WorkerUnderTest::Headers headers = key;
    headers.push_back(header);
    return headers;
  };
  CHECK(app.ask(Method::post, "/notes", R"({"title":1})", key).status == 422);
  CHECK(app.ask(Method::post, "/notes", "{", key).status == 400);
  CHECK(app.ask(Method::post, "/notes", "{}", with({"Content-Type", "text/plain"})).status == 415);
  CHECK(app.ask(Method::post, "/notes", R"({"title":"a"})", with({"If-None-Match", "*"})).status == 412);
  CHECK(app.ask(Method::post, "/secrets", "{}", key).status == 401);
  const auto done = app.ask(Method::post, "/notes", R"({"title":"a"})", key);
  CHECK(done.status == 201);
  CHECK_FALSE(done.header("Idempotency-Replayed").has_value());
}

TEST_CASE("an idempotent POST under way holds others off") {
  WorkerUnderTest app(kNotes);
  app.reactor.jobs_run_by_themselves = false;
  std::optional<http::Response> first;
  std::optional<http::Response> second;
  const WorkerUnderTest::Headers other{{"Idempotency-Key", "k3"}};
  app.start(Method::post, "/notes", R"({"title":"a"})", other, first);
  app.start(Method::post, "/notes", R"({"title":"a"})", other, second);
  app.reactor.jobs_run_by_themselves = true;
  app.reactor.run();
  CHECK(first->status == 201);
  CHECK(second->status == 409);
}

TEST_CASE("of two idempotent POSTs in workers that share no zone one writes, and both get its answer") {
  WorkerUnderTest app(kNotes);
  WorkerUnderTest other(kNotes, &app);
  const WorkerUnderTest::Headers key{{"Idempotency-Key", "k4"}};
  std::string mine = R"({"title":"a"})";
  std::string theirs = mine;
  SUBCASE("the same") {}
  SUBCASE("with an id") { mine = theirs = R"({"_id":"n","title":"a"})"; }
  SUBCASE("a conflict") {
    REQUIRE(app.ask(Method::post, "/notes", R"({"title":"b","slug":"s"})").status == 201);
    mine = theirs = R"({"title":"a","slug":"s"})";
  }
  SUBCASE("with another body") { theirs = R"({"title":"b"})"; }
  const auto before = app.json(app.ask(Method::get, "/notes")).at("items").as_array().size();

  app.reactor.jobs_run_by_themselves = false;
  std::optional<http::Response> slow;
  app.start(Method::post, "/notes", mine, key, slow);
  app.reactor.run();
  REQUIRE(app.reactor.run_job());  // it has found no kept answer
  app.reactor.run();
  const auto fast = other.ask(Method::post, "/notes", theirs, key);
  CHECK_FALSE(fast.header("Idempotency-Replayed").has_value());
  app.reactor.jobs_run_by_themselves = true;
  app.reactor.run();
  REQUIRE(slow.has_value());
  if (mine == theirs) {
    CHECK(slow->status == fast.status);
    CHECK(slow->header("Idempotency-Replayed") == "true");
    if (fast.status == 201) CHECK(slow->body == fast.body);
  } else {
    CHECK(slow->status == 422);
  }
  const auto written = app.json(app.ask(Method::get, "/notes")).at("items").as_array().size();
  CHECK(written == before + (fast.status == 201 ? 1 : 0));
  CHECK(app.ask(Method::post, "/notes", theirs, key).header("Idempotency-Replayed") == "true");
}

TEST_CASE("a list is paged by its links to the end, without what a header could not hold") {
  WorkerUnderTest app(kNotes);
  std::string array = "[";
  for (int i = 0; i < 7; ++i) array += (i > 0 ? "," : "") + std::string(R"({"title":"t)") + std::to_string(i) + R"("})";
  REQUIRE(app.ask(Method::post, "/notes", array + "]").status == 201);
  std::string target = "/notes?limit=3&sort=-title&count=true";
  std::string titles;
  for (int pages = 0; pages < 3; ++pages) {
    const auto page = app.ask(Method::get, target);
    REQUIRE(page.status == 200);
    const Json body = app.json(page);
    CHECK(body.at("total").as_int64() == 7);
    for (const Json& item : body.at("items").as_array()) titles += item.at("title").as_string().back();
    const auto link = page.header("Link");
    CHECK(link.has_value() == (pages < 2));
    if (link) target = link->substr(1, link->find('>') - 1);
  }
  CHECK(titles == "6543210");
  CHECK(app.ask(Method::get, "/notes?limit=101").status == 400);
  CHECK(app.ask(Method::get, "/notes?after=nonsense").status == 400);
}

TEST_CASE("who is not known may not do what needs a user, and nobody is nobody") {
  WorkerUnderTest app(kNotes);
  const auto refused = app.ask(Method::get, "/secrets");
  CHECK(refused.status == 401);
  CHECK(refused.header("WWW-Authenticate") == "Bearer");
  CHECK(app.ask(Method::post, "/secrets", "{}").status == 401);
  CHECK(app.ask(Method::put, "/secrets/x", "{}").status == 403);
  CHECK(app.ask(Method::put, "/secrets/x", "{}", {{"If-None-Match", "*"}}).status == 401);
  CHECK(app.ask(Method::del, "/secrets/x").status == 403);
  const auto token = app.ask(Method::get, "/notes", {}, {{"Authorization", "Bearer nacre_x"}});
  CHECK(token.status == 401);
  CHECK(token.header("WWW-Authenticate") == "Bearer error=\"invalid_token\"");
}

TEST_CASE("Prefer: return=minimal leaves the body out") {
  WorkerUnderTest app(kNotes);
  const WorkerUnderTest::Headers minimal{{"Prefer", "return=minimal"}};
  const auto created = app.ask(Method::post, "/notes", R"({"title":"a","_id":"n"})", minimal);
  CHECK(created.status == 201);
  CHECK(created.body.empty());
  CHECK(created.header("Preference-Applied") == "return=minimal");
  const auto replaced = app.ask(Method::put, "/notes/n", R"({"title":"b"})", minimal);
  CHECK(replaced.status == 204);
  CHECK(replaced.etag == app.ask(Method::get, "/notes/n").etag);
}

TEST_CASE("when the store does not answer in time, the answer comes at the deadline") {
  WorkerUnderTest app(kNotes);
  app.reactor.jobs_run_by_themselves = false;
  std::optional<http::Response> response;
  app.start(Method::get, "/notes/n", {}, {}, response);
  app.reactor.advance(Milliseconds{1'999});
  CHECK_FALSE(response.has_value());
  app.reactor.advance(Milliseconds{1});
  REQUIRE(response.has_value());
  CHECK(response->status == 504);
  app.reactor.jobs_run_by_themselves = true;
  app.reactor.run();
}

TEST_CASE("/status shows the configuration's fingerprint under a key of the zone's own") {
  const auto shown = [](WorkerUnderTest& app) {
    http::Request request;
    request.method = Method::get;
    const auto answer = app.worker->answer(Mode::status, request, {}, app.trace);
    return std::string(WorkerUnderTest::json(answer.value()).at("config").as_string());
  };
  WorkerUnderTest one(kNotes);
  WorkerUnderTest other(kNotes);
  CHECK(one.worker->config().fingerprint == other.worker->config().fingerprint);
  CHECK(shown(one) == shown(one));
  CHECK(shown(one) != shown(other));
}

TEST_CASE("a slash too many at the end is said to be one") {
  WorkerUnderTest app(kNotes);
  CHECK(app.ask(Method::get, "/notes/").body.find("did you mean /notes?") != std::string::npos);
  CHECK(app.ask(Method::get, "/notes/").status == 404);
  CHECK(app.ask(Method::get, "/notes/n/").body.find("did you mean /notes/n?") != std::string::npos);
  CHECK(app.ask(Method::get, "/nothing/").body.find("did you mean") == std::string::npos);
  CHECK(app.ask(Method::get, "/").status == 404);
}

TEST_CASE("what was cached is served stale while it is renewed") {
  WorkerUnderTest app(kNotes);
  app.ask(Method::put, "/notes/n", R"({"title":"a"})", {{"If-None-Match", "*"}});
  app.ask(Method::get, "/notes/n");
  app.reactor.advance(Milliseconds{31'000});
  const auto stale = app.ask(Method::get, "/notes/n");
  CHECK(stale.cache_status == "nacre; fwd=stale");
  CHECK(stale.age == Seconds{31});
  CHECK(app.ask(Method::get, "/notes/n").cache_status == "nacre; hit");
}

}  // namespace nacre
