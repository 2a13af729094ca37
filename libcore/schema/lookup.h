#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/node.h"
#include "schema/schema.h"

/// What a compiled schema says about places, without a document.
namespace nacre::schema {

/// What is known of a value that the node judges.
Field describe(const Node& node);

/// See Schema::field.
std::optional<Field> find_field(const Node& root, std::string_view dotted_path);

/// See Schema::allows.
bool may_have(const Node& root, std::string_view dotted_path);

/// See Schema::date_time_paths.
std::vector<std::string> find_date_times(const Node& root);

}  // namespace nacre::schema
