#pragma once

#include <sodium.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace nacre {

/// SipHash-1-3 under a random key: keys come from clients, who must not be able to choose those that collide. It takes half the
/// time of libsodium's SipHash-2-4, and is enough for a table whose hashes nobody is shown.
class KeyedHash {
 public:
  using Words = std::array<std::uint64_t, 2>;

  KeyedHash() = default;
  explicit KeyedHash(const Words& key) noexcept : key_(key) {}
  void init() noexcept { randombytes_buf(key_.data(), sizeof key_); }

  std::uint64_t operator()(std::string_view text) const noexcept {
    State state(key_);
    const std::uint64_t size = text.size();
    for (; text.size() >= sizeof(std::uint64_t); text.remove_prefix(sizeof(std::uint64_t))) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data(), sizeof word);
      state.take(word);
    }
    state.take(size << 56U | rest_of(text, size));
    return state.finish();
  }

 private:
  static_assert(std::endian::native == std::endian::little);

  struct State {
    explicit State(const Words& key) noexcept
        : a(key[0] ^ 0x736f6d6570736575U),
          b(key[1] ^ 0x646f72616e646f6dU),
          c(key[0] ^ 0x6c7967656e657261U),
          d(key[1] ^ 0x7465646279746573U) {}

    void round() noexcept {
      a += b;
      b = std::rotl(b, 13) ^ a;
      a = std::rotl(a, 32);
      c += d;
      d = std::rotl(d, 16) ^ c;
      a += d;
      d = std::rotl(d, 21) ^ a;
      c += b;
      b = std::rotl(b, 17) ^ c;
      c = std::rotl(c, 32);
    }
    void take(std::uint64_t word) noexcept {
      d ^= word;
      round();
      a ^= word;
    }
    std::uint64_t finish() noexcept {
      c ^= 0xFFU;
      for (int i = 0; i < 3; ++i) round();
      return a ^ b ^ c ^ d;
    }

    std::uint64_t a, b, c, d;
  };

  /// The last bytes of a text of `size`, less than a word of them: of a longer one, as a part of its last word.
  static std::uint64_t rest_of(std::string_view rest, std::uint64_t size) noexcept {
    std::uint64_t word = 0;
    if (rest.empty()) return word;
    if (size < sizeof word) {
      rest.copy(reinterpret_cast<char*>(&word), rest.size());
      return word;
    }
    std::memcpy(&word, rest.data() + rest.size() - sizeof word, sizeof word);
    return word >> 8 * (sizeof word - rest.size());
  }

  Words key_{};
};

}  // namespace nacre
