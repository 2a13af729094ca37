#include "mongo/stream.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mongo/election.h"
#include "mongo/message_filter.h"

namespace nacre::mongo {

namespace {

constexpr Milliseconds kGrace{100};
constexpr Milliseconds kHeadStart{250};
constexpr std::size_t kChunk = 2UL * 1024;
constexpr Milliseconds kLook{20};  ///< between looks at whether anybody still waits

PreferenceHandle secondaries_of(const mongoc_read_prefs_t* preference) {
  if (preference == nullptr) return nullptr;
  PreferenceHandle secondaries(mongoc_read_prefs_copy(preference));
  mongoc_read_prefs_set_mode(secondaries.get(), MONGOC_READ_SECONDARY);
  return secondaries;
}

}  // namespace

/// A connection, from the first step of its dialling on.
struct Streams::Link {
  net::Endpoint to{};
  bool held_back = false;                   ///< it is dialled later, if at all
  std::optional<net::Dialling> dialling{};  ///< nullopt: it is not to be opened, or not yet
  net::Socket socket{};
  MessageFilter received{};
  Monotonic since{};  ///< when it was dialled

  bool is_open() const noexcept { return socket.is_open(); }
  bool has_buffered() const noexcept { return received.has_some() || socket.has_buffered(); }
  int fd() const noexcept { return is_open() || !dialling ? socket.fd() : dialling->fd(); }
  /// Want::nothing once it is open.
  net::Want go_on() {
    if (is_open()) return net::Want::nothing;
    if (held_back) return net::Want::writable;  // of no descriptor: never
    if (!dialling) return net::Want::failed;
    const net::Want want = dialling->go_on();
    if (want == net::Want::nothing) socket = dialling->take();
    return want;
  }
};

/// libmongoc's view of a connection: it blocks, with timeouts, on a connecting thread only.
struct Streams::Stream {
  mongoc_stream_t table;  // first: libmongoc hands back a pointer to it
  std::shared_ptr<Link> link;
  Streams* streams;
  bool timed_out;

  static Stream* of(mongoc_stream_t* stream) { return reinterpret_cast<Stream*>(stream); }

  static mongoc_stream_t* make(std::shared_ptr<Link> link, Streams* streams);
  static void destroy(mongoc_stream_t* stream) { const std::unique_ptr<Stream> end(of(stream)); }

  /// Calls `move` until it has moved something. False when closed, failed or out of time. With no time at all it is to be tried
  /// again (should_retry): TLS makes a socket readable for messages of its own as well, such as a new session's ticket.
  template <class Move>
  bool until_moved(std::int32_t timeout_ms, std::size_t& bytes, const Move& move) {
    const net::Patience patience = streams->within(timeout_ms);
    while (!streams->over_) {
      net::Want want = link->go_on();
      if (want == net::Want::nothing) {
        const net::Moved moved = move(link->socket);
        bytes = moved.bytes;
        if (moved.want == net::Want::nothing || moved.bytes > 0) return true;
        want = moved.want;
      }
      if (want == net::Want::closed || want == net::Want::failed) break;
      if (!net::wait_for(link->fd(), want, patience)) {
        timed_out = timeout_ms != 0;
        errno = timed_out ? ETIMEDOUT : EAGAIN;
        return false;
      }
    }
    errno = ECONNRESET;
    return false;
  }

  /// One message.
  ssize_t write(const mongoc_iovec_t* parts, std::size_t count, std::int32_t timeout_ms) {
    std::string message;
    for (std::size_t i = 0; i < count; ++i) message.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
    link->received.asked(message);
    for (std::span<const char> rest(message); !rest.empty();) {
      std::size_t bytes = 0;
      if (!until_moved(timeout_ms, bytes, [&](net::Socket& s) { return s.write(rest); })) return -1;
      rest = rest.subspan(bytes);
    }
    return static_cast<ssize_t>(message.size());
  }

  /// Reads until there is something that may be passed on.
  net::Moved receive(net::Socket& socket, std::span<char> to) const {
    std::array<char, kChunk> chunk;
    while (!link->received.has_some()) {
      const net::Moved moved = socket.read(chunk);
      if (moved.bytes == 0) return moved;
      if (!link->received.add({chunk.data(), moved.bytes})) return {0, net::Want::failed};
    }
    return {link->received.take(to), net::Want::nothing};
  }

  ssize_t read(const mongoc_iovec_t* parts, std::size_t count, std::size_t least, std::int32_t timeout_ms) {
    std::size_t total = 0;
    for (std::size_t i = 0; i < count; ++i) {
      std::span<char> rest(static_cast<char*>(parts[i].iov_base), parts[i].iov_len);
      while (!rest.empty()) {
        std::size_t bytes = 0;
        if (!until_moved(timeout_ms, bytes, [&](net::Socket& s) { return receive(s, rest); })) return -1;
        rest = rest.subspan(bytes);
        total += bytes;
        if (total >= least) return static_cast<ssize_t>(total);
      }
    }
    return static_cast<ssize_t>(total);
  }

  /// What libmongoc wants to know of it; 0: nothing is to be done yet. `ready`: as poll(2) has it.
  short state(short wanted, short ready) const {
    const net::Want want = link->go_on();
    if (want == net::Want::failed) return wanted;  // which the next call finds out
    if (!link->is_open()) return 0;
    if ((wanted & POLLIN) != 0 && link->has_buffered()) ready |= POLLIN;
    return ready;
  }

  /// One look at all of them; returns how many are ready.
  static ssize_t look(std::span<mongoc_stream_poll_t> polled, std::span<pollfd> fds, Milliseconds wait) {
    for (std::size_t i = 0; i < polled.size(); ++i) {
      const Stream& stream = *of(polled[i].stream);
      Link& link = *stream.link;
      if (link.held_back && !stream.streams->is_first_awaited()) stream.streams->dial(link);
      const net::Want want = link.go_on();
      const short events = want == net::Want::readable ? POLLIN : POLLOUT;
      fds[i] = {link.fd(), link.is_open() ? static_cast<short>(polled[i].events) : events, 0};
      if (want == net::Want::failed || (link.is_open() && link.has_buffered())) wait = Milliseconds{0};
    }
    ::poll(fds.data(), fds.size(), static_cast<int>(wait.count()));
    ssize_t ready = 0;
    for (std::size_t i = 0; i < polled.size(); ++i) {
      const Stream& stream = *of(polled[i].stream);
      const bool was_open = stream.link->is_open();
      polled[i].revents = stream.state(static_cast<short>(polled[i].events), was_open ? fds[i].revents : 0);
      if (!was_open && stream.link->is_open()) polled[i].revents = polled[i].events & POLLOUT;
      if (polled[i].revents != 0) ++ready;
    }
    return ready;
  }

  /// Ends early with an error for each when nobody waits for them any more.
  static ssize_t poll(mongoc_stream_poll_t* first, std::size_t count, std::int32_t timeout_ms) {
    const std::span polled(first, count);
    const Streams& streams = *of(first->stream)->streams;
    const Monotonic until = streams.within(timeout_ms).until;
    std::vector<pollfd> fds(count);
    while (!streams.is_settled() && !streams.patience_.is_over()) {
      const Milliseconds left = std::clamp(until - monotonic_now(), Milliseconds{0}, kLook);
      const ssize_t ready = look(polled, fds, left);
      if (ready > 0 || left == Milliseconds{0}) return ready;
    }
    for (mongoc_stream_poll_t& one : polled) one.revents = POLLERR;
    return static_cast<ssize_t>(count);
  }
};

mongoc_stream_t* Streams::Stream::make(std::shared_ptr<Link> link, Streams* streams) {
  constexpr int kOwnType = 77;  // any number that is none of libmongoc's own
  auto stream = std::make_unique<Stream>(Stream{{}, std::move(link), streams, false});
  mongoc_stream_t& table = stream->table;
  table.type = kOwnType;
  table.destroy = table.failed = destroy;
  table.close = [](mongoc_stream_t*) { return 0; };
  table.flush = [](mongoc_stream_t*) { return 0; };
  table.writev = [](mongoc_stream_t* s, mongoc_iovec_t* v, std::size_t n, std::int32_t ms) { return of(s)->write(v, n, ms); };
  table.readv = [](mongoc_stream_t* s, mongoc_iovec_t* v, std::size_t n, std::size_t least, std::int32_t ms) {
    return of(s)->read(v, n, least, ms);
  };
  table.poll = poll;
  table.setsockopt = [](mongoc_stream_t* s, int level, int name, void* value, mongoc_socklen_t size) {
    return ::setsockopt(of(s)->link->fd(), level, name, value, size);
  };
  table.check_closed = [](mongoc_stream_t* s) { return of(s)->streams->over_; };
  table.timed_out = [](mongoc_stream_t* s) { return of(s)->timed_out; };
  table.should_retry = [](mongoc_stream_t*) { return errno == EAGAIN || errno == EINTR; };
  return &stream.release()->table;  // libmongoc calls `destroy`
}

Streams::Streams(const Target& target, const mongoc_read_prefs_t* preference, net::Patience patience)
    : target_(target),
      preference_(preference),
      secondaries_(secondaries_of(preference)),
      patience_(std::move(patience)),
      first_(preference == nullptr ? target.members->primary() : target.members->next_reader()) {}

Streams::Streams(const Target& target) : target_(target), monitoring_(true), preference_(nullptr), patience_{} {}

Streams::~Streams() = default;

void Streams::serve(mongoc_client_t* client) {
  mongoc_client_set_stream_initiator(
      client,
      [](const mongoc_uri_t* /*uri*/, const mongoc_host_list_t* host, void* self, bson_error_t* /*error*/) {
        return static_cast<Streams*>(self)->open(*host);
      },
      this);
  const char* const set_name = mongoc_uri_get_replica_set(mongoc_client_get_uri(client));
  set_name_ = set_name == nullptr ? "" : set_name;
  const std::unique_ptr<mongoc_apm_callbacks_t, Deleter<mongoc_apm_callbacks_destroy>> callbacks(mongoc_apm_callbacks_new());
  mongoc_apm_set_server_heartbeat_succeeded_cb(callbacks.get(), [](const mongoc_apm_server_heartbeat_succeeded_t* event) {
    auto* const self = static_cast<Streams*>(mongoc_apm_server_heartbeat_succeeded_get_context(event));
    self->answered(mongoc_apm_server_heartbeat_succeeded_get_host(event)->host_and_port,
                   *mongoc_apm_server_heartbeat_succeeded_get_reply(event));
  });
  mongoc_apm_set_server_heartbeat_failed_cb(callbacks.get(), [](const mongoc_apm_server_heartbeat_failed_t* event) {
    bson_error_t error{};
    mongoc_apm_server_heartbeat_failed_get_error(event, &error);
    auto* const self = static_cast<Streams*>(mongoc_apm_server_heartbeat_failed_get_context(event));
    self->failed(mongoc_apm_server_heartbeat_failed_get_host(event)->host_and_port, error);
  });
  mongoc_apm_set_topology_changed_cb(callbacks.get(), [](const mongoc_apm_topology_changed_t* event) {
    auto* const self = static_cast<Streams*>(mongoc_apm_topology_changed_get_context(event));
    self->changed(mongoc_apm_topology_changed_get_new_description(event));
  });
  mongoc_client_set_apm_callbacks(client, callbacks.get(), this);
}

void Streams::go_on(net::Patience patience) {
  patience_ = std::move(patience);
  asking_since_ = monotonic_now();
}

void Streams::end_search() {
  searching_ = false;
  if (!heard_) target_.members->forget();
}

net::Socket Streams::take(const std::string& address) {
  over_ = true;
  const auto found = links_.find(address);
  return found == links_.end() ? net::Socket() : std::move(found->second->socket);
}

std::string Streams::why_none(const std::string& message) const {
  std::string why;
  for (const auto& [address, trouble] : trouble_) why.append(why.empty() ? "no suitable server: " : "; ").append(trouble);
  return why.empty() ? message : why;
}

net::Patience Streams::within(std::int32_t timeout_ms) const {
  net::Patience patience = patience_;
  if (timeout_ms >= 0) patience.until = std::min(patience.until, monotonic_now() + Milliseconds{timeout_ms});
  return patience;
}

/// Never fails by itself: libmongoc 1.23 would wait for itself if no stream came for a server that it learned of from another.
mongoc_stream_t* Streams::open(const mongoc_host_list_t& host) {
  auto& link = links_[host.host_and_port];
  link = std::make_shared<Link>();
  const bool wanted = target_.only.empty() || target_.only == host.host_and_port;
  if (wanted && target_.members->is_silent(host.host_and_port)) {
    trouble_[host.host_and_port] = std::string(host.host_and_port) + ": gave no answer lately";
  } else if (wanted && !over_ && !is_settled()) {
    link->to = {.host = host.host, .port = host.port};
    link->held_back = !first_.empty() && first_ != host.host_and_port;
    if (!link->held_back) dial(*link);
  }
  return Stream::make(link, this);
}

void Streams::dial(Link& link) const {
  link.held_back = false;
  link.since = monotonic_now();
  link.dialling.emplace(link.to, target_.tls, std::min(patience_.until, link.since + target_.uri->connect_timeout));
}

/// Not where it is not known yet that it belongs to the deployment.
bool Streams::is_first_awaited() const {
  const auto found = links_.find(first_);
  return found != links_.end() && monotonic_now() < found->second->since + kHeadStart;
}

void Streams::answered(const std::string& address, const bson_t& hello) {
  heard_ = true;
  first_answered_ = address == first_;
  if (first_answered_) first_.clear();
  target_.members->note_answer(address);
  note_set_name(address, hello);
}

void Streams::note_set_name(const std::string& address, const bson_t& hello) {
  bson_iter_t found;
  const bool named = bson_iter_init_find(&found, &hello, "setName") && BSON_ITER_HOLDS_UTF8(&found);
  const std::string name = named ? bson_iter_utf8(&found, nullptr) : "";
  if (set_name_.empty() || name == set_name_) return;
  const std::string own = named ? "of the replica set \"" + name + '"' : "no member of a replica set";
  trouble_[address] = address + " is " + own + ", and \"" + set_name_ + "\" is looked for";
}

void Streams::failed(const std::string& address, const bson_error_t& error) {
  if (address == first_) first_.clear();
  const auto found = links_.find(address);
  if (found == links_.end() || !found->second->dialling || over_ || is_settled()) return;
  Link& link = *found->second;
  const std::optional<Failure> refusal =
      link.go_on() == net::Want::failed ? std::optional(link.dialling->failure()) : std::nullopt;
  trouble_[address] = refusal ? refusal->internal : error.message;
  const bool refused = refusal && refusal->error != Error::deadline;
  if (!refused && monotonic_now() - std::max(link.since, asking_since_) + kLook >= target_.uri->connect_timeout)
    target_.members->note_silent(address);
}

void Streams::changed(const mongoc_topology_description_t* description) {
  const auto claim = note_claim(description);
  const auto* const wanted = claim == Members::Claim::stale ? secondaries_.get() : preference_;
  if (settled_at_ || monitoring_ || (claim == Members::Claim::stale && wanted == nullptr)) return;
  const bool found = wanted != nullptr ? mongoc_topology_description_has_readable_server(description, wanted)
                                       : mongoc_topology_description_has_writable_server(description);
  if (!found) return;
  const bool is_the_primary =
      preference_ == nullptr && std::string_view(mongoc_topology_description_type(description)) == "ReplicaSetWithPrimary";
  // The first one who claims it may be stale: those that answer as soon may know better.
  const bool at_once = is_the_primary ? claim != Members::Claim::first : preference_ != nullptr && first_answered_;
  settled_at_ = monotonic_now() + (at_once ? Milliseconds{0} : kGrace);
}

/// Of the primary; of several, libmongoc knows none but the latest.
std::optional<Members::Claim> Streams::note_claim(const mongoc_topology_description_t* description) {
  if (target_.uri->direct) return std::nullopt;
  std::optional<Members::Claim> claim;
  std::size_t count = 0;
  mongoc_server_description_t** const servers = mongoc_topology_description_get_servers(description, &count);
  for (const auto* server : std::span(servers, count)) {
    const auto election = election_of(*server);
    if (!election) continue;
    claim = target_.members->note_claim(*election);
    if (claim != Members::Claim::stale) continue;
    const std::string address = mongoc_server_description_host(server)->host_and_port;
    trouble_[address] = address + ": calls itself the primary, but another was elected after it";
  }
  mongoc_server_descriptions_destroy_all(servers, count);
  return claim;
}

}  // namespace nacre::mongo
