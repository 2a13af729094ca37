#pragma once

#include <mongoc/mongoc.h>

#include <memory>

/// libmongoc's objects. Included by .cc files only: nothing else of the project sees its headers.
namespace nacre::mongo {

template <auto Destroy>
struct Deleter {
  template <class T>
  void operator()(T* handle) const noexcept {
    Destroy(handle);
  }
};

using UriHandle = std::unique_ptr<mongoc_uri_t, Deleter<mongoc_uri_destroy>>;
using ClientHandle = std::unique_ptr<mongoc_client_t, Deleter<mongoc_client_destroy>>;
using ServerHandle = std::unique_ptr<mongoc_server_description_t, Deleter<mongoc_server_description_destroy>>;
using PreferenceHandle = std::unique_ptr<mongoc_read_prefs_t, Deleter<mongoc_read_prefs_destroy>>;

/// A document that libmongoc reads or writes.
class Bson {
 public:
  Bson() noexcept { bson_init(&bson_); }
  ~Bson() { bson_destroy(&bson_); }
  Bson(const Bson&) = delete;
  Bson& operator=(const Bson&) = delete;
  bson_t* get() noexcept { return &bson_; }

 private:
  bson_t bson_;
};

/// Once for each process, and again after a fork at will: makes libmongoc ready and silent.
void initialize();

}  // namespace nacre::mongo
