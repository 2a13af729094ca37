#include <array>
#include <cstdio>

#include "base/json.h"
#include "describe/describe.h"
#include "json/write.h"

namespace nacre::describe {

std::string status(const Status& status) {
  std::array<char, 17> fingerprint{};
  std::snprintf(fingerprint.data(), fingerprint.size(), "%016llx", static_cast<unsigned long long>(status.fingerprint));
  const auto& usage = status.cache;
  return json_text(JsonObject{{"version", status.version},
                              {"nginx", status.nginx},
                              {"uptime_seconds", status.uptime.count()},
                              {"config", fingerprint.data()},
                              {"workers", status.workers},
                              {"resources", status.resources},
                              {"cache", JsonObject{{"entries", usage.entries},
                                                   {"bytes", usage.bytes},
                                                   {"capacity", usage.capacity},
                                                   {"evictions", usage.evictions},
                                                   {"values", usage.values},
                                                   {"resets", usage.resets}}}});
}

}  // namespace nacre::describe
