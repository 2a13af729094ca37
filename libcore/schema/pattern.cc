#define PCRE2_CODE_UNIT_WIDTH 8

#include "schema/pattern.h"

#include <pcre2.h>

#include <array>
#include <cstdint>
#include <utility>

#include "schema/ecma_regex.h"

namespace nacre::schema {
namespace {

// The interpreter keeps its frames on the heap; the just-in-time code would want 32 KiB of a fiber's stack.
constexpr std::uint32_t kUsualSteps = 2'000;
constexpr std::uint32_t kMaxMatchSteps = 500'000;
constexpr std::uint32_t kMaxHeapKiB = 8 * 1024;
// The compiler recurses for each parenthesis.
constexpr std::uint32_t kMaxParentheses = 32;
constexpr std::size_t kMaxPatternLength = 16 * 1024;

// As ECMA-262 has it, a group that did not take part matches empty.
constexpr std::uint32_t kOptions = PCRE2_UTF | PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C;

template <auto FreeFunction>
struct Releases {
  template <class T>
  void operator()(T* handle) const noexcept {
    FreeFunction(handle);
  }
};
using CompileContext = std::unique_ptr<pcre2_compile_context, Releases<pcre2_compile_context_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Releases<pcre2_match_context_free>>;
using MatchData = std::unique_ptr<pcre2_match_data, Releases<pcre2_match_data_free>>;

MatchContext limits(std::uint32_t steps) {
  MatchContext context{pcre2_match_context_create(nullptr)};
  if (context) {
    pcre2_set_match_limit(context.get(), steps);
    pcre2_set_heap_limit(context.get(), kMaxHeapKiB);
  }
  return context;
}

}  // namespace

void Pattern::Free::operator()(pcre2_real_code_8* code) const noexcept { pcre2_code_free(code); }

Result<Pattern> Pattern::compile(std::string_view text) {
  const CompileContext context{pcre2_compile_context_create(nullptr)};
  if (!context) return Failure{Error::internal, "no memory for a pattern"};
  pcre2_set_parens_nest_limit(context.get(), kMaxParentheses);
  if (text.size() > kMaxPatternLength) return Failure{Error::unprocessable, "longer than 16 KiB"};
  const auto translated = to_pcre2(text);
  if (!translated) return translated.error();

  int error = 0;
  PCRE2_SIZE offset = 0;
  Code code{pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated->data()), translated->size(), kOptions, &error, &offset,
                          context.get())};
  if (code) return Pattern{std::string{text}, std::move(code)};

  std::array<PCRE2_UCHAR, 128> message{};
  pcre2_get_error_message(error, message.data(), message.size());
  // What ECMA-262 has and PCRE2 has not (a lookbehind without a bound), or more than it can hold. Its offset is of no use: it
  // counts in the translation.
  return Failure{Error::unprocessable, reinterpret_cast<const char*>(message.data())};
}

Pattern::Found Pattern::search(std::string_view text, Effort effort) const noexcept {
  static const MatchContext usual = limits(kUsualSteps);
  static const MatchContext great = limits(kMaxMatchSteps);
  const MatchContext& context = effort == Effort::usual ? usual : great;
  const MatchData data{pcre2_match_data_create(1, nullptr)};
  if (!data || !context) return Found::gave_up;
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  const int result = pcre2_match(code_.get(), subject, text.size(), 0, 0, data.get(), context.get());
  if (result >= 0) return Found::yes;
  const bool limited = result == PCRE2_ERROR_MATCHLIMIT || result == PCRE2_ERROR_HEAPLIMIT || result == PCRE2_ERROR_NOMEMORY;
  return limited ? Found::gave_up : Found::no;
}

}  // namespace nacre::schema
