#include "config/uri.h"

#include <doctest/doctest.h>

#include <string>

#include "mongo/target.h"

using namespace nacre::config;

namespace {

Value value(const std::string& text) {
  Value scalar(Value::Kind::scalar, {});
  scalar.text = text;
  return scalar;
}

const Source source("", "n");

std::string store(const std::string& uri) {
  try {
    return read_store_uri(source, value(uri), "/srv/app").uri;
  } catch (const LoadError& error) {
    return error.what();
  }
}

std::string cache(const std::string& uri) {
  try {
    return read_cache_uri(source, value(uri), "/srv/app") ? "redis" : "memory";
  } catch (const LoadError& error) {
    return error.what();
  }
}

}  // namespace

TEST_SUITE("config::uri") {
  TEST_CASE("a relative database is below the prefix, an absolute one is left alone") {
    CHECK(store("sqlite:data/nacre.db") == "sqlite:/srv/app/data/nacre.db");
    CHECK(store("sqlite:./a/../b.db") == "sqlite:/srv/app/b.db");
    CHECK(store("sqlite:/var/lib/nacre.db") == "sqlite:/var/lib/nacre.db");
  }

  TEST_CASE("options of SQLite are kept") {
    CHECK(store("sqlite:a.db?synchronous=normal") == "sqlite:/srv/app/a.db?synchronous=normal");
    CHECK(store("sqlite:a.db?synchronous=full") == "sqlite:/srv/app/a.db?synchronous=full");
    CHECK(store("sqlite:a.db?synchronous=off").find("unknown option") != std::string::npos);
    CHECK(store("sqlite:a.db?").find("unknown option") != std::string::npos);
    CHECK(store("sqlite:a.db?mode=ro").find("unknown option") != std::string::npos);
  }

  TEST_CASE("paths that name no file to share are refused") {
    for (const auto* uri : {"sqlite:", "sqlite:?synchronous=full", "sqlite:data/", "sqlite::memory:", "sqlite:///a.db"}) {
      CAPTURE(uri);
      CHECK(store(uri).starts_with("n:1:1: uri: "));
    }
  }

  TEST_CASE("a scheme that is none of the kind is unknown") {
    CHECK(store("mysql://h/d").find("unknown scheme \"mysql:\"") != std::string::npos);
    CHECK(store("memory:").find("unknown scheme") != std::string::npos);
    CHECK(cache("sqlite:a").find("unknown scheme") != std::string::npos);
    CHECK(cache("memory:") == "memory");
    CHECK(cache("memory:64m").find("takes nothing") != std::string::npos);
  }

  TEST_CASE("Redis is found in each of its forms") {
    for (const auto* uri :
         {"redis://h", "rediss://h", "redis+unix:///s", "redis+sentinel://h1,h2/name", "redis+cluster://h1,h2"}) {
      CHECK(cache(uri) == "redis");
    }
    CHECK(cache("redis://h:x") == "n:1:1: uri: this is no port; allowed: 1 to 65535");
    CHECK(cache("rediss://h?ca_file=ca.pem") ==
          "n:1:1: uri: /srv/app/ca.pem: No such file or directory; allowed: PEM files that can be read");
  }

  TEST_CASE("a MongoDB URI is taken, with all that it names") {
    CHECK(store("mongodb://u:p@a,b:27018/d?replicaSet=rs") == "mongodb://u:p@a,b:27018/d?replicaSet=rs");
    CHECK(read_store_uri(source, value("mongodb+srv://cluster.example.com/d"), "/").mongo->tls != nullptr);
    CHECK(read_store_uri(source, value("mongodb://h/d"), "/").mongo->uri->database == "d");
    CHECK(store("mongodb://h/d?tls=true&tlsCAFile=none.pem").find("/srv/app/none.pem") != std::string::npos);
    CHECK(store("mongodb://h/d?compressors=zlib").starts_with("n:1:1: uri: compressors: not served: "));
  }

  TEST_CASE("text without a scheme is no URI") {
    for (const auto* uri : {"", "nacre.db", ":", "/a/b", "SQLITE:a.db", "a b:c"}) {
      CAPTURE(uri);
      CHECK(store(uri).find("this is no URI") != std::string::npos);
    }
  }

  TEST_CASE("no message holds a user or a password") {
    for (const auto* uri : {"mongodb://user:hunter2@h/d?bogus=hunter2", "mongodb://user:hunter2@/", "mysql://user:hunter2@h/d",
                            "://user:hunter2@h", "user@hunter2", "sqlite://user:hunter2@h/d", "sqlite:a.db?key=hunter2"}) {
      CAPTURE(uri);
      CHECK(store(uri).find("hunter2") == std::string::npos);
      CHECK(cache(uri).find("hunter2") == std::string::npos);
    }
    auto substituted = value("hunter2:x");
    substituted.written = "${STORE}";
    CHECK_THROWS_WITH_AS(read_store_uri(source, substituted, "/"),
                         "n:1:1: uri: unknown scheme \"${STORE}\"; allowed: sqlite:PATH, sqlite:PATH?synchronous=normal, "
                         "mongodb://HOST/DATABASE",
                         LoadError);
  }
}
