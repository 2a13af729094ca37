#include "store/sqlite/loop_reads.h"

#include "store/sqlite/no_wait.h"

namespace nacre::store::sqlite {
namespace {

constexpr int kLargestDocument = 64 << 10;                     // bytes: more is a thread's work
constexpr std::size_t kMostFromFile = 2UL * kLargestDocument;  // to find it

const std::string begin_snapshot_sql = "BEGIN";
const std::string end_snapshot_sql = "COMMIT";

/// Words of the WAL-index (https://sqlite.org/walformat.html#the_wal_index_file_format).
constexpr std::size_t kLastFrame = 4;       // of the log
constexpr std::size_t kLastFrameDone = 24;  // the file has it too
constexpr std::size_t kReadMarks = 26;      // those of snapshots that need the log
constexpr std::size_t kReadMarksEnd = 30;

std::uint32_t word(const std::uint32_t* index, std::size_t place) { return __atomic_load_n(index + place, __ATOMIC_RELAXED); }

/// Whether some read had the newest snapshot before. SQLite marks the others in the WAL-index, and a page of a mapped file that
/// is written to may have to wait for the disk, or for a file system that is frozen to be copied.
bool is_marked(const std::uint32_t* index) {
  const std::uint32_t last = word(index, kLastFrame);
  if (word(index, kLastFrameDone) == last) return true;
  for (std::size_t i = kReadMarks; i < kReadMarksEnd; ++i) {
    if (word(index, i) == last) return true;
  }
  return false;
}

/// nullptr where SQLite has none.
const std::uint32_t* wal_index(const Connection& connection) {
  constexpr int kBlock = 32'768;  // bytes
  sqlite3_file* file = nullptr;
  volatile void* block = nullptr;
  if (sqlite3_file_control(connection.handle(), "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK) return nullptr;
  if (file == nullptr || file->pMethods == nullptr || file->pMethods->iVersion < 2) return nullptr;
  if (file->pMethods->xShmMap(file, 0, kBlock, 0, &block) != SQLITE_OK) return nullptr;
  return static_cast<const std::uint32_t*>(const_cast<const void*>(block));
}

/// A connection takes no larger rows while this lives.
class SmallRows {
 public:
  explicit SmallRows(const Connection& connection)
      : database_(connection.handle()), before_(sqlite3_limit(database_, SQLITE_LIMIT_LENGTH, kLargestDocument)) {}
  ~SmallRows() { sqlite3_limit(database_, SQLITE_LIMIT_LENGTH, before_); }
  SmallRows(const SmallRows&) = delete;
  SmallRows& operator=(const SmallRows&) = delete;

 private:
  sqlite3* const database_;
  const int before_;
};

}  // namespace

std::optional<Result<Document>> LoopReads::find_one(const Table& table, std::string_view id,
                                                    const std::optional<std::string>& owner) {
  Connection* const connection = NoWait::possible() ? queue_->idle_connection() : nullptr;
  if (connection == nullptr) return std::nullopt;
  const NoWait no_wait(kMostFromFile);
  const SmallRows small_rows(*connection);
  connection->limit({}, nullptr);
  if (!share_snapshot(*connection)) return std::nullopt;
  auto found = read_document(*connection, table, id, owner);
  if (!found && found.error().error != Error::not_found) return std::nullopt;
  return found;
}

/// The first read of a turn is by itself. Those that follow it are in one transaction, which saves the locks, as long as its
/// snapshot is the newest: each sees all that was committed before it began.
bool LoopReads::share_snapshot(Connection& connection) {
  const bool first = !ending_.is_linked();
  if (first) reactor_.post_last(ending_);
  const auto read_head = [this] {
    Head head;
    for (std::size_t i = 0; i < head.size(); ++i) head[i] = word(index_, i);
    return head;
  };
  if (!connection.autocommit()) {
    if (read_head() == head_) return true;
    if (!Run(connection, end_snapshot_sql).finish()) return false;
  }
  index_ = wal_index(connection);
  if (index_ == nullptr || !is_marked(index_)) return false;
  if (first) return true;
  head_ = read_head();
  return Run(connection, begin_snapshot_sql).finish().has_value();
}

void LoopReads::end_turn() {
  Connection* const connection = queue_->idle_connection();
  if (connection != nullptr && !connection->autocommit()) (void)Run(*connection, end_snapshot_sql).finish();
}

}  // namespace nacre::store::sqlite
