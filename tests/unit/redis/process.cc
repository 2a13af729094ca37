#include "redis/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <array>
#include <fstream>
#include <random>
#include <thread>

#include "redis/handshake.h"

namespace nacre::redis {

Folder::Folder() {
  std::string name = std::filesystem::temp_directory_path() / "nacre-redis-XXXXXX";
  path_ = ::mkdtemp(name.data());
}
Folder::~Folder() { std::filesystem::remove_all(path_); }

std::uint16_t free_port() {
  static std::mt19937 random(std::random_device{}());
  for (;;) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto port = static_cast<std::uint16_t>(std::uniform_int_distribution(10'000, 22'000)(random));
    address.sin_port = htons(port);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool free = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    ::close(fd);
    if (free) return port;
  }
}

Process::Process(std::vector<std::string> lines, Kind kind) : kind_(kind) {
  const std::string folder = folder_.path().string();
  lines.insert(lines.begin(), {"port " + std::to_string(port_), "bind 127.0.0.1", "dir " + folder, "logfile log"});
  if (kind == Kind::server) lines.insert(lines.end(), {"save \"\"", "repl-diskless-sync-delay 0"});
  std::ofstream file(folder_.path() / "redis.conf");
  for (const std::string& line : lines) file << line << '\n';
  file.close();
  start();
}

Process::~Process() { kill(); }

void Process::start() {
  std::string program = "redis-server";
  std::string file = folder_.path() / "redis.conf";
  std::string option = "--sentinel";
  std::array<char*, 4> argv{program.data(), file.data(), kind_ == Kind::sentinel ? option.data() : nullptr, nullptr};
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    ::dup2(null, 1);
    ::dup2(null, 2);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  for (int i = 0; i < 1000 && ask({"PING"}).is_nil(); ++i) std::this_thread::sleep_for(Milliseconds{10});
}

void Process::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void Process::stop() { ::kill(pid_, SIGSTOP); }
void Process::go_on() { ::kill(pid_, SIGCONT); }

Reply Process::ask(std::initializer_list<std::string_view> words) const { return redis::ask(endpoint(), words); }

Reply ask(const net::Endpoint& to, std::initializer_list<std::string_view> words, const Target& target) {
  const net::Patience patience{monotonic_now() + Milliseconds{2'000}};
  auto socket = net::dial(to, target.tls, patience);
  if (!socket) return {};
  Talk talk(*socket, patience);
  if (!target.credentials.password.empty()) {
    static_cast<void>(talk.ask({"AUTH", target.credentials.user, target.credentials.password}));
  }
  auto reply = talk.ask(words);
  return reply ? *reply : Reply();
}

}  // namespace nacre::redis
