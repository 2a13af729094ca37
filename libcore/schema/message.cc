#include "schema/message.h"

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "json/write.h"

namespace nacre::schema {
namespace {

constexpr std::size_t kLongestList = 200;

std::string counted(std::string_view bound, std::size_t count, std::string_view noun) {
  std::string text = "must have " + std::string{bound} + " " + std::to_string(count) + " " + std::string{noun};
  if (count != 1) text += 's';
  return text;
}

std::string with_value(std::string_view text, const Json& value) { return std::string{text} + json_text(value); }

/// "null, a string or an object". A number includes the integers.
std::string type_list(std::uint8_t types) {
  constexpr std::array<std::pair<std::uint8_t, std::string_view>, 7> kNames{{{kNumber, "a number"},
                                                                             {kInteger, "an integer"},
                                                                             {kString, "a string"},
                                                                             {kBoolean, "true or false"},
                                                                             {kArray, "an array"},
                                                                             {kObject, "an object"},
                                                                             {kNull, "null"}}};
  if ((types & kNumber) != 0) types &= static_cast<std::uint8_t>(~kInteger);
  std::string text;
  for (const auto& [type, name] : kNames) {
    if ((types & type) == 0) continue;
    types &= static_cast<std::uint8_t>(~type);
    if (!text.empty()) text += types == 0 ? " or " : ", ";
    text += name;
  }
  return text;
}

std::string choice_list(const std::vector<Json>& choices) {
  std::string text = "must be one of ";
  for (const Json& choice : choices) {
    if (&choice != &choices.front()) text += ", ";
    text += json_text(choice);
    if (text.size() > kLongestList) return "must be one of the " + std::to_string(choices.size()) + " values that are allowed";
  }
  return choices.size() == 1 ? with_value("must be ", choices.front()) : text;
}

}  // namespace

std::string message(Rule rule, const Node& node) {
  switch (rule) {
    case Rule::never:
      return "is not allowed";
    case Rule::type:
      return "must be " + type_list(node.types);
    case Rule::choices:
      return choice_list(*node.choices);
    case Rule::constant:
      return with_value("must be ", *node.constant);
    case Rule::minimum:
      return with_value("must be at least ", *node.minimum);
    case Rule::maximum:
      return with_value("must be at most ", *node.maximum);
    case Rule::exclusive_minimum:
      return with_value("must be greater than ", *node.exclusive_minimum);
    case Rule::exclusive_maximum:
      return with_value("must be less than ", *node.exclusive_maximum);
    case Rule::multiple_of:
      return with_value("must be a multiple of ", *node.multiple_of);
    case Rule::least_length:
      return counted("at least", node.length.least, "character");
    case Rule::most_length:
      return counted("at most", node.length.most, "character");
    case Rule::pattern:
      return "must match the pattern " + node.pattern->text();
    case Rule::format:
      return "must be " + std::string{format_description(node.format)};
    case Rule::least_items:
      return counted("at least", node.items.least, "item");
    case Rule::most_items:
      return counted("at most", node.items.most, "item");
    case Rule::unique:
      return "must not have equal items";
    case Rule::contains:
      return "must have an item of the form that is asked for";
    case Rule::least_members:
      return counted("at least", node.members.least, "member");
    case Rule::most_members:
      return counted("at most", node.members.most, "member");
    case Rule::required:
      return "is required";
    case Rule::name:
      return "has a name that is not allowed";
    case Rule::any_of:
      return "must have one of the forms that are allowed";
    case Rule::one_of:
      return "must have exactly one of the forms that are allowed";
    case Rule::negated:
      return "has a form that is not allowed";
    case Rule::too_complex:
      return "is too complex to be checked";
  }
  return {};
}

}  // namespace nacre::schema
