#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "http/request.h"

/// The requests that a resource answers, as one table from which both
/// descriptions are made.
namespace nacre::describe {

struct Operation {
  std::string_view name;                       ///< the second part of `$nacre_route`: notes.read
  std::string_view method;                     ///< in lower case, as OpenAPI has it
  bool item;                                   ///< of one document: /notes/{id}
  config::AccessRule config::Access::*access;  ///< nullptr: open to all
  std::string_view summary;
  std::string_view success;  ///< statuses of good answers, with commas
  std::string_view failures;
  std::string_view parameters;  ///< names of parameters, with commas
};

std::span<const Operation> operations() noexcept;

/// Whether anybody may ask for it.
bool is_offered(const config::Resource& resource, const Operation& operation) noexcept;

/// "anybody", "signed-in users", "the owner, and administrators", "users of
/// role editor", "nobody".
std::string who(const config::AccessRule& rule);

struct Problem {
  std::string_view status;
  std::string_view title;
  std::string_view reasons;
};

/// Each error of the API (contract, section 4).
std::span<const Problem> problems() noexcept;

/// The names in a path's braces: "name" of "/hello/{name}".
std::vector<std::string_view> path_parameters(std::string_view path);

/// "get", as OpenAPI names methods.
std::string_view method_name(http::Method method) noexcept;

/// The parts of a list with commas.
std::vector<std::string_view> split(std::string_view list);

}  // namespace nacre::describe
