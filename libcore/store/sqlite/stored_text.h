#pragma once

#include <string>
#include <string_view>

/// No text in the tables holds U+0000, at which SQLite's JSON functions end a text (before 3.42). U+0000 is stored as U+0001
/// U+0001, and U+0001 as U+0001 U+0002. Stored texts are equal, in order and begin with one another as the texts do, so that
/// filters, orders and indexes need know nothing of it.
namespace nacre::store::sqlite {

std::string to_stored(std::string_view text);
/// `room` holds the text where it is not the stored one.
std::string_view from_stored(std::string_view stored, std::string& room);

/// The same of all strings in a JSON text as append_json writes it.
std::string_view json_to_stored(std::string_view json, std::string& room);
std::string_view json_from_stored(std::string_view stored, std::string& room);

}  // namespace nacre::store::sqlite
