#include "redis/reply.h"

namespace nacre::redis {

std::int64_t Reply::number() const noexcept {
  const auto* const number = std::get_if<std::int64_t>(&value_);
  return number != nullptr ? *number : 0;
}

const std::string& Reply::text() const noexcept {
  static const std::string none;
  if (const auto* const text = std::get_if<std::string>(&value_)) return *text;
  const auto* const error = std::get_if<ErrorText>(&value_);
  return error != nullptr ? error->text : none;
}

std::string Reply::take_text() && noexcept {
  if (auto* const text = std::get_if<std::string>(&value_)) return std::move(*text);
  auto* const error = std::get_if<ErrorText>(&value_);
  return error != nullptr ? std::move(error->text) : std::string();
}

std::vector<Reply>& Reply::items() noexcept {
  if (auto* const items = std::get_if<std::vector<Reply>>(&value_)) return *items;
  static thread_local std::vector<Reply> none;
  none.clear();
  return none;
}

const std::vector<Reply>& Reply::items() const noexcept {
  static const std::vector<Reply> none;
  const auto* const items = std::get_if<std::vector<Reply>>(&value_);
  return items != nullptr ? *items : none;
}

}  // namespace nacre::redis
