#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mongo/bson_reader.h"
#include "mongo/bson_writer.h"

/// Document ids: of what Nacre creates, 24 lower-case hex digits are an ObjectId in MongoDB, everything else is a string. Other
/// programs have strings of 24 hex digits, numbers and UUIDs, too.
namespace nacre::store::on_mongo {

using mongo::BsonElement;
using mongo::BsonReader;
using mongo::BsonType;
using mongo::BsonWriter;
using mongo::IndexName;
using mongo::ObjectId;

std::optional<ObjectId> parse_object_id(std::string_view text) noexcept;
void append_hex(std::string& out, std::string_view bytes);
std::optional<std::string> parse_hex(std::string_view text);

void write_id(BsonWriter& bson, std::string_view name, std::string_view id);

/// The `_id` of a document that another program made.
struct ForeignId {
  std::variant<std::string_view, std::int64_t, std::array<char, 16>> value;

  void write(BsonWriter& bson, std::string_view name) const;
};

/// What is shown as this text beside what write_id writes, in the order in which it is looked for: a string of 24 hex digits, a
/// number, a UUID. Refers to the text.
std::vector<ForeignId> foreign_ids(std::string_view id);

}  // namespace nacre::store::on_mongo
