#include "mongo/handshake.h"

#include <algorithm>

#include "mongo/stream.h"

namespace nacre::mongo {
namespace {

Failure not_opened(const std::string& why) {
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

Result<Opened> handshake(const Target& target, Role role, const net::Patience& patience) {
  initialize();
  const Uri& uri = *target.uri;
  bson_error_t error{};
  const UriHandle parsed(mongoc_uri_new_with_error(uri.driver.c_str(), &error));
  if (!parsed) return not_opened(error.message);
  const auto left = std::max<std::int64_t>(1, (patience.until - monotonic_now()).count());
  const auto set = [&](const char* name, std::int64_t value) {
    mongoc_uri_set_option_as_int32(parsed.get(), name, static_cast<std::int32_t>(value));
  };
  set(MONGOC_URI_SERVERSELECTIONTIMEOUTMS, left);
  set(MONGOC_URI_CONNECTTIMEOUTMS, uri.connect_timeout.count());
  if (!uri.x509_user.empty()) mongoc_uri_set_username(parsed.get(), uri.x509_user.c_str());
  const auto* preference = role == Role::reader ? mongoc_uri_get_read_prefs_t(parsed.get()) : nullptr;
  Streams streams(target, preference, patience);
  const ClientHandle client(mongoc_client_new_from_uri_with_error(parsed.get(), &error));
  if (!client) return not_opened(error.message);
  mongoc_client_set_error_api(client.get(), MONGOC_ERROR_API_VERSION_2);
  streams.serve(client.get());
  const ServerHandle selected(mongoc_client_select_server(client.get(), role == Role::primary, preference, &error));
  std::optional<Server> server;
  if (selected && authenticate(client.get(), selected.get(), &error)) server = describe(selected.get());
  Opened opened{streams.take(server ? server->address : ""), server.value_or(Server{})};
  if (!server) return not_opened(selected ? error.message : streams.why_none(error.message));
  if (!opened.socket.is_open()) return not_opened("no connection to the server that was selected");
  return opened;
}

}  // namespace nacre::mongo
