#pragma once

#include <sodium.h>

#include <cstdint>
#include <string_view>

namespace nacre::cache {

/// SipHash-2-4 under a random key: keys come from clients, who must not be able to choose those that collide.
class KeyedHash {
 public:
  void init() noexcept { crypto_shorthash_keygen(key_); }
  std::uint64_t operator()(std::string_view text) const noexcept {
    std::uint64_t hash = 0;
    static_assert(sizeof(hash) == crypto_shorthash_BYTES);
    crypto_shorthash(reinterpret_cast<unsigned char*>(&hash), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                     key_);
    return hash;
  }

 private:
  unsigned char key_[crypto_shorthash_KEYBYTES] = {};
};

}  // namespace nacre::cache
