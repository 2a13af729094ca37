#include "redis/target.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

namespace nacre::redis {

namespace {

constexpr std::uint16_t kPort = 6379;
constexpr std::uint16_t kSentinelPort = 26379;

/// One form of URI.
struct Form {
  std::string_view scheme;
  std::string_view allowed;
  Target::Kind kind;
  bool unix_socket = false;
  bool tls = false;
};
constexpr std::array kForms{
    Form{"redis", "allowed: redis://[user:password@]host[:port][/db][?tls=true]", Target::Kind::server},
    Form{"rediss", "allowed: rediss://[user:password@]host[:port][/db][?ca_file=…]", Target::Kind::server, false, true},
    Form{"redis+unix", "allowed: redis+unix://[user:password@]/path[?db=N]", Target::Kind::server, true},
    Form{"redis+sentinel", "allowed: redis+sentinel://[user:password@]host[:port],…/name[/db]", Target::Kind::sentinel},
    Form{"redis+cluster", "allowed: redis+cluster://[user:password@]host[:port],…", Target::Kind::cluster}};

constexpr std::string_view kTlsOptions =
    "allowed: ca_file, cert_file, key_file, key_password, verify=full, verify=ca, verify=none";

/// Thrown inside this file only.
struct Wrong {
  std::string what;
  std::string_view allowed;
};

std::optional<int> hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

std::string decode(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    const auto high = i + 2 < text.size() ? hex(text[i + 1]) : std::nullopt;
    const auto low = i + 2 < text.size() ? hex(text[i + 2]) : std::nullopt;
    if (!high || !low) throw Wrong{"a % that encodes nothing", "allowed: %25 for a percent sign"};
    plain += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  if (plain.find('\0') != std::string::npos) throw Wrong{"a NUL", "allowed: any other byte"};
  return plain;
}

template <class Number>
Number number(std::string_view text, Number most, const char* what, std::string_view allowed) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > most) throw Wrong{what, allowed};
  return value;
}

std::uint32_t read_database(std::string_view text, std::string_view allowed) {
  return number<std::uint32_t>(text, 1'000'000, "the database is no number", allowed);
}

/// `a@` before the host; leaves the rest.
Credentials read_credentials(std::string_view& authority, std::string_view allowed) {
  const auto at = authority.rfind('@');
  if (at == std::string_view::npos) return {};
  const auto pair = authority.substr(0, at);
  authority.remove_prefix(at + 1);
  const auto colon = pair.find(':');
  if (colon == std::string_view::npos) throw Wrong{"a user without a password", allowed};
  Credentials credentials{decode(pair.substr(0, colon)), decode(pair.substr(colon + 1))};
  if (credentials.password.empty()) throw Wrong{"an empty password", allowed};
  return credentials;
}

net::Endpoint read_endpoint(std::string_view text, std::uint16_t port, std::string_view allowed) {
  constexpr std::string_view kHost = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";
  std::string_view host = text.substr(0, text.find(':'));
  std::string_view rest = text.substr(host.size());
  std::string_view characters = kHost;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) throw Wrong{"a [ without its ]", allowed};
    host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
    characters = "0123456789abcdefABCDEF:.";
  }
  if (host.empty()) throw Wrong{"no host", allowed};
  if (host.find_first_not_of(characters) != std::string_view::npos) throw Wrong{"this is no host", allowed};
  if (rest.empty()) return {std::string(host), port};
  if (rest.front() != ':') throw Wrong{"this is no host", allowed};
  port = number<std::uint16_t>(rest.substr(1), 65535, "this is no port", "allowed: 1 to 65535");
  if (port == 0) throw Wrong{"this is no port", "allowed: 1 to 65535"};
  return {std::string(host), port};
}

void read_endpoints(Target& target, const Form& form, std::string_view hosts) {
  const std::uint16_t port = form.kind == Target::Kind::sentinel ? kSentinelPort : kPort;
  for (;;) {
    const auto comma = hosts.find(',');
    target.endpoints.push_back(read_endpoint(hosts.substr(0, comma), port, form.allowed));
    if (comma == std::string_view::npos) break;
    hosts.remove_prefix(comma + 1);
  }
  if (form.kind == Target::Kind::server && target.endpoints.size() > 1) throw Wrong{"more than one host", form.allowed};
}

/// What comes after the hosts, without its first slash.
void read_path(Target& target, const Form& form, std::string_view path) {
  if (form.kind == Target::Kind::sentinel) {
    const auto slash = path.find('/');
    target.master = decode(path.substr(0, slash));
    if (target.master.empty()) throw Wrong{"no name of a master", form.allowed};
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  if (path.empty()) return;
  if (form.kind == Target::Kind::cluster) throw Wrong{"a cluster has one database", form.allowed};
  target.database = read_database(path, form.allowed);
}

/// Options by name; each is taken once, and what is left at the end is unknown.
class Options {
 public:
  explicit Options(std::string_view text) {
    while (!text.empty()) {
      const auto pair = text.substr(0, text.find('&'));
      text.remove_prefix(std::min(pair.size() + 1, text.size()));
      const auto equals = pair.find('=');
      if (equals == std::string_view::npos) throw Wrong{"an option without a value", "allowed: name=value"};
      if (!values_.emplace(pair.substr(0, equals), decode(pair.substr(equals + 1))).second) {
        throw Wrong{"an option stands twice", "allowed: each once"};
      }
    }
  }
  std::optional<std::string> take(std::string_view name) {
    const auto found = values_.find(name);
    if (found == values_.end()) return std::nullopt;
    std::string value = std::move(found->second);
    values_.erase(found);
    if (value.empty()) throw Wrong{std::string(name) + " is empty", "allowed: a value"};
    return value;
  }
  bool empty() const { return values_.empty(); }

 private:
  std::map<std::string_view, std::string> values_;
};

std::shared_ptr<const net::Tls> read_tls(Options& options, const std::filesystem::path& prefix) {
  net::TlsOptions tls;
  const auto file = [&](std::string_view name) {
    const auto value = options.take(name);
    return value ? (prefix / *value).lexically_normal().string() : std::string();
  };
  tls.ca_file = file("ca_file");
  tls.certificate_file = file("cert_file");
  tls.key_file = file("key_file");
  tls.key_password = options.take("key_password").value_or("");
  const std::string verify = options.take("verify").value_or("full");
  tls.verify_certificate = verify != "none";
  tls.verify_name = verify == "full";
  if (verify != "full" && verify != "ca" && verify != "none") throw Wrong{"verify has another value", kTlsOptions};
  if (!tls.key_file.empty() && tls.certificate_file.empty()) throw Wrong{"key_file without cert_file", kTlsOptions};
  auto made = net::Tls::make(tls);
  if (!made) throw Wrong{made.error().internal, "allowed: PEM files that can be read"};
  return *made;
}

std::string_view options_of(const Form& form, bool tls) {
  if (form.kind == Target::Kind::sentinel) return "allowed: sentinel_user, sentinel_password, tls=true, and those of TLS";
  if (form.kind == Target::Kind::cluster) return "allowed: tls=true, and those of TLS";
  if (form.unix_socket) return "allowed: db";
  return tls ? kTlsOptions : "allowed: tls=true, and those of TLS";
}

void read_options(Target& target, const Form& form, std::string_view text, const std::filesystem::path& prefix) {
  Options options(text);
  bool tls = form.tls;
  if (form.unix_socket) {
    if (const auto database = options.take("db")) target.database = read_database(*database, form.allowed);
  }
  if (form.kind == Target::Kind::sentinel) {
    target.sentinel_credentials = {options.take("sentinel_user").value_or(""), options.take("sentinel_password").value_or("")};
    const auto& [user, password] = target.sentinel_credentials;
    if (!user.empty() && password.empty()) throw Wrong{"sentinel_user without sentinel_password", options_of(form, tls)};
  }
  if (!form.unix_socket && !form.tls) {
    const std::string value = options.take("tls").value_or("false");
    if (value != "true" && value != "false") throw Wrong{"tls has another value", "allowed: tls=true, tls=false"};
    tls = value == "true";
  }
  if (tls) target.tls = read_tls(options, prefix);
  if (!options.empty()) throw Wrong{"unknown option", options_of(form, tls)};
}

Target read(std::string_view uri, const std::filesystem::path& prefix) {
  constexpr std::string_view kSchemes = "allowed: redis://, rediss://, redis+unix://, redis+sentinel://, redis+cluster://";
  const auto scheme = uri.substr(0, uri.find(':'));
  const auto form = std::find_if(kForms.begin(), kForms.end(), [&](const Form& f) { return f.scheme == scheme; });
  if (form == kForms.end()) throw Wrong{"unknown scheme", kSchemes};
  uri.remove_prefix(scheme.size());
  if (!uri.starts_with("://")) throw Wrong{"no // after the scheme", form->allowed};
  uri.remove_prefix(3);
  if (uri.find('#') != std::string_view::npos) throw Wrong{"a # that is not encoded", "allowed: %23"};
  const auto question = std::min(uri.find('?'), uri.size());
  const auto options = uri.substr(std::min(question + 1, uri.size()));
  uri = uri.substr(0, question);
  const auto slash = std::min(uri.find('/'), uri.size());
  auto authority = uri.substr(0, slash);
  const auto path = uri.substr(slash);

  Target target;
  target.kind = form->kind;
  target.credentials = read_credentials(authority, form->allowed);
  if (form->unix_socket) {
    if (!authority.empty() || path.size() < 2) throw Wrong{"no path", form->allowed};
    target.endpoints.push_back({decode(path), 0});
  } else {
    read_endpoints(target, *form, authority);
    read_path(target, *form, path.substr(std::min<std::size_t>(path.size(), 1)));
  }
  read_options(target, *form, options, prefix);
  return target;
}

}  // namespace

Result<Target> read_target(std::string_view uri, const std::filesystem::path& prefix) try {
  return read(uri, prefix);
} catch (const Wrong& wrong) {
  Failure failure(Error::bad_request, wrong.what);
  failure.internal = wrong.allowed;
  return failure;
}

}  // namespace nacre::redis
