// Measures mongo/bson_reader.h and bson_writer.h beside libbson, in turns in one process. Nanoseconds to walk a document of the
// usual size, and the reply of a list with 25 of them, every name and value looked at; and to write a look-up's command to a
// connection's output. A line each: what, ours, libbson's.
//   bson_bench
#include <bson/bson.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "mongo/bson_reader.h"
#include "mongo/bson_writer.h"

namespace {

using namespace nacre::mongo;  // NOLINT(google-build-using-namespace): a program of one file

constexpr int kRounds = 15;
constexpr double kSeconds = 0.1;

void write_note(BsonWriter& bson) {
  bson.object_id("_id", {1, 2, 3});
  bson.int64("_rev", 1);
  bson.date("_created", nacre::Timestamp{});
  bson.date("_updated", nacre::Timestamp{});
  bson.null("_owner");
  bson.string("title", "Note 1: a title of the usual length");
  bson.string("body", std::string(60, 'x'));
  bson.int64("stars", 7);
  bson.array("tags", [&] {
    bson.string("0", "a");
    bson.string("1", "b");
  });
}

std::string note() {
  std::string out;
  BsonWriter bson(out);
  bson.document([&] { write_note(bson); });
  return out;
}

std::string list() {
  std::string out;
  BsonWriter bson(out);
  bson.document([&] {
    bson.document("cursor", [&] {
      bson.array("firstBatch", [&] {
        for (std::size_t i = 0; i < 25; ++i) bson.document(IndexName(i).view(), [&] { write_note(bson); });
      });
      bson.int64("id", 0);
      bson.string("ns", "nacre.notes");
    });
    bson.real("ok", 1);
  });
  return out;
}

/// What was seen, so that nothing is left out by the compiler.
std::uint64_t walk(std::string_view document) {
  std::uint64_t seen = 0;
  BsonReader reader(document);
  BsonElement element;
  while (reader.next(element)) {
    seen += element.name.size();
    if (element.is_document()) {
      seen += walk(element.document());
    } else if (element.is_text()) {
      seen += element.text().size();
    } else if (element.is_integer()) {
      seen += static_cast<std::uint64_t>(element.integer());
    } else {
      seen += static_cast<std::uint64_t>(element.type);
    }
  }
  return seen;
}

std::uint64_t walk(bson_iter_t& at) {
  std::uint64_t seen = 0;
  while (bson_iter_next(&at)) {
    seen += bson_iter_key_len(&at);
    switch (bson_iter_type(&at)) {
      case BSON_TYPE_DOCUMENT:
      case BSON_TYPE_ARRAY: {
        bson_iter_t below;
        if (bson_iter_recurse(&at, &below)) seen += walk(below);
        break;
      }
      case BSON_TYPE_UTF8: {
        std::uint32_t length = 0;
        (void)bson_iter_utf8(&at, &length);
        seen += length;
        break;
      }
      case BSON_TYPE_INT64:
        seen += static_cast<std::uint64_t>(bson_iter_int64(&at));
        break;
      default:
        seen += static_cast<std::uint64_t>(bson_iter_type(&at));
    }
  }
  return seen;
}

std::uint64_t walk_by_libbson(std::string_view document) {
  bson_iter_t at;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(document.data());
  return bson_iter_init_from_data(&at, bytes, document.size()) ? walk(at) : 0;
}

template <class Walk>
double nanoseconds(const std::string& document, Walk walk) {
  using Clock = std::chrono::steady_clock;
  std::uint64_t seen = 0;
  std::uint64_t done = 0;
  const auto began = Clock::now();
  std::chrono::duration<double, std::nano> took{};
  do {
    for (int i = 0; i < 100; ++i) seen += walk(document);
    done += 100;
    took = Clock::now() - began;
  } while (took.count() < kSeconds * 1e9);
  if (seen == 0) std::abort();
  return took.count() / static_cast<double>(done);
}

double median(std::vector<double> figures) {
  std::sort(figures.begin(), figures.end());
  return figures[figures.size() / 2];
}

void compare(const char* what, const std::string& document) {
  if (walk(document) != walk_by_libbson(document)) std::abort();
  std::vector<double> own, libbson;
  for (int round = 0; round < kRounds; ++round) {
    own.push_back(nanoseconds(document, [](const std::string& bson) { return walk(bson); }));
    libbson.push_back(nanoseconds(document, walk_by_libbson));
  }
  std::printf("%s %.1f %.1f\n", what, median(own), median(libbson));
}

/// The command of a look-up, appended to what a connection is about to send.
double time_of_writer() {
  std::string out;
  return nanoseconds("", [&](const std::string&) {
    out.clear();
    BsonWriter bson(out);
    bson.document([&] {
      bson.string("find", "notes");
      bson.document("filter", [&] { bson.object_id("_id", {1, 2, 3}); });
      bson.int32("limit", 1);
      bson.boolean("singleBatch", true);
      bson.int64("maxTimeMS", 2'000);
      bson.string("$db", "nacre");
    });
    return static_cast<std::uint64_t>(out.size());
  });
}

double time_of_libbson() {
  std::string out;
  return nanoseconds("", [&](const std::string&) {
    out.clear();
    bson_t bson = BSON_INITIALIZER;
    bson_t filter;
    bson_oid_t id{};
    (void)bson_append_utf8(&bson, "find", 4, "notes", 5);
    (void)bson_append_document_begin(&bson, "filter", 6, &filter);
    (void)bson_append_oid(&filter, "_id", 3, &id);
    (void)bson_append_document_end(&bson, &filter);
    (void)bson_append_int32(&bson, "limit", 5, 1);
    (void)bson_append_bool(&bson, "singleBatch", 11, true);
    (void)bson_append_int64(&bson, "maxTimeMS", 9, 2'000);
    (void)bson_append_utf8(&bson, "$db", 3, "nacre", 5);
    out.append(reinterpret_cast<const char*>(bson_get_data(&bson)), bson.len);
    bson_destroy(&bson);
    return static_cast<std::uint64_t>(out.size());
  });
}

}  // namespace

int main() {
  compare("document", note());
  compare("list", list());
  std::vector<double> own, libbson;
  for (int round = 0; round < kRounds; ++round) {
    own.push_back(time_of_writer());
    libbson.push_back(time_of_libbson());
  }
  std::printf("command %.1f %.1f\n", median(own), median(libbson));
}
