#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace nacre {

/// A text that is short as a rule, such as an entity tag: up to 32 bytes stand in it, longer ones cost an allocation.
class ShortText {
 public:
  ShortText() = default;
  ShortText(std::string_view text) { assign(text); }  // NOLINT(google-explicit-constructor)
  void assign(std::string_view text) {
    size_ = static_cast<std::uint32_t>(text.size());
    if (size_ <= kInPlace) {
      std::memcpy(here_.data(), text.data(), size_);
    } else {
      long_ = text;
    }
  }
  ShortText(const std::string& text) : ShortText(std::string_view(text)) {}  // NOLINT(google-explicit-constructor)
  ShortText(const char* text) : ShortText(std::string_view(text)) {}         // NOLINT(google-explicit-constructor)
  operator std::string_view() const noexcept {                               // NOLINT(google-explicit-constructor)
    return size_ <= kInPlace ? std::string_view(here_.data(), size_) : std::string_view(long_);
  }
  friend bool operator==(const ShortText& one, const ShortText& other) noexcept {
    return std::string_view(one) == std::string_view(other);
  }
  friend bool operator==(const ShortText& one, const std::convertible_to<std::string_view> auto& other) noexcept {
    return std::string_view(one) == std::string_view(other);
  }
  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }

 private:
  static constexpr std::size_t kInPlace = 32;

  std::array<char, kInPlace> here_{};
  std::uint32_t size_ = 0;
  std::string long_;
};

}  // namespace nacre
