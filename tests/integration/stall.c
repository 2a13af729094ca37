/* Preloaded, measures for how long a process keeps its event loop between a return from epoll_wait and the next call.
 * STALL_FILE names a file that holds two numbers, in microseconds, of the process that kept it longest: the time, less what the
 * thread waited for a processor, and the processor's time that the thread took, less what other machines of the same host had of
 * it. The latter does not depend on what else runs, and leaves out calls that block. */
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

static int64_t now(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
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

/* Microseconds that this thread was ready to run and did not, since others of this machine ran. */
static int64_t waited(void) { return number_in("/proc/thread-self/schedstat", "%*u %llu") / 1000; }

/* Microseconds that other machines of the same host ran instead, in ticks of 10 ms, of all processors. */
static int64_t stolen(void) { return number_in("/proc/stat", "cpu %*u %*u %*u %*u %*u %*u %*u %llu") * 10000; }

struct longest {
  _Atomic int64_t stall;
  _Atomic int64_t work;
};

static struct longest* longest(void) {
  static struct longest* shared = NULL;
  if (shared == NULL) {
    const char* path = getenv("STALL_FILE");
    const int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void* memory = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (file >= 0) close(file);
    shared = memory == MAP_FAILED ? calloc(1, sizeof *shared) : memory;
  }
  return shared;
}

static void raise_to(_Atomic int64_t* most, int64_t value) {
  int64_t before = atomic_load(most);
  while (value > before && !atomic_compare_exchange_weak(most, &before, value)) continue;
}

int epoll_wait(int epoll, struct epoll_event* events, int count, int timeout) {
  static int (*wait)(int, struct epoll_event*, int, int) = NULL;
  static __thread int64_t began = 0, waited_before = 0, stolen_before = 0, worked_before = 0;
  if (wait == NULL) *(void**)&wait = dlsym(RTLD_NEXT, "epoll_wait");
  const int64_t took = began == 0 ? 0 : now(CLOCK_MONOTONIC) - began;
  if (took > 1000) {
    const int64_t worked = now(CLOCK_THREAD_CPUTIME_ID) - worked_before;
    const int64_t lost = stolen() - stolen_before;
    raise_to(&longest()->work, worked - lost);
    raise_to(&longest()->stall, took - (waited() - waited_before) - lost);
  }
  const int ready = wait(epoll, events, count, timeout);
  waited_before = waited();
  stolen_before = stolen();
  worked_before = now(CLOCK_THREAD_CPUTIME_ID);
  began = now(CLOCK_MONOTONIC);
  return ready;
}
