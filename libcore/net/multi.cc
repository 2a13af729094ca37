#include "net/multi.h"

#include <utility>

namespace nacre::net {

Multi::Multi(Reactor& reactor, HttpOptions options)
    : reactor_(reactor),
      options_(std::move(options)),
      timer_(reactor.timer([this] { act(CURL_SOCKET_TIMEOUT, 0); })),
      again_(reactor.timer([this] { act_again(); })) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) return;
  multi_.reset(curl_multi_init());
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &Multi::on_socket);
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &Multi::on_timer);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, options_.connections);
}

Multi::~Multi() {
  while (!transfers_.empty()) {
    const auto transfer = transfers_.begin()->second;
    remove(*transfer);
    transfer->fail(Failure(Error::unavailable, "the server is shutting down"));
  }
  multi_.reset();  // while its callbacks still have something to call
}

void Multi::submit(std::shared_ptr<Transfer> transfer) {
  transfers_.emplace(transfer.get(), transfer);
  change(std::move(transfer));
}

void Multi::abandon(std::shared_ptr<Transfer> transfer) {
  transfer->abandoned = true;
  change(std::move(transfer));
}

void Multi::change(std::shared_ptr<Transfer> transfer) {
  changed_.push_back(std::move(transfer));
  reactor_.post(changing_);
}

void Multi::apply_changes() {
  for (const auto& transfer : std::exchange(changed_, {})) {
    if (transfer->abandoned) {
      remove(*transfer);
    } else if (transfers_.contains(transfer.get())) {
      start(*transfer);
    }
  }
  if (!transfers_.empty()) act(CURL_SOCKET_TIMEOUT, 0);
}

void Multi::start(Transfer& transfer) {
  CURL* const easy = transfer.open(options_, reactor_.now());
  if (easy != nullptr && curl_multi_add_handle(multi_.get(), easy) == CURLM_OK) return;
  transfer.close();
  transfer.fail(Failure(Error::overloaded, "there is no memory for a call to another service"));
  remove(transfer);
}

void Multi::remove(Transfer& transfer) {
  const auto found = transfers_.find(&transfer);
  if (found == transfers_.end()) return;
  const auto keep = std::move(found->second);
  if (transfer.handle() != nullptr) curl_multi_remove_handle(multi_.get(), transfer.handle());
  transfer.close();
  transfers_.erase(found);
  if (!transfers_.empty()) return;
  timer_->disarm();
  again_->disarm();
  ready_.clear();
}

void Multi::act(curl_socket_t fd, int ready) {
  int running = 0;
  curl_multi_socket_action(multi_.get(), fd, ready, &running);
  if (fd != CURL_SOCKET_TIMEOUT) touched_.push_back(fd);
  collect_finished();
  look_again();
}

void Multi::collect_finished() {
  int left = 0;
  while (const CURLMsg* const message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    Transfer* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    transfer->finish(message->data.result);
    remove(*transfer);
  }
}

/// Libcurl reads a part of what is there and expects to be told again, while a reactor may report a socket once. So what was
/// touched is looked at again, and acted on after the loop has seen its other events.
void Multi::look_again() {
  std::vector<pollfd> fds;
  for (const curl_socket_t fd : std::exchange(touched_, {})) {
    if (const auto socket = sockets_.find(fd); socket != sockets_.end()) fds.push_back({fd, socket->second.events, 0});
  }
  if (fds.empty() || ::poll(fds.data(), fds.size(), 0) <= 0) return;
  for (const pollfd& fd : fds) {
    if (fd.revents != 0) ready_.push_back(fd);
  }
  if (!ready_.empty() && !transfers_.empty()) again_->arm(reactor_.now());
}

void Multi::act_again() {
  for (const pollfd& fd : std::exchange(ready_, {})) {
    const bool failed = (fd.revents & (POLLERR | POLLHUP)) != 0;
    act(fd.fd,
        (failed || (fd.revents & POLLIN) != 0 ? CURL_CSELECT_IN : 0) | ((fd.revents & POLLOUT) != 0 ? CURL_CSELECT_OUT : 0));
  }
}

int Multi::on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) noexcept try {
  auto& multi = *static_cast<Multi*>(self);
  if (what == CURL_POLL_REMOVE) {
    multi.sockets_.erase(fd);
    return 0;
  }
  Socket& socket = multi.sockets_[fd];
  if (!socket.watch) {
    socket.watch = multi.reactor_.watch(fd, [&multi, fd](bool readable, bool writable) {
      multi.act(fd, (readable ? CURL_CSELECT_IN : 0) | (writable ? CURL_CSELECT_OUT : 0));
    });
  }
  if (!socket.watch) return -1;
  const bool reads = (what & CURL_POLL_IN) != 0;
  const bool writes = (what & CURL_POLL_OUT) != 0;
  socket.watch->want(reads, writes);
  socket.events = static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
  multi.touched_.push_back(fd);
  return 0;
} catch (...) {
  return -1;  // libcurl fails all transfers
}

int Multi::on_timer(CURLM*, long milliseconds, void* self) noexcept try {
  auto& multi = *static_cast<Multi*>(self);
  if (milliseconds < 0 || multi.transfers_.empty()) {
    multi.timer_->disarm();
  } else {
    multi.timer_->arm(multi.reactor_.now() + Milliseconds{milliseconds});
  }
  return 0;
} catch (...) {
  return -1;
}

}  // namespace nacre::net
