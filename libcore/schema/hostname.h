#pragma once

#include <string_view>

namespace nacre::schema {

/// RFC 1123 §2.1: labels of letters, digits and inner hyphens. A label `xn--…` stands for one of other letters (RFC 5890
/// §2.3.2.1), which it must spell as IDNA2008 does.
bool is_hostname(std::string_view text);

/// The same, with labels of other letters too (RFC 5890 §2.3.2.3), and the dots of East Asian scripts between them.
bool is_idn_hostname(std::string_view text);

}  // namespace nacre::schema
