#pragma once

#include "config/config.h"
#include "ngx.hpp"

namespace nacre::nginx {

/// Whether the workers can use the folder and the files of an embedded store. Changes nothing: it is asked for `nginx -t` and
/// for a reload that may yet fail. Logs what stands in the way.
bool judge_data_folder(ngx_cycle_t& cycle, const config::Config& config) noexcept;

/// Makes the folder of an embedded store, as nginx makes its temporary ones: owned by the workers' user when the master is
/// root, with the files that are there. Logs and returns false when that can't be.
bool prepare_data_folder(ngx_cycle_t& cycle, const config::Config& config) noexcept;

}  // namespace nacre::nginx
