#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mongo/bson_reader.h"
#include "mongo/bson_writer.h"

/// Document ids: 24 lower-case hex digits are an ObjectId in MongoDB, everything else is a string.
namespace nacre::store::mongo {

using nacre::mongo::BsonElement;
using nacre::mongo::BsonReader;
using nacre::mongo::BsonType;
using nacre::mongo::BsonWriter;
using nacre::mongo::IndexName;
using nacre::mongo::ObjectId;

std::optional<ObjectId> parse_object_id(std::string_view text) noexcept;
void append_hex(std::string& out, std::string_view bytes);

void write_id(BsonWriter& bson, std::string_view name, std::string_view id);

}  // namespace nacre::store::mongo
