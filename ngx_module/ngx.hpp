#pragma once

/// The only place that includes nginx's headers.
extern "C" {
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>
#include <ngx_thread_pool.h>
}

#include <concepts>
#include <string_view>

namespace nacre::nginx {

inline std::string_view to_view(const ngx_str_t& text) noexcept { return {reinterpret_cast<const char*>(text.data), text.len}; }

/// nginx keeps what it is given: the text must live as long as the request or the configuration. A C string does not compile,
/// since its length would be counted again and again.
template <std::same_as<std::string_view> Text>
ngx_str_t to_ngx_str(Text text) noexcept {
  return {text.size(), reinterpret_cast<u_char*>(const_cast<char*>(text.data()))};
}

}  // namespace nacre::nginx

extern ngx_module_t ngx_http_nacre_module;
extern ngx_module_t ngx_http_nacre_filter_module;
extern ngx_module_t ngx_http_nacre_late_filter_module;
