#include "config/fingerprint.h"

#include <sodium/crypto_generichash.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

namespace nacre::config {
namespace {

class Hash {
 public:
  Hash() { crypto_generichash_init(&state_, nullptr, 0, crypto_generichash_BYTES); }

  void number(std::uint64_t value) { bytes(&value, sizeof value); }
  void text(std::string_view value) {
    number(value.size());
    bytes(value.data(), value.size());
  }
  void value(const Value& value);

  std::uint64_t finish() {
    unsigned char digest[crypto_generichash_BYTES];
    crypto_generichash_final(&state_, digest, sizeof digest);
    std::uint64_t result = 0;
    std::memcpy(&result, digest, sizeof result);
    return result;
  }

 private:
  void bytes(const void* data, std::size_t size) {
    crypto_generichash_update(&state_, static_cast<const unsigned char*>(data), size);
  }

  crypto_generichash_state state_{};
};

void Hash::value(const Value& value) {
  number(static_cast<std::uint64_t>(value.kind) * 2 + (value.plain ? 1 : 0));
  text(value.text);
  number(value.items.size());
  for (const auto& item : value.items) this->value(item);
  std::vector<const Member*> sorted;
  for (const auto& member : value.members) sorted.push_back(&member);
  std::sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return a->key < b->key; });
  number(sorted.size());
  for (const auto* member : sorted) {
    text(member->key);
    this->value(member->value);
  }
}

}  // namespace

std::uint64_t fingerprint(const Value& value) {
  Hash hash;
  hash.value(value);
  return hash.finish();
}

}  // namespace nacre::config
