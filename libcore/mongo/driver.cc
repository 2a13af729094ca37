#include "mongo/driver.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "mongo/election.h"

namespace nacre::mongo {
namespace {

Failure no_server(const std::string& why) {
  Failure failure(Error::unavailable, "the store is away");
  failure.internal = why;
  return failure;
}

/// What its answer to `hello` says of it.
Server describe(const mongoc_server_description_t* description) {
  const bson_t* hello = mongoc_server_description_hello_response(description);
  const auto has = [&](const char* field) { return bson_has_field(hello, field); };
  bson_iter_t found;
  Server server{.address = mongoc_server_description_host(description)->host_and_port};
  server.router = bson_iter_init_find(&found, hello, "msg") && BSON_ITER_HOLDS_UTF8(&found) &&
                  std::string_view(bson_iter_utf8(&found, nullptr)) == "isdbgrid";
  server.replicated = server.router || has("setName");
  server.transactions = server.replicated && has("logicalSessionTimeoutMinutes");
  return server;
}

/// A command on the connection makes libmongoc authenticate on it.
bool authenticate(mongoc_client_t* client, const mongoc_server_description_t* description, bson_error_t* error) {
  Bson ping;
  BSON_APPEND_INT32(ping.get(), "ping", 1);
  return mongoc_client_command_simple_with_server_id(client, "admin", ping.get(), nullptr,
                                                     mongoc_server_description_id(description), nullptr, error);
}

}  // namespace

Result<UriHandle> driver_uri(const Target& target, Milliseconds patience) {
  initialize();
  bson_error_t error{};
  UriHandle uri(mongoc_uri_new_with_error(target.uri->driver.c_str(), &error));
  if (!uri) return no_server(error.message);
  const auto set = [&](const char* name, std::int64_t value) {
    constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
    mongoc_uri_set_option_as_int32(uri.get(), name, static_cast<std::int32_t>(std::clamp<std::int64_t>(value, 1, kMost)));
  };
  set(MONGOC_URI_SERVERSELECTIONTIMEOUTMS, patience.count());
  set(MONGOC_URI_CONNECTTIMEOUTMS, target.uri->connect_timeout.count());
  set(MONGOC_URI_SOCKETTIMEOUTMS, std::numeric_limits<std::int32_t>::max());  // patience is what ends a wait
  set(MONGOC_URI_HEARTBEATFREQUENCYMS, target.uri->heartbeat.count());        // by which it guesses how late a member is
  // Of one host alone libmongoc would not ask for the other members of its set.
  if (!target.uri->direct) mongoc_uri_set_option_as_bool(uri.get(), MONGOC_URI_DIRECTCONNECTION, false);
  if (!target.uri->x509_user.empty()) mongoc_uri_set_username(uri.get(), target.uri->x509_user.c_str());
  return uri;
}

Result<std::unique_ptr<Driver>> Driver::connect(const Target& target, Role role, const net::Patience& patience) {
  auto uri = driver_uri(target, patience.until - monotonic_now());
  if (!uri) return uri.error();
  const auto* preference = role == Role::reader ? mongoc_uri_get_read_prefs_t(uri->get()) : nullptr;
  std::unique_ptr<Driver> driver(new Driver(target, std::move(*uri), preference, patience));  // NOLINT: a private constructor
  if (auto selected = driver->select(preference); !selected) return selected.error();
  return driver;
}

/// A reader finds another one in place of a stale primary, where there is any. nullptr: there is no server.
ServerHandle Driver::select_server(const mongoc_read_prefs_t* preference, bson_error_t& error) {
  ServerHandle selected(mongoc_client_select_server(client_.get(), preference == nullptr, preference, &error));
  streams_.end_search();
  const auto election = selected ? election_of(*selected) : std::nullopt;
  const bool stale = election && target_.members->is_stale(*election);
  const auto* const others = stale ? streams_.without_primary() : nullptr;
  if (others != nullptr) selected.reset(mongoc_client_select_server(client_.get(), false, others, &error));
  return selected;
}

Result<void> Driver::select(const mongoc_read_prefs_t* preference) {
  bson_error_t error{};
  client_.reset(mongoc_client_new_from_uri_with_error(uri_.get(), &error));
  if (!client_) return no_server(error.message);
  mongoc_client_set_error_api(client_.get(), MONGOC_ERROR_API_VERSION_2);
  streams_.serve(client_.get());
  const ServerHandle selected = select_server(preference, error);
  if (!selected) return no_server(streams_.why_none(error.message));
  const auto election = target_.uri->direct ? std::nullopt : election_of(*selected);
  if (election && target_.members->note_claim(*election) == Members::Claim::stale) {
    return no_server(streams_.why_none("a stale primary"));
  }
  if (!authenticate(client_.get(), selected.get(), &error)) return no_server(error.message);
  server_id_ = mongoc_server_description_id(selected.get());
  server_ = describe(selected.get());
  server_.election = election;
  if (preference == nullptr && server_.replicated && !server_.router) target_.members->note_primary(server_.address);
  return {};
}

Result<Answer> Driver::call(Command command, Monotonic until) {
  streams_.set_until(until);
  std::string document;
  BsonWriter bson(document);
  bson.document([&] { command(bson); });
  bson_t sent;
  if (!bson_init_static(&sent, reinterpret_cast<const std::uint8_t*>(document.data()), document.size())) return malformed();
  Bson reply;
  bson_error_t error{};
  bson_destroy(reply.get());  // which is initialized by the call
  mongoc_client_command_simple_with_server_id(client_.get(), target_.uri->database.c_str(), &sent, nullptr, server_id_,
                                              reply.get(), &error);
  if (!bson_has_field(reply.get(), "ok")) return no_server(error.message);
  auto copy = std::make_unique<char[]>(reply.get()->len);  // NOLINT(*-avoid-c-arrays): as Reply has it
  std::memcpy(copy.get(), bson_get_data(reply.get()), reply.get()->len);
  Reply whole(std::move(copy), 0, reply.get()->len);
  const auto view = ReplyView::read(whole.document());
  if (!view) return view.error();
  return Answer{std::move(whole), *view, view->error()};
}

}  // namespace nacre::mongo
