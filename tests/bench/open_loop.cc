// Sends GET requests at a fixed rate, whether or not answers come, and measures each from the moment at which it was due, so
// that a server that falls behind can't hide it (wrk waits for answers, and so measures nothing while it waits).
//   open_loop PORT PATH RATE SECONDS CONNECTIONS
// Prints "rate p50 p99 p999 failed", the latencies in microseconds.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

int connect_to(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) die("open_loop: connect");
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

/// One keep-alive connection with at most one request on its way.
struct Connection {
  int fd = -1;
  Clock::time_point due;
  std::string answer;
};

/// True when a whole answer of Content-Length has arrived; `good` tells whether it is a 200.
bool complete(std::string_view answer, bool& good) {
  const std::size_t head = answer.find("\r\n\r\n");
  if (head == std::string_view::npos) return false;
  const std::size_t field = answer.find("Content-Length: ");
  if (field == std::string_view::npos || field > head) die("open_loop: no Content-Length");
  good = answer.substr(0, 12) == "HTTP/1.1 200";
  return answer.size() >= head + 4 + std::strtoul(answer.data() + field + 16, nullptr, 10);
}

class Generator {
 public:
  Generator(int port, const std::string& path, double rate, int connections)
      : request_("GET " + path + " HTTP/1.1\r\nHost: bench\r\n\r\n"), interval_(1.0 / rate), connections_(connections) {
    epoll_ = epoll_create1(0);
    for (Connection& connection : connections_) {
      connection.fd = connect_to(port);
      epoll_event event{.events = EPOLLIN, .data = {.ptr = &connection}};
      epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd, &event);
      idle_.push_back(&connection);
    }
  }

  void run(double seconds) {
    const auto total = static_cast<std::size_t>(seconds / interval_.count());
    latencies_.reserve(total);
    const auto start = Clock::now();
    std::size_t sent = 0;
    while (latencies_.size() + failed_ < total) {
      const auto now = Clock::now();
      while (sent < total && !idle_.empty()) {
        const auto due = start + std::chrono::duration_cast<Clock::duration>(interval_ * static_cast<double>(sent));
        if (due > now) break;
        send_request(due);
        ++sent;
      }
      receive();
    }
    taken_ = Clock::now() - start;
  }

  void print() {
    std::sort(latencies_.begin(), latencies_.end());
    const auto at = [&](double part) {
      return latencies_.empty() ? 0.0 : latencies_[static_cast<std::size_t>(part * static_cast<double>(latencies_.size() - 1))];
    };
    std::printf("%.0f %.0f %.0f %.0f %zu\n", static_cast<double>(latencies_.size()) / taken_.count(), at(0.5), at(0.99),
                at(0.999), failed_);
  }

 private:
  void send_request(Clock::time_point due) {
    Connection& connection = *idle_.front();
    idle_.pop_front();
    connection.due = due;
    if (write(connection.fd, request_.data(), request_.size()) != static_cast<ssize_t>(request_.size()))
      die("open_loop: write");
  }

  /// Takes what has arrived and never waits: the next request may be due at any moment.
  void receive() {
    std::array<epoll_event, 64> events;
    const int count = epoll_wait(epoll_, events.data(), events.size(), 0);
    for (int i = 0; i < count; ++i) {
      Connection& connection = *static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      std::array<char, 16384> buffer;
      const ssize_t size = read(connection.fd, buffer.data(), buffer.size());
      if (size <= 0) die("open_loop: read");
      connection.answer.append(buffer.data(), static_cast<std::size_t>(size));
      bool good = false;
      if (!complete(connection.answer, good)) continue;
      const std::chrono::duration<double, std::micro> latency = Clock::now() - connection.due;
      good ? latencies_.push_back(latency.count()) : static_cast<void>(++failed_);
      connection.answer.clear();
      idle_.push_back(&connection);
    }
  }

  std::string request_;
  std::chrono::duration<double> interval_;
  std::vector<Connection> connections_;
  std::deque<Connection*> idle_;
  std::vector<double> latencies_;
  std::size_t failed_ = 0;
  std::chrono::duration<double> taken_{};
  int epoll_ = -1;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fputs("usage: open_loop PORT PATH RATE SECONDS CONNECTIONS\n", stderr);
    return 1;
  }
  Generator generator(std::atoi(argv[1]), argv[2], std::atof(argv[3]), std::atoi(argv[5]));
  generator.run(std::atof(argv[4]));
  generator.print();
  return 0;
}
