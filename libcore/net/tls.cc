#include "net/tls.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace nacre::net {

namespace {

int fd_of(BIO* bio) noexcept { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }

int send_plain(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t n = ::send(fd_of(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(n);
}

int receive_plain(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t n = ::recv(fd_of(bio), data, static_cast<std::size_t>(size), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(n);
}

/// OpenSSL's own socket BIO raises SIGPIPE when the peer has gone.
const BIO_METHOD* plain_socket() {
  struct Deleter {
    void operator()(BIO_METHOD* method) const noexcept { BIO_meth_free(method); }
  };
  static const std::unique_ptr<BIO_METHOD, Deleter> method = [] {
    std::unique_ptr<BIO_METHOD, Deleter> made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "nacre socket"));
    if (made == nullptr) return made;
    BIO_meth_set_write(made.get(), send_plain);
    BIO_meth_set_read(made.get(), receive_plain);
    BIO_meth_set_ctrl(made.get(), [](BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1L : 0L; });
    return made;
  }();
  return method.get();
}

bool is_address(const std::string& host) noexcept {
  in6_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 || ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

/// What OpenSSL said first; nothing of it stays behind for the next caller on this thread.
std::string reason() {
  const unsigned long error = ERR_peek_error();
  ERR_clear_error();
  if (ERR_SYSTEM_ERROR(error)) return std::strerror(ERR_GET_REASON(error));
  const char* const text = ERR_reason_error_string(error);
  return text != nullptr ? text : "not usable";
}

Failure bad_file(const std::string& file) {
  Failure failure(Error::internal);
  failure.internal = file + ": " + reason();
  return failure;
}

/// Never asks at a terminal. Gives nothing for a password that is too long.
int give_password(char* to, int size, int, void* password) {
  const auto& text = *static_cast<const std::string*>(password);
  if (text.size() > static_cast<std::size_t>(size)) return 0;
  std::copy(text.begin(), text.end(), to);
  return static_cast<int>(text.size());
}

Result<void> use_own_certificate(SSL_CTX* context, const TlsOptions& options) {
  if (options.certificate_file.empty()) return {};
  const std::string& key_file = options.key_file.empty() ? options.certificate_file : options.key_file;
  std::string password = options.key_password;
  SSL_CTX_set_default_passwd_cb(context, give_password);
  SSL_CTX_set_default_passwd_cb_userdata(context, &password);
  const bool has_certificate = SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) == 1;
  if (!has_certificate) return bad_file(options.certificate_file);
  const bool has_key = SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) == 1;
  SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
  SSL_CTX_set_default_passwd_cb(context, nullptr);
  if (!has_key || SSL_CTX_check_private_key(context) != 1) return bad_file(key_file);
  return {};
}

}  // namespace

Result<std::shared_ptr<const Tls>> Tls::make(const TlsOptions& options) {
  ERR_clear_error();
  const std::shared_ptr<Tls> tls(new Tls);
  tls->verify_name_ = options.verify_certificate && options.verify_name;
  tls->context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* const context = tls->context_.get();
  if (context == nullptr || plain_socket() == nullptr) return bad_file("TLS");
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_verify(context, options.verify_certificate ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!options.ca_file.empty()) {
    if (SSL_CTX_load_verify_file(context, options.ca_file.c_str()) != 1) return bad_file(options.ca_file);
  } else if (options.verify_certificate && SSL_CTX_set_default_verify_paths(context) != 1) {
    return bad_file("the system's certificates");
  }
  if (auto used = use_own_certificate(context, options); !used) return used.error();
  return std::shared_ptr<const Tls>(tls);
}

Tls::Session Tls::session(int fd, const std::string& host) const {
  Session session(SSL_new(context_.get()));
  BIO* const bio = session != nullptr ? BIO_new(plain_socket()) : nullptr;
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  SSL_set_bio(session.get(), bio, bio);
  SSL_set_connect_state(session.get());
  const bool address = is_address(host);
  if (!address && SSL_set_tlsext_host_name(session.get(), host.c_str()) != 1) return nullptr;
  if (!verify_name_) return session;
  X509_VERIFY_PARAM* const parameters = SSL_get0_param(session.get());
  X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const int set = address ? X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str())
                          : X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), host.size());
  return set == 1 ? std::move(session) : nullptr;
}

}  // namespace nacre::net
