#include "data_folder.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "base/thrown.h"
#include "store/open.h"

namespace nacre::nginx {

namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 3> kSuffixes = {"", "-wal", "-shm"};

const ngx_core_conf_t& core_of(const ngx_cycle_t& cycle) noexcept {
  return *reinterpret_cast<ngx_core_conf_t*>(ngx_get_conf(cycle.conf_ctx, ngx_core_module));
}

/// Whether the workers run as another user than the master, which is root then.
bool gives_up_root(const ngx_core_conf_t& core) noexcept {
  return ::geteuid() == 0 && core.user != static_cast<ngx_uid_t>(NGX_CONF_UNSET_UINT) && core.user != 0;
}

/// What an earlier run as another user left must be the workers' too. A link is not followed, and a file that has another name
/// as well is left alone: in a folder that others can write it could be anybody's.
bool give_to_workers(ngx_cycle_t& cycle, const fs::path& path) {
  const ngx_core_conf_t& core = core_of(cycle);
  if (!gives_up_root(core)) return true;
  const int fd = ::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT;
  struct stat found {};
  const bool given = ::fstat(fd, &found) == 0 && (S_ISDIR(found.st_mode) || (S_ISREG(found.st_mode) && found.st_nlink == 1)) &&
                     ::fchownat(fd, "", core.user, core.group, AT_EMPTY_PATH) == 0;
  if (!given) ngx_log_error(NGX_LOG_EMERG, cycle.log, errno, "nacre: \"%s\" can't be given to the workers' user", path.c_str());
  ::close(fd);
  return given;
}

struct Need {
  std::string path;
  int mode;  ///< of access(2)
  const char* what;
};

/// All that may stand in the workers' way, from the root down to the last folder that is there; what is missing is made, and
/// files are given to them, by a master that is root.
std::vector<Need> needs_of(const std::string& file, bool files_are_given) {
  std::vector<Need> needs;
  const fs::path folder = fs::absolute(file).parent_path();
  fs::path way;
  for (const auto& part : folder) {
    std::error_code error;
    if (!fs::exists(way / part, error)) return needs;
    needs.push_back({way /= part, X_OK, "enter the folder"});
  }
  needs.push_back({folder, R_OK | W_OK | X_OK, "write the folder"});
  if (files_are_given) return needs;
  for (const char* suffix : kSuffixes) {
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
  if (!gives_up_root(core)) return first_refused(needs);
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

}  // namespace

bool judge_data_folder(ngx_cycle_t& cycle, const config::Config& config) noexcept try {
  const auto file = store::data_file(config);
  if (!file) return true;
  const ngx_core_conf_t& core = core_of(cycle);
  const bool other = gives_up_root(core);
  const auto needs = needs_of(*file, other);
  const Need* const refused = first_refused_to(core, needs);
  if (refused == nullptr) return true;
  ngx_log_error(NGX_LOG_EMERG, cycle.log, 0, "nacre: the workers%s%s%s can't %s \"%s\", and so not use the store \"%s\"",
                other ? ", which run as " : "", other ? core.username : "", other ? "," : "", refused->what,
                refused->path.c_str(), file->c_str());
  return false;
} catch (...) {
  ngx_log_error(NGX_LOG_EMERG, cycle.log, 0, "nacre: the store's folder can't be looked at: %s", what_was_thrown());
  return false;
}

bool prepare_data_folder(ngx_cycle_t& cycle, const config::Config& config) noexcept try {
  const auto file = store::data_file(config);
  if (!file) return true;
  const fs::path folder = fs::path(*file).parent_path();
  if (fs::create_directories(folder) && !give_to_workers(cycle, folder)) return false;
  return std::all_of(kSuffixes.begin(), kSuffixes.end(),
                     [&](const char* suffix) { return give_to_workers(cycle, *file + suffix); });
} catch (...) {
  ngx_log_error(NGX_LOG_EMERG, cycle.log, 0, "nacre: the store's folder can't be made: %s", what_was_thrown());
  return false;
}

}  // namespace nacre::nginx
