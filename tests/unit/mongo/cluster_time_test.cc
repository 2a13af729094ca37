#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/last_write.h"
#include "mongo/talk.h"

namespace nacre::mongo {

namespace {
constexpr std::int32_t kKeyNotFound = 211;
}  // namespace

TEST_CASE("a time of the cluster that its servers know no more, as of one made anew, is forgotten") {
  constexpr std::uint64_t kThen = 1'700'000'000ULL << 32U;
  std::atomic<bool> anew = false;
  const ScriptedServer server([&](const Asked& asked) -> std::optional<std::string> {
    if (anew) return find(asked.document, "$clusterTime") ? error_of(kKeyNotFound) : ok();
    return bson_of([&](BsonWriter& bson) {
      const std::string_view then(reinterpret_cast<const char*>(&kThen), sizeof kThen);
      bson.real("ok", 1);
      bson.raw("operationTime", then, BsonType::timestamp);
      bson.document("$clusterTime", [&] { bson.raw("clusterTime", then, BsonType::timestamp); });
    });
  });
  alignas(LastWrite) std::array<std::byte, sizeof(LastWrite)> memory{};
  auto& of_host = *reinterpret_cast<LastWrite*>(memory.data());
  of_host.init();
  Talk before(server, "readPreference=nearest", &of_host);
  before.run(Milliseconds{20'000}, [&] { REQUIRE(before.write().has_value()); });
  anew = true;
  const auto fails_once = [](Talk& talk) {
    talk.run(Milliseconds{20'000}, [&] {
      const auto first = talk.read();
      REQUIRE(first.has_value());
      CHECK(first->error.has_value());
      const auto second = talk.read();
      REQUIRE(second.has_value());
      CHECK_FALSE(second->error.has_value());
    });
  };
  fails_once(before);
  Talk after_reload(server, "readPreference=nearest", &of_host);
  after_reload.run(Milliseconds{20'000}, [&] {
    const auto first = after_reload.read();
    REQUIRE(first.has_value());
    CHECK_FALSE(first->error.has_value());
  });
}

}  // namespace nacre::mongo
