#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <filesystem>
#include <memory>
#include <string>

namespace nacre::net {

struct KeyDeleter {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
struct CertificateDeleter {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};
using Key = std::unique_ptr<EVP_PKEY, KeyDeleter>;
using Certificate = std::unique_ptr<X509, CertificateDeleter>;

/// An authority of a test's own, whose certificates are PEM files in a folder that it deletes.
class Authority {
 public:
  explicit Authority(const std::string& name = "test authority");
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  std::string file() const { return (folder_ / "ca.pem").string(); }
  /// A file with a certificate and its key. `names` as OpenSSL writes them: "DNS:a.test,IP:127.0.0.1". Good from a day before
  /// now until `days` after it.
  std::string issue(const std::string& name, const std::string& names, int days = 1);

 private:
  std::filesystem::path folder_;
  Key key_;
  Certificate certificate_;
};

}  // namespace nacre::net
