#include "schema/hostname.h"

#include <idn2.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

#include "base/ascii.h"

namespace nacre::schema {
namespace {

constexpr std::size_t kLongestName = 253;
constexpr std::size_t kLongestLabel = 63;

struct FreeIdn {
  void operator()(std::uint8_t* text) const noexcept { idn2_free(text); }
};

/// The length of a label on the wire; 0 when IDNA2008 has no such label.
std::size_t registered(const std::string& label, bool is_spelt) {
  const auto* text = reinterpret_cast<const std::uint8_t*>(label.c_str());
  std::uint8_t* result = nullptr;
  const int status = idn2_register_u8(is_spelt ? nullptr : text, is_spelt ? text : nullptr, &result, IDN2_ALABEL_ROUNDTRIP);
  const std::unique_ptr<std::uint8_t, FreeIdn> owned{result};
  return status == IDN2_OK && owned ? std::string_view(reinterpret_cast<const char*>(owned.get())).size() : 0;
}

bool is_spelt_label(std::string_view label) { return label.size() > 4 && equals_ignoring_case(label.substr(0, 4), "xn--"); }

/// The same, of ASCII.
std::size_t plain_length(std::string_view label) {
  const bool good = !label.empty() && label.size() <= kLongestLabel && label.front() != '-' && label.back() != '-' &&
                    std::all_of(label.begin(), label.end(), [](char c) { return is_alnum(c) || c == '-'; });
  if (!good) return 0;
  if (is_spelt_label(label)) {
    std::string lower(label);
    std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
    return registered(lower, true);
  }
  // Reserved for what spells something else (RFC 5891 §4.2.3.1).
  return label.size() > 3 && label.substr(2, 2) == "--" ? 0 : label.size();
}

std::size_t label_length(std::string_view label, bool international) {
  const bool ascii = std::all_of(label.begin(), label.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (ascii) return plain_length(label);
  if (!international || label.find('\0') != std::string_view::npos) return 0;
  return registered(std::string(label), false);
}

/// The length of the dot at `at`, or 0: `.`, and U+3002, U+FF0E, U+FF61 (RFC 3490 §3.1) between labels of other letters.
std::size_t dot_at(std::string_view text, std::size_t at, bool international) {
  if (text[at] == '.') return 1;
  const auto three = text.substr(at, 3);
  const bool is_dot = three == "\xE3\x80\x82" || three == "\xEF\xBC\x8E" || three == "\xEF\xBD\xA1";
  return international && is_dot ? 3 : 0;
}

bool is_host_name(std::string_view text, bool international) {
  constexpr std::size_t kLongestText = 4 * kLongestName;
  if (text.empty() || text.size() > kLongestText) return false;
  std::size_t total = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const auto dot = i == text.size() ? 1 : dot_at(text, i, international);
    if (dot == 0) continue;
    const auto length = label_length(text.substr(begin, i - begin), international);
    if (length == 0 || length > kLongestLabel) return false;
    total += length + (begin > 0 ? 1 : 0);
    begin = i + dot;
    i = begin - 1;
  }
  return total <= kLongestName;
}

}  // namespace

bool is_hostname(std::string_view text) { return is_host_name(text, false); }
bool is_idn_hostname(std::string_view text) { return is_host_name(text, true); }

}  // namespace nacre::schema
