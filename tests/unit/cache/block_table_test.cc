#include "cache/block_table.h"

#include <doctest/doctest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <limits>
#include <list>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "cache/shared_memory.h"

namespace nacre::cache {

namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

struct Table {
  explicit Table(std::size_t size = 64U << 10U, std::uint32_t block_size = 128)
      : memory(size), table(BlockTable::format(memory.bytes(), block_size, sizeof(std::uint64_t))) {}

  bool insert(std::uint64_t hash, std::string_view key, std::string_view payload, std::int64_t expires = kNever) {
    const BlockTable::Lock lock(table);
    return lock->insert(hash, key, expires, std::uint64_t{hash}, std::span(&payload, 1)) != nullptr;
  }
  std::optional<std::string> get(std::uint64_t hash, std::string_view key) {
    const BlockTable::Lock lock(table);
    BlockTable::Record* const found = lock->find(hash, key);
    if (found == nullptr) return std::nullopt;
    CHECK(found->meta<std::uint64_t>() == hash);
    std::string text;
    lock->payload(*found).append(found->payload_size, text);
    return text;
  }

  test::SharedMemory memory;
  BlockTable& table;
};

}  // namespace

TEST_CASE("a record of any size around the block boundaries comes back whole") {
  Table shard;
  for (std::size_t size = 0; size < 600; ++size) {
    const std::string key = "key of " + std::to_string(size);
    std::string payload(size, '\0');
    for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<char>(i * 31 + size);
    REQUIRE(shard.insert(size, key, payload));
    CHECK(shard.get(size, key) == payload);
    const BlockTable::Lock lock(shard.table);
    BlockTable::Record* const record = lock->find(size, key);
    CHECK(record->blocks == lock->blocks_for(key.size(), size));
    lock->erase(*record);
  }
  CHECK(shard.table.used_blocks() == 0);
  CHECK(shard.table.intact());
}

TEST_CASE("keys longer than a block are told apart to their last byte") {
  Table shard;
  std::string key(500, 'k');
  REQUIRE(shard.insert(1, key, "first"));
  key.back() = 'l';
  CHECK_FALSE(shard.get(1, key));
  REQUIRE(shard.insert(1, key, "second"));
  CHECK(shard.get(1, key) == "second");
  key.back() = 'k';
  CHECK(shard.get(1, key) == "first");
}

TEST_CASE("what is copied without the lock is what was put there, whatever its size") {
  Table shard;
  BlockTable::Record record{};
  std::uint64_t meta = 0;
  std::string payload;
  const auto peek = [&](std::uint64_t hash, std::string_view key) {
    payload.clear();
    return shard.table.peek(hash, key, record, meta, payload);
  };
  for (std::size_t size = 0; size < 600; ++size) {
    const std::string key(1 + size % 130, 'k');
    const std::string text(size, static_cast<char>('a' + size % 26));
    REQUIRE(shard.insert(size, key, text));
    CHECK(peek(size, key) == BlockTable::Peek::found);
    CHECK(payload == text);
    CHECK(meta == size);
    CHECK(peek(size, key + 'k') == BlockTable::Peek::unsure);  // one hash, two keys
    CHECK(peek(size, std::string(key.size(), 'l')) == BlockTable::Peek::unsure);
    CHECK(peek(size + 1, key) == BlockTable::Peek::absent);
    const BlockTable::Lock lock(shard.table);
    lock->erase(*lock->find(size, key));
  }
}

TEST_CASE("equal hashes do not mix up records") {
  Table shard;
  for (int i = 0; i < 100; ++i) REQUIRE(shard.insert(7, std::to_string(i), "value " + std::to_string(i)));
  for (int i = 0; i < 100; i += 2) {
    const BlockTable::Lock lock(shard.table);
    lock->erase(*lock->find(7, std::to_string(i)));
  }
  for (int i = 0; i < 100; ++i) CHECK(shard.get(7, std::to_string(i)).has_value() == (i % 2 == 1));
  CHECK(shard.table.intact());
}

TEST_CASE("what does not fit is refused and leaves the table as it was") {
  Table shard;
  const std::string half(shard.table.block_count() * 124 / 2, 'x');
  REQUIRE(shard.insert(1, "a", half));
  CHECK_FALSE(shard.insert(2, "b", half));
  CHECK(shard.table.records() == 1);
  CHECK(shard.get(1, "a") == half);
  CHECK(shard.table.intact());
}

TEST_CASE("reclaiming removes what expired and nothing else") {
  Table shard;
  for (int i = 0; i < 50; ++i) REQUIRE(shard.insert(static_cast<std::uint64_t>(i), std::to_string(i), "", 100 + i));
  const BlockTable::Lock lock(shard.table);
  lock->reclaim(1000, 99);
  CHECK(lock->records() == 50);
  lock->reclaim(1000, 124);
  CHECK(lock->records() == 25);
  CHECK(lock->find(25, "25") != nullptr);
  CHECK(lock->find(24, "24") == nullptr);
  lock->reclaim(1000, 149);
  CHECK(lock->records() == 0);
}

TEST_CASE("the order of use and the contents are those of a plain list, whatever is done") {
  struct Item {
    std::uint64_t hash;
    std::string key, payload;
  };
  Table shard;
  std::list<Item> model;  // newest first
  std::mt19937 random(1);
  const auto below = [&](unsigned n) { return random() % n; };
  for (int step = 0; step < 50'000; ++step) {
    const std::uint64_t hash = below(40);
    const std::string key = "k" + std::to_string(below(200));
    const auto known =
        std::find_if(model.begin(), model.end(), [&](const Item& item) { return item.hash == hash && item.key == key; });
    const BlockTable::Lock lock(shard.table);
    BlockTable::Record* const found = lock->find(hash, key);
    REQUIRE((found != nullptr) == (known != model.end()));
    if (found != nullptr && below(3) == 0) {
      lock->erase(*found);
      model.erase(known);
    } else if (found != nullptr) {
      std::string payload;
      lock->payload(*found).append(found->payload_size, payload);
      REQUIRE(payload == known->payload);
      lock->touch(*found);
      model.splice(model.begin(), model, known);
    } else {
      const std::string payload(below(800), static_cast<char>('a' + below(26)));
      while (lock->free_blocks() < lock->blocks_for(key.size(), payload.size())) {
        REQUIRE(lock->oldest() == lock->find(model.back().hash, model.back().key));
        lock->erase(*lock->oldest());
        model.pop_back();
      }
      const std::string_view part = payload;
      REQUIRE(lock->insert(hash, key, kNever, hash, std::span(&part, 1)) != nullptr);
      model.push_front({hash, key, payload});
    }
    REQUIRE(lock->records() == model.size());
  }
  CHECK(shard.table.intact());
}

TEST_CASE("a process that dies with the lock, but not in a change, takes nothing with it") {
  Table shard;
  REQUIRE(shard.insert(1, "a", "kept"));
  test::Child child([&] {
    const BlockTable::Lock lock(shard.table);
    ::kill(::getpid(), SIGKILL);
  });
  CHECK_FALSE(child.wait());
  CHECK(shard.get(1, "a") == "kept");
  CHECK(shard.table.resets() == 0);
}

TEST_CASE("a process that dies in the middle of a change leaves an empty table that works") {
  Table shard;
  REQUIRE(shard.insert(1, "a", "lost"));
  // Reading the payload from here is what kills it: the first block is then taken and not linked.
  void* const forbidden = ::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(forbidden != MAP_FAILED);
  for (std::uint64_t death = 1; death <= 3; ++death) {
    test::Child child([&] { shard.insert(2, "b", {static_cast<const char*>(forbidden), 1000}); });
    CHECK_FALSE(child.wait());
    CHECK_FALSE(shard.get(1, "a"));
    CHECK(shard.table.resets() == death);
    CHECK(shard.table.free_blocks() == shard.table.block_count());
    CHECK(shard.table.intact());
    REQUIRE(shard.insert(1, "a", "again"));
    CHECK(shard.get(1, "a") == "again");
  }
  ::munmap(forbidden, 4096);
}

}  // namespace nacre::cache
