#include "base/robust_mutex.h"

#include <cerrno>
#include <cstdlib>

namespace nacre {

namespace {
// A lock that can't be taken or given back means overwritten memory; to go on would spread it to every worker.
void require(bool holds) noexcept {
  if (!holds) std::abort();
}
}  // namespace

void RobustMutex::init() noexcept {
  pthread_mutexattr_t attributes;
  require(pthread_mutexattr_init(&attributes) == 0);
  require(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0);
  require(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
  require(pthread_mutex_init(&mutex_, &attributes) == 0);
  pthread_mutexattr_destroy(&attributes);
}

bool RobustMutex::lock() noexcept {
  const int status = pthread_mutex_lock(&mutex_);
  if (status == 0) return false;
  require(status == EOWNERDEAD);
  require(pthread_mutex_consistent(&mutex_) == 0);
  return true;
}

RobustMutex::Attempt RobustMutex::try_lock() noexcept {
  const int status = pthread_mutex_trylock(&mutex_);
  if (status == 0) return Attempt::taken;
  if (status == EBUSY) return Attempt::held;
  require(status == EOWNERDEAD);
  require(pthread_mutex_consistent(&mutex_) == 0);
  return Attempt::taken_from_dead;
}

void RobustMutex::unlock() noexcept { require(pthread_mutex_unlock(&mutex_) == 0); }

}  // namespace nacre
