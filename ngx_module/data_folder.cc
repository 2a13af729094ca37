#include "data_folder.h"

#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/thrown.h"
#include "store/open.h"

namespace nacre::nginx {

namespace {

namespace fs = std::filesystem;

/// What an earlier run as another user left must be the workers' too.
bool give_to_workers(ngx_cycle_t& cycle, const fs::path& path) {
  const auto* const core = reinterpret_cast<ngx_core_conf_t*>(ngx_get_conf(cycle.conf_ctx, ngx_core_module));
  if (::geteuid() != 0 || core->user == static_cast<ngx_uid_t>(NGX_CONF_UNSET_UINT)) return true;
  if (::lchown(path.c_str(), core->user, core->group) == 0 || errno == ENOENT) return true;
  ngx_log_error(NGX_LOG_EMERG, cycle.log, errno, "nacre: \"%s\" can't be given to the workers' user", path.c_str());
  return false;
}

struct Need {
  std::string path;
  int mode;  ///< of access(2)
  const char* what;
};

/// All that stands in the workers' way, from the root down.
std::vector<Need> needs_of(const std::string& file) {
  std::vector<Need> needs;
  const fs::path folder = fs::path(file).parent_path();
  fs::path way;
  for (const auto& part : folder) needs.push_back({way /= part, X_OK, "enter the folder"});
  needs.push_back({folder, R_OK | W_OK | X_OK, "write the folder"});
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::error_code error;
    if (fs::exists(file + suffix, error)) needs.push_back({file + suffix, R_OK | W_OK, "write the file"});
  }
  return needs;
}

const Need* first_refused(const std::vector<Need>& needs) {
  const auto refused =
      std::find_if(needs.begin(), needs.end(), [](const Need& need) { return ::access(need.path.c_str(), need.mode) != 0; });
  return refused == needs.end() ? nullptr : &*refused;
}

/// The same, asked as the workers' user: only a process that is that user gets the answer that counts, whatever decides it
/// (modes, lists, a read-only or a network's file system).
const Need* first_refused_to(const ngx_core_conf_t& core, const std::vector<Need>& needs) {
  if (::geteuid() != 0 || core.user == static_cast<ngx_uid_t>(NGX_CONF_UNSET_UINT) || core.user == 0)
    return first_refused(needs);
  constexpr int kNothing = 255;
  const pid_t child = ::fork();
  if (child == 0) {
    const bool changed = ::initgroups(core.username, core.group) == 0 && ::setgid(core.group) == 0 && ::setuid(core.user) == 0;
    const Need* const refused = changed ? first_refused(needs) : nullptr;
    ::_exit(refused == nullptr ? kNothing : static_cast<int>(std::min<std::ptrdiff_t>(refused - needs.data(), kNothing - 1)));
  }
  int status = 0;
  pid_t ended = -1;
  while (child > 0 && (ended = ::waitpid(child, &status, 0)) < 0 && errno == EINTR) {
  }
  const int answer = ended == child && WIFEXITED(status) ? WEXITSTATUS(status) : kNothing;
  return answer == kNothing ? nullptr : &needs.at(static_cast<std::size_t>(answer));
}

/// Without this each worker would find out by itself, with every request that needs the store.
bool can_be_used(ngx_cycle_t& cycle, const std::string& file) {
  const auto& core = *reinterpret_cast<ngx_core_conf_t*>(ngx_get_conf(cycle.conf_ctx, ngx_core_module));
  const auto needs = needs_of(file);
  const Need* const refused = first_refused_to(core, needs);
  if (refused == nullptr) return true;
  const bool other = ::geteuid() == 0 && core.username != nullptr;
  ngx_log_error(NGX_LOG_EMERG, cycle.log, 0, "nacre: the workers%s%s can't %s \"%s\", and so not use the store \"%s\"",
                other ? ", which run as " : "", other ? core.username : "", refused->what, refused->path.c_str(), file.c_str());
  return false;
}

}  // namespace

ngx_int_t prepare_data_folder(ngx_cycle_t& cycle, const config::Config& config) noexcept try {
  const auto file = store::data_file(config);
  if (!file) return NGX_OK;
  const fs::path folder = fs::path(*file).parent_path();
  if (fs::create_directories(folder) && !give_to_workers(cycle, folder)) return NGX_ERROR;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    if (!give_to_workers(cycle, *file + suffix)) return NGX_ERROR;
  }
  return can_be_used(cycle, *file) ? NGX_OK : NGX_ERROR;
} catch (...) {
  ngx_log_error(NGX_LOG_EMERG, cycle.log, 0, "nacre: the store's folder can't be made: %s", what_was_thrown());
  return NGX_ERROR;
}

}  // namespace nacre::nginx
