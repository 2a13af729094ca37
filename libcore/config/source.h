#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "config/findings.h"

namespace nacre::config {

/// A place in the text, in bytes and from 0, as yaml-cpp counts.
struct Mark {
  int line = 0;
  int column = 0;
};

/// The text being loaded: what messages are about. Checks that it is UTF-8 without control characters and at most 1 MiB, and
/// that tabs don't indent (YAML 1.2 §6.1, which yaml-cpp lets pass).
class Source {
 public:
  static constexpr std::size_t kMaximumSize = 1U << 20U;

  enum class Syntax : std::uint8_t { yaml, json };

  /// `findings` is shared by all files of a configuration.
  Source(std::string_view text, std::string_view name, std::shared_ptr<Findings> findings = std::make_shared<Findings>(),
         Syntax syntax = Syntax::yaml);

  /// Without a byte order mark.
  std::string_view text() const noexcept { return text_; }

  /// "NAME:LINE:COLUMN: what; allowed". The column counts characters, as editors do.
  [[noreturn]] void fail(Mark mark, std::string_view what, std::string_view allowed) const;
  /// The same mistake, but reading goes on. The configuration is refused in the end.
  void report(Mark mark, std::string_view what, std::string_view allowed) const;
  /// Said when the configuration loads, and hinders nothing.
  void warn(Mark mark, std::string_view what, std::string_view advice = {}) const;

  Findings& findings() const noexcept { return *findings_; }
  const std::shared_ptr<Findings>& shared_findings() const noexcept { return findings_; }

 private:
  std::string message(Mark mark, std::string_view what, std::string_view allowed) const;

  std::string_view text_;
  std::string name_;
  std::shared_ptr<Findings> findings_;
};

/// `text` between double quotes for a message: control characters as escapes, cut when long.
std::string quote(std::string_view text);

}  // namespace nacre::config
