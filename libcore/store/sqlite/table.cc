#include "store/sqlite/table.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <optional>

#include "query/filter.h"
#include "store/sqlite/field_sql.h"

namespace nacre::store::sqlite {
namespace {

std::string hash_of(std::string_view text) {
  std::array<unsigned char, 16> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(), nullptr, 0);
  std::array<char, 2 * hash.size() + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
  return hex.data();
}

/// An index's keys, as messages name them.
struct Names {
  std::string paths;    ///< "stars, slug"
  std::string written;  ///< "-stars, slug"

  void add(const config::IndexKey& key) {
    const std::string_view separator = paths.empty() ? "" : ", ";
    paths.append(separator) += key.path;
    written.append(separator).append(key.descending ? "-" : "") += key.path;
  }
};

/// A key with its place in the schema; nullopt when it has no single value.
struct Key {
  query::FieldRef field;
  bool descending = false;
};
std::optional<Key> resolve(const config::IndexKey& key, const schema::Schema& schema) {
  auto field = query::find_field(key.path, schema, "index");
  if (!field || field->field.through_array) return std::nullopt;
  if ((field->field.types & (schema::kArray | schema::kObject)) != 0) return std::nullopt;
  return Key{std::move(*field), key.descending};
}

TableIndex named(std::string_view prefix, const std::string& table, std::vector<TableIndex::Key> columns, std::string condition,
                 const Names& names, bool unique) {
  std::string definition = " (";
  for (const auto& column : columns) {
    if (definition.size() > 2) definition += ", ";
    definition += column.expression + (column.descending ? " DESC" : "");
  }
  definition += ')';
  if (!condition.empty()) definition += " WHERE " + condition;
  return {std::string(prefix) + hash_of(table + definition),
          "ON " + table + definition,
          std::move(columns),
          std::move(condition),
          names.paths,
          (unique ? "unique index on " : "index on ") + names.written,
          unique};
}

TableIndex search_index(const std::string& table, const std::vector<Key>& keys, const Names& names) {
  std::vector<TableIndex::Key> columns;
  for (const Key& key : keys) columns.push_back({expression(key.field), key.descending});
  columns.push_back({"id", keys.back().descending});
  return named("i_", table, std::move(columns), "", names, false);
}

TableIndex unique_index(const std::string& table, const std::vector<Key>& keys, const Names& names) {
  std::vector<TableIndex::Key> columns;
  std::string any;
  for (const Key& key : keys) {
    columns.push_back({"coalesce(" + expression(key.field) + ", x'00')"});
    const std::string present =
        key.field.built_in ? expression(key.field) : "json_type(doc, " + json_path(key.field.path) + ")";
    any += (any.empty() ? "" : " OR ") + present + " IS NOT NULL";
  }
  return named("u_", table, std::move(columns), any, names, true);
}

}  // namespace

std::string TableIndex::create(bool if_not_exists) const {
  return std::string("CREATE ") + (unique ? "UNIQUE " : "") + "INDEX " + (if_not_exists ? "IF NOT EXISTS " : "") + "\"" + name +
         "\" " + definition;
}

Table::Table(const config::Resource& r) : resource(r.name), name(in_quotes("r_" + r.name, '"')) {
  create = "CREATE TABLE IF NOT EXISTS " + name +
           " (id TEXT NOT NULL PRIMARY KEY, rev INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL,"
           " owner TEXT, doc TEXT NOT NULL)";
  for (const config::Index& index : r.indexes) {
    std::vector<Key> keys;
    Names names;
    for (const config::IndexKey& key : index.keys) {
      names.add(key);
      if (auto resolved = resolve(key, r.schema)) keys.push_back(std::move(*resolved));
    }
    if (keys.empty() || keys.size() != index.keys.size()) {
      not_indexed.push_back(names.written);
      continue;
    }
    indexes.push_back(search_index(name, keys, names));
    if (index.unique) indexes.push_back(unique_index(name, keys, names));
  }
  if (r.access.read.kind == config::AccessRule::Kind::owner) {
    indexes.push_back(named("i_", name, {{"owner"}, {"id"}}, "", {"_owner", "_owner"}, false));
  }

  find_one = "SELECT rev, created, updated, owner, doc FROM " + name + " WHERE id = ?";
  insert = "INSERT INTO " + name + " (id, rev, created, updated, owner, doc) VALUES (?, 1, ?, ?, ?, ?)";
  replace = "UPDATE " + name + " SET doc = ?, rev = rev + 1, updated = ? WHERE id = ? RETURNING rev, created, owner";
  erase = "DELETE FROM " + name + " WHERE id = ?";
}

}  // namespace nacre::store::sqlite
