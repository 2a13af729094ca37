#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace nacre::store::sqlite {

/// An index as it should be.
struct TableIndex {
  struct Key {
    std::string expression;
    bool descending = false;
  };

  std::string name;        ///< holds a hash of the definition: a changed one is another index
  std::string definition;  ///< what follows its name in the statement that makes it: `ON table (keys) WHERE condition`
  std::vector<Key> columns;
  std::string condition;  ///< which rows it has; "" for all
  std::string keys;       ///< paths, for messages: "slug" or "author, title"
  std::string title;      ///< for operators, with the keys as the configuration has them: `unique index on -stars, slug`
  bool unique = false;

  std::string create(bool if_not_exists) const;  ///< the statement that makes it
};

/// A resource's table: what is made for it, and the statements on it that do not depend on a request. Columns: id, rev, created
/// and updated (milliseconds since 1970), owner, doc (JSON text of the user's fields).
///
/// It has rowids: without them a document of 150 bytes is found in 2.6 µs instead of 4.3, but one of 3,000 bytes in 20 instead
/// of 5, for whole documents then lie on the inner pages of the tree.
///
/// An index of the configuration serves filters and orders, and ends with the id, so that it serves the order of pages. A
/// unique one has a second index that enforces it: among the documents that have any of its keys no two have the same values,
/// where missing and null are one value (an ordinary unique index of SQLite takes no two NULLs for the same). Keys that may
/// hold arrays or objects have no index.
struct Table {
  explicit Table(const config::Resource& resource);

  static constexpr std::string_view kColumns = "id, rev, created, updated, owner, doc";

  std::string resource;
  std::string name;  ///< quoted
  std::string create;
  std::vector<TableIndex> indexes;
  std::vector<std::string> not_indexed;  ///< keys of indexes that can't be made here, for the log

  std::string find_one;
  std::string insert;
  std::string replace;
  std::string erase;
};

/// Values remembered by their key.
inline constexpr std::string_view kRememberedTable = "nacre_remembered";

}  // namespace nacre::store::sqlite
