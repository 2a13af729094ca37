#include "base/log.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

namespace nacre {

namespace {

std::unique_ptr<Outages> make_outages() {
  auto outages = std::make_unique<Outages>();
  outages->init();
  return outages;
}

/// Workers of one host, and what they say.
struct Told {
  std::unique_ptr<Outages> outages = make_outages();
  std::vector<std::string> lines;

  Log log() {
    return {[this](LogLevel level, std::string_view line) {
              lines.push_back((level == LogLevel::error ? "error " : "notice ") + std::string(line));
            },
            *outages};
  }
};

}  // namespace

TEST_CASE("an outage is told by the first worker that meets it, and so is its end") {
  Told told;
  Outage one(told.log(), "x is away", "x is back");
  Outage other(told.log(), "x is away", "x is back");
  one.back();
  one.lost("refused");
  other.lost("refused");
  one.back();
  other.back();
  CHECK(told.lines == std::vector<std::string>{"error x is away: refused", "notice x is back"});
  other.lost("refused");
  CHECK(told.lines.size() == 3);
}

TEST_CASE("an outage that is over for one worker is not begun anew by another that has not noticed yet") {
  Told told;
  Outage one(told.log(), "x is away", "x is back");
  Outage other(told.log(), "x is away", "x is back");
  one.lost("closed");
  other.lost("closed");
  one.back();
  other.lost("closed");
  other.lost("refused");
  other.back();
  CHECK(told.lines == std::vector<std::string>{"error x is away: closed", "notice x is back"});
}

TEST_CASE("the end of an outage is told by another worker where the one that told of it has ended") {
  Told told;
  Outage(told.log(), "x is away", "x is back").lost("refused");
  Outage(told.log(), "x is away", "x is back").back();
  CHECK(told.lines.back() == "notice x is back");
}

TEST_CASE("up to three reasons of an outage are told") {
  Told told;
  Outage one(told.log(), "x is away", "x is back");
  Outage other(told.log(), "y is away");
  for (const char* why : {"a", "b", "a", "c", "d", "b"}) one.lost(why);
  other.lost("a");
  const std::vector<std::string> lines{"error x is away: a", "error x is away: b", "error x is away: c", "error y is away: a"};
  CHECK(told.lines == lines);
}

TEST_CASE("what nobody has met for a while is told anew") {
  const auto outages = make_outages();
  const Milliseconds almost = Outages::kForgotten - Milliseconds{1};
  const auto at = [](Milliseconds time) { return Monotonic{1'000} + time; };
  CHECK(outages->begin("x", "a", true, at({})));
  CHECK_FALSE(outages->begin("x", "a", true, at(almost)));
  CHECK_FALSE(outages->begin("x", "a", true, at(2 * almost)));
  CHECK(outages->begin("x", "a", true, at(3 * Outages::kForgotten)));
  CHECK(outages->end("x"));
  CHECK_FALSE(outages->end("x"));
}

TEST_CASE("an outage without an end is told anew once it is forgotten") {
  Told told;
  Outage one(told.log(), "x refuses writes");
  one.lost("full");
  one.lost("full");
  CHECK(told.lines.size() == 1);
  told.outages->end("x refuses writes");
  one.lost("full");
  CHECK(told.lines.size() == 2);
}

TEST_CASE("of too many outages the one that was met last is known") {
  const auto outages = make_outages();
  for (int i = 0; i < 1'000; ++i) CHECK(outages->begin(std::to_string(i), "", true, Monotonic{1 + i}));
  CHECK_FALSE(outages->begin("999", "", true, Monotonic{1'001}));
  CHECK(outages->begin("0", "", true, Monotonic{1'001}));
}

}  // namespace nacre
