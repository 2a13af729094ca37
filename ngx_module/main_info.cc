#include "main_info.h"

#include <sodium.h>

#include <cstring>
#include <new>

namespace nacre::nginx {

namespace {

using HexTable = std::array<std::array<char, 2>, 256>;

constexpr HexTable make_hex_table() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  HexTable table{};
  for (unsigned i = 0; i < table.size(); ++i) {
    table[i][0] = kDigits[i >> 4U];
    table[i][1] = kDigits[i & 15U];
  }
  return table;
}

constexpr HexTable kHex = make_hex_table();

/// 16 random bytes as hex, of which many are made at a time from one seed: the system's own cost a call for every 256 bytes.
void make_id(std::array<char, 32>& id) noexcept {
  static std::array<unsigned char, 4096> pool;
  static std::size_t used = pool.size();
  static ngx_pid_t owner = 0;
  if (used == pool.size() || owner != ngx_pid) {
    std::array<unsigned char, randombytes_SEEDBYTES> seed{};
    randombytes_buf(seed.data(), seed.size());
    randombytes_buf_deterministic(pool.data(), pool.size(), seed.data());
    used = 0;
    owner = ngx_pid;
  }
  for (std::size_t i = 0; i < id.size(); i += 2) std::memcpy(id.data() + i, kHex[pool[used++]].data(), 2);
}

/// Marks the cleanup whose data is a MainInfo; there is nothing to clean up.
void keep(void*) noexcept {}

}  // namespace

MainInfo* MainInfo::find(ngx_http_request_t* r) noexcept {
  ngx_http_request_t* const main = r->main;
  auto* info = static_cast<MainInfo*>(ngx_http_get_module_ctx(main, ngx_http_nacre_filter_module));
  if (info != nullptr || !(main->internal || main->filter_finalize)) return info;
  for (const ngx_pool_cleanup_t* cleanup = main->pool->cleanup; cleanup != nullptr; cleanup = cleanup->next) {
    if (cleanup->handler != keep) continue;
    info = static_cast<MainInfo*>(cleanup->data);
    ngx_http_set_ctx(main, info, ngx_http_nacre_filter_module);
    break;
  }
  return info;
}

MainInfo* MainInfo::of(ngx_http_request_t* r) noexcept {
  if (MainInfo* const info = find(r)) return info;
  ngx_pool_cleanup_t* const cleanup = ngx_pool_cleanup_add(r->main->pool, sizeof(MainInfo));
  if (cleanup == nullptr) return nullptr;
  auto* const info = new (cleanup->data) MainInfo;
  make_id(info->id_text);
  cleanup->handler = keep;
  ngx_http_set_ctx(r->main, info, ngx_http_nacre_filter_module);
  return info;
}

}  // namespace nacre::nginx
