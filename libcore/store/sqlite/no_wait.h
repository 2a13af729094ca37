#pragma once

#include <cstddef>

namespace nacre::store::sqlite {

/// While one lives, SQLite waits for nothing on its thread: neither for the disk, since files are read as far as the kernel has
/// them in memory, nor between its tries to get a lock. What it would have to wait for fails. Only for connections that were
/// opened with `file_system`, and whose busy handler does not wait.
class NoWait {
 public:
  /// `bytes`: of all that is read from files, at most; what takes more fails as well.
  explicit NoWait(std::size_t bytes) noexcept;
  ~NoWait();
  NoWait(const NoWait&) = delete;
  NoWait& operator=(const NoWait&) = delete;

  /// On this thread.
  static bool active() noexcept;
  /// False where SQLite, the kernel or the file system can't.
  static bool possible() noexcept;
};

/// The name of a VFS: SQLite's usual one with what NoWait needs. nullptr, which means the usual one, where there can't be any.
const char* file_system();

}  // namespace nacre::store::sqlite
