#pragma once

#include "config/config.h"
#include "ngx.hpp"

namespace nacre::nginx {

/// Makes the folder of an embedded store, as nginx makes its temporary ones: owned by the workers' user when the master is
/// root. Logs and returns NGX_ERROR when that can't be.
ngx_int_t prepare_data_folder(ngx_cycle_t& cycle, const config::Config& config) noexcept;

}  // namespace nacre::nginx
