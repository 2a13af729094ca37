#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fiber/reactor.h"
#include "mongo/selection.h"
#include "mongo/target.h"
#include "net/dial.h"
#include "net/threads.h"

namespace nacre::mongo {

/// Which servers are to be read from.
struct Choice {
  std::vector<std::string> wanted;  ///< to connect to
  std::vector<std::string> good;    ///< to stay with: a little slower than those will do
  std::vector<std::string> silent;  ///< of which nothing is known

  /// Whether connections to that server are to be given up. One of which nothing is known is only left for another.
  bool leaves(const std::string& address) const;
};

/// `members`, by the URI's read preference.
Choice choose(const std::vector<Member>& members, const Uri& uri);

/// Asks all servers of a deployment again and again, every heartbeatFrequencyMS, on a thread and on connections of its own that
/// stay open: Members knows of the primaries among them from then on. Tells which ones the URI's read preference means now.
/// https://github.com/mongodb/specifications/blob/master/source/server-discovery-and-monitoring/server-monitoring.md
class Monitor {
 public:
  /// `on_choice` is called on the loop, each time that any server has answered.
  Monitor(Reactor& reactor, const Target& target, std::function<void(const Choice&)> on_choice);
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  /// Asks for the first time after heartbeatFrequencyMS.
  void start();

 private:
  class Survey;

  void ask();

  Reactor& reactor_;
  const Target target_;
  const std::function<void(const Choice&)> on_choice_;
  std::shared_ptr<Survey> survey_;
  std::unique_ptr<Timer> beat_;
  net::Threads thread_;
};

}  // namespace nacre::mongo
