#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mongo/bson_reader.h"
#include "mongo/message.h"
#include "mongo/reply.h"
#include "store/mongo/sort_key.h"
#include "store/mongo/to_json.h"

// Bytes from a database are messages, or the conversation ends; documents are BSON that becomes JSON, or malformed.
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_document(std::string_view document) {
  using namespace nacre::store::on_mongo;
  const auto whole = to_document(document);
  if (whole) require(whole->json.starts_with("{\"_id\":") && whole->json.ends_with('}'));
  static const FieldTree some(std::vector<std::string>{"_rev", "a", "b.c", "items.name"});
  std::string out;
  (void)append_document(out, document, some);
  const nacre::query::FieldRef field{.path = "b.c"};
  if (const auto key = sort_key(document, field)) require(parse_sort_key(*key, field).has_value());
  if (const auto view = nacre::mongo::ReplyView::read(document)) {
    if (const auto error = view->error()) (void)error->failure();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_document(bytes);
  const auto sequence = std::make_shared<nacre::mongo::Sequence>();
  sequence->sent = 1'000;
  nacre::mongo::Codec codec(sequence);
  const auto sink = [](nacre::mongo::Reply&& reply) { check_document(reply.document()); };
  for (std::size_t at = 0; at < size; at += 7) {
    if (!codec.take(std::span(bytes.substr(at, 7)), sink)) break;
  }
  return 0;
}
