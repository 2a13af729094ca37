#include "mongo/target.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <utility>

namespace nacre::mongo {
namespace {

struct BioDeleter {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
using BioHandle = std::unique_ptr<BIO, BioDeleter>;
struct CertificateDeleter {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};
using CertificateHandle = std::unique_ptr<X509, CertificateDeleter>;

/// The subject of a certificate as MongoDB names its user (RFC 4514); empty when there is none.
std::string subject_of(const std::string& file) {
  const BioHandle in(BIO_new_file(file.c_str(), "r"));
  if (!in) return {};
  const CertificateHandle certificate(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
  const BioHandle out(BIO_new(BIO_s_mem()));
  if (!certificate || !out) return {};
  if (X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate.get()), 0, XN_FLAG_RFC2253) < 0) return {};
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

void resolve(std::string& file, const std::filesystem::path& prefix) {
  if (!file.empty()) file = (prefix / file).lexically_normal().string();
}

}  // namespace

Result<Target> Target::make(std::string_view text, const std::filesystem::path& prefix) {
  auto uri = parse_uri(text);
  if (!uri) return uri.error();
  Target target;
  if (uri->tls) {
    resolve(uri->tls_options.ca_file, prefix);
    resolve(uri->tls_options.certificate_file, prefix);
    auto tls = net::Tls::make(uri->tls_options);
    if (!tls) return Failure(Error::internal, tls.error().internal);
    target.tls = std::move(*tls);
  }
  if (uri->x509 && !uri->has_user) {
    uri->x509_user = subject_of(uri->tls_options.certificate_file);
    if (uri->x509_user.empty()) return Failure(Error::internal, "tlsCertificateKeyFile: the certificate has no subject");
  }
  target.uri = std::make_shared<const Uri>(std::move(*uri));
  return target;
}

}  // namespace nacre::mongo
