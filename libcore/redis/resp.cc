#include "redis/resp.h"

#include <array>
#include <charconv>
#include <new>

namespace nacre::redis {

namespace {

void append_head(std::string& out, char kind, std::size_t number) {
  std::array<char, 24> text;
  text[0] = kind;
  char* const end = std::to_chars(text.data() + 1, text.data() + 22, number).ptr;
  end[0] = '\r';
  end[1] = '\n';
  out.append(text.data(), end + 2);
}

}  // namespace

void append_command(std::string& out, std::span<const std::string_view> words) {
  append_head(out, '*', words.size());
  for (const std::string_view word : words) {
    append_head(out, '$', word.size());
    out.append(word).append("\r\n");
  }
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
