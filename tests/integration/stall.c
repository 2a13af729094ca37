/* Preloaded, measures for how long a process keeps its event loop: the longest time between a return from epoll_wait and the
 * next call, less what the thread waited for a processor. STALL_FILE names a file that holds the number, in microseconds, of
 * the process that stalled longest. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t number_in(const char* path, const char* format) {
  char text[256] = "";
  unsigned long long number = 0;
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  if (read(file, text, sizeof text - 1) > 0) sscanf(text, format, &number);
  close(file);
  return (int64_t)number;
}

/* Microseconds that this thread was ready to run and did not: since others of this machine ran, or other machines of the same
 * host (in ticks of 10 ms, of all processors). */
static int64_t waited(void) {
  return number_in("/proc/thread-self/schedstat", "%*u %llu") / 1000 +
         number_in("/proc/stat", "cpu %*u %*u %*u %*u %*u %*u %*u %llu") * 10000;
}

static _Atomic int64_t* longest(void) {
  static _Atomic int64_t* shared = NULL;
  if (shared == NULL) {
    const char* path = getenv("STALL_FILE");
    const int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void* memory = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (file >= 0) close(file);
    shared = memory == MAP_FAILED ? calloc(1, sizeof *shared) : memory;
  }
  return shared;
}

int epoll_wait(int epoll, struct epoll_event* events, int count, int timeout) {
  static int (*wait)(int, struct epoll_event*, int, int) = NULL;
  static __thread int64_t began = 0, waited_before = 0;
  if (wait == NULL) *(void**)&wait = dlsym(RTLD_NEXT, "epoll_wait");
  const int64_t took = began == 0 ? 0 : now() - began;
  if (took > 1000) {
    const int64_t stalled = took - (waited() - waited_before);
    int64_t before = atomic_load(longest());
    while (stalled > before && !atomic_compare_exchange_weak(longest(), &before, stalled)) continue;
  }
  const int ready = wait(epoll, events, count, timeout);
  waited_before = waited();
  began = now();
  return ready;
}
