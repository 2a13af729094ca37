#include "mongo/message_filter.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <initializer_list>
#include <system_error>

#include "mongo/bson_reader.h"
#include "mongo/message.h"

namespace nacre::mongo {
namespace {

constexpr std::size_t kHeaderSize = 16;
constexpr std::size_t kIdAt = 4;
constexpr std::size_t kAnsweredAt = 8;
constexpr std::size_t kOpcodeAt = 12;
constexpr std::size_t kReplyPrefix = 36;    // header, flags, cursor, its place, how many documents
constexpr std::size_t kMessagePrefix = 21;  // header, flags, the section's kind

/// host:port, or the host alone, which may be an IPv6 address in brackets.
bool is_address(std::string_view text) {
  constexpr std::string_view kCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";
  constexpr std::size_t kLongest = 253;
  const bool bracketed = text.starts_with('[');
  const std::size_t end = std::min(bracketed ? text.find(']') : text.find(':'), text.size());
  const std::string_view host = text.substr(bracketed ? 1 : 0, end - (bracketed ? 1 : 0));
  std::string_view rest = text.substr(end);
  if (bracketed && !rest.starts_with(']')) return false;
  if (bracketed) rest.remove_prefix(1);
  const auto is_allowed = [&](char c) {
    return kCharacters.find(c) != kCharacters.npos || (bracketed && (c == ':' || c == '%'));
  };
  if (host.empty() || host.size() > kLongest || !std::all_of(host.begin(), host.end(), is_allowed)) return false;
  if (rest.empty()) return true;
  std::uint16_t port = 0;
  const auto [at, error] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), port);
  return rest.front() == ':' && error == std::errc() && at == rest.data() + rest.size() && port != 0;
}

/// What libmongoc takes from lists in an answer to `hello` for texts, and for addresses of members, without a look at it.
bool lists_what_it_may(std::string_view document) {
  const auto is_any = [](std::string_view name, std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  BsonReader reader(document);
  BsonElement list;
  while (reader.next(list)) {
    const bool addresses = is_any(list.name, {"hosts", "passives", "arbiters"});
    if (!list.is_document() || (!addresses && !is_any(list.name, {"compression", "saslSupportedMechs"}))) continue;
    BsonReader all(list.document());
    BsonElement one;
    while (all.next(one)) {
      if (one.type != BsonType::string || (addresses && !is_address(one.text()))) return false;
    }
  }
  return true;
}

bool is_good(std::string_view message, std::uint32_t opcode) {
  const std::size_t prefix = opcode == kOpReply ? kReplyPrefix : kMessagePrefix;
  if (message.size() < prefix || word_at(message.data() + kOpcodeAt) != opcode) return false;
  if (opcode == kOpReply && word_at(message.data() + kReplyPrefix - 4) != 1) return false;
  if (opcode == kOpMsg && (word_at(message.data() + kHeaderSize) != 0 || message[kMessagePrefix - 1] != 0)) return false;
  return is_valid(message.substr(prefix)) && lists_what_it_may(message.substr(prefix));
}

}  // namespace

void MessageFilter::asked(std::string_view message) noexcept {
  if (message.size() < kHeaderSize) return;
  id_ = word_at(message.data() + kIdAt);
  expected_ = word_at(message.data() + kOpcodeAt) == kOpQuery ? kOpReply : kOpMsg;
  bytes_.clear();
  checked_ = taken_ = 0;
}

bool MessageFilter::add(std::string_view bytes) {
  bytes_ += bytes;
  for (;;) {
    const std::string_view rest = std::string_view(bytes_).substr(checked_);
    if (rest.size() < kHeaderSize) return true;
    const std::size_t length = word_at(rest.data());
    if (length < kHeaderSize || length > kMaxMessage) return false;
    if (rest.size() < length) return true;
    if (word_at(rest.data() + kAnsweredAt) != id_ || !is_good(rest.substr(0, length), expected_)) return false;
    checked_ += length;
  }
}

std::size_t MessageFilter::take(std::span<char> to) noexcept {
  const std::size_t size = std::min(to.size(), checked_ - taken_);
  std::memcpy(to.data(), bytes_.data() + taken_, size);
  taken_ += size;
  if (taken_ < checked_) return size;
  bytes_.erase(0, checked_);
  checked_ = taken_ = 0;
  return size;
}

}  // namespace nacre::mongo
