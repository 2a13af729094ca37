#include "mongo/uri.h"

#include <doctest/doctest.h>

#include <string>

namespace nacre::mongo {

TEST_CASE("a MongoDB URI is taken apart into what Nacre honours and what libmongoc does") {
  const auto uri = parse_uri(
      "mongodb://u:secret@a,b:27018/shop?replicaSet=rs&w=2&journal=true&wTimeoutMS=500&retryWrites=false&maxPoolSize=7"
      "&minPoolSize=2&maxConnecting=3&readPreference=secondaryPreferred&readPreferenceTags=dc:ny,rack:1&readPreferenceTags="
      "&maxStalenessSeconds=120&readConcernLevel=majority&tls=true&tlsCAFile=%2Fetc%2Fca.pem&tlsAllowInvalidHostnames=true"
      "&appName=x&serverSelectionTimeoutMS=3000&waitQueueTimeoutMS=100&maxIdleTimeMS=60000&connectTimeoutMS=900&"
      "socketTimeoutMS=4000");
  REQUIRE_MESSAGE(uri.has_value(), (uri ? "" : uri.error().detail));
  CHECK(uri->database == "shop");
  CHECK(uri->write_concern.tag.empty());
  CHECK(uri->write_concern.count == 2);
  CHECK(uri->write_concern.journal == true);
  CHECK(uri->write_concern.timeout == Milliseconds{500});
  CHECK_FALSE(uri->retry_writes);
  CHECK(uri->retry_reads);
  CHECK(uri->max_connections == 7);
  CHECK(uri->min_connections == 2);
  CHECK(uri->max_connecting == 3);
  CHECK(uri->max_idle_time == Milliseconds{60'000});
  CHECK(uri->wait_queue_timeout == Milliseconds{100});
  CHECK(uri->read_preference.mode == "secondaryPreferred");
  REQUIRE(uri->read_preference.tags.size() == 2);
  CHECK(uri->read_preference.tags[0].size() == 2);
  CHECK(uri->read_preference.tags[1].empty());
  CHECK(uri->read_preference.max_staleness == Seconds{120});
  CHECK(uri->read_concern == "majority");
  CHECK(uri->tls);
  CHECK(uri->tls_options.ca_file == "/etc/ca.pem");
  CHECK(uri->tls_options.verify_certificate);
  CHECK_FALSE(uri->tls_options.verify_name);
  CHECK(uri->driver ==
        "mongodb://u:secret@a,b:27018/shop?replicaSet=rs&readPreference=secondaryPreferred&readPreferenceTags=dc:ny,rack:1"
        "&readPreferenceTags=&maxStalenessSeconds=120&tls=true&appName=x&connectTimeoutMS=900");
}

TEST_CASE("a MongoDB URI without options has the defaults") {
  const auto uri = parse_uri("mongodb://localhost");
  REQUIRE(uri.has_value());
  CHECK(uri->driver == "mongodb://localhost/");
  CHECK(uri->database == "test");
  CHECK(uri->write_concern.tag == "majority");
  CHECK(uri->retry_writes);
  CHECK(uri->max_connections == 100);
  CHECK(uri->max_idle_time == Milliseconds{0});
  CHECK_FALSE(uri->tls);
  CHECK(parse_uri("mongodb+srv://cluster.example.com/db")->tls);
  CHECK(parse_uri("mongodb://[::1]:27017,%2Ftmp%2Fmongodb-27017.sock/db").has_value());
}

TEST_CASE("a MongoDB URI that can't be honoured is refused without a word of its secrets") {
  for (const char* text :
       {"mongodb://",
        "mongodb://u:hidden@",
        "mongodb://u:hidden@@h/db",
        "mongodb://u:hid den@h:99999/db",
        "mongodb://h/db?hidden",
        "mongodb://u:a?hidden=1@h/db",
        "mongodb://u:a?hidden=1@h/db?w=1",
        "mongodb://u:a?b&hidden=1@h/db?colour=1",
        "mongodb://u:a@hidden=1?hidden=1@h/db",
        "mongodb://h/db?tls=true&tlsCertificateKeyFilePassword=a&hidden=1",
        "mongodb://h/db?hid-den=1",
        "mongodb://h/db?=hidden",
        "mongodb://h/db?hiddenhiddenhiddenhiddenhiddenhiddenhiddenhidden=1",
        "mongodb://u:hidden@h/db?compressors=zlib",
        "mongodb://u:hidden@h/db?w=0",
        "mongodb://u:hidden@h/db?w=-1",
        "mongodb://u:hidden@h/db?w=51",
        "mongodb://u:hidden@h/db?w=majority;j=true",
        "mongodb://u:hidden@h/db?w=",
        "mongodb://h/db?localThresholdMS=hidden",
        "mongodb://h/db?localThresholdMS=-1",
        "mongodb://h/db?authSource=",
        "mongodb://h/db?appName=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "mongodb+srv://h.example.com/db?srvMaxHosts=hidden",
        "mongodb+srv://h.example.com/db?srvMaxHosts=-1",
        "mongodb://h/db?srvMaxHosts=2",
        "mongodb://h/db?replicaSet=",
        "mongodb://h/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "mongodb://u:hidden@h/db?tls=hidden",
        "mongodb://u:hidden@h/db?maxPoolSize=0",
        "mongodb://u:hidden@h/db?maxIdleTimeMS=hidden",
        "mongodb://u:hidden@h/db?tls=true&tls=true",
        "mongodb://u:hidden@h/db?tlsCAFile=hidden",
        "mongodb://u:hidden@h/db?authMechanism=GSSAPI",
        "mongodb://u:hidden@h/db?authMechanism=MONGODB-X509",
        "mongodb://h/db?minPoolSize=9&maxPoolSize=8",
        "mongodb://h/db?maxStalenessSeconds=100",
        "mongodb://h/db?heartbeatFrequencyMS=499",
        "mongodb://h/db?readPreference=nearest&maxStalenessSeconds=90&heartbeatFrequencyMS=80001",
        "mongodb://h/db?loadBalanced=true",
        "mongodb://h/db?readPreferenceTags=hidden&readPreference=nearest",
        "mongodb://a,b/db?directConnection=true",
        "mongodb://u:hidden@h/d%24b",
        "mongodb://h/db?tlsCAFile=%zz&tls=true",
        "mongodb+srv://h:27017/db",
        "redis://hidden"}) {
    CAPTURE(std::string(text));
    const auto uri = parse_uri(text);
    REQUIRE_FALSE(uri.has_value());
    CHECK_FALSE(uri.error().detail.empty());
    CHECK(uri.error().detail.find("hid") == std::string::npos);
  }
}

TEST_CASE("a write concern is majority in any case, a number of members, or a name of the set's configuration") {
  const auto tag = [](const char* w) { return parse_uri(std::string("mongodb://h/db?w=").append(w))->write_concern.tag; };
  CHECK(tag("Majority") == "majority");
  CHECK(tag("MultipleDC") == "MultipleDC");
  CHECK(tag("50").empty());
}

TEST_CASE("an option that is not known is named where the name is no part of a password") {
  const auto detail = [](const char* text) { return parse_uri(text).error().detail; };
  CHECK(detail("mongodb://u:hidden@h/db?colour=1") == "it has an option that is not known, colour");
  CHECK(detail("mongodb://u:hidden@h/db?w=1&colour=hidden") == "it has an option that is not known, colour");
  CHECK(detail("mongodb://u:a?colour=1@h/db") == "it has an option that is not known");
}

}  // namespace nacre::mongo
