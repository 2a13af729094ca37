#include "mongo/uri.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>

#include "base/ascii.h"
#include "mongo/handles.h"

namespace nacre::mongo {
namespace {

/// After which a primary that nobody writes to writes by itself.
/// https://github.com/mongodb/specifications/blob/master/source/max-staleness/max-staleness.md
constexpr Milliseconds kIdleWrites{10'000};

Failure wrong(std::string_view option, std::string_view why) {
  return {Error::internal, std::string(option).append(option.empty() ? "" : ": ").append(why)};
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned byte = 0;
    const auto* digits = text.data() + i + 1;
    if (text.size() - i < 3 || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2 || byte == 0)
      return std::nullopt;
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), to_lower);
  return out;
}

using Taken = Result<void>;

Taken take_bool(std::string_view value, bool& to) {
  if (value != "true" && value != "false") return Failure(Error::internal, "must be true or false");
  to = value == "true";
  return {};
}

Taken take_number(std::string_view value, std::int64_t least, std::int64_t most, const std::function<void(std::int64_t)>& to) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size() || number < least || number > most) {
    return Failure(Error::internal, "must be an integer from " + std::to_string(least) + " to " + std::to_string(most));
  }
  to(number);
  return {};
}

Taken take_time(std::string_view value, std::int64_t least, Milliseconds& to) {
  return take_number(value, least, 3'600'000, [&](std::int64_t n) { to = Milliseconds{n}; });
}

Taken take_count(std::string_view value, std::int64_t most, std::size_t& to) {
  return take_number(value, 1, most, [&](std::int64_t n) { to = static_cast<std::size_t>(n); });
}

template <std::size_t N>
Taken take_name(std::string_view value, const std::array<std::string_view, N>& names, std::string& to) {
  std::string allowed;
  for (const std::string_view name : names) {
    if (lower(name) == lower(value)) {
      to = name;
      return {};
    }
    allowed.append(allowed.empty() ? "must be " : ", ").append(name);
  }
  return Failure(Error::internal, allowed);
}

Taken take_tags(std::string_view value, ReadPreference& to) {
  auto& set = to.tags.emplace_back();
  while (!value.empty()) {
    const std::size_t end = std::min(value.find(','), value.size());
    const std::string_view pair = value.substr(0, end);
    const std::size_t colon = pair.find(':');
    if (colon == std::string_view::npos) return Failure(Error::internal, "must be name:value pairs with commas between them");
    set.emplace_back(pair.substr(0, colon), pair.substr(colon + 1));
    value.remove_prefix(std::min(end + 1, value.size()));
  }
  return {};
}

Taken take_w(std::string_view value, WriteConcern& to) {
  if (!value.empty() && is_digit(value[0])) {
    to.tag.clear();
    if (value == "0") return Failure(Error::internal, "0 would lose writes unnoticed");
    return take_number(value, 1, 50, [&](std::int64_t n) { to.count = static_cast<std::int32_t>(n); });
  }
  const bool name = !value.empty() && is_letter(value[0]) && std::all_of(value.begin(), value.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.';
  });
  if (!name) return Failure(Error::internal, "must be majority, a number of members or a name");
  to.tag = lower(value) == "majority" ? "majority" : value;
  return {};
}

Taken take_mechanism(std::string_view value, Uri& uri) {
  constexpr std::array<std::string_view, 4> kMechanisms{"SCRAM-SHA-256", "SCRAM-SHA-1", "MONGODB-X509", "PLAIN"};
  std::string mechanism;
  auto taken = take_name(value, kMechanisms, mechanism);
  uri.x509 = mechanism == "MONGODB-X509";
  return taken;
}

Taken take_insecure(std::string_view value, bool& certificate, bool& name) {
  bool insecure = false;
  auto taken = take_bool(value, insecure);
  if (taken && insecure) certificate = name = false;
  return taken;
}

Taken take_inverted(std::string_view value, bool& to) {
  bool allow = false;
  auto taken = take_bool(value, allow);
  if (taken) to = !allow;
  return taken;
}

struct Option {
  std::string_view name;
  bool driver;  ///< libmongoc is told of it
  Taken (*take)(std::string_view value, Uri& uri);
};

/// For libmongoc to read.
template <std::size_t Longest>
Taken text(std::string_view value, Uri& /*uri*/) {
  if (value.empty()) return Failure(Error::internal, "is empty");
  if (value.size() > Longest) return Failure(Error::internal, "is longer than " + std::to_string(Longest) + " bytes");
  return {};
}
template <std::int64_t Most>
Taken number(std::string_view value, Uri& /*uri*/) {
  return take_number(value, 0, Most, [](std::int64_t) {});
}

template <bool Uri::*Member>
Taken flag(std::string_view value, Uri& uri) {
  return take_bool(value, uri.*Member);
}
template <Milliseconds Uri::*Member, std::int64_t Least>
Taken time(std::string_view value, Uri& uri) {
  return take_time(value, Least, uri.*Member);
}
template <std::string net::TlsOptions::*Member>
Taken file(std::string_view value, Uri& uri) {
  uri.tls_options.*Member = value;
  return value.empty() ? Taken(Failure(Error::internal, "is empty")) : Taken();
}

constexpr std::array kOptions{
    Option{"appName", true, text<128>},
    Option{"authMechanism", true, take_mechanism},
    Option{"authSource", true, text<63>},
    Option{"connectTimeoutMS", true, time<&Uri::connect_timeout, 1>},
    Option{"directConnection", true, flag<&Uri::direct>},
    Option{"journal", false,
           [](std::string_view v, Uri& u) {
             bool on = false;
             auto taken = take_bool(v, on);
             u.write_concern.journal = on;
             return taken;
           }},
    Option{"heartbeatFrequencyMS", false, time<&Uri::heartbeat, 500>},
    Option{"localThresholdMS", true,
           [](std::string_view v, Uri& u) {
             return take_number(v, 0, 60'000, [&](std::int64_t n) { u.local_threshold = Milliseconds{n}; });
           }},
    Option{"maxConnecting", false, [](std::string_view v, Uri& u) { return take_count(v, 100, u.max_connecting); }},
    Option{"maxIdleTimeMS", false, time<&Uri::max_idle_time, 0>},
    Option{"maxPoolSize", false, [](std::string_view v, Uri& u) { return take_count(v, 10'000, u.max_connections); }},
    Option{"maxStalenessSeconds", true,
           [](std::string_view v, Uri& u) {
             return take_number(v, 90, 86'400, [&](std::int64_t n) { u.read_preference.max_staleness = Seconds{n}; });
           }},
    Option{"minPoolSize", false,
           [](std::string_view v, Uri& u) {
             return take_number(v, 0, 10'000, [&](std::int64_t n) { u.min_connections = static_cast<std::size_t>(n); });
           }},
    Option{"readConcernLevel", false,
           [](std::string_view v, Uri& u) {
             constexpr std::array<std::string_view, 4> kLevels{"local", "available", "majority", "linearizable"};
             return take_name(v, kLevels, u.read_concern);
           }},
    Option{"readPreference", true,
           [](std::string_view v, Uri& u) {
             constexpr std::array<std::string_view, 5> kModes{"primary", "primaryPreferred", "secondary", "secondaryPreferred",
                                                              "nearest"};
             return take_name(v, kModes, u.read_preference.mode);
           }},
    Option{"readPreferenceTags", true, [](std::string_view v, Uri& u) { return take_tags(v, u.read_preference); }},
    Option{"replicaSet", true, text<255>},
    Option{"retryReads", false, flag<&Uri::retry_reads>},
    Option{"retryWrites", false, flag<&Uri::retry_writes>},
    Option{"serverSelectionTimeoutMS", false, time<&Uri::server_selection_timeout, 1>},
    Option{"socketTimeoutMS", false, time<&Uri::socket_timeout, 0>},
    Option{"srvMaxHosts", true, number<1'000>},
    Option{"srvServiceName", true, text<63>},
    Option{"ssl", true, flag<&Uri::tls>},
    Option{"tls", true, flag<&Uri::tls>},
    Option{"tlsAllowInvalidCertificates", false,
           [](std::string_view v, Uri& u) { return take_inverted(v, u.tls_options.verify_certificate); }},
    Option{"tlsAllowInvalidHostnames", false,
           [](std::string_view v, Uri& u) { return take_inverted(v, u.tls_options.verify_name); }},
    Option{"tlsCAFile", false, file<&net::TlsOptions::ca_file>},
    Option{"tlsCertificateKeyFile", false, file<&net::TlsOptions::certificate_file>},
    Option{"tlsCertificateKeyFilePassword", false, file<&net::TlsOptions::key_password>},
    Option{"tlsInsecure", false,
           [](std::string_view v, Uri& u) {
             return take_insecure(v, u.tls_options.verify_certificate, u.tls_options.verify_name);
           }},
    Option{"w", false, [](std::string_view v, Uri& u) { return take_w(v, u.write_concern); }},
    Option{"waitQueueTimeoutMS", false, time<&Uri::wait_queue_timeout, 0>},
    Option{"wTimeoutMS", false, [](std::string_view v, Uri& u) { return take_time(v, 0, u.write_concern.timeout); }},
};

/// Options of other drivers, and why they are none here.
struct Refused {
  std::string_view name;
  std::string_view why;
};
constexpr std::array kRefused{
    Refused{"compressors", "messages are not compressed"},
    Refused{"zlibCompressionLevel", "messages are not compressed"},
    Refused{"loadBalanced", "load balancers are not supported"},
    Refused{"waitQueueMultiple", "use waitQueueTimeoutMS"},
    Refused{"authMechanismProperties", "no allowed mechanism has any"},
    Refused{"gssapiServiceName", "GSSAPI is not supported"},
    Refused{"canonicalizeHostname", "GSSAPI is not supported"},
    Refused{"timeoutMS", "use timeouts.store"},
    Refused{"serverSelectionTryOnce", "a server is looked for until there is one"},
    Refused{"serverMonitoringMode", "servers are asked every heartbeatFrequencyMS"},
    Refused{"socketCheckIntervalMS", "connections are watched all the time"},
    Refused{"safe", "use w"},
    Refused{"slaveOk", "use readPreference"},
    Refused{"tlsDisableOCSPEndpointCheck", "certificates are not checked over OCSP"},
    Refused{"tlsDisableCertificateRevocationCheck", "revocation lists are not checked"},
    Refused{"tlsCRLFile", "revocation lists are not checked"},
    Refused{"uuidRepresentation", "a UUID is shown as its text"},
    Refused{"proxyHost", "proxies are not supported"},
};

template <std::size_t N, class T>
const T* named(const std::array<T, N>& table, std::string_view name) {
  const std::string wanted = lower(name);
  const auto found = std::find_if(table.begin(), table.end(), [&](const T& t) { return lower(t.name) == wanted; });
  return found == table.end() ? nullptr : &*found;
}

/// An option that is not known, by its name where that can be nothing else: a part of a password that has `?` or `&` in it, not
/// percent-encoded, may stand in its place.
Failure unknown(std::string_view name, std::string_view rest, const std::vector<std::string>& seen) {
  constexpr std::size_t kLongest = 40;
  const bool well_formed = !name.empty() && name.size() <= kLongest && !is_digit(name[0]) &&
                           std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || is_digit(c); });
  const bool secret = rest.find_first_of("?@") != std::string_view::npos ||
                      std::find(seen.begin(), seen.end(), "tlsCertificateKeyFilePassword") != seen.end();
  if (!well_formed || secret) return wrong("", "it has an option that is not known");
  return wrong("", "it has an option that is not known, " + std::string(name));
}

/// Reads the options into `uri`, and puts together what libmongoc gets of them.
Result<std::string> read_options(std::string_view options, Uri& uri) {
  const std::string_view all = options;
  std::string driver;
  std::vector<std::string> seen;
  while (!options.empty()) {
    const std::size_t end = std::min(options.find('&'), options.size());
    const std::string_view pair = options.substr(0, end);
    options.remove_prefix(std::min(end + 1, options.size()));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) return wrong("", "the options after ? must be name=value, with & between them");
    const std::string_view name = pair.substr(0, equals);
    if (const auto* refused = named(kRefused, name)) return wrong(refused->name, "not served: " + std::string(refused->why));
    const auto* option = named(kOptions, name);
    if (option == nullptr) return unknown(name, all, seen);
    if (option->name != "readPreferenceTags") {
      if (std::find(seen.begin(), seen.end(), option->name) != seen.end()) return wrong(option->name, "stands there twice");
      seen.emplace_back(option->name);
    }
    const auto value = percent_decoded(pair.substr(equals + 1));
    if (!value) return wrong(option->name, "has a % without two hex digits");
    if (auto taken = option->take(*value, uri); !taken) return wrong(option->name, taken.error().detail);
    if (option->driver) driver.append(driver.empty() ? "?" : "&").append(pair);
  }
  return driver;
}

Result<void> check_together(const Uri& uri) {
  const ReadPreference& read = uri.read_preference;
  if (read.is_primary() && (!read.tags.empty() || read.max_staleness))
    return wrong("readPreference", "tags and staleness mean nothing where the primary is read from");
  if (read.max_staleness && *read.max_staleness < uri.heartbeat + kIdleWrites)
    return wrong("maxStalenessSeconds", "must be at least heartbeatFrequencyMS and 10 seconds");
  if (uri.min_connections > uri.max_connections) return wrong("minPoolSize", "is more than maxPoolSize");
  if (!uri.tls && (!uri.tls_options.ca_file.empty() || !uri.tls_options.certificate_file.empty()))
    return wrong("tls", "files for TLS are named, but it is off");
  if (uri.x509 && uri.tls_options.certificate_file.empty())
    return wrong("authMechanism", "MONGODB-X509 needs tls=true and tlsCertificateKeyFile");
  if (!read.is_primary() && uri.read_concern == "linearizable")
    return wrong("readConcernLevel", "linearizable needs readPreference=primary");
  return {};
}

/// What the driver itself has to say. Its messages may repeat parts of the URI.
Result<std::string> check_with_driver(const std::string& text, Uri& uri) {
  initialize();
  bson_error_t error{};
  const UriHandle handle(mongoc_uri_new_with_error(text.c_str(), &error));
  if (!handle)
    return wrong("",
                 "hosts, user, password or options are not as MongoDB's connection strings have them: "
                 ": / ? # [ ] @ and % in user and password are percent-encoded, ports end at 65535, and "
                 "directConnection has one host");
  uri.has_user = mongoc_uri_get_username(handle.get()) != nullptr;
  const char* password = mongoc_uri_get_password(handle.get());
  // libmongoc would only find out when it connects, and reads through a null pointer then.
  if (uri.has_user && !uri.x509 && (password == nullptr || *password == '\0'))
    return wrong("", "a user needs a password, after a colon (of the mechanisms only MONGODB-X509 has none)");
  const char* database = mongoc_uri_get_database(handle.get());
  return std::string(database == nullptr ? "" : database);
}

}  // namespace

Result<Uri> parse_uri(std::string_view text) {
  constexpr std::string_view kPlain = "mongodb://";
  constexpr std::string_view kSrv = "mongodb+srv://";
  Uri uri;
  if (!text.starts_with(kPlain) && !text.starts_with(kSrv)) return wrong("", "must begin with mongodb:// or mongodb+srv://");
  if (text.find('\0') != std::string_view::npos) return wrong("", "it holds a NUL");
  uri.tls = text.starts_with(kSrv);
  const std::size_t question = std::min(text.find('?'), text.size());
  std::string base(text.substr(0, question));
  if (base.find('/', base.find("//") + 2) == std::string::npos) base += '/';
  auto options = read_options(text.substr(std::min(question + 1, text.size())), uri);
  if (!options) return options.error();
  if (auto checked = check_together(uri); !checked) return checked.error();
  uri.driver = base + *options;
  const auto database = check_with_driver(uri.driver, uri);
  if (!database) return database.error();
  if (!database->empty()) uri.database = *database;
  constexpr std::size_t kLongestDatabase = 63;  // https://www.mongodb.com/docs/manual/reference/limits/
  if (uri.database.size() > kLongestDatabase || uri.database.find_first_of("/\\. \"$*<>:|?") != std::string::npos)
    return wrong("", "this is no name for a database");
  return uri;
}

}  // namespace nacre::mongo
