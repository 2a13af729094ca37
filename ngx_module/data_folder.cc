#include "data_folder.h"

#include <unistd.h>

#include <filesystem>

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

}  // namespace

ngx_int_t prepare_data_folder(ngx_cycle_t& cycle, const config::Config& config) noexcept try {
  const auto file = store::data_file(config);
  if (!file) return NGX_OK;
  const fs::path folder = fs::path(*file).parent_path();
  if (fs::create_directories(folder) && !give_to_workers(cycle, folder)) return NGX_ERROR;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    if (!give_to_workers(cycle, *file + suffix)) return NGX_ERROR;
  }
  return NGX_OK;
} catch (const std::exception& error) {
  ngx_log_error(NGX_LOG_EMERG, cycle.log, 0, "nacre: the store's folder can't be made: %s", error.what());
  return NGX_ERROR;
}

}  // namespace nacre::nginx
