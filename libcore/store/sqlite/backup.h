#pragma once

#include <functional>
#include <string>

#include "base/error.h"

namespace nacre::store::sqlite {

/// Copies a database file to a new one, which only its owner may read, while other processes read and write it. The copy is one
/// moment of the database: it holds every write that was answered before the call, and of later ones those before that moment.
/// Nobody waits for it; the database's log grows meanwhile.
///
/// `to` gets its name when the copy is whole, has passed SQLite's quick_check and is on the disk. Before that it has a random
/// one in the same folder, nacre_backup-….partial, and is gone when this fails; of a process that was killed it stays.
///
/// Blocks: for a tool, not for the loop. `stop` is asked again and again; true ends it with Error::cancelled. Error::conflict:
/// `to` is there already, or a file of the name of its log. Error::bad_request: `from` is no store's file, or `to` is a name
/// for a log. Else Error::unavailable. `detail` says what was wrong.
Result<void> back_up(const std::string& from, const std::string& to, const std::function<bool()>& stop);

}  // namespace nacre::store::sqlite
