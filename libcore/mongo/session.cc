#include "mongo/session.h"

#include <sodium.h>

#include <chrono>

namespace nacre::mongo {
namespace {

constexpr Milliseconds kLifetime{25LL * 60 * 1000};
constexpr std::size_t kMostFree = 1'024;

void make_uuid(std::array<char, 16>& bytes) {  // RFC 9562 §5.4: version 4
  bytes[6] = static_cast<char>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3F) | 0x80);
}

}  // namespace

Session session_of(std::string_view name) {
  Session session;
  crypto_generichash(reinterpret_cast<unsigned char*>(session.id.data()), session.id.size(),
                     reinterpret_cast<const unsigned char*>(name.data()), name.size(), nullptr, 0);
  make_uuid(session.id);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  session.transaction = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  return session;
}

Session Sessions::take(Monotonic now) {
  Session session;
  if (!free_.empty() && now - free_.back().used < kLifetime) {
    session = free_.back();
    free_.pop_back();
  } else {
    free_.clear();  // all others are older
    randombytes_buf(session.id.data(), session.id.size());
    make_uuid(session.id);
  }
  ++session.transaction;
  return session;
}

void Sessions::give_back(const Session& session, Monotonic now) {
  if (free_.size() >= kMostFree) return;
  free_.push_back(session);
  free_.back().used = now;
}

}  // namespace nacre::mongo
