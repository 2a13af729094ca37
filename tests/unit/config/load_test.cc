#include "config/load.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

using namespace nacre;
using namespace nacre::config;

namespace {

/// The example of the contract, word for word.
constexpr auto kExample = R"(version: 1
store: { uri: "sqlite:data/nacre.db" }         # or mongodb://…, mongodb+srv://…
cache: { uri: "memory:", ttl: 60s }            # or redis://…, rediss://…, redis+sentinel://h1,h2/name, redis+cluster://h1,h2; local: off leaves out the shared-memory tier before Redis
auth:
  registration: open                           # open | closed
  session: { ttl: 14d, idle: 2d, cookie: nacre_session }
timeouts: { request: 5s, redis: 250ms, store: 2s }
resources:
  notes:
    schema:                                    # JSON Schema draft 7, checked when loaded
      type: object
      required: [title]
      additionalProperties: false
      properties:
        title:  { type: string, minLength: 1, maxLength: 200 }
        body:   { type: string, maxLength: 20000 }
        tags:   { type: array, items: { type: string }, maxItems: 20 }
        pinned: { type: boolean }
        stars:  { type: integer, minimum: 0 }
        slug:   { type: string, maxLength: 100 }
        due:    { type: string, format: date-time }
    access:  { read: public, create: user, update: owner, delete: owner }   # public | user | owner | role:NAME | nobody
    indexes: [ { keys: [title] }, { keys: [-stars, title] }, { keys: [slug], unique: true } ]
    cache:   { ttl: 30s, stale: 5m }           # or: cache: off
    limit:   { rate: 50/s, burst: 100, per: user }    # per: user | ip | resource
    page:    { default: 25, max: 100 }
)";

std::shared_ptr<const Config> parse(const std::string& yaml) { return load_text(yaml, "nacre.yaml", "/srv"); }

std::shared_ptr<const Config> parse_notes(const std::string& rules) {
  return parse("version: 1\nresources:\n  notes:\n    schema: { type: object, properties: { title: { type: string } } }\n" +
               rules);
}

std::string refusal(const std::string& yaml) {
  try {
    parse(yaml);
  } catch (const LoadError& error) {
    return error.what();
  }
  return "accepted";
}

struct Variable {
  const char* name;
  Variable(const char* n, const char* value) : name(n) { ::setenv(n, value, 1); }
  ~Variable() { ::unsetenv(name); }
};

}  // namespace

TEST_SUITE("config::load") {
  TEST_CASE("the example of the contract loads with all its values") {
    const auto config = parse(kExample);
    CHECK_FALSE(config->debug);
    CHECK(config->store.uri == "sqlite:/srv/data/nacre.db");
    CHECK(config->cache.redis == nullptr);
    CHECK(config->cache.ttl == Milliseconds{60'000});
    CHECK(config->auth.registration_open);
    CHECK(config->auth.session_ttl == Milliseconds{14LL * 86'400'000});
    CHECK(config->auth.session_idle == Milliseconds{2LL * 86'400'000});
    CHECK(config->auth.cookie == "nacre_session");
    CHECK(config->timeouts.request == Milliseconds{5'000});
    CHECK(config->timeouts.redis == Milliseconds{250});
    CHECK(config->timeouts.store == Milliseconds{2'000});
    REQUIRE(config->resources.size() == 1);
    CHECK(config->resource("notes") == &config->resources[0]);
    CHECK(config->resource("note") == nullptr);

    const auto& notes = config->resources[0];
    CHECK(notes.schema_json.at("properties").at("title").at("maxLength") == Json(200));
    CHECK(notes.schema_json.at("additionalProperties") == Json(false));
    CHECK(notes.access.read.kind == AccessRule::Kind::anyone);
    CHECK(notes.access.create.kind == AccessRule::Kind::user);
    CHECK(notes.access.del.kind == AccessRule::Kind::owner);
    REQUIRE(notes.indexes.size() == 3);
    CHECK(notes.indexes[1].keys[0].path == "stars");
    CHECK(notes.indexes[1].keys[0].descending);
    CHECK_FALSE(notes.indexes[1].keys[1].descending);
    CHECK_FALSE(notes.indexes[1].unique);
    CHECK(notes.indexes[2].unique);
    CHECK(notes.cache.on);
    CHECK(notes.cache.ttl == Milliseconds{30'000});
    CHECK(notes.cache.stale == Milliseconds{300'000});
    REQUIRE(notes.limits.size() == 1);
    CHECK(notes.limits[0].count == 50);
    CHECK(notes.limits[0].period == Milliseconds{1'000});
    CHECK(notes.limits[0].burst == 100);
    CHECK(notes.limits[0].per == Limit::Per::user);
    CHECK(notes.page.default_limit == 25);
    CHECK(notes.page.max_limit == 100);
  }

  TEST_CASE("what is left out has the defaults of config.h") {
    const auto config = parse("version: 1\nresources: { notes: { schema: { type: object } } }\n");
    const Config defaults;
    CHECK(config->store.uri == "sqlite:/srv/data/nacre.db");
    CHECK(config->cache.redis == nullptr);
    CHECK(config->cache.ttl == defaults.cache.ttl);
    CHECK(config->cache.local);
    CHECK_FALSE(config->auth.registration_open);
    CHECK(config->auth.cookie == "nacre_session");
    CHECK(config->timeouts.request == defaults.timeouts.request);
    const auto& notes = config->resources[0];
    for (const auto& rule : {notes.access.read, notes.access.create, notes.access.update, notes.access.del}) {
      CHECK(rule.kind == AccessRule::Kind::nobody);
    }
    CHECK(notes.indexes.empty());
    CHECK(notes.limits.empty());
    CHECK(notes.cache.on);
    CHECK(notes.page.default_limit == 25);
    CHECK(parse("version: 1")->resources.empty());
  }

  TEST_CASE("a resource's cache entries live as long as the global ttl unless it says otherwise") {
    const auto config = parse(
        "version: 1\n"
        "resources:\n"
        "  a: { schema: {} }\n"
        "  b: { schema: {}, cache: { stale: 1m } }\n"
        "  c: { schema: {}, cache: { ttl: 7s } }\n"
        "  d: { schema: {}, cache: off }\n"
        "  e: { schema: {}, cache: false }\n"
        "cache: { ttl: 9s, local: off }\n");
    CHECK_FALSE(config->cache.local);
    CHECK(config->resource("a")->cache.ttl == Milliseconds{9'000});
    CHECK(config->resource("b")->cache.ttl == Milliseconds{9'000});
    CHECK(config->resource("b")->cache.stale == Milliseconds{60'000});
    CHECK(config->resource("c")->cache.ttl == Milliseconds{7'000});
    CHECK_FALSE(config->resource("d")->cache.on);
    CHECK_FALSE(config->resource("e")->cache.on);
  }

  TEST_CASE("resources keep the order of the file") {
    const auto config = parse("version: 1\nresources: { z: { schema: {} }, a: { schema: {} }, m: { schema: {} } }\n");
    REQUIRE(config->resources.size() == 3);
    CHECK(config->resources[0].name == "z");
    CHECK(config->resources[2].name == "m");
  }

  TEST_CASE("the owner of what does not exist yet is any user") {
    const auto config = parse_notes("    access: { read: owner, create: owner, delete: role:editor }\n");
    const auto& access = config->resources[0].access;
    CHECK(access.read.kind == AccessRule::Kind::owner);
    CHECK(access.create.kind == AccessRule::Kind::user);
    CHECK(access.update.kind == AccessRule::Kind::nobody);
    CHECK(access.del.kind == AccessRule::Kind::role);
    CHECK(access.del.role == "editor");
  }

  TEST_CASE("a limit without burst lets a whole period's requests burst, counted by address") {
    const auto config = parse_notes("    limit: { rate: 1000/h }\n");
    REQUIRE(config->resources[0].limits.size() == 1);
    const Limit& limit = config->resources[0].limits[0];
    CHECK(limit.burst == 1'000);
    CHECK(limit.period == Milliseconds{3'600'000});
    CHECK(limit.per == Limit::Per::ip);
    CHECK(limit.role.empty());
    CHECK(limit.costs.empty());
  }

  TEST_CASE("a small max takes the default along") {
    CHECK(parse_notes("    page: { max: 10 }\n")->resources[0].page.default_limit == 10);
    CHECK(parse_notes("    page: { default: 1, max: 1 }\n")->resources[0].page.default_limit == 1);
    CHECK(parse_notes("    page: { max: 1000 }\n")->resources[0].page.default_limit == 25);
  }

  TEST_CASE("integers and numbers of a schema are exact, and quotes keep text") {
    const auto config = parse(
        "version: 1\nresources:\n  notes:\n    schema:\n      properties:\n"
        "        a: { type: integer, maximum: 9223372036854775807, minimum: -9223372036854775808 }\n"
        "        b: { const: '5' }\n        c: { const: 0.1 }\n        d: { enum: [true, null, \"null\", 1.0] }\n");
    const auto& properties = config->resources[0].schema_json.at("properties");
    CHECK(properties.at("a").at("maximum") == Json(INT64_MAX));
    CHECK(properties.at("a").at("minimum") == Json(INT64_MIN));
    CHECK(properties.at("b").at("const") == Json("5"));
    CHECK(properties.at("c").at("const") == Json(0.1));
    CHECK(properties.at("d").at("enum") == Json{true, nullptr, "null", 1.0});
  }

  TEST_CASE("a substituted value may be a number, a boolean or text, as the place wants it") {
    const Variable max("NACRE_TEST_MAX", "50");
    const Variable debug("NACRE_TEST_DEBUG", "true");
    const Variable cookie("NACRE_TEST_COOKIE", "42");
    const auto config = parse(
        "version: 1\ndebug: ${NACRE_TEST_DEBUG}\nauth: { session: { cookie: \"${NACRE_TEST_COOKIE}\" } }\n"
        "resources: { a: { schema: {}, page: { max: \"${NACRE_TEST_MAX}\" } } }\n");
    CHECK(config->debug);
    CHECK(config->auth.cookie == "42");
    CHECK(config->resources[0].page.max_limit == 50);
  }

  TEST_CASE("no message holds what was substituted") {
    const Variable secret("NACRE_TEST_SECRET", "hunter2");
    for (const auto* yaml : {
             "version: ${NACRE_TEST_SECRET}\n",
             "version: 1\ndebug: ${NACRE_TEST_SECRET}\n",
             "version: 1\nstore: ${NACRE_TEST_SECRET}\n",
             "version: 1\nstore: { uri: \"mysql://${NACRE_TEST_SECRET}@h\" }\n",
             "version: 1\nstore: { uri: \"${NACRE_TEST_SECRET}:x\" }\n",
             "version: 1\ncache: { ttl: \"${NACRE_TEST_SECRET}\" }\n",
             "version: 1\nauth: { registration: \"${NACRE_TEST_SECRET}\" }\n",
             "version: 1\nauth: { session: { cookie: \"${NACRE_TEST_SECRET};\" } }\n",
             "version: 1\nresources: { a: { schema: \"${NACRE_TEST_SECRET}\" } }\n",
             "version: 1\nresources: { a: { schema: {}, access: { read: \"${NACRE_TEST_SECRET}\" } } }\n",
             "version: 1\nresources: { a: { schema: {}, indexes: [ { keys: [\"$${NACRE_TEST_SECRET}\"] } ] } }\n",
             "version: 1\nresources: { a: { schema: {}, limit: { rate: \"${NACRE_TEST_SECRET}\" } } }\n",
             "version: 1\nresources: { a: { schema: {}, page: { max: \"${NACRE_TEST_SECRET}\" } } }\n",
         }) {
      CAPTURE(yaml);
      const auto message = refusal(yaml);
      CHECK(message.starts_with("nacre.yaml:"));
      CHECK(message.find("hunter2") == std::string::npos);
    }
  }

  TEST_CASE("the fingerprint is of the values: not of layout, comments, or the order of keys") {
    const auto print = [](const std::string& yaml) { return parse(yaml)->fingerprint; };
    const auto base = print("version: 1\ncache: { ttl: 5s, local: on }\n");
    CHECK(print("# a comment\ncache:\n  local: on\n  ttl: 5s\nversion: 1\n") == base);
    CHECK(print("version: 1\ncache: { ttl: 6s, local: on }\n") != base);
    CHECK(print("version: 1\ncache: { ttl: 5s }\n") != base);
    CHECK(print("version: 1\nresources: { a: { schema: { properties: { b: { const: 5 } } } } }\n") !=
          print("version: 1\nresources: { a: { schema: { properties: { b: { const: '5' } } } } }\n"));
    CHECK(print("version: 1\nresources: { a: { schema: { properties: { b: { enum: [1, 2] } } } } }\n") !=
          print("version: 1\nresources: { a: { schema: { properties: { b: { enum: [2, 1] } } } } }\n"));
    const auto with = [&](const char* value) {
      const Variable variable("NACRE_TEST_TTL", value);
      return print("version: 1\ncache: { ttl: \"${NACRE_TEST_TTL}\" }\n");
    };
    CHECK(with("5s") != with("6s"));
    CHECK(with("5s") == with("5s"));
  }

  TEST_CASE("a file is read, and called what the caller calls it") {
    const auto folder = std::filesystem::temp_directory_path() / ("nacre-load-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    const auto file = folder / "nacre.yaml";
    std::ofstream(file) << "version: 1\ndebug: true\n";
    CHECK(load(file, "/srv")->debug);
    std::ofstream(file) << "version: 3\n";
    CHECK_THROWS_WITH_AS(load(file, "/srv"), (file.string() + ":1:10: version: 3 is unknown; allowed: 1").c_str(), LoadError);
    std::ofstream(file) << std::string((1 << 20) + 1, '#');
    CHECK_THROWS_WITH_AS(load(file, "/"), (file.string() + ":1:1: the file is too large; allowed: at most 1 MiB").c_str(),
                         LoadError);
    CHECK_THROWS_WITH_AS(
        load(folder, "/"),
        (folder.string() + ":1:1: the file can't be read (it is no regular file); allowed: a readable YAML file").c_str(),
        LoadError);
    std::filesystem::remove_all(folder);
    CHECK_THROWS_WITH_AS(
        load(file, "/"),
        (file.string() + ":1:1: the file can't be read (No such file or directory); allowed: a readable YAML file").c_str(),
        LoadError);
  }
}

TEST_CASE("All mistakes are told at once, each once, and the rest is counted") {
  const auto mistakes = [](const std::string& yaml) {
    std::string told;
    try {
      parse(yaml);
    } catch (const LoadError& error) {
      for (const auto& message : error.messages()) told.append(message).append("\n");
    }
    return told;
  };
  CHECK(
      mistakes("version: 2\ncache: { ttl: 5, local: maybe }\ntimeouts: { reqest: 1s, store: fast }\nresources:\n  Notes: {}\n  "
               "a: { schema: {}, page: { max: 0 }, cache: 5s }\n") ==
      "nacre.yaml:1:10: version: 2 is unknown; allowed: 1\n"
      "nacre.yaml:2:15: ttl: 5 is not a duration; allowed: 1ms to 365d, as in 250ms, 5s, 5m, 24h, 14d\n"
      "nacre.yaml:2:25: local: \"maybe\" is not a boolean; allowed: true, false, on, off\n"
      "nacre.yaml:3:13: unknown key \"reqest\" (did you mean \"request\"?); allowed: request, redis, store\n"
      "nacre.yaml:3:32: store: \"fast\" is not a duration; allowed: 1ms to 10m, as in 250ms, 5s, 5m, 24h, 14d\n"
      "nacre.yaml:5:3: \"Notes\" is no name for a resource; allowed: [a-z][a-z0-9_-]*, at most 64 characters\n"
      "nacre.yaml:6:45: cache: \"5s\" is no cache rule; allowed: off, or a mapping of ttl, stale, client\n"
      "nacre.yaml:6:33: max: 0 is out of range; allowed: 1 to 1000\n");
  std::string many = "version: 1\nresources:\n";
  for (int i = 0; i < 30; ++i) many += "  A" + std::to_string(i) + ": {}\n";
  const auto told = mistakes(many);
  CHECK(std::count(told.begin(), told.end(), '\n') == 21);
  CHECK(told.ends_with("\nand 10 more mistakes\n"));
}

TEST_CASE("A misspelt key that must be there is one mistake, not two") {
  try {
    parse("version: 1\nresources: { a: { shema: {} } }\nstore: { url: \"sqlite:a\" }\n");
    FAIL("accepted");
  } catch (const LoadError& error) {
    REQUIRE(error.messages().size() == 2);
    CHECK(error.messages()[0].starts_with("nacre.yaml:3:10: unknown key \"url\" (did you mean \"uri\"?)"));
    CHECK(error.messages()[1].starts_with("nacre.yaml:2:19: unknown key \"shema\" (did you mean \"schema\"?)"));
  }
}

TEST_CASE("Variables that are not set are told together") {
  try {
    parse("version: 1\ncache: { uri: \"${NACRE_TEST_NO_A}\", prefix: \"${NACRE_TEST_NO_B}\" }\n");
    FAIL("accepted");
  } catch (const LoadError& error) {
    REQUIRE(error.messages().size() == 2);
    CHECK(error.messages()[1].find("NACRE_TEST_NO_B is not set") != std::string::npos);
  }
}
