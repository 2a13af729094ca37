#include "mongo/client.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <string>

#include "mongo/talk.h"

namespace nacre::mongo {
namespace {

using std::chrono::milliseconds;

constexpr std::int32_t kNotWritablePrimary = 10107;
constexpr std::int32_t kDuplicateKey = 11000;
constexpr std::int32_t kNoSuchTransaction = 251;

/// Gives one answer after another; the last one again and again.
ScriptedServer::Answers in_turn(std::vector<std::optional<std::string>> answers) {
  return [answers = std::move(answers), next = std::make_shared<std::atomic<std::size_t>>(0)](const Asked&) {
    return answers[std::min(next->fetch_add(1), answers.size() - 1)];
  };
}

std::string transaction_of(const Asked& asked) {
  std::string text(find(asked.document, "lsid.id")->value);
  return text + "/" + std::to_string(find(asked.document, "txnNumber")->integer());
}

/// A transaction that inserts one document, which is refused.
Result<void> insert_in_vain(Client& client, std::optional<std::string_view> name = std::nullopt) {
  return client.transact(
      [](Transaction& transaction) -> Result<void> {
        const auto inserted = transaction.run([](BsonWriter& bson) { bson.string("insert", "c"); });
        if (!inserted) return inserted.error();
        return inserted->error ? inserted->error->failure() : Result<void>();
      },
      {.until = fiber::deadline()}, name);
}

}  // namespace

TEST_CASE("a command carries the database, the time that is left, and what the URI asks for") {
  const ScriptedServer server(in_turn({ok()}));
  Talk talk(server, "readConcernLevel=majority&journal=true&wTimeoutMS=700");
  talk.run(Milliseconds{800}, [&] {
    REQUIRE(talk.read().has_value());
    REQUIRE(talk.write().has_value());
  });
  const auto asked = server.asked();
  REQUIRE(asked.size() == 2);
  CHECK(find(asked[0].document, "$db")->text() == "db");
  CHECK(find(asked[0].document, "maxTimeMS")->integer() <= 800);
  CHECK(find(asked[0].document, "readConcern.level")->text() == "majority");
  CHECK_FALSE(find(asked[0].document, "lsid").has_value());
  CHECK_FALSE(find(asked[0].document, "$readPreference").has_value());
  CHECK(find(asked[1].document, "writeConcern.w")->text() == "majority");
  CHECK(find(asked[1].document, "writeConcern.j")->boolean());
  CHECK(find(asked[1].document, "writeConcern.wtimeout")->integer() == 700);
  CHECK(find(asked[1].document, "txnNumber")->integer() == 1);
}

TEST_CASE("a write whose connection breaks, or whose server is no primary any more, is tried again under its number") {
  for (const auto& first : {std::optional<std::string>(), std::optional(error_of(kNotWritablePrimary)),
                            std::optional(error_of(91, {"RetryableWriteError"}))}) {
    const ScriptedServer server(in_turn({first, ok()}));
    Talk talk(server);
    talk.run(Milliseconds{20'000}, [&] {
      const auto answer = talk.write();
      REQUIRE_MESSAGE(answer.has_value(), (answer ? "" : answer.error().internal));
      CHECK_FALSE(answer->error.has_value());
    });
    const auto asked = server.asked();
    REQUIRE(asked.size() == 2);
    CHECK(transaction_of(asked[0]) == transaction_of(asked[1]));
    CHECK(asked[0].connection != asked[1].connection);
  }
}

TEST_CASE("each write has a number of its own, and a session is used again once its write has ended") {
  const ScriptedServer server(in_turn({ok()}));
  Talk talk(server);
  talk.run(Milliseconds{20'000}, [&] {
    for (int i = 0; i < 3; ++i) REQUIRE(talk.write().has_value());
  });
  const auto asked = server.asked();
  REQUIRE(asked.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(find(asked[i].document, "txnNumber")->integer() == static_cast<std::int64_t>(i) + 1);
    CHECK(find(asked[i].document, "lsid.id")->value == find(asked[0].document, "lsid.id")->value);
  }
}

TEST_CASE("a write is sent once where the server keeps no numbers, or the URI says so") {
  for (const bool replicated : {true, false}) {
    const ScriptedServer server(in_turn({std::nullopt, ok()}), replicated);
    Talk talk(server, replicated ? "retryWrites=false" : "");
    talk.run(Milliseconds{20'000}, [&] {
      const auto answer = talk.write();
      REQUIRE_FALSE(answer.has_value());
      CHECK(answer.error().error == Error::unavailable);
    });
    REQUIRE(server.asked().size() == 1);
    CHECK_FALSE(find(server.asked()[0].document, "txnNumber").has_value());
  }
}

TEST_CASE("a read is tried again after what the specification names, and after nothing else") {
  {
    const ScriptedServer server(in_turn({std::nullopt, error_of(kNotWritablePrimary), error_of(189), ok()}));
    Talk talk(server);
    talk.run(Milliseconds{20'000}, [&] { CHECK(talk.read().has_value()); });
    CHECK(server.asked().size() == 4);
  }
  {
    const ScriptedServer server(in_turn({error_of(2), ok()}));
    Talk talk(server);
    talk.run(Milliseconds{20'000}, [&] {
      const auto answer = talk.read();
      REQUIRE(answer.has_value());
      REQUIRE(answer->error.has_value());
      CHECK(answer->error->code == 2);
    });
    CHECK(server.asked().size() == 1);
  }
}

TEST_CASE("a reply that comes too late is dropped, and its connection stays good") {
  const ScriptedServer server([](const Asked& asked) -> std::optional<std::string> {
    if (asked.name == "slow") std::this_thread::sleep_for(milliseconds{300});
    return ok();
  });
  Talk talk(server, "maxPoolSize=1");
  talk.run(Milliseconds{20'000}, [&] { REQUIRE(talk.read().has_value()); });
  talk.run(Milliseconds{100}, [&] {
    const auto answer = talk.client->read([](BsonWriter& bson) { bson.int32("slow", 1); });
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().error == Error::deadline);
  });
  talk.run(Milliseconds{20'000}, [&] { CHECK(talk.read().has_value()); });
  for (const Asked& asked : server.asked()) CHECK(asked.connection == server.asked()[0].connection);
}

TEST_CASE("a transaction begins anew when the server says so, and its commit is repeated until its end is known") {
  std::atomic<int> inserts = 0;
  std::atomic<int> commits = 0;
  const ScriptedServer server([&](const Asked& asked) -> std::optional<std::string> {
    if (asked.name == "insert" && inserts++ == 0) return error_of(112, {"TransientTransactionError"});
    if (asked.name == "commitTransaction" && commits++ < 2) {
      if (commits == 1) return std::nullopt;
      return error_of(91, {"UnknownTransactionCommitResult"});
    }
    return ok();
  });
  Talk talk(server);
  talk.run(Milliseconds{20'000}, [&] {
    const auto done = talk.client->transact(
        [](Transaction& transaction) -> Result<void> {
          auto inserted = transaction.run([](BsonWriter& bson) { bson.string("insert", "c"); });
          if (!inserted) return inserted.error();
          if (inserted->error) return inserted->error->failure();
          auto updated = transaction.run([](BsonWriter& bson) { bson.string("update", "c"); });
          if (!updated) return updated.error();
          return {};
        },
        {.until = fiber::deadline()});
    REQUIRE_MESSAGE(done.has_value(), (done ? "" : done.error().internal));
  });
  std::vector<Asked> asked = server.asked();
  std::erase_if(asked, [](const Asked& a) { return a.name == "abortTransaction"; });
  REQUIRE(asked.size() == 6);  // insert; insert, update, commit three times
  CHECK(find(asked[0].document, "startTransaction")->boolean());
  CHECK(find(asked[1].document, "startTransaction")->boolean());
  CHECK(transaction_of(asked[0]) != transaction_of(asked[1]));
  CHECK_FALSE(find(asked[2].document, "startTransaction").has_value());
  for (std::size_t i = 2; i < 6; ++i) {
    CHECK(transaction_of(asked[i]) == transaction_of(asked[1]));
    CHECK_FALSE(find(asked[i].document, "autocommit")->boolean());
    CHECK(find(asked[i].document, "maxTimeMS")->integer() <= 20'000);
  }
  CHECK(find(asked[3].document, "writeConcern.wtimeout")->integer() <= 20'000);
  CHECK(find(asked[5].document, "$db")->text() == "admin");
  CHECK(find(asked[5].document, "writeConcern.w")->text() == "majority");
}

TEST_CASE("a session is used again though its transaction was refused, of which the server then knows no more") {
  const ScriptedServer server([](const Asked& asked) -> std::optional<std::string> {
    return error_of(asked.name == "insert" ? kDuplicateKey : kNoSuchTransaction);
  });
  Talk talk(server);
  talk.run(Milliseconds{20'000}, [&] {
    for (int i = 0; i < 2; ++i) {
      const auto done = insert_in_vain(*talk.client);
      REQUIRE_FALSE(done.has_value());
      CHECK(done.error().error == Error::conflict);
    }
  });
  const auto asked = server.asked();
  REQUIRE(asked.size() == 4);  // insert, abort, and once more
  CHECK(find(asked[2].document, "lsid.id")->value == find(asked[0].document, "lsid.id")->value);
  CHECK(find(asked[2].document, "txnNumber")->integer() == find(asked[0].document, "txnNumber")->integer() + 1);
}

TEST_CASE("without a server a call ends with its deadline, and at once when there has been none for long") {
  auto server = std::make_unique<ScriptedServer>(in_turn({ok()}));
  Talk talk(*server, "serverSelectionTimeoutMS=400");
  talk.run(Milliseconds{20'000}, [&] { CHECK(talk.read().has_value()); });
  server.reset();
  talk.run(Milliseconds{100}, [&] {
    const auto answer = talk.read();
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().error == Error::unavailable);
  });
  talk.run(Milliseconds{1'000}, [&] { (void)fiber::sleep(Milliseconds{500}); });
  talk.run(Milliseconds{60'000}, [&] {
    const Monotonic start = monotonic_now();
    const auto answer = talk.read();
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().error == Error::unavailable);
    CHECK(monotonic_now() - start < Milliseconds{20'000});
  });
}

}  // namespace nacre::mongo
