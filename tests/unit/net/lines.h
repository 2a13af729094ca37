#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/connection.h"

namespace nacre::net {

/// A protocol for tests: a command and its reply are a line each. A line that begins with `*` is a message, and one that begins
/// with `!` none of the protocol's.
struct Lines {
  using Reply = std::string;

  void reset() { input.clear(); }

  template <class Sink>
  bool take(std::span<const char> bytes, Sink& sink) {
    input.append(bytes.data(), bytes.size());
    for (std::size_t end; (end = input.find('\n')) != std::string::npos; input.erase(0, end + 1)) {
      std::string line = input.substr(0, end);
      if (line.starts_with('!')) return false;
      if (line.starts_with('*')) {
        messages.push_back(std::move(line));
      } else {
        sink(std::move(line));
      }
    }
    return true;
  }

  std::string input;
  std::vector<std::string> messages;
};

using LineConnection = Connection<Lines>;

/// The two ends of a connected stream: one for a connection, the other one for the test.
struct Pair {
  Pair() {
    std::array<int, 2> ends{};
    ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data());
    ours = Socket(ends[0]);
    peer = Socket(ends[1]);
  }
  /// What has arrived at the test's end.
  std::string received() {
    std::string text;
    std::array<char, 65536> chunk;
    for (std::size_t n; (n = peer.read(chunk).bytes) > 0;) text.append(chunk.data(), n);
    return text;
  }
  void say(std::string_view text) { peer.write(text); }

  Socket ours, peer;
};

}  // namespace nacre::net
