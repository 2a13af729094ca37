#include "cache/succession.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace nacre::cache {

namespace {

constexpr std::uint64_t kMagic = 0x6e61'6372'655a'0003;  // ends with the number of the page's form
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
// As many are looked at. A new descriptor has the lowest number that is free, so that it is among them.
constexpr int kDescriptors = 1 << 16;

// The locks' bytes: of the page, then of the zones by their numbers. Each is within what a 64-bit off_t can say.
constexpr std::uint64_t kPageByte = 0;

/// A record lock from byte `first` on; `count` 0: to the end.
struct flock record(short type, std::uint64_t first, std::uint64_t count) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(first);
  lock.l_len = static_cast<off_t>(count);
  return lock;
}

bool set(int descriptor, struct flock lock, bool wait) noexcept {
  int done = -1;
  do {
    done = ::fcntl(descriptor, wait ? F_SETLKW : F_SETLK, &lock);
  } while (done != 0 && errno == EINTR);
  return done == 0;
}

/// Whether no other process holds a lock there.
bool is_free(int descriptor, std::uint64_t first, std::uint64_t count) noexcept {
  struct flock lock = record(F_WRLCK, first, count);
  return ::fcntl(descriptor, F_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
}

std::optional<Succession::File> mapped(int descriptor) noexcept {
  void* const page = ::mmap(nullptr, sizeof(Succession::Page), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (page == MAP_FAILED) return std::nullopt;
  return Succession::File{descriptor, static_cast<Succession::Page*>(page)};
}

/// What a file that was made here is known by, without its name: /proc need not be there.
bool is_ours(int descriptor) noexcept {
  struct stat status {};
  std::uint64_t magic = 0;
  return ::fcntl(descriptor, F_GET_SEALS) == kSeals && ::fstat(descriptor, &status) == 0 &&
         status.st_size == sizeof(Succession::Page) && ::pread(descriptor, &magic, sizeof magic, 0) == sizeof magic &&
         magic == kMagic;
}

}  // namespace

std::optional<Succession::File> Succession::File::make() noexcept {
  const int descriptor = ::memfd_create("nacre-zones", MFD_ALLOW_SEALING);
  if (descriptor < 0) return std::nullopt;
  if (descriptor >= kDescriptors) {
    errno = EMFILE;
  } else if (::ftruncate(descriptor, sizeof(Page)) == 0 && ::fcntl(descriptor, F_ADD_SEALS, kSeals) == 0) {
    if (auto file = mapped(descriptor)) {
      file->page->magic = kMagic;
      return file;
    }
  }
  const int error = errno;
  ::close(descriptor);
  errno = error;
  return std::nullopt;
}

std::optional<Succession::File> Succession::File::find() noexcept {
  int descriptor = 0;
  while (descriptor < kDescriptors && !is_ours(descriptor)) ++descriptor;
  errno = 0;
  return descriptor < kDescriptors ? mapped(descriptor) : std::nullopt;
}

std::optional<Succession::File> Succession::File::find_or_make() noexcept {
  static std::optional<File> file;  // one mapping for all zones of this process
  if (!file) file = find();
  if (!file && errno == 0) file = make();
  return file;
}

void Succession::join(const File& file) noexcept {
  descriptor_ = file.descriptor;
  number_ = file.page->zones.fetch_add(1) + 1;
  if (number_ == 1) file.page->serving.store(number_);
  page_ = file.page;
}

void Succession::enter() noexcept {
  if (page_ == nullptr) return;
  const bool locked = lock_page(true);
  (void)set(descriptor_, record(F_RDLCK, number_, 1), true);
  if (!serves()) {
    page_->serving.store(kNone);
    page_->alone_since = 0;
  }
  if (locked) unlock_page();
}

bool Succession::others_ended() const noexcept {
  const bool earlier = number_ == 1 || is_free(descriptor_, 1, number_ - 1);
  return earlier && is_free(descriptor_, number_ + 1, 0);
}

bool Succession::is_due(Monotonic now, Milliseconds grace) noexcept {
  const auto moment = static_cast<std::int64_t>(now);
  if (!others_ended()) {
    page_->alone_since = 0;
  } else if (page_->alone_since == 0) {
    page_->alone_since = moment;
  } else {
    return moment - page_->alone_since >= grace.count();
  }
  return false;
}

bool Succession::lock_page(bool wait) const noexcept { return set(descriptor_, record(F_WRLCK, kPageByte, 1), wait); }
void Succession::unlock_page() const noexcept { (void)set(descriptor_, record(F_UNLCK, kPageByte, 1), false); }

}  // namespace nacre::cache
