#include "mongo/message.h"

#include <algorithm>

namespace nacre::mongo {
namespace {

constexpr std::size_t kPrefix = 21;           // header, flags, the section's kind
constexpr std::size_t kLeast = kPrefix + 5;   // and an empty document
constexpr std::uint32_t kChecksum = 1;        // a CRC-32C follows the sections
constexpr std::uint32_t kRequired = 0xFFFFU;  // flags that must be understood

}  // namespace

bool Codec::gather(std::span<const char>& bytes) {
  if (!message_) {
    const std::size_t part = std::min(kHeader - have_, bytes.size());
    std::memcpy(header_.data() + have_, bytes.data(), part);
    have_ += part;
    bytes = bytes.subspan(part);
    return have_ < kHeader || begin_message();
  }
  const std::size_t part = std::min(length_ - have_, bytes.size());
  std::memcpy(message_.get() + have_, bytes.data(), part);
  have_ += part;
  bytes = bytes.subspan(part);
  return true;
}

bool Codec::begin_message() {
  length_ = word_at(header_.data());
  if (length_ < kLeast || length_ > kMaxMessage || word_at(header_.data() + 12) != kOpMsg) return false;
  if (sequence_->heard == sequence_->sent || word_at(header_.data() + 8) != sequence_->heard + 1) return false;
  message_ = std::make_unique_for_overwrite<char[]>(length_);  // NOLINT(*-avoid-c-arrays)
  std::memcpy(message_.get(), header_.data(), kHeader);
  return true;
}

std::pair<bool, Reply> Codec::finish() {
  ++sequence_->heard;
  have_ = 0;
  auto message = std::move(message_);
  const std::uint32_t flags = word_at(message.get() + kHeader);
  const std::size_t size = length_ - kPrefix - ((flags & kChecksum) != 0 ? 4 : 0);
  const bool good = (flags & kRequired & ~kChecksum) == 0 && message[kPrefix - 1] == 0 && size >= 5 && size < length_ &&
                    word_at(message.get() + kPrefix) == size;
  return {good, good ? Reply(std::move(message), kPrefix, size) : Reply{}};
}

}  // namespace nacre::mongo
