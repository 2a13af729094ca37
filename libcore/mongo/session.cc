#include "mongo/session.h"

#include <sodium.h>

namespace nacre::mongo {
namespace {

constexpr Milliseconds kLifetime{25LL * 60 * 1000};
constexpr std::size_t kMostFree = 1'024;

}  // namespace

Session Sessions::take(Monotonic now) {
  Session session;
  if (!free_.empty() && now - free_.back().used < kLifetime) {
    session = free_.back();
    free_.pop_back();
  } else {
    free_.clear();  // all others are older
    randombytes_buf(session.id.data(), session.id.size());
    session.id[6] = static_cast<char>((session.id[6] & 0x0F) | 0x40);  // RFC 9562 §5.4: version 4
    session.id[8] = static_cast<char>((session.id[8] & 0x3F) | 0x80);
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
