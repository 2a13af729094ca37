#pragma once

#include "store/store.h"

namespace nacre::store {

/// A document as it will be stored (`_rev` 1, `_updated` = `_created`): what the API shows of it, before it is there.
Document render(const NewDocument& document);

}  // namespace nacre::store
