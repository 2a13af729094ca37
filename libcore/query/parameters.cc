#include "query/parameters.h"

#include <algorithm>
#include <optional>

#include "json/utf8.h"
#include "query/filter.h"

namespace nacre::query {
namespace {

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const auto high = hex_digit(text[i + 1]);
    const auto low = hex_digit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    decoded += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  return decoded;
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_sequence(text, i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

}  // namespace

Result<std::vector<std::pair<std::string, std::string>>> parse_parameters(std::string_view raw_query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  while (!raw_query.empty()) {
    const std::string_view piece = raw_query.substr(0, raw_query.find('&'));
    raw_query.remove_prefix(std::min(raw_query.size(), piece.size() + 1));
    if (piece.empty()) continue;
    const std::size_t equals = std::min(piece.find('='), piece.size());
    auto name = percent_decode(piece.substr(0, equals));
    if (!name || !is_utf8(*name)) return Failure(Error::bad_request, "the query string is not percent-encoded UTF-8");
    auto value = percent_decode(piece.substr(std::min(equals + 1, piece.size())));
    if (!value || !is_utf8(*value)) return Failure(Error::bad_request, shown(*name) + ": not percent-encoded UTF-8");
    if (parameters.size() == kMaxParameters) return Failure(Error::bad_request, "the query string has too many parameters");
    for (const auto& earlier : parameters) {
      if (earlier.first == *name) return Failure(Error::bad_request, shown(*name) + ": this parameter comes twice");
    }
    parameters.emplace_back(std::move(*name), std::move(*value));
  }
  return parameters;
}

}  // namespace nacre::query
