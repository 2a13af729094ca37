#include "cache/read_through.h"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "cache/found.h"
#include "cache/shared_memory.h"
#include "fiber/manual_reactor.h"

namespace nacre::cache {

namespace {

const Key kKey = Key::document(0, "notes", "1");
const std::string kSubject(kKey.subject());
constexpr Milliseconds kStoreTimeout{2'000};
constexpr Milliseconds kRequestTime{5'000};
constexpr Milliseconds kTtl{10'000};
constexpr Milliseconds kStale{60'000};

/// Two workers on one zone, and a store whose reads wait until they are answered.
struct Host {
  struct Answer {
    fiber::Event given;
    Result<Entry> result = Failure(Error::internal);
  };
  struct Reply {
    std::optional<Result<test::Answered>> result;
    fiber::Fiber* fiber = nullptr;  ///< while it waits
  };

  std::shared_ptr<Reply> get(ReadThrough& worker, Milliseconds within = kRequestTime) {
    auto reply = std::make_shared<Reply>();
    reply->fiber = *scheduler.start(reactor.now() + within,
                                    [this, &worker, reply] { reply->result = test::get(worker, kKey, policy, load(), waits); });
    return reply;
  }
  ReadThrough::Load load() {
    return [this]() -> Result<Entry> {
      ++loads;
      const auto answer = std::make_shared<Answer>();
      waiting.push_back(answer);
      if (auto waited = answer->given.wait(); !waited) return waited.error();
      return answer->result;
    };
  }
  void answer(Result<Entry> result) {
    REQUIRE_FALSE(waiting.empty());
    waiting.front()->result = std::move(result);
    waiting.front()->given.set();
    waiting.erase(waiting.begin());
    reactor.run();
  }
  void answer(std::string body) { answer(Result<Entry>(Entry{std::move(body), "\"1\"", std::nullopt})); }
  void fill(const std::string& body) {
    zone.fill(kKey.text(), kSubject, zone.ticket(kSubject), {body, "\"1\"", std::nullopt}, {policy.ttl, policy.stale},
              reactor.now());
  }
  void write() {
    zone.invalidate(kSubject);
    zone.invalidate(kSubject);
  }

  test::SharedMemory memory{Zone::kMinimumSize};
  Zone& zone = Zone::format(memory.bytes());
  ManualReactor reactor;
  fiber::Scheduler scheduler{reactor};
  config::CachePolicy policy{true, kTtl, kStale};
  ReadThrough worker{zone, scheduler, {.store_timeout = kStoreTimeout}};
  ReadThrough other_worker{zone, scheduler, {.store_timeout = kStoreTimeout}};
  std::vector<std::shared_ptr<Answer>> waiting;
  int loads = 0;
  Waits waits;
};

using Reply = std::shared_ptr<Host::Reply>;

std::string body(const Reply& reply) { return reply->result && *reply->result ? (*reply->result)->entry.body : "(none)"; }
Outcome outcome(const Reply& reply) { return reply->result && *reply->result ? (*reply->result)->outcome : Outcome::none; }
std::optional<Error> error(const Reply& reply) {
  if (!reply->result || *reply->result) return std::nullopt;
  return reply->result->error().error;
}

}  // namespace

TEST_CASE("a miss reads the store and fills the zone, a hit reads nothing") {
  Host host;
  const Reply first = host.get(host.worker);
  CHECK_FALSE(test::find_fresh(host.worker, kKey));
  host.answer("body");
  CHECK(body(first) == "body");
  CHECK(outcome(first) == Outcome::miss);

  host.reactor.advance(Milliseconds{1'500});
  for (ReadThrough* worker : {&host.worker, &host.other_worker}) {
    const Reply next = host.get(*worker);
    CHECK(body(next) == "body");
    CHECK(outcome(next) == Outcome::l1_hit);
    CHECK((*next->result)->age == Milliseconds{1'500});
    CHECK(test::find_fresh(*worker, kKey)->etag == "\"1\"");
  }
  CHECK(host.loads == 1);
}

TEST_CASE("a hit takes the memory of a body that was taken back, unless that is too large to keep") {
  Host host;
  const std::string text(100, 'x');
  host.fill(text);
  auto first = test::find_fresh(host.worker, kKey);
  REQUIRE(first);
  const char* const memory = first->body.data();
  host.worker.take_back(std::move(first->body));

  const auto second = test::find_fresh(host.worker, kKey);
  CHECK(second->body.data() == memory);
  CHECK(second->body == text);
  CHECK(test::find_fresh(host.worker, kKey)->body == text);

  std::string large(1'000'000, 'y');
  const char* const large_memory = large.data();
  host.worker.take_back(std::move(large));
  CHECK(test::find_fresh(host.worker, kKey)->body.data() != large_memory);
}

TEST_CASE("without a cache every read goes to the store, and nothing is kept") {
  Host host;
  host.policy.on = false;
  for (int i = 1; i <= 2; ++i) {
    const Reply reply = host.get(host.worker);
    host.answer("body");
    CHECK(body(reply) == "body");
    CHECK(outcome(reply) == Outcome::none);
    CHECK(host.loads == i);
  }
  CHECK(host.zone.usage().entries == 0);
  const Reply failed = host.get(host.worker);
  host.answer(Failure(Error::not_found));
  CHECK(error(failed) == Error::not_found);
}

TEST_CASE("of those who miss in one worker one reads, and all get its entry") {
  Host host;
  std::vector<Reply> replies(100);
  for (Reply& reply : replies) reply = host.get(host.worker);
  CHECK(host.loads == 1);
  host.answer("body");
  for (const Reply& reply : replies) {
    REQUIRE(body(reply) == "body");
    REQUIRE(outcome(reply) == Outcome::miss);
  }
  CHECK(host.loads == 1);
}

TEST_CASE("of those who miss in two workers one reads, the other finds its entry in the zone") {
  Host host;
  const Reply first = host.get(host.worker);
  const Reply second = host.get(host.other_worker);
  host.reactor.advance(Milliseconds{100});
  CHECK(host.loads == 1);
  host.answer("body");
  CHECK(body(first) == "body");
  host.reactor.advance(Milliseconds{8});
  CHECK(body(second) == "body");
  CHECK(outcome(second) == Outcome::l1_hit);
  CHECK(host.loads == 1);
}

TEST_CASE("the failure of a read is that of all who waited for it in its worker; another worker reads itself") {
  for (const Error failure : {Error::not_found, Error::unavailable, Error::forbidden}) {
    Host host;
    const Reply first = host.get(host.worker);
    const Reply second = host.get(host.worker);
    const Reply elsewhere = host.get(host.other_worker);
    host.answer(Failure(failure, "why"));
    CHECK(error(first) == failure);
    CHECK(error(second) == failure);
    CHECK(second->result->error().detail == "why");
    CHECK(host.loads == 1);
    host.reactor.advance(Milliseconds{8});
    CHECK(host.loads == 2);
    host.answer("body");
    CHECK(body(elsewhere) == "body");
    CHECK(host.zone.usage().entries == 1);
  }
}

TEST_CASE("a failure is not kept") {
  Host host;
  const Reply first = host.get(host.worker);
  host.answer(Failure(Error::not_found));
  const Reply second = host.get(host.worker);
  host.answer("body");
  CHECK(error(first) == Error::not_found);
  CHECK(body(second) == "body");
}

TEST_CASE("when the client of the one who reads goes away, one of the others reads") {
  Host host;
  const Reply first = host.get(host.worker);
  const Reply second = host.get(host.worker);
  const Reply third = host.get(host.worker);
  fiber::cancel(*first->fiber);
  CHECK(error(first) == Error::cancelled);
  host.reactor.run();
  CHECK(host.loads == 2);
  host.waiting.erase(host.waiting.begin());
  host.answer("body");
  CHECK(body(second) == "body");
  CHECK(body(third) == "body");
  CHECK(host.loads == 2);
}

TEST_CASE("when the one who reads runs out of its own time, one of the others reads") {
  Host host;
  const Reply first = host.get(host.worker, Milliseconds{50});
  const Reply second = host.get(host.worker);
  host.reactor.advance(Milliseconds{50});
  CHECK(error(first) == Error::deadline);
  CHECK(host.loads == 2);
  host.waiting.erase(host.waiting.begin());
  host.answer("body");
  CHECK(body(second) == "body");
}

TEST_CASE("a read that its store gave up on is not tried again by those who waited") {
  Host host;
  const Reply first = host.get(host.worker);
  const Reply second = host.get(host.worker);
  host.answer(Failure(Error::deadline));
  CHECK(error(first) == Error::deadline);
  CHECK(error(second) == Error::deadline);
  CHECK(host.loads == 1);
}

TEST_CASE("when all who wait go away, nothing is left behind") {
  Host host;
  std::vector<Reply> replies(5);
  for (Reply& reply : replies) reply = host.get(host.worker);
  for (std::size_t i = replies.size(); i-- > 0;) fiber::cancel(*replies[i]->fiber);
  host.reactor.run();
  CHECK(host.scheduler.running() == 0);
  CHECK(host.loads == 1);
  const Reply next = host.get(host.worker);
  CHECK(host.loads == 2);  // at once: the lease was given back
  host.waiting.erase(host.waiting.begin());
  host.answer("body");
  CHECK(body(next) == "body");
}

TEST_CASE("a worker that dies while it reads holds up the others no longer than the store may take") {
  Host host;
  REQUIRE(host.zone.try_lead(std::string(kKey.text()) + '\n' + std::to_string(host.zone.ticket(kSubject).generation),
                             kStoreTimeout,
                             host.reactor.now()));  // and is never given back
  const Reply reply = host.get(host.worker);
  host.reactor.advance(kStoreTimeout - Milliseconds{10});
  CHECK(host.loads == 0);
  host.reactor.advance(Milliseconds{20});
  CHECK(host.loads == 1);
  host.answer("body");
  CHECK(body(reply) == "body");
}

TEST_CASE("who comes after a write does not get what was read before it") {
  Host host;
  const Reply before = host.get(host.worker);
  host.write();
  const Reply after = host.get(host.worker);
  const Reply elsewhere = host.get(host.other_worker);
  CHECK(host.loads == 2);
  host.answer("old");
  CHECK(body(before) == "old");
  CHECK_FALSE(after->result);
  CHECK_FALSE(test::find_fresh(host.worker, kKey));
  host.answer("new");
  CHECK(body(after) == "new");
  host.reactor.advance(Milliseconds{8});
  CHECK(body(elsewhere) == "new");
  CHECK(test::find_fresh(host.worker, kKey)->body == "new");
  CHECK(host.loads == 2);
}

TEST_CASE("a stale entry is served at once, and renewed once for all workers") {
  Host host;
  host.fill("old");
  host.reactor.advance(kTtl);
  CHECK_FALSE(test::find_fresh(host.worker, kKey));
  for (int i = 0; i < 10; ++i) {
    const Reply reply = host.get(i % 2 == 0 ? host.worker : host.other_worker);
    CHECK(body(reply) == "old");
    CHECK(outcome(reply) == Outcome::stale);
  }
  CHECK(host.loads == 1);
  host.answer("new");
  const Reply renewed = host.get(host.other_worker);
  CHECK(body(renewed) == "new");
  CHECK(outcome(renewed) == Outcome::l1_hit);
  CHECK(host.scheduler.running() == 0);
}

TEST_CASE("while the store is away a stale entry is served, and the store asked once in its timeout") {
  Host host;
  host.fill("old");
  host.reactor.advance(kTtl);
  for (int second = 0; second < 10; ++second) {
    for (int i = 0; i < 10; ++i) {
      const Reply reply = host.get(host.worker);
      REQUIRE(body(reply) == "old");
      REQUIRE(outcome(reply) == Outcome::stale);
      if (!host.waiting.empty()) host.answer(Failure(Error::unavailable));
      host.reactor.advance(Milliseconds{100});
    }
  }
  CHECK(host.loads >= 4);
  CHECK(host.loads <= 5);

  host.reactor.advance(kStale);
  const Reply expired = host.get(host.worker);
  host.answer(Failure(Error::unavailable));
  CHECK(error(expired) == Error::unavailable);
}

TEST_CASE("a renewal that hangs ends at the store's timeout, whatever becomes of the request that began it") {
  Host host;
  host.fill("old");
  host.reactor.advance(kTtl);
  host.get(host.worker);
  CHECK(host.scheduler.running() == 1);
  host.reactor.advance(kStoreTimeout);
  CHECK(host.scheduler.running() == 0);
}

TEST_CASE("a stale entry of what is gone from the store is served no more") {
  Host host;
  host.fill("old");
  host.reactor.advance(kTtl);
  CHECK(body(host.get(host.worker)) == "old");
  host.answer(Failure(Error::not_found));
  const Reply next = host.get(host.worker);
  host.answer(Failure(Error::not_found));
  CHECK(error(next) == Error::not_found);
}

TEST_CASE("a stale entry that was written since is not served, not even when the store fails") {
  Host host;
  host.fill("old");
  host.reactor.advance(kTtl);
  host.write();
  const Reply reply = host.get(host.worker);
  host.answer(Failure(Error::unavailable));
  CHECK(error(reply) == Error::unavailable);
}

TEST_CASE("an entry that came while the store failed is served in place of the failure") {
  for (const Error failure : {Error::unavailable, Error::overloaded, Error::deadline, Error::internal, Error::not_found}) {
    Host host;
    const Reply reply = host.get(host.worker);
    host.fill("from elsewhere");
    host.answer(Failure(failure));
    if (failure == Error::not_found) {
      CHECK(error(reply) == Error::not_found);
    } else {
      CHECK(body(reply) == "from elsewhere");
      CHECK(outcome(reply) == Outcome::stale);
    }
  }
}

TEST_CASE("renewals in the background are bounded, and all are served meanwhile") {
  Host host;
  const auto key = [](int i) { return Key::list(0, "notes", std::to_string(i)); };
  const Ticket ticket = host.zone.ticket("notes");
  for (int i = 0; i < 500; ++i) host.zone.fill(key(i).text(), "notes", ticket, {}, {kTtl, kStale}, host.reactor.now());
  host.reactor.advance(kTtl);
  int stale = 0;
  REQUIRE(host.scheduler.start(host.reactor.now() + kRequestTime, [&] {
    for (int i = 0; i < 500; ++i) {
      const auto got = test::get(host.worker, key(i), host.policy, host.load(), host.waits);
      stale += got && got->outcome == Outcome::stale ? 1 : 0;
    }
  }));
  CHECK(stale == 500);
  CHECK(host.loads > 100);
  CHECK(host.scheduler.running() <= 128);
  host.reactor.advance(kStoreTimeout);
  CHECK(host.scheduler.running() == 0);
}

TEST_CASE("a renewal may outlive the ReadThrough that began it") {
  Host host;
  host.fill("old");
  host.reactor.advance(kTtl);
  auto worker = std::make_unique<ReadThrough>(host.zone, host.scheduler, ReadThrough::Options{.store_timeout = kStoreTimeout});
  host.get(*worker);
  worker.reset();
  host.answer("new");
  CHECK(test::find_fresh(host.worker, kKey)->body == "new");
}

TEST_CASE("with a full zone reads go on") {
  Host host;
  host.policy.ttl = Milliseconds{0};
  const std::string large(2U << 20U, 'x');  // fits nowhere
  const Reply reply = host.get(host.worker);
  host.answer(large);
  CHECK(body(reply) == large);
  CHECK(host.zone.usage().entries == 0);
}

TEST_CASE("whatever happens, each reader gets what was current when it asked, or later") {
  // The store is one number that writers count up by the rule: invalidate, commit, invalidate.
  std::mt19937 random(6);
  for (int round = 0; round < 300; ++round) {
    Host host;
    host.policy = {true, Milliseconds{random() % 40}, Milliseconds{0}};
    int committed = 0;
    struct Asked {
      Reply reply;
      int least;
    };
    std::vector<Asked> asked;
    std::vector<std::pair<std::shared_ptr<Host::Answer>, int>> reading;
    for (int step = 0; step < 200; ++step) {
      switch (random() % 6) {
        case 0:
          host.zone.invalidate(kSubject);
          ++committed;
          host.zone.invalidate(kSubject);
          break;
        case 1:
        case 2:
          asked.push_back(
              {host.get(random() % 2 == 0 ? host.worker : host.other_worker, Milliseconds{1 + random() % 200}), committed});
          break;
        case 3:
          if (!asked.empty()) {
            const Reply& victim = asked[random() % asked.size()].reply;
            if (!victim->result && victim->fiber != nullptr) fiber::cancel(*victim->fiber);
          }
          break;
        case 4:
          host.reactor.advance(Milliseconds{random() % 20});
          break;
        default:
          if (!reading.empty()) {
            const auto [answer, value] = reading[random() % reading.size()];
            if (random() % 5 == 0) {
              answer->result = Failure(Error::unavailable);
            } else {
              answer->result = Entry{std::to_string(value), "", std::nullopt};
            }
            answer->given.set();
            host.reactor.run();
          }
      }
      // A read sees the state of the moment when it reaches the store.
      for (auto& answer : host.waiting) reading.emplace_back(answer, committed);
      host.waiting.clear();
    }
    host.reactor.advance(kRequestTime);
    REQUIRE(host.scheduler.running() == 0);
    for (const Asked& each : asked) {
      REQUIRE(each.reply->result);
      if (*each.reply->result) REQUIRE(std::stoi(body(each.reply)) >= each.least);
    }
  }
}

TEST_CASE("outcomes have the names of the log and of Cache-Status") {
  CHECK(to_string(Outcome::none) == "-");
  CHECK(to_string(Outcome::l1_hit) == "l1-hit");
  CHECK(to_string(Outcome::l2_hit) == "l2-hit");
  CHECK(to_string(Outcome::miss) == "miss");
  CHECK(to_string(Outcome::stale) == "stale");
  CHECK(cache_status(Outcome::l1_hit) == "nacre; hit");
  CHECK(cache_status(Outcome::l2_hit) == "nacre; hit; detail=l2");
  CHECK(cache_status(Outcome::miss) == "nacre; fwd=miss");
  CHECK(cache_status(Outcome::stale) == "nacre; fwd=stale");
  CHECK(cache_status(Outcome::none).empty());
}

}  // namespace nacre::cache
