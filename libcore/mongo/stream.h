#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "mongo/handles.h"
#include "mongo/target.h"
#include "net/dial.h"
#include "net/socket.h"

namespace nacre::mongo {

/// The connections that libmongoc opens for a handshake, and the end of its use of them.
///
/// libmongoc asks all servers at once, and waits until each has answered or used up connectTimeoutMS. Here that ends as soon as
/// one is known that is looked for: at once for a primary, and after kGrace where others may do as well. The one that was the
/// primary the last time, or one that the Monitor has found good to read from, is asked first, and the others when it is not
/// what is looked for, fails, or has not answered within kHeadStart. A server that used up the time is not asked again for a
/// while (Members).
class Streams {
 public:
  /// `preference`: what is read from; nullptr: what is written to. It must outlive this.
  Streams(const Target& target, const mongoc_read_prefs_t* preference, net::Patience patience);
  /// For the monitoring of all servers: there the search has no end, and `go_on` comes before each use.
  explicit Streams(const Target& target);
  ~Streams();
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;

  /// Makes `client` open its connections here; it must be gone before this is.
  void serve(mongoc_client_t* client);

  /// A server was selected, or none was found.
  void end_search();
  /// How long calls may block from now on, and whether anybody waits.
  void go_on(net::Patience patience);
  void set_until(Monotonic until) noexcept { patience_.until = until; }

  /// Takes a connection from under libmongoc, which from here on finds all of its streams dead and can open none. An unopened
  /// socket when there was none to that address.
  net::Socket take(const std::string& address);

  /// By what a reader selects a server in place of the stale primary that it found; nullptr: there is none else.
  const mongoc_read_prefs_t* without_primary() const noexcept { return settled_at_ ? secondaries_.get() : nullptr; }

  /// Why no server was found: what is wrong with each, or else what libmongoc says.
  std::string why_none(const std::string& message) const;

 private:
  struct Link;
  struct Stream;

  mongoc_stream_t* open(const mongoc_host_list_t& host);
  void dial(Link& link) const;
  bool is_first_awaited() const;
  void answered(const std::string& address, const bson_t& hello);
  void note_set_name(const std::string& address, const bson_t& hello);
  void failed(const std::string& address, const bson_error_t& error);
  void changed(const mongoc_topology_description_t* description);
  std::optional<Members::Claim> note_claim(const mongoc_topology_description_t* description);
  bool is_settled() const noexcept { return searching_ && settled_at_ && monotonic_now() >= *settled_at_; }
  net::Patience within(std::int32_t timeout_ms) const;

  const Target& target_;
  const bool monitoring_ = false;
  const mongoc_read_prefs_t* const preference_;
  const PreferenceHandle secondaries_;  // of those, the secondaries alone
  std::string set_name_;                // that the URI, or its DNS record, wants; empty: any
  net::Patience patience_;
  Monotonic asking_since_{};
  bool searching_ = true;
  bool over_ = false;
  bool heard_ = false;                   // of any server
  std::optional<Monotonic> settled_at_;  // what answers later is not waited for
  std::string first_;                    // is to answer before others are dialled; empty: none
  bool first_answered_ = false;
  std::map<std::string, std::shared_ptr<Link>> links_;  // by address
  std::map<std::string, std::string> trouble_;          // by address
};

}  // namespace nacre::mongo
