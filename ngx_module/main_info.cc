#include "main_info.h"

#include <sodium.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <new>

#include "request_ctx.h"

namespace nacre::nginx {

namespace {

/// The lower halves of eight bytes as eight hex digits, all at once.
std::uint64_t hex_of_halves(std::uint64_t bytes) noexcept {
  const std::uint64_t digits = bytes & 0x0F0F0F0F0F0F0F0FU;
  const std::uint64_t letters = (digits + 0x0606060606060606U) >> 4U & 0x0101010101010101U;
  return digits + 0x3030303030303030U + letters * ('a' - '9' - 1);
}

/// Ids that nobody else makes: xoroshiro128++ from a random seed of this process. They are no secrets.
void make_id(std::array<char, 32>& id) noexcept {
  static std::array<std::uint64_t, 2> state;
  static ngx_pid_t owner = 0;
  if (owner != ngx_pid) {
    randombytes_buf(state.data(), sizeof state);
    owner = ngx_pid;
  }
  for (std::size_t i = 0; i < id.size(); i += 2 * sizeof(std::uint64_t)) {
    auto& [a, b] = state;
    const std::uint64_t number = std::rotl(a + b, 17) + a;
    b ^= a;
    a = std::rotl(a, 49) ^ b ^ (b << 21U);
    b = std::rotl(b, 28);
    const std::array<std::uint64_t, 2> digits{hex_of_halves(number), hex_of_halves(number >> 4U)};
    std::memcpy(id.data() + i, digits.data(), sizeof digits);
  }
}

/// Marks the cleanup whose data is a MainInfo, too.
void destroy(void* info) noexcept { RequestCtx::destroy(static_cast<MainInfo*>(info)->contexts); }

}  // namespace

MainInfo* MainInfo::find(ngx_http_request_t* r) noexcept {
  ngx_http_request_t* const main = r->main;
  auto* info = static_cast<MainInfo*>(ngx_http_get_module_ctx(main, ngx_http_nacre_filter_module));
  if (info != nullptr || !(main->internal || main->filter_finalize)) return info;
  for (const ngx_pool_cleanup_t* cleanup = main->pool->cleanup; cleanup != nullptr; cleanup = cleanup->next) {
    if (cleanup->handler != destroy) continue;
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
  cleanup->handler = destroy;
  ngx_http_set_ctx(r->main, info, ngx_http_nacre_filter_module);
  return info;
}

}  // namespace nacre::nginx
