#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nacre::http {

/// The path of a request target (RFC 9112 §3.2.1) as nginx decodes it: without query and fragment, percent-encoding taken away,
/// `.` and `..` resolved (`..` above the root stays there), slashes that follow each other merged unless `merge_slashes` is
/// false. Begins with a slash.
std::string normalize_path(std::string_view target, bool merge_slashes);

/// A path as it may stand in a URI, and so in `Location` and between the `<>` of a `Link`: what RFC 3986 §3.3 does not allow in
/// a segment is percent-encoded, slashes stay.
std::string encode_path(std::string_view path);

/// What stands before `path` in the request target that a client sent, encoded: "/api" where `/api/notes` came to be served as
/// `/notes`. nullopt when the target does not end with it. Never begins with two slashes, which would name another host (RFC
/// 3986 §4.2).
std::optional<std::string> prefix_before(std::string_view path, std::string_view target, bool merge_slashes);

}  // namespace nacre::http
