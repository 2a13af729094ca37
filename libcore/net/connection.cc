#include "net/connection.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>

namespace nacre::net {

namespace {

constexpr std::size_t kChunk = 64UL * 1024;
constexpr std::size_t kTurnShare = 512UL * 1024;  ///< bytes read or written in one turn, so that others have theirs
constexpr std::size_t kFewestPlaces = 64;
constexpr std::size_t kPacedDepth = 32;  ///< with fewer replies due no pace is measured
constexpr double kPacedReplies = 16;     ///< the last ones, of which the pace is kept

/// Read into by one connection at a time, and empty between.
std::span<char> chunk() {
  thread_local const auto bytes = std::make_unique<std::array<char, kChunk>>();
  return *bytes;
}

}  // namespace

/// One go at connecting, shared with the thread that makes it.
struct ConnectionBase::Attempt {
  explicit Attempt(ConnectionBase& connection) : owner(&connection) {}
  void drop() {
    owner = nullptr;
    stop.request_stop();
  }

  ConnectionBase* owner;  ///< the loop's; nullptr once nobody wants it
  std::stop_source stop;
  Result<Socket> socket = unavailable("no thread can be started");  ///< the thread's, then the loop's
};

ConnectionBase::ConnectionBase(Reactor& reactor, Threads& threads, Dial dial, const ConnectionOptions& options)
    : reactor_(reactor),
      threads_(threads),
      dial_(std::make_shared<const Dial>(std::move(dial))),
      options_(options),
      timer_(reactor.background_timer([this] { on_timer(); })) {}

ConnectionBase::~ConnectionBase() { assert(state_ == State::closed && waiting_ == 0); }

// ---- from one state to another

void ConnectionBase::open() {
  redials_ = true;
  if (state_ == State::closed || state_ == State::pausing) connect();
}

void ConnectionBase::open(Socket socket) {
  close(unavailable("replaced"));
  adopt(std::move(socket));
}

void ConnectionBase::close(const Failure& failure) {
  redials_ = false;
  if (attempt_) attempt_->drop();
  attempt_.reset();
  failure_ = failure;
  hang_up(failure);
  state_ = State::closed;
}

void ConnectionBase::abandon(std::string why) {
  if (state_ != State::open) return;
  heard_of_ = heard_of_ && reactor_.now() - opened_ >= options_.longest_pause;
  lost(std::move(why));
}

void ConnectionBase::change(State state) {
  state_ = state;
  if (on_change) on_change();
}

void ConnectionBase::connect() {
  timer_->disarm();
  timer_armed_ = false;
  state_ = State::connecting;
  attempt_ = std::make_shared<Attempt>(*this);
  auto work = [attempt = attempt_, dial = dial_, timeout = options_.connect_timeout](const std::stop_token& stopping) {
    const std::stop_callback stops(stopping, [&] { attempt->stop.request_stop(); });
    attempt->socket = (*dial)({monotonic_now() + timeout, attempt->stop.get_token()});
  };
  auto done = [attempt = attempt_] {
    if (attempt->owner != nullptr) attempt->owner->connected(std::move(attempt->socket));
  };
  threads_.run(std::move(work), std::move(done));
}

void ConnectionBase::connected(Result<Socket> socket) {
  attempt_.reset();
  if (socket) {
    adopt(std::move(*socket));
    if (state_ == State::open && on_change) on_change();
    return;
  }
  failure_ = unavailable(std::move(socket.error().internal));
  pause();
  if (on_change) on_change();
}

void ConnectionBase::adopt(Socket socket) {
  ++conversation_;
  opened_ = heard_ = due_since_ = reactor_.now();
  heard_of_ = false;
  paced_ = paced_replies_ = 0;
  reset();
  socket_ = std::move(socket);
  watch_ = reactor_.watch(socket_.fd(), [this](bool readable, bool writable) { on_ready(readable, writable); });
  state_ = State::open;
  if (watch_ == nullptr) return lost("the event loop can watch no more sockets");
  watch_->want(true, false);
  read_on_ = socket_.has_buffered();  // more than the dialling thread fetched
  if (read_on_) reactor_.post_next_turn(turn_);
}

void ConnectionBase::lost(std::string why) {
  failure_ = unavailable(std::move(why));
  const bool lasted = heard_of_ && reactor_.now() - opened_ >= options_.longest_pause;
  hang_up(failure_);
  if (!redials_) return change(State::closed);
  if (heard_of_) failures_ = 0;
  if (lasted) {
    connect();
  } else {
    pause();
  }
  if (on_change) on_change();
}

void ConnectionBase::pause() {
  const auto longest = std::min(options_.longest_pause, Milliseconds{options_.first_pause.count() << std::min(failures_, 16U)});
  ++failures_;
  const auto half = static_cast<std::uint32_t>(longest.count() / 2);
  state_ = State::pausing;
  timer_->arm(reactor_.now() + Milliseconds{half + randombytes_uniform(half + 1)});
  timer_armed_ = true;
}

/// Closes the socket and fails what waits.
void ConnectionBase::hang_up(const Failure& failure) {
  ++conversation_;
  timer_->disarm();
  timer_armed_ = false;
  watch_.reset();
  socket_.close();
  watches_writable_ = wants_writable_ = write_needs_readable_ = read_needs_writable_ = read_on_ = false;
  for (; waiting_ > 0;) {
    Place* const place = advance();
    if (place == nullptr) continue;
    place->sent = was_sent(*place);
    place->failure = failure;
    place->over.set();
  }
  trimmed_ += out_.size();
  out_.clear();
  written_ = 0;
  trim_output();
}

// ---- commands and their places

Milliseconds ConnectionBase::silent_for() const noexcept {
  return waiting_ == 0 ? Milliseconds{0} : reactor_.now() - std::max(heard_, due_since_);
}

Milliseconds ConnectionBase::expected_wait() const noexcept {
  if (paced_replies_ == 0) return Milliseconds{0};
  return Milliseconds{static_cast<std::int64_t>(static_cast<double>(waiting_) * paced_ / paced_replies_)};
}

/// Replies came after `took` since the ones before them. With few due, that is the way there and back, and tells no pace.
void ConnectionBase::keep_pace(Milliseconds took, std::uint64_t replies, std::size_t due) noexcept {
  if (due < kPacedDepth) return;
  paced_ += static_cast<double>(took.count());
  paced_replies_ += static_cast<double>(replies);
  if (paced_replies_ <= kPacedReplies) return;
  paced_ *= kPacedReplies / paced_replies_;
  paced_replies_ = kPacedReplies;
}

std::string* ConnectionBase::admit(std::optional<Failure>& failure) {
  if (state_ != State::open) {
    failure = failure_;
    return nullptr;
  }
  if (waiting_ >= options_.depth || out_.size() - written_ > options_.backlog) {
    failure.emplace(Error::overloaded, "too many commands wait");
    return nullptr;
  }
  if (waiting_ == places_.size()) grow();
  return &out_;
}

void ConnectionBase::enter(Place* place, std::size_t begin) {
  const std::uint64_t number = first_ + waiting_;
  place_at(number) = place;
  if (place != nullptr) {
    place->number = number;
    place->starts = trimmed_ + begin;
  }
  if (++waiting_ == 1) due_since_ = reactor_.now();
  if (!timer_armed_) {
    timer_->arm(reactor_.now() + options_.silence);
    timer_armed_ = true;
  }
  // Once for the commands of many fibers. While the peer takes no more, there is nothing to try.
  if (!wants_writable_ && !write_needs_readable_) reactor_.post_last(turn_);
}

void ConnectionBase::leave(Place& place) noexcept {
  if (place.over.is_set()) return;
  place_at(place.number) = nullptr;
  place.sent = true;  // what was not sent yet will be
  place.over.set();
}

ConnectionBase::Place* ConnectionBase::advance() noexcept {
  Place* const place = std::exchange(place_at(first_), nullptr);
  ++first_;
  --waiting_;
  dropped_ = place == nullptr;
  if (place != nullptr) place->sent = true;
  return place;
}

void ConnectionBase::grow() {
  std::vector<Place*> larger(std::max(kFewestPlaces, places_.size() * 2));
  for (std::uint64_t n = first_; n < first_ + waiting_; ++n) larger[n & (larger.size() - 1)] = place_at(n);
  places_.swap(larger);
}

// ---- bytes

void ConnectionBase::on_turn() {
  if (state_ != State::open) return;
  const std::uint64_t conversation = conversation_;
  if (!wants_writable_ && !write_needs_readable_) flush();
  if (conversation == conversation_ && read_on_) read();
  if (conversation == conversation_) watch();
}

void ConnectionBase::on_ready(bool readable, bool writable) {
  const std::uint64_t conversation = conversation_;
  if ((writable && wants_writable_) || (readable && write_needs_readable_)) flush();
  if (conversation == conversation_ && (readable || (writable && read_needs_writable_))) read();
  if (conversation == conversation_) watch();
}

void ConnectionBase::watch() {
  const bool writable = wants_writable_ || read_needs_writable_;
  if (writable == watches_writable_) return;
  watches_writable_ = writable;
  watch_->want(true, writable);
}

void ConnectionBase::read() {
  const std::uint64_t conversation = conversation_;
  const std::span<char> into = chunk();
  read_on_ = read_needs_writable_ = false;
  for (std::size_t share = 0; share < kTurnShare;) {
    const Moved moved = socket_.read(into);
    share += moved.bytes;
    if (moved.bytes > 0) {
      const std::uint64_t first = first_;
      const bool behind_others = heard_ > due_since_;  // what comes was waited for since the bytes before
      const Milliseconds took = reactor_.now() - heard_;
      const std::size_t due = waiting_;
      heard_ = reactor_.now();
      const bool good = take(into.first(moved.bytes));
      if (conversation != conversation_) return;
      if (!good) return lost("the peer broke the protocol");
      heard_of_ = true;
      if (behind_others) keep_pace(took, first_ - first, due);
      if (waiting_ == 0 && first_ != first && dropped_ && on_quiet) on_quiet();
      if (conversation != conversation_) return;
      if (moved.bytes < into.size() && !socket_.is_tls()) return;  // that was all
      continue;
    }
    if (moved.want == Want::closed || moved.want == Want::failed) return lost(socket_.failure());
    read_needs_writable_ = moved.want == Want::writable;
    return;
  }
  read_on_ = true;
  reactor_.post_next_turn(turn_);
}

void ConnectionBase::flush() {
  wants_writable_ = write_needs_readable_ = false;
  for (std::size_t share = 0; written_ < out_.size();) {
    if (share >= kTurnShare) {
      reactor_.post_next_turn(turn_);
      break;
    }
    const Moved moved = socket_.write({out_.data() + written_, out_.size() - written_});
    share += moved.bytes;
    written_ += moved.bytes;
    reached_ = std::max(reached_, trimmed_ + written_);
    if (moved.want == Want::closed || moved.want == Want::failed) return lost(socket_.failure());
    if (moved.want == Want::nothing) continue;
    if (socket_.is_tls()) reached_ = trimmed_ + out_.size();  // part of a record may be on its way
    (moved.want == Want::writable ? wants_writable_ : write_needs_readable_) = true;
    break;
  }
  trim_output();
}

/// Drops what was written, and memory that one large command needed.
void ConnectionBase::trim_output() {
  if (written_ == out_.size()) {
    trimmed_ += written_;
    out_.clear();
    written_ = 0;
    if (out_.capacity() > options_.spare) out_.shrink_to_fit();
  } else if (written_ > options_.spare && written_ > out_.size() / 2) {
    trimmed_ += written_;
    out_.erase(0, written_);
    written_ = 0;
  }
}

void ConnectionBase::on_timer() {
  timer_armed_ = false;
  if (state_ == State::pausing) {
    connect();
    if (on_change) on_change();
    return;
  }
  if (state_ != State::open || waiting_ == 0) return;
  if (silent_for() >= options_.silence) return lost("silent for " + std::to_string(silent_for().count()) + " ms");
  timer_->arm(std::max(heard_, due_since_) + options_.silence);
  timer_armed_ = true;
}

}  // namespace nacre::net
