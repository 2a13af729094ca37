#include "redis/script.h"

#include <openssl/sha.h>

namespace nacre::redis {

Script::Script(std::string_view source) noexcept : source_(source) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
  SHA1(reinterpret_cast<const unsigned char*>(source.data()), source.size(), digest.data());
  for (std::size_t i = 0; i < digest.size(); ++i) {
    name_[2 * i] = kDigits[digest[i] >> 4U];
    name_[2 * i + 1] = kDigits[digest[i] & 15U];
  }
}

}  // namespace nacre::redis
