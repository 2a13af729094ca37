// nacre_backup FROM TO: copies the file of an embedded store to a new one, while nginx serves it or not. See
// docs/operations.md.
#include <csignal>
#include <cstdio>

#include "store/sqlite/backup.h"

namespace {

volatile std::sig_atomic_t stopped = 0;

void stop(int) { stopped = 1; }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: nacre_backup FROM TO\n", stderr);
    return 2;
  }
  for (const int signal : {SIGHUP, SIGINT, SIGTERM}) {
    if (std::signal(signal, stop) == SIG_IGN) std::signal(signal, SIG_IGN);  // as nohup wants it
  }
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may grow no further is an error like a full disk
  const auto done = nacre::store::sqlite::back_up(argv[1], argv[2], [] { return stopped != 0; });
  if (done) return 0;
  std::fprintf(stderr, "nacre_backup: %s\n", done.error().detail.c_str());
  return 1;
}
