#include <doctest/doctest.h>

#include <optional>

#include "net/certificates.h"
#include "net/connection.h"
#include "net/lines.h"
#include "net/listener.h"
#include "net/loop.h"

namespace nacre::net {

TEST_SUITE("net::Connection over TLS") {
  TEST_CASE("large commands and replies pass in both directions at once, edge-triggered or not") {
    Authority authority;
    Listener listener(echo, {.certificate = authority.issue("server", "DNS:localhost")});
    for (const bool edge : {false, true}) {
      CAPTURE(edge);
      Loop loop;
      loop.reactor.edge_triggered = edge;
      Threads threads(loop.reactor, 1);
      const auto tls = *Tls::make({.ca_file = authority.file()});
      LineConnection connection(
          loop.reactor, threads,
          [tls, to = listener.endpoint("localhost")](const Patience& patience) { return dial(to, tls, patience); }, {});
      connection.open();
      loop.reactor.run_until([&] { return connection.state() == LineConnection::State::open; });
      int good = 0;
      for (int i = 0; i < 64; ++i) {
        loop.start([&, i] {
          const std::string line(static_cast<std::size_t>(1 + i * 3000), static_cast<char>('a' + i % 26));
          LineConnection::Call call(connection, [&](std::string& out) { out.append(line).append("\n"); });
          const auto reply = call.wait();
          good += reply && *reply == line ? 1 : 0;
        });
      }
      loop.finish();
      CHECK(good == 64);
    }
  }
}

}  // namespace nacre::net
