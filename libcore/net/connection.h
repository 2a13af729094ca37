#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "fiber/fiber.h"
#include "fiber/reactor.h"
#include "net/dial.h"
#include "net/socket.h"
#include "net/threads.h"

namespace nacre::net {

struct ConnectionOptions {
  std::size_t depth = 4096;                  ///< commands without a reply at once; further ones are Error::overloaded
  std::size_t backlog = 16UL * 1024 * 1024;  ///< bytes that the peer has not taken, beyond which no command is accepted
  Milliseconds connect_timeout{2'000};       ///< for dialling and for the words that open the conversation
  Milliseconds silence{10'000};              ///< without a byte while a reply is due: the peer counts as dead
  Milliseconds first_pause{50};              ///< before the second try to connect; doubles, with jitter
  Milliseconds longest_pause{1'000};
  std::size_t spare = 64UL * 1024;  ///< bytes of the output's buffer that are kept while it is empty
};

/// One pipelined connection of a worker: commands go out in the order in which they were given, once for each turn of the loop,
/// and their replies come back in that order. What a reply is, its codec says.
///
/// A command whose waiter gave up (deadline, client gone) leaves its place behind: its reply is read and dropped, and the
/// connection stays good. A connection that breaks, or whose peer is silent for too long while replies are due, fails what
/// waits, and is made anew if it was opened with `open()`: at once if the lost one had lasted for `longest_pause`, else after a
/// pause, with jitter, that doubles as long as nothing good is heard of the peer: what breaks the protocol is not, nor what
/// makes the owner abandon the connection before it has lasted.
///
///     closed ──open()──▶ connecting ◀──────── pausing
///       ▲                 │      └──failed─────▶ ▲
///       │close()       dialled                   │
///       └──(from all)──── open ──────lost────────┘   (or straight to connecting)
///
/// All on the loop's thread. Nothing here keeps a worker alive that exits gracefully but the fibers that wait. Must not be
/// destroyed from its own callbacks (`on_change`, `on_quiet`, the codec's).
class ConnectionBase {
 public:
  /// Makes a connected socket on which the conversation has been opened, on a thread (net/dial.h). Owns what it touches.
  using Dial = std::function<Result<Socket>(const Patience&)>;

  enum class State : std::uint8_t { closed, connecting, open, pausing };

  ConnectionBase(const ConnectionBase&) = delete;
  ConnectionBase& operator=(const ConnectionBase&) = delete;

  /// Connects, now and whenever the connection is lost, until `close`. Ends a pause. Does nothing while connecting or open.
  void open();
  /// Takes a socket that somebody else connected, in place of what there was; nothing is dialled when it is lost.
  void open(Socket socket);
  /// Fails what waits, and connects no more. What is being dialled is dropped when it comes.
  void close(const Failure& failure);
  /// Fails what waits as if the connection had broken; dials anew if it was opened so.
  void abandon(std::string why);

  State state() const noexcept { return state_; }
  std::size_t depth() const noexcept { return waiting_; }  ///< commands without a reply, given up or not
  /// When the last byte came, or the connection was opened.
  Monotonic last_heard() const noexcept { return heard_; }
  /// For how long a reply has been due without a byte coming; 0 when none is due.
  Milliseconds silent_for() const noexcept;
  /// How long a command that is given now would wait for the replies before its own, by the pace of the last ones; 0 as long as
  /// so few were due at once that there was none to measure.
  Milliseconds expected_wait() const noexcept;
  /// Why it is not open, of the last try or the last break: Error::unavailable, with `internal`.
  const Failure& failure() const noexcept { return failure_; }

  /// Called on the main stack after each change of `state` that was not made by a call of `open` or `close`.
  std::function<void()> on_change;
  /// Called on the main stack when the last reply that was due has come, and nobody had waited for it any more.
  std::function<void()> on_quiet;

 protected:
  /// A command's place in the order. The codec's reply goes into what derives from it.
  struct Place {
    fiber::Event over;
    std::optional<Failure> failure{};
    std::uint64_t number = 0;
    std::uint64_t starts = 0;  ///< where its bytes begin in all that was ever sent
    bool sent = false;         ///< set when over
  };

  ConnectionBase(Reactor& reactor, Threads& threads, Dial dial, const ConnectionOptions& options);
  /// `close` was called by the most derived class.
  ~ConnectionBase();

  /// The output to append one command to. nullptr, and the failure, when it is not open or too deep.
  std::string* admit(std::optional<Failure>& failure);
  /// The command that `admit` let in is appended, from `begin` on in the output. nullptr: nobody waits for its reply.
  void enter(Place* place, std::size_t begin);
  /// Gives up a place whose reply nobody wants any more; nothing when it is over.
  void leave(Place& place) noexcept;
  /// Whether any byte of the command can have reached the peer; of a place that is not over.
  bool was_sent(const Place& place) const noexcept { return reached_ > place.starts; }
  /// The oldest place, taken off the order; nullptr when nobody waits for it. Call only where `depth() > 0`.
  Place* advance() noexcept;

  /// Bytes that came. False when they are none of the protocol's: the connection is closed as broken.
  virtual bool take(std::span<const char> bytes) = 0;
  /// A new conversation begins: what is left of the old one is worthless.
  virtual void reset() = 0;

 private:
  struct Attempt;

  void connect();
  void connected(Result<Socket> socket);
  void adopt(Socket socket);
  void lost(std::string why);
  void pause();
  void hang_up(const Failure& failure);
  void change(State state);

  void on_ready(bool readable, bool writable);
  void on_turn();
  void on_timer();
  void watch();
  void read();
  void flush();
  void trim_output();
  void keep_pace(Milliseconds took, std::uint64_t replies, std::size_t due) noexcept;
  Place*& place_at(std::uint64_t number) noexcept { return places_[number & (places_.size() - 1)]; }
  void grow();

  Reactor& reactor_;
  Threads& threads_;
  const std::shared_ptr<const Dial> dial_;
  const ConnectionOptions options_;
  State state_ = State::closed;
  Failure failure_{Error::unavailable};

  std::shared_ptr<Attempt> attempt_;
  bool redials_ = false;
  bool heard_of_ = false;         ///< something good, of this conversation's peer
  std::uint32_t failures_ = 0;    ///< in a row
  std::unique_ptr<Timer> timer_;  ///< ends a pause, or looks for silence
  bool timer_armed_ = false;

  Socket socket_;
  std::unique_ptr<Watch> watch_;
  std::uint64_t conversation_ = 0;
  bool watches_writable_ = false;
  bool wants_writable_ = false;
  bool write_needs_readable_ = false;  ///< TLS
  bool read_needs_writable_ = false;   ///< TLS
  bool read_on_ = false;               ///< there may be more to read than a turn's share
  Task turn_{[this] { on_turn(); }};

  std::string out_;
  std::size_t written_ = 0;    ///< of `out_`
  std::uint64_t trimmed_ = 0;  ///< bytes of all times that were before `out_`
  std::uint64_t reached_ = 0;  ///< bytes of all times that may have reached a peer

  std::vector<Place*> places_;  ///< a ring of 2^n
  std::uint64_t first_ = 0;     ///< number of the oldest place
  std::size_t waiting_ = 0;
  Monotonic opened_{};
  Monotonic heard_{};
  Monotonic due_since_{};
  bool dropped_ = false;  ///< the last reply was nobody's
  double paced_ = 0;      ///< milliseconds that `paced_replies_` took, one after another
  double paced_replies_ = 0;
};

/// What a conversation is made of: `Codec::Reply`; `void reset()`; and `bool take(std::span<const char>, Sink&)`, which calls
/// `sink` with each whole reply, or with what one is made of, and gives false for bytes that are none. A codec that knows
/// messages which answer no command keeps them from the sink. A codec may close the connection from within `take`, which then
/// should end soon.
template <class Codec>
class Connection final : public ConnectionBase {
  struct Waiting : Place {
    std::optional<typename Codec::Reply> reply{};
  };

 public:
  using Reply = typename Codec::Reply;

  Connection(Reactor& reactor, Threads& threads, Dial dial, const ConnectionOptions& options, Codec codec = {})
      : ConnectionBase(reactor, threads, std::move(dial), options), codec_(std::move(codec)) {}
  ~Connection() { close(Failure(Error::unavailable)); }

  /// One command under way, on the stack of the fiber that waits for it. When it ends without a reply, its place is given up.
  /// Several calls of one fiber, made before the first wait, go out together and in their order. May outlive the connection.
  class Call {
   public:
    /// `encode(std::string& out)` appends exactly one command.
    template <class Encode>
    Call(Connection& connection, Encode&& encode) : connection_(connection) {
      if (connection.append(&waiting_, waiting_.failure, std::forward<Encode>(encode))) return;
      waiting_.over.set();
    }
    ~Call() {
      if (!waiting_.over.is_set()) connection_.leave(waiting_);
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    /// The reply; once. Error::deadline and Error::cancelled are the fiber's; Error::overloaded: too many commands wait;
    /// Error::unavailable: not connected, or the connection broke.
    Result<Reply> wait() {
      end();
      if (waiting_.failure) return std::move(*waiting_.failure);
      return std::move(*waiting_.reply);
    }
    /// Waits until there is a reply or none to come: then, what it failed with.
    const std::optional<Failure>& end() {
      if (auto waited = waiting_.over.wait(); !waited) {
        connection_.leave(waiting_);
        waiting_.failure = waited.error();
      }
      return waiting_.failure;
    }
    /// False when no byte of the command can reach the peer any more, or has: then it is safe to give it to another connection.
    bool sent() const noexcept { return waiting_.over.is_set() ? waiting_.sent : connection_.was_sent(waiting_); }

   private:
    Connection& connection_;
    Waiting waiting_;
  };

  /// Sends a command whose reply nobody waits for. Errors as of Call::wait.
  template <class Encode>
  Result<void> send(Encode&& encode) {
    std::optional<Failure> failure;
    if (append(nullptr, failure, std::forward<Encode>(encode))) return {};
    return std::move(*failure);
  }

  Codec& codec() noexcept { return codec_; }

 private:
  template <class Encode>
  bool append(Place* place, std::optional<Failure>& failure, Encode&& encode) {
    std::string* const out = admit(failure);
    if (out == nullptr) return false;
    const std::size_t begin = out->size();
    try {
      encode(*out);
    } catch (...) {
      out->resize(begin);
      throw;
    }
    enter(place, begin);
    return true;
  }

  bool take(std::span<const char> bytes) override {
    bool expected = true;
    const auto sink = [&](auto&& reply) {
      expected = expected && depth() > 0;
      if (!expected) return;
      auto* const waiting = static_cast<Waiting*>(advance());
      if (waiting == nullptr) return;
      waiting->reply.emplace(std::forward<decltype(reply)>(reply));
      waiting->over.set();
    };
    return codec_.take(bytes, sink) && expected;
  }
  void reset() override { codec_.reset(); }

  Codec codec_;
};

}  // namespace nacre::net
