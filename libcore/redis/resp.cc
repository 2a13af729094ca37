#include "redis/resp.h"

#include <charconv>
#include <new>

namespace nacre::redis {

namespace {

constexpr std::size_t kMostHead = 24;

/// `to` has room for kMostHead.
char* write_head(char* to, char kind, std::size_t number) {
  *to++ = kind;
  to = std::to_chars(to, to + kMostHead, number).ptr;
  *to++ = '\r';
  *to++ = '\n';
  return to;
}

}  // namespace

void append_command(std::string& out, std::span<const std::string_view> words) {
  const std::size_t begin = out.size();
  std::size_t most = kMostHead;
  for (const std::string_view word : words) most += kMostHead + word.size() + 2;
  out.resize(begin + most);
  char* to = write_head(out.data() + begin, '*', words.size());
  for (const std::string_view word : words) {
    to = write_head(to, '$', word.size());
    to += word.copy(to, word.size());
    *to++ = '\r';
    *to++ = '\n';
  }
  out.resize(static_cast<std::size_t>(to - out.data()));
}

/// Where hiredis puts what it reads. It never frees anything here: a part of a reply is a member of its whole.
struct Resp::Builder {
  Reply whole;
  std::size_t items = 0;

  static Reply* put(const redisReadTask* task, Reply value) noexcept {
    auto& builder = *static_cast<Builder*>(task->privdata);
    Reply& place = task->parent == nullptr
                       ? builder.whole
                       : static_cast<Reply*>(task->parent->obj)->items()[static_cast<std::size_t>(task->idx)];
    place = std::move(value);
    return &place;
  }

  static void* string(const redisReadTask* task, char* text, std::size_t size) noexcept try {
    const bool error = task->type == REDIS_REPLY_ERROR;
    return put(task, error ? Reply::error(std::string(text, size)) : Reply::string(std::string(text, size)));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }

  /// The number of items is an int in hiredis 0.14 and a size_t in 1.x.
  template <class Number>
  static void* array(const redisReadTask* task, Number number) noexcept try {
    auto& builder = *static_cast<Builder*>(task->privdata);
    const auto count = static_cast<std::size_t>(number);
    int depth = 0;
    for (const auto* each = task; each != nullptr; each = each->parent) {
      if (++depth > kMostDepth) return nullptr;
    }
    if (count > kMostItems - builder.items) return nullptr;
    builder.items += count;
    return put(task, Reply::array(std::vector<Reply>(count)));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }

  static void* integer(const redisReadTask* task, long long value) noexcept { return put(task, Reply::integer(value)); }
  static void* nil(const redisReadTask* task) noexcept { return put(task, Reply()); }
};

void Resp::BuilderDeleter::operator()(Builder* builder) const noexcept { std::default_delete<Builder>()(builder); }

Resp::Resp() : builder_(std::make_unique<Builder>().release()) { reset(); }

void Resp::reset() {
  static redisReplyObjectFunctions functions = [] {
    redisReplyObjectFunctions made{};
    made.createString = Builder::string;
    made.createArray = Builder::array;
    made.createInteger = Builder::integer;
    made.createNil = Builder::nil;
    made.freeObject = [](void*) {};
    return made;
  }();
  reader_.reset(redisReaderCreateWithFunctions(&functions));
  if (reader_ == nullptr) throw std::bad_alloc();
  reader_->privdata = builder_.get();
  builder_->items = 0;
  bytes_ = 0;
}

std::optional<std::string_view> Resp::take_bulk(std::span<const char>& bytes) {
  constexpr std::size_t kMostDigits = 7;
  if (bytes.size() < 2 || bytes[0] != '$' || bytes[1] == '0') return std::nullopt;
  std::size_t at = 1;
  std::size_t size = 0;
  for (; at <= kMostDigits && at < bytes.size() && bytes[at] >= '0' && bytes[at] <= '9'; ++at) {
    size = size * 10 + static_cast<std::size_t>(bytes[at] - '0');
  }
  if (at == 1 || bytes.size() - at < size + 4) return std::nullopt;
  const char* const text = bytes.data() + at + 2;
  if (text[-2] != '\r' || text[-1] != '\n' || text[size] != '\r' || text[size + 1] != '\n') return std::nullopt;
  bytes = bytes.subspan(at + size + 4);
  return std::string_view(text, size);
}

bool Resp::feed(std::span<const char> bytes) {
  bytes_ += bytes.size();
  return bytes_ <= kMostBytes && redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) == REDIS_OK;
}

bool Resp::next(std::optional<Reply>& reply) {
  reply.reset();
  void* whole = nullptr;
  if (redisReaderGetReply(reader_.get(), &whole) != REDIS_OK) return false;
  if (whole == nullptr) return true;
  reply.emplace(std::move(builder_->whole));
  builder_->items = 0;
  bytes_ = reader_->len - reader_->pos;
  return true;
}

}  // namespace nacre::redis
