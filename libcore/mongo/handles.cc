#include "mongo/handles.h"

namespace nacre::mongo {

void initialize() {
  mongoc_init();
  mongoc_log_set_handler(nullptr, nullptr);
}

}  // namespace nacre::mongo
