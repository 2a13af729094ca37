#include "net/dial.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <list>

#include "net/certificates.h"
#include "net/listener.h"

namespace nacre::net {

namespace {

Patience patience(Milliseconds time = Milliseconds{10'000}) { return {monotonic_now() + time}; }

std::string text(const Failure& failure) { return failure.internal; }

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// Sends a line to an echo and gives back what comes, or why nothing does.
std::string converse(Result<Socket> socket) {
  if (!socket) return text(socket.error());
  if (auto written = write_all(*socket, std::string_view("hello\n"), patience()); !written) return text(written.error());
  std::array<char, 64> reply;
  auto read = read_some(*socket, reply, patience());
  return read ? std::string(reply.data(), *read) : text(read.error());
}

std::shared_ptr<const Tls> tls(const TlsOptions& options) { return *Tls::make(options); }

}  // namespace

TEST_SUITE("net::dial") {
  TEST_CASE("an address, a name and a Unix socket are dialled alike") {
    Listener listener(echo);
    CHECK(converse(dial(listener.endpoint(), nullptr, patience())) == "hello\n");
    CHECK(converse(dial(listener.endpoint("localhost"), nullptr, patience())) == "hello\n");  // ::1 may come first and refuse
    const auto path = std::filesystem::temp_directory_path() / ("nacre-" + std::to_string(::getpid()) + ".sock");
    Listener local(echo, {.path = path.string()});
    CHECK(converse(dial(local.endpoint(), nullptr, patience())) == "hello\n");
    CHECK(local.endpoint().to_string() == path.string());
  }

  TEST_CASE("what can't be reached says why") {
    std::uint16_t port = 0;
    {
      Listener gone(echo);
      port = gone.endpoint().port;
    }
    const auto refused = dial({"127.0.0.1", port}, nullptr, patience());
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().error == Error::unavailable);
    CHECK(text(refused.error()) == "127.0.0.1:" + std::to_string(port) + ": Connection refused");
    CHECK(text(dial({"/nowhere/socket"}, nullptr, patience()).error()) == "/nowhere/socket: No such file or directory");
    CHECK(text(dial({"/" + std::string(200, 'x')}, nullptr, patience()).error()).ends_with("too long for a socket"));
    CHECK(dial({"name.invalid", 1}, nullptr, patience()).error().error == Error::unavailable);
  }

  TEST_CASE("several are dialled side by side") {
    Listener listener(echo);
    const Monotonic until = monotonic_now() + Milliseconds{10'000};
    std::list<Dialling> all;
    for (int i = 0; i < 3; ++i) all.emplace_back(listener.endpoint(), nullptr, until);
    for (Dialling& one : all) {
      Want want = one.go_on();
      for (; want == Want::writable; want = one.go_on()) REQUIRE(wait_for(one.fd(), want, {until}));
      REQUIRE(want == Want::nothing);
      CHECK(converse(one.take()) == "hello\n");
    }
  }

  TEST_CASE("no address is tried when the time is over") {
    Listener listener(echo);
    Dialling late(listener.endpoint(), nullptr, monotonic_now());
    CHECK(late.go_on() == Want::failed);
    CHECK(late.failure().error == Error::deadline);
    CHECK(text(late.failure()) == listener.endpoint().to_string() + ": timed out");
  }

  TEST_CASE("addresses are shown as they are written") {
    CHECK(Endpoint{"h", 1}.to_string() == "h:1");
    CHECK(Endpoint{"::1", 6379}.to_string() == "[::1]:6379");
    CHECK(Endpoint{"/run/s"}.to_string() == "/run/s");
  }

  TEST_CASE("patience ends at its time, or when nobody wants it any more") {
    Listener silent([](Listener::Client& client) { client.read(); });
    auto socket = dial(silent.endpoint(), nullptr, patience());
    REQUIRE(socket.has_value());
    std::array<char, 8> to;
    CHECK(read_some(*socket, to, patience(Milliseconds{30})).error().error == Error::deadline);
    std::stop_source stop;
    stop.request_stop();
    CHECK(read_some(*socket, to, {monotonic_now() + Milliseconds{10'000}, stop.get_token()}).error().error == Error::cancelled);
  }

  TEST_CASE("TLS takes a trusted certificate of the right name or address") {
    Authority authority;
    const auto trusting = tls({.ca_file = authority.file()});
    Listener listener(echo, {.certificate = authority.issue("server", "DNS:localhost,IP:127.0.0.1")});
    CHECK(converse(dial(listener.endpoint("localhost"), trusting, patience())) == "hello\n");
    CHECK(converse(dial(listener.endpoint("127.0.0.1"), trusting, patience())) == "hello\n");
  }

  TEST_CASE("TLS refuses another name, an unknown authority and an expired certificate, unless told not to look") {
    Authority authority;
    Authority stranger("stranger");
    const auto answer = [](const Listener& listener, const TlsOptions& options) {
      return converse(dial(listener.endpoint("localhost"), tls(options), patience()));
    };
    {
      Listener other(echo, {.certificate = authority.issue("other", "DNS:other.test,IP:127.0.0.1")});
      CHECK(contains(answer(other, {.ca_file = authority.file()}), "ostname mismatch"));
      CHECK(answer(other, {.ca_file = authority.file(), .verify_name = false}) == "hello\n");
    }
    {
      Listener address(echo, {.certificate = authority.issue("address", "IP:127.0.0.2")});
      CHECK(
          contains(converse(dial(address.endpoint(), tls({.ca_file = authority.file()}), patience())), "IP address mismatch"));
    }
    {
      Listener unknown(echo, {.certificate = stranger.issue("unknown", "DNS:localhost")});
      CHECK(contains(answer(unknown, {.ca_file = authority.file()}), "unable to get local issuer certificate"));
      CHECK(contains(answer(unknown, {.ca_file = authority.file(), .verify_name = false}), "unable to get local issuer"));
      CHECK(answer(unknown, {.verify_certificate = false}) == "hello\n");
    }
    {
      Listener expired(echo, {.certificate = authority.issue("expired", "DNS:localhost", 0)});
      CHECK(contains(answer(expired, {.ca_file = authority.file()}), "certificate has expired"));
    }
  }

  TEST_CASE("a client shows its certificate where it is asked for") {
    Authority authority;
    Listener listener(echo, {.certificate = authority.issue("server", "DNS:localhost"), .client_ca = authority.file()});
    const auto own = authority.issue("client", "");
    CHECK(converse(dial(listener.endpoint("localhost"), tls({.ca_file = authority.file(), .certificate_file = own}),
                        patience())) == "hello\n");
    // In TLS 1.3 the refusal comes after the handshake.
    CHECK(converse(dial(listener.endpoint("localhost"), tls({.ca_file = authority.file()}), patience())) != "hello\n");
  }

  TEST_CASE("files that are missing or wrong are named when the configuration is loaded") {
    Authority authority;
    const auto complaint = [](const TlsOptions& options) { return text(Tls::make(options).error()); };
    CHECK(complaint({.ca_file = "/nowhere/ca.pem"}) == "/nowhere/ca.pem: No such file or directory");
    CHECK(contains(complaint({.certificate_file = authority.file()}), authority.file() + ": "));  // holds no key
    const auto one = authority.issue("one", "");
    const auto two = authority.issue("two", "");
    CHECK(complaint({.certificate_file = one, .key_file = two}) == two + ": key values mismatch");
  }

  TEST_CASE("a server that is not TLS, or goes away, is told from one that is") {
    Authority authority;
    const auto trusting = tls({.ca_file = authority.file()});
    Listener plain([](Listener::Client& client) {
      client.read();
      client.write("-ERR what is this\r\n");
    });
    CHECK(contains(text(dial(plain.endpoint(), trusting, patience()).error()), "TLS: "));
    Listener gone([](Listener::Client& client) { client.read(); });
    CHECK(contains(text(dial(gone.endpoint(), trusting, patience()).error()), "closed by the peer"));
  }
}

}  // namespace nacre::net
