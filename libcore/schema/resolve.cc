#include "schema/resolve.h"

#include <algorithm>
#include <charconv>

#include "base/ascii.h"

namespace nacre::schema {
namespace {

/// Each with its delimiter, so that what is absent differs from what is empty.
struct UriParts {
  std::string_view scheme, authority, path, query, fragment;
};

UriParts split_uri(std::string_view text) {
  UriParts parts;
  const auto cut = [&text](std::size_t length) {
    length = std::min(length, text.size());
    const auto part = text.substr(0, length);
    text.remove_prefix(length);
    return part;
  };
  parts.scheme = cut(scheme_length(text));
  if (text.starts_with("//")) parts.authority = cut(text.find_first_of("/?#", 2));
  parts.path = cut(text.find_first_of("?#"));
  parts.query = cut(text.find('#'));
  parts.fragment = text;
  return parts;
}

/// RFC 3986 §5.2.4.
std::string without_dots(std::string_view path) {
  std::string result;
  while (!path.empty()) {
    if (path.starts_with("../")) {
      path.remove_prefix(3);
    } else if (path.starts_with("./") || path.starts_with("/./")) {
      path.remove_prefix(2);
    } else if (path == "/.") {
      path = "/";
    } else if (path.starts_with("/../") || path == "/..") {
      path = path.size() > 3 ? path.substr(3) : "/";
      result.erase(std::min(result.rfind('/'), result.size()));
    } else if (path == "." || path == "..") {
      path = {};
    } else {
      const auto end = std::min(path.find('/', 1), path.size());
      result.append(path.substr(0, end));
      path.remove_prefix(end);
    }
  }
  return result;
}

std::string merged(const UriParts& base, std::string_view path) {
  if (!base.authority.empty() && base.path.empty()) return "/" + std::string(path);
  return std::string(base.path.substr(0, base.path.rfind('/') + 1)).append(path);
}

}  // namespace

std::size_t scheme_length(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return 0;
  const auto scheme = text.substr(0, colon);
  const bool good = is_letter(scheme.front()) && std::all_of(scheme.begin(), scheme.end(), [](char c) {
                      return is_alnum(c) || c == '+' || c == '-' || c == '.';
                    });
  return good ? colon + 1 : 0;
}

std::string resolve_uri(std::string_view base, std::string_view reference) {
  if (base.empty()) return std::string(reference);
  const auto from = split_uri(base);
  auto to = split_uri(reference);
  std::string path;
  if (!to.scheme.empty()) {
    path = to.path.starts_with('/') ? without_dots(to.path) : std::string(to.path);
  } else {
    to.scheme = from.scheme;
    if (!to.authority.empty()) {
      path = without_dots(to.path);
    } else {
      to.authority = from.authority;
      if (to.path.empty()) {
        path = from.path;
        if (to.query.empty()) to.query = from.query;
      } else {
        path = without_dots(to.path.starts_with('/') ? std::string(to.path) : merged(from, to.path));
      }
    }
  }
  return std::string(to.scheme).append(to.authority).append(path).append(to.query).append(to.fragment);
}

std::pair<std::string, std::string> split_fragment(std::string_view uri) {
  const auto hash = std::min(uri.find('#'), uri.size());
  return {std::string(uri.substr(0, hash)), std::string(uri.substr(std::min(hash + 1, uri.size())))};
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    unsigned char byte = 0;
    const char* digits = text.data() + i + 1;
    if (text.size() - i < 3 || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2) return std::nullopt;
    result += static_cast<char>(byte);
    i += 2;
  }
  return result;
}

}  // namespace nacre::schema
