#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/document.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/list_sql.h"
#include "store/sqlite/reconcile.h"
#include "store/sqlite/table.h"
#include "store/store.h"

/// What the store does in the file: each owns its input, and runs on a thread inside of a transaction.
namespace nacre::store::sqlite {

/// Error::not_found. `owner`: only a document of this owner.
Result<Document> read_document(Connection& connection, const Table& table, std::string_view id,
                               const std::optional<std::string>& owner);

struct FindOne {
  Result<Document> operator()(Connection& connection) const;

  std::shared_ptr<const Table> table;
  std::string id;
  std::optional<std::string> owner;
};

class FindPage {
 public:
  FindPage(const Table& table, const config::Resource& resource, const query::ListQuery& query,
           const std::optional<std::string>& owner);
  Result<Page> operator()(Connection& connection) const;

 private:
  Result<void> read_segment(Connection& connection, const Sql& segment, Page& page, bool& more) const;

  ListPlan plan_;
  std::optional<Projection> projection_;
  std::vector<query::FieldRef> keys_;
  std::size_t limit_;
};

struct Recall {
  Result<std::optional<std::string>> operator()(Connection& connection) const;

  std::string key;
  Timestamp now;
};

struct Ping {
  Result<void> operator()(Connection& connection) const;
};

/// Writes say by `resource` and `ids` what they may change.
class Insert {
 public:
  Insert(std::shared_ptr<const Table> table, Blueprint& blueprint, std::vector<NewDocument> documents,
         const std::optional<Remember>& remember);
  Result<void> operator()(Connection& connection) const;
  const std::string& resource() const noexcept { return table_->resource; }
  std::vector<std::string_view> ids() const;
  bool is_one_statement() const noexcept { return items_.size() == 1 && !remember_; }

 private:
  struct Item {
    std::string id;
    std::string doc;
    Timestamp created;
    std::optional<std::string> owner;
  };
  Result<void> insert_one(Connection& connection, const Item& item, std::optional<std::size_t> place) const;

  std::shared_ptr<const Table> table_;
  Blueprint& blueprint_;
  std::vector<Item> items_;
  std::optional<Remember> remember_;
};

/// Which document a write is for, and what must hold of it.
struct Target {
  /// Whether the precondition holds. Nobody else writes until the transaction ends, so that it still holds for the write.
  Result<void> check(Connection& connection, const Table& table) const;

  std::string id;
  Precondition precondition;
};

class Replace {
 public:
  Replace(std::shared_ptr<const Table> table, Blueprint& blueprint, std::string_view id, Fields fields, Timestamp updated,
          const Precondition& precondition);
  Result<Document> operator()(Connection& connection) const;
  const std::string& resource() const noexcept { return table_->resource; }
  std::vector<std::string_view> ids() const { return {target_.id}; }

 private:
  std::shared_ptr<const Table> table_;
  Blueprint& blueprint_;
  Target target_;
  std::string doc_;
  Timestamp updated_;
};

class Erase {
 public:
  Erase(std::shared_ptr<const Table> table, std::string_view id, const Precondition& precondition)
      : table_(std::move(table)), target_{std::string(id), precondition} {}
  Result<void> operator()(Connection& connection) const;
  const std::string& resource() const noexcept { return table_->resource; }
  std::vector<std::string_view> ids() const { return {target_.id}; }

 private:
  std::shared_ptr<const Table> table_;
  Target target_;
};

struct RememberValue {
  Result<void> operator()(Connection& connection) const;

  Remember value;
};

}  // namespace nacre::store::sqlite
