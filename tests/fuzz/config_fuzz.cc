// nacre.yaml from anybody: either it loads, or one message says where and why. Seeds beyond corpus/config:
// tests/nginx/bad_conf.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config/load.h"

namespace {

using namespace nacre::config;

void require(bool holds) {
  if (!holds) std::abort();
}

/// Reads "NUMBER:" off the front; the number is at least 1.
void take_number(std::string_view& text) {
  const auto digits = text.find_first_not_of("0123456789");
  require(digits != std::string_view::npos && digits > 0 && text[digits] == ':' && text.front() != '0');
  text.remove_prefix(digits + 1);
}

/// "nacre.yaml:LINE:COLUMN: what is wrong; what is allowed", one line, of a length that nginx logs whole.
void check_message(std::string_view message) {
  constexpr std::string_view kName = "nacre.yaml:";
  require(message.starts_with(kName));
  require(message.size() < 1'000 && message.find_first_of("\n\r") == std::string_view::npos);
  message.remove_prefix(kName.size());
  take_number(message);
  take_number(message);
  const auto allowed = message.find("; allowed: ");
  require(message.starts_with(' ') && allowed != std::string_view::npos && allowed > 1 && allowed + 11 < message.size());
}

void check_config(const Config& config) {
  require(config.store.uri.starts_with("sqlite:/"));
  require(config.cache.ttl.count() > 0 && config.timeouts.request.count() > 0);
  for (const auto& resource : config.resources) {
    require(config.resource(resource.name) == &resource);
    require(resource.page.default_limit >= 1 && resource.page.default_limit <= resource.page.max_limit);
    for (const auto& limit : resource.limits) require(limit.count > 0 && limit.burst > 0 && limit.period.count() > 0);
    for (const auto& index : resource.indexes) require(!index.keys.empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view yaml(reinterpret_cast<const char*>(data), size);
  try {
    const auto config = load_text(yaml, "nacre.yaml", "/srv");
    check_config(*config);
    for (const auto& warning : config->warnings) require(warning.find_first_of("\n\r") == std::string::npos);
    require(load_text(yaml, "nacre.yaml", "/srv")->fingerprint == config->fingerprint);
  } catch (const LoadError& error) {
    require(error.messages().front() == error.what() && error.messages().size() <= 21);
    for (const auto& message : error.messages()) {
      if (&message != error.messages().data() + 20) check_message(message);
    }
  }
  return 0;
}
