#include "fiber/stack.h"

#include <sys/mman.h>
#include <unistd.h>

#include "fiber/sanitizer.h"

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(bottom, top) 0U
#define VALGRIND_STACK_DEREGISTER(id) (void)(id)
#endif

namespace nacre::fiber {

namespace {

std::size_t page_size() noexcept {
  static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

}  // namespace

std::optional<Stack> Stack::allocate(std::size_t size) noexcept {
  const std::size_t page = page_size();
  const std::size_t mapped = (size + page - 1) / page * page + page;
  void* const mapping =
      ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return std::nullopt;
  if (::mprotect(mapping, page, PROT_NONE) != 0) {
    ::munmap(mapping, mapped);
    return std::nullopt;
  }
  return Stack(mapping, mapped);
}

Stack::Stack(void* mapping, std::size_t mapped) noexcept : mapping_(mapping), mapped_(mapped) {
  valgrind_id_ = VALGRIND_STACK_REGISTER(bottom(), top());
}

Stack::~Stack() {
  if (mapping_ == nullptr) return;
  VALGRIND_STACK_DEREGISTER(valgrind_id_);
  forget_frames(bottom(), size());
  ::munmap(mapping_, mapped_);
}

void* Stack::bottom() const noexcept { return static_cast<char*>(mapping_) + page_size(); }
void* Stack::top() const noexcept { return static_cast<char*>(mapping_) + mapped_; }
std::size_t Stack::size() const noexcept { return mapped_ - page_size(); }

boost::context::stack_context Stack::context() const noexcept {
  boost::context::stack_context context;
  context.size = size();
  context.sp = top();
  return context;
}

}  // namespace nacre::fiber
