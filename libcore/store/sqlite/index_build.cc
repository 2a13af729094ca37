#include "store/sqlite/index_build.h"

namespace nacre::store::sqlite {

Result<std::optional<IndexBuild>> IndexBuild::find(Connection& connection, const std::string& index) {
  Run run(connection, "SELECT after, state, worker, until FROM nacre_builds WHERE name = ?");
  run.bind(std::string_view(index));
  if (run.step()) {
    return std::optional(IndexBuild{
        .after = run.integer(0), .state = run.integer(1), .worker = std::string(run.text(2)), .until = run.integer(3)});
  }
  if (run.failed()) return run.failure();
  return std::optional<IndexBuild>();
}

Result<void> IndexBuild::forget(Connection& connection, const std::string& index) {
  return Run(connection, "DELETE FROM nacre_builds WHERE name = ?").bind(std::string_view(index)).finish();
}

Result<void> IndexBuild::keep(Connection& connection, const std::string& index) const {
  Run run(connection, "INSERT OR REPLACE INTO nacre_builds (name, after, state, worker, until) VALUES (?, ?, ?, ?, ?)");
  run.bind(std::string_view(index)).bind(after).bind(state).bind(std::string_view(worker)).bind(until);
  return run.finish();
}

}  // namespace nacre::store::sqlite
