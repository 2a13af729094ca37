#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "mongo/monitor.h"
#include "mongo/server_connection.h"

namespace nacre::mongo {

/// Connections of a store that are open, by what they do, and the fibers that wait for one.
struct Usage {
  std::size_t idle = 0;        ///< open, without a command under way
  std::size_t busy = 0;        ///< open
  std::size_t connecting = 0;  ///< or about to
  std::size_t waiting = 0;     ///< fibers

  Usage& operator+=(const Usage& more) noexcept;
};

/// A worker's few connections that quick commands of many fibers share, pipelined, to servers of one role. A command goes to
/// the open one with the fewest under way; when all have some, one more is opened. They are never given up: that they are open
/// or not tells whether the role's server is away.
class SharedConnections {
 public:
  SharedConnections(const Connector& connector, const Listeners& listeners);

  /// Begins to open the first.
  void start();

  /// An open connection, which the fiber waits for; good until it waits again for something else. Error::unavailable: none in
  /// time, or none for serverSelectionTimeoutMS; Error::overloaded: too many wait, or the commands before it would take longer
  /// than the fiber's deadline allows; Error::cancelled.
  Result<ServerConnection*> pick();

  /// The open connection with the fewest commands under way; nullptr: none is open.
  ServerConnection* least_busy() noexcept;

  /// Those to servers that are to be left are used until one to another is open; then they are left.
  void follow(const Choice& choice);
  /// All connections to that server are dismissed.
  void dismiss(const std::string& address, const std::string& why);
  /// Those to a former primary are dismissed. False: there are none.
  bool dismiss_stale();

  bool is_away() const noexcept { return away_; }  ///< none is open
  /// How long a fiber may wait for a server of the role; 0: at all.
  Milliseconds patience() const noexcept;
  /// What the last try to connect failed with.
  Failure failure() const;
  Usage usage() const noexcept;

  std::function<void()> on_back;  ///< there is one open again

 private:
  void grow();
  void open_one();
  bool is_opening() const noexcept;
  void replace_outdated();
  void leave_outdated();
  void changed();
  Result<void> wait_for_one();

  const Connector& connector_;
  const Listeners& listeners_;
  std::vector<std::unique_ptr<ServerConnection>> connections_;
  std::shared_ptr<fiber::Event> opened_ = std::make_shared<fiber::Event>();  ///< set when the next one is open
  std::size_t waiting_ = 0;
  bool away_ = true;
  Monotonic away_since_{};
  Outage outage_;
};

}  // namespace nacre::mongo
