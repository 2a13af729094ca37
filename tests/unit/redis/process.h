#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "net/dial.h"
#include "redis/reply.h"
#include "redis/target.h"

namespace nacre::redis {

/// A folder that is deleted at the end.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

/// A port of 127.0.0.1 that nobody uses and that the kernel gives to no client.
std::uint16_t free_port();

/// A redis-server in a folder of its own, on a free port; answers when its constructor returns.
class Process {
 public:
  enum class Kind : std::uint8_t { server, sentinel };

  /// `lines` are added to its configuration file.
  explicit Process(std::vector<std::string> lines = {}, Kind kind = Kind::server);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Starts it again on its port after `kill`.
  void start();
  void kill();
  void stop();   ///< SIGSTOP: it hangs
  void go_on();  ///< SIGCONT
  std::uint16_t port() const noexcept { return port_; }
  net::Endpoint endpoint() const { return {"127.0.0.1", port_}; }
  std::filesystem::path folder() const { return folder_.path(); }
  /// One command on a connection of its own.
  Reply ask(std::initializer_list<std::string_view> words) const;

 private:
  Folder folder_;
  const Kind kind_;
  const std::uint16_t port_ = free_port();
  pid_t pid_ = -1;
};

/// One command to any server, on a connection of its own; nil if it does not answer.
Reply ask(const net::Endpoint& to, std::initializer_list<std::string_view> words, const Target& target = {});

}  // namespace nacre::redis
