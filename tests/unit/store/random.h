#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "base/json.h"

namespace nacre::store {

/// Documents and list requests for the resource of query/example.h, the same for the same seed on every system.
class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}

  /// From 0 to `below` - 1.
  std::size_t number(std::size_t below) { return engine_() % below; }
  bool chance(std::size_t percent) { return number(100) < percent; }

  JsonObject document();
  /// A `where` within the limits of the language.
  Json filter() { return filter(2); }
  /// A `sort`, "" for none.
  std::string sort();

 private:
  Json filter(int depth);
  Json condition(const std::string& field, int depth);
  Json operand(const std::string& field);
  Json operand_list(const std::string& field);
  Json element_condition(const std::string& field, int depth);
  Json any_scalar();
  Json any_value(int depth);
  Json string();
  Json integer();
  Json real();
  Json date();
  Json item();

  std::mt19937 engine_;
};

}  // namespace nacre::store
