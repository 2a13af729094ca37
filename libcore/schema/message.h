#pragma once

#include <cstdint>
#include <string>

#include "schema/node.h"

namespace nacre::schema {

/// What a value can fail; one for each thing that a human is told.
enum class Rule : std::uint8_t {
  never,
  type,
  choices,
  constant,
  minimum,
  maximum,
  exclusive_minimum,
  exclusive_maximum,
  multiple_of,
  least_length,
  most_length,
  pattern,
  format,
  least_items,
  most_items,
  unique,
  contains,
  least_members,
  most_members,
  required,
  name,
  any_of,
  one_of,
  negated,
  too_complex,
};

/// What is asked of a value that fails the rule of the node, to be read after the value's name: "must be at least 3".
std::string message(Rule rule, const Node& node);

}  // namespace nacre::schema
