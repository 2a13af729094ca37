#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fiber/fiber.h"
#include "mongo/client.h"
#include "store/mongo/collection.h"
#include "store/mongo/list_bson.h"
#include "store/mongo/merge.h"
#include "store/store.h"

/// What the store does in the database. Reads run on the fiber that asks; writes own their input, for they run on a fiber of
/// the store's, which goes on when nobody waits any more.
namespace nacre::store::on_mongo {

using mongo::Answer;
using mongo::Client;
using mongo::Demand;
using mongo::Role;
using mongo::Use;

/// The documents that a `find` answered; the first of them.
struct Batch {
  std::string_view documents;  ///< a BSON array
  bool more = false;           ///< the server has not sent all

  static Result<Batch> of(const Answer& answer);
};

/// An answer without an error.
Result<Answer> checked(Result<Answer> answer);

/// Calls `work(answer)`, on a thread where there is much to read. What it touches beside it owns.
template <class T, class Work>
Result<T> read(Answer answer, Work work) {
  constexpr std::size_t kOnLoop = fiber::kLoopText / 2;  // BSON takes more work than text
  if (answer.reply.document().size() <= kOnLoop) return work(std::as_const(answer));
  return fiber::on_thread<T>(
      [answer = std::make_shared<const Answer>(std::move(answer)), work = std::move(work)] { return work(*answer); });
}

/// A document, in the answer that it came with.
struct Found {
  Answer answer;
  std::string_view bson;
};

/// Error::not_found. An id names an ObjectId before a string, and a string before a number or a UUID with this text.
Result<Found> find_by_id(Client& client, std::string_view collection, std::string_view id,
                         const std::optional<std::string>& owner, Role role);

Result<Document> find_one(Client& client, std::string_view collection, std::string_view id,
                          const std::optional<std::string>& owner, Role role);
Result<Page> find_page(Client& client, std::string_view collection, const query::ListQuery& query,
                       const std::optional<std::string>& owner, Role role);
Result<std::optional<std::string>> recall(Client& client, std::string_view key, Timestamp now);
Result<void> ping(Client& client);

/// Writes say by `ids` what they may change.
class Insert {
 public:
  /// Waits for a thread when there is much to encode. Error::too_large when the documents are more than one command holds.
  static Result<Insert> make(std::shared_ptr<Collection> collection, std::vector<NewDocument> documents,
                             const std::optional<Remember>& remember);
  Result<void> operator()(Client& client, const Demand& demand);
  std::vector<std::string_view> ids() const { return {documents_.ids.begin(), documents_.ids.end()}; }

 private:
  struct Documents {
    std::vector<std::string> ids;
    std::string bson;  ///< an array
  };
  static Result<Documents> encode(const std::vector<NewDocument>& documents, const DateFields& dates);

  Insert(std::shared_ptr<Collection> collection, std::optional<Remember> remember, Documents documents)
      : collection_(std::move(collection)), remember_(std::move(remember)), documents_(std::move(documents)) {}
  void write_command(BsonWriter& bson) const;
  Failure conflict(const mongo::ServerError& error) const;
  Result<void> in_transaction(Client& client, const Demand& demand) const;
  Result<void> without(Client& client, const Demand& demand) const;

  std::shared_ptr<Collection> collection_;
  std::optional<Remember> remember_;
  Documents documents_;
};

/// Which document a write is for, and what must hold of it.
struct Condition {
  Condition(std::string_view of, const Precondition& what) : id(of), precondition(std::make_shared<Precondition>(what)) {}

  std::string id;
  std::shared_ptr<const Precondition> precondition;

  /// The document that is there, if the precondition holds of it.
  Result<std::shared_ptr<const Found>> find(Client& client, std::string_view collection) const;
  /// Elements of a query that meets the document, and where something had to hold of it, only as it was found: one that changed
  /// in between is judged again.
  void write(BsonWriter& bson, const Found& found) const;
};

class Replace {
 public:
  Replace(std::shared_ptr<Collection> collection, std::string_view id, Fields fields, Timestamp updated,
          const Precondition& precondition)
      : collection_(std::move(collection)),
        condition_(id, precondition),
        fields_(std::make_shared<const Fields>(std::move(fields))),
        updated_(updated) {}
  Result<Document> operator()(Client& client, const Demand& demand) const;
  std::vector<std::string_view> ids() const { return {condition_.id}; }

 private:
  Result<Changes> changes(const std::shared_ptr<const Found>& found) const;
  void write_update(BsonWriter& bson, const Changes& changes) const;

  std::shared_ptr<Collection> collection_;
  Condition condition_;
  std::shared_ptr<const Fields> fields_;
  Timestamp updated_;
};

class Erase {
 public:
  Erase(std::shared_ptr<Collection> collection, std::string_view id, const Precondition& precondition)
      : collection_(std::move(collection)), condition_(id, precondition) {}
  Result<void> operator()(Client& client, const Demand& demand) const;
  std::vector<std::string_view> ids() const { return {condition_.id}; }

 private:
  Result<void> erase_any(Client& client, const Demand& demand) const;
  /// How many documents went.
  Result<std::int64_t> erase(Client& client, const Demand& demand, FunctionRef<void(BsonWriter& bson)> query) const;

  std::shared_ptr<Collection> collection_;
  Condition condition_;
};

struct RememberValue {
  Result<void> operator()(Client& client, const Demand& demand) const;
  static std::vector<std::string_view> ids() { return {}; }
  void write_command(BsonWriter& bson) const;
  /// What the command's answer says.
  static Result<void> outcome(const Result<Answer>& answer);

  Remember value;
};

/// Error::conflict, in the configuration's words. `place`: of the document in the way among several.
Failure conflict(const mongo::ServerError& error, const Collection& collection, std::optional<std::size_t> place);

}  // namespace nacre::store::on_mongo
