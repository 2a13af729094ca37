#include "fiber/loop_log.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>

#include "fiber/poll_reactor.h"

namespace nacre {

namespace {

/// Keeps what is written, and that it was written by the loop.
struct Written {
  PollReactor reactor{1};
  std::vector<std::string> lines;
  std::thread::id loop = std::this_thread::get_id();

  Log::Write writer() {
    return [this](LogLevel level, std::string_view line) {
      CHECK(std::this_thread::get_id() == loop);
      CHECK(level == (line.ends_with("left out") ? LogLevel::warn : LogLevel::notice));
      lines.emplace_back(line);
    };
  }
};

}  // namespace

TEST_CASE("what the loop says is written at once") {
  Written written;
  LoopLog log(written.reactor, written.writer());
  log.say(LogLevel::notice, "a");
  log.say(LogLevel::notice, "b");
  CHECK(written.lines == std::vector<std::string>{"a", "b"});
}

TEST_CASE("what threads say is written by the loop, each thread's lines in their order") {
  constexpr int kThreads = 4;
  constexpr int kLines = 200;
  Written written;
  LoopLog log(written.reactor, written.writer());
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&log, t] {
      for (int i = 0; i < kLines; ++i) log.say(LogLevel::notice, std::to_string(t * kLines + i));
    });
  }
  written.reactor.run_until([&] { return written.lines.size() == std::size_t{kThreads * kLines}; });
  for (std::thread& thread : threads) thread.join();
  for (int t = 0; t < kThreads; ++t) {
    std::vector<int> own;
    for (const std::string& line : written.lines) {
      if (std::stoi(line) / kLines == t) own.push_back(std::stoi(line));
    }
    CHECK(std::is_sorted(own.begin(), own.end()));
    CHECK(own.size() == std::size_t{kLines});
  }
}

TEST_CASE("what waits at the end is written then, and what was left out is counted") {
  Written written;
  {
    LoopLog log(written.reactor, written.writer(), 3);
    std::thread([&log] {
      for (int i = 0; i < 10; ++i) log.say(LogLevel::notice, std::to_string(i));
    }).join();
    CHECK(written.lines.empty());
  }
  CHECK(written.lines == std::vector<std::string>{"0", "1", "2", "7 more lines of threads were left out"});
}

}  // namespace nacre
