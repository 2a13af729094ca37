#include <malloc.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string_view>

#include "../unit/query/example.h"
#include "json/parse.h"
#include "json/patch.h"
#include "query/filter.h"
#include "schema/validator.h"
#include "store/mongo/filter_bson.h"
#include "store/sqlite/filter_sql.h"

// Whatever a request holds, what it costs is bounded by its size: memory, counted in this file's own operator new, and
// allocations as a measure of work. The first byte says what the rest is; two texts are parted by a NUL. The dearest inputs
// that were found are the corpus, and libFuzzer is led to dearer ones by counters of its own.
namespace {

struct Heap {
  std::size_t live = 0;
  std::size_t peak = 0;
  std::size_t calls = 0;

  void begin() { peak = live, calls = 0; }
};
Heap heap;

#ifdef __clang__
__attribute__((section("__libfuzzer_extra_counters"))) std::uint8_t dearer[512];
/// One counter for each eighth of a power of two.
void lead(std::size_t from, std::size_t cost) {
  const auto power = static_cast<std::size_t>(std::bit_width(cost));
  const std::size_t eighth = power > 3 ? (cost >> (power - 4)) & 7U : 0;
  dearer[from + std::min<std::size_t>(power, 31) * 8 + eighth] = 1;
}
#else
void lead(std::size_t, std::size_t) {}
#endif

/// What was spent since begin().
struct Spent {
  std::size_t bytes;
  std::size_t calls;
};

template <class Work>
Spent spend(const Work& work) {
  const std::size_t before = heap.live;
  heap.begin();
  work();
  const Spent spent{heap.peak - before, heap.calls};
  lead(0, spent.bytes);
  lead(256, spent.calls);
  return spent;
}

void require(const char* what, std::size_t cost, std::size_t most) {
  if (cost <= most) return;
  std::fprintf(stderr, "%s: %zu, at most %zu are allowed\n", what, cost, most);
  std::abort();
}

using nacre::Json;
using nacre::Result;

constexpr std::size_t kFixed = 8UL * 1024;  // messages, empty containers

/// Schemas that make work: the same value judged in many ways, at every depth.
const nacre::schema::Schema& schema(std::size_t number) {
  static const std::array<nacre::schema::Schema, 4> schemas = [] {
    const auto compile = [](std::string_view text) {
      auto compiled = nacre::schema::Schema::compile(*nacre::parse_json(text));
      if (!compiled) std::abort();
      return std::move(*compiled);
    };
    return std::array{
        compile(R"({"type":"object","definitions":{"n":{"anyOf":[{"type":"string","maxLength":9},
          {"properties":{"a":{"$ref":"#/definitions/n"}},"items":{"$ref":"#/definitions/n"},"required":["a"]},
          {"additionalProperties":{"$ref":"#/definitions/n"},"uniqueItems":true},
          {"allOf":[{"not":{"$ref":"#/definitions/m"}}]}]},"m":{"oneOf":[{"items":{"$ref":"#/definitions/n"}},{"const":1}]}},
          "additionalProperties":{"$ref":"#/definitions/n"}})"),
        compile(
            R"({"type":"object","additionalProperties":{"type":"array","uniqueItems":true,"contains":{"enum":[1,2,"x",[],{}]},
          "items":{"uniqueItems":true,"additionalProperties":{"multipleOf":0.01,"format":"date-time"}}}})"),
        compile(
            R"({"type":"object","patternProperties":{"^(a+)+$":{"pattern":"^(x+x+)+y$"},"^.*b.*c":{"pattern":"(a|aa)*$"},".":{}},
          "propertyNames":{"pattern":"^([a-z]*)*$"},"additionalProperties":{"format":"regex"}})"),
        compile(R"({"type":"object","properties":{"t":{"$ref":"#/definitions/t"}},"definitions":{"t":{
          "if":{"properties":{"a":{"$ref":"#/definitions/t"}}},"then":{"properties":{"a":{"$ref":"#/definitions/t"}}},
          "else":{"dependencies":{"b":{"properties":{"b":{"$ref":"#/definitions/t"}}}}},"items":[{"$ref":"#/definitions/t"}],
          "additionalItems":{"$ref":"#/definitions/t"}}}})"),
    };
  }();
  return schemas[number % schemas.size()];
}

/// The parser's own count is no less than what it takes from the heap, so that a limit is one.
Result<Json> parse(std::string_view text) {
  constexpr std::size_t kLittle = 64UL * 1024;
  const auto little = spend([&] { (void)nacre::parse_json(text, kLittle); });
  require("bytes of a limited parse", little.bytes, kLittle + 3 * text.size() + kFixed);
  Result<Json> value = nacre::Failure();
  const auto spent = spend([&] { value = nacre::parse_json(text); });
  require("bytes of a parse", spent.bytes, std::min(nacre::kMaxJsonBytes, 100 * text.size()) + 3 * text.size() + kFixed);
  require("allocations of a parse", spent.calls, 2 * text.size() + 100);
  return value;
}

void judge(std::string_view text, std::size_t number) {
  auto value = parse(text);
  if (!value) return;
  const auto spent = spend([&] { (void)schema(number).validate(*value); });
  // The tasks, the pointers and messages of errors, an array's hashes, and what the patterns hold.
  require("bytes of a validation", spent.bytes, 300 * text.size() + 40UL * 1024 * 1024);
  const auto normalized = spend([&] {
    nacre::schema::Effort effort;
    (void)schema(number).normalize(*value, effort);
  });
  require("bytes of normalizing", normalized.bytes, 300 * text.size() + 40UL * 1024 * 1024);
}

void patch(std::string_view text, bool merge) {
  const std::size_t nul = std::min(text.find('\0'), text.size());
  auto document = parse(text.substr(0, nul));
  const auto change = parse(text.substr(std::min(nul + 1, text.size())));
  if (!document || !change) return;
  const auto spent = spend([&] {
    if (merge) {
      (void)nacre::merge_patch(std::move(*document), *change);
    } else {
      (void)nacre::apply_json_patch(std::move(*document), *change);
    }
  });
  require("bytes of a patch", spent.bytes, 200 * text.size() + (merge ? 0 : 3 * nacre::kMaxPatchCarried) + kFixed);
  require("allocations of a patch", spent.calls, 4 * text.size() + (merge ? 0 : nacre::kMaxPatchCarried / 8) + 100);
}

void where(std::string_view text) {
  static const nacre::config::Resource resource = nacre::query::example_resource();
  Result<nacre::query::Filter> filter = nacre::Failure();
  const auto parsed = spend([&] { filter = nacre::query::parse_filter(text, resource.schema); });
  require("bytes of a filter", parsed.bytes, 300 * text.size() + kFixed);
  if (!filter) return;
  std::size_t sql = 0;
  const auto compiled = spend([&] { sql = nacre::store::sqlite::filter_sql(*filter, resource.schema).text.size(); });
  require("bytes of SQL", sql, nacre::query::kMaxCompiled);
  require("bytes of compiling to SQL", compiled.bytes, 16 * nacre::query::kMaxCompiled + 20 * text.size());
  std::string bson;
  nacre::mongo::BsonWriter writer(bson);
  writer.document([&] { nacre::store::on_mongo::write_filter(writer, *filter); });
  require("bytes of BSON", bson.size(), nacre::query::kMaxCompiled + 8 * text.size());
}

}  // namespace

// NOLINTBEGIN(misc-new-delete-overloads,cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory)
void* operator new(std::size_t size) {
  void* const memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  heap.live += malloc_usable_size(memory);
  heap.peak = std::max(heap.peak, heap.live);
  ++heap.calls;
  return memory;
}
// libFuzzer's own, which would otherwise take from one allocator and give to the other.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return operator new(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* memory) noexcept {
  if (memory == nullptr) return;
  heap.live -= malloc_usable_size(memory);
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }
// NOLINTEND(misc-new-delete-overloads,cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory)

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
#ifdef __clang__
  std::fill(std::begin(dearer), std::end(dearer), std::uint8_t{0});
#endif
  switch (data[0] % 8) {
    case 4:
      patch(text, false);
      break;
    case 5:
      patch(text, true);
      break;
    case 6:
    case 7:
      where(text);
      break;
    default:
      judge(text, data[0] % 4);
  }
  return 0;
}
