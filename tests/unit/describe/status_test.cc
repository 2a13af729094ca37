#include <doctest/doctest.h>

#include "describe/describe.h"

using namespace nacre;

TEST_SUITE("describe::status") {
  TEST_CASE("everything is told as JSON, the fingerprint as 16 hex digits") {
    const describe::Status status{.version = "1.2.3",
                                  .nginx = "1.22.1",
                                  .uptime = Seconds{61},
                                  .fingerprint = 0xAB,
                                  .workers = 4,
                                  .resources = 2,
                                  .cache = {.entries = 1, .bytes = 2, .capacity = 3, .evictions = 4, .values = 5, .resets = 6}};
    CHECK(describe::status(status) ==
          R"({"version":"1.2.3","nginx":"1.22.1","uptime_seconds":61,"config":"00000000000000ab","workers":4,"resources":2,)"
          R"("cache":{"entries":1,"bytes":2,"capacity":3,"evictions":4,"values":5,"resets":6}})");
  }
}
