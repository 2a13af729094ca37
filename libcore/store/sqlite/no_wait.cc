#include "store/sqlite/no_wait.h"

#include <sqlite3.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <optional>

namespace nacre::store::sqlite {
namespace {

constexpr const char* kFileSystem = "nacre";
constexpr std::size_t kSmallestPage = 512;  // bytes

thread_local std::optional<std::size_t> bytes_left;  // nullopt: all may be read, and waited for
std::atomic<bool> can_read = false;                  // without waiting

/// SQLite's pread. Less than a page is read where a writer has died, and the WAL-index is made anew. That must not fail
/// half-way: others may read by it.
ssize_t read_file(int fd, void* to, std::size_t size, off_t offset) {
  if (!bytes_left) return ::pread(fd, to, size, offset);
  ssize_t got = 0;
  if (size >= kSmallestPage && size <= *bytes_left) {
    const iovec room{to, size};
    got = ::preadv2(fd, &room, 1, offset, RWF_NOWAIT);
    if (got < 0 && errno == EOPNOTSUPP) can_read.store(false, std::memory_order_relaxed);
  }
  if (got > 0) *bytes_left -= static_cast<std::size_t>(got);
  if (got != 0) return got;
  errno = EAGAIN;  // and not the end of the file: some kernels say so of what is not in memory (preadv2(2), "Bugs")
  return -1;
}

/// What SQLite calls by the name of pread depends on how it was built.
bool replace_pread(sqlite3_vfs& vfs) {
  bool replaced = false;
  if (vfs.iVersion < 3 || vfs.xGetSystemCall == nullptr || vfs.xSetSystemCall == nullptr) return false;
  for (const char* const name : {"pread", "pread64"}) {
    if (vfs.xGetSystemCall(&vfs, name) == nullptr) continue;
    replaced = vfs.xSetSystemCall(&vfs, name, reinterpret_cast<sqlite3_syscall_ptr>(read_file)) == SQLITE_OK || replaced;
  }
  return replaced;
}

/// The usual VFS, which does the work.
sqlite3_vfs* usual = nullptr;

int sleep_or_not(sqlite3_vfs* /*vfs*/, int microseconds) { return bytes_left ? 0 : usual->xSleep(usual, microseconds); }

const char* make_file_system() {
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);  // or each allocation takes a lock; refused where SQLite is in use already
  usual = sqlite3_vfs_find(nullptr);
  if (usual == nullptr || !replace_pread(*usual)) return nullptr;
  static sqlite3_vfs made = *usual;
  made.zName = kFileSystem;
  made.pNext = nullptr;
  made.xSleep = sleep_or_not;
  if (sqlite3_vfs_register(&made, 0) != SQLITE_OK) return nullptr;
  can_read = true;
  return kFileSystem;
}

}  // namespace

NoWait::NoWait(std::size_t bytes) noexcept { bytes_left = bytes; }
NoWait::~NoWait() { bytes_left.reset(); }
bool NoWait::active() noexcept { return bytes_left.has_value(); }
bool NoWait::possible() noexcept { return can_read.load(std::memory_order_relaxed); }

const char* file_system() {
  static const char* const name = make_file_system();
  return name;
}

}  // namespace nacre::store::sqlite
