#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "store/store.h"

namespace nacre::store {

/// A row as the API shows it.
struct Row {
  std::string_view id;
  std::int64_t rev = 1;
  Timestamp created{};
  Timestamp updated{};
  std::string_view owner{};
  bool owned = false;
  std::string_view doc;  ///< JSON text of an object, as append_json writes it
};

/// Appends the whole document.
void append_document(std::string& out, const Row& row);

/// A document as it will be stored (`_rev` 1, `_updated` = `_created`): what the API shows of it, before it is there.
Document render(const NewDocument& document);
void append_new_document(std::string& out, const NewDocument& document);

/// The user's fields of a document as JSON text.
std::string text_of(NewDocument&& document);
std::string text_of(Fields&& fields);

/// Completes the failure of a write that a unique index is against, with its keys as the configuration has them ("slug",
/// "author.name, title"). `place`: the document's among the several that were to be inserted.
void name_taken(Failure& failure, std::string_view keys, std::optional<std::size_t> place);

/// The fields of a list that names some: a tree of the names in its dotted paths.
class Projection {
 public:
  /// `fields` as in ListQuery; not empty.
  explicit Projection(const std::vector<std::string>& fields);

  /// Appends the document with `_id` and the fields named, in the document's order. As in MongoDB, a path below an array takes
  /// from each of its objects, and drops the other elements.
  void append(std::string& out, const Row& row) const;

  /// The same of a whole document as append_document writes it.
  std::string of(std::string_view document) const;

 private:
  struct Node {
    std::string name;
    std::vector<Node> below;  // empty: all of it
  };
  class Scanner;

  static void add(std::vector<Node>& nodes, std::string_view path);
  static const Node* find(const std::vector<Node>& nodes, std::string_view name);
  bool has(std::string_view built_in) const { return find(nodes_, built_in) != nullptr; }

  std::vector<Node> nodes_;
};

}  // namespace nacre::store
