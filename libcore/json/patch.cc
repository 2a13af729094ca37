#include "json/patch.h"

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/compare.h"
#include "json/parse.h"
#include "json/pointer.h"

namespace nacre {
namespace {

enum class Verb : std::uint8_t { add, remove, replace, move, copy, test };
constexpr std::array<std::string_view, 6> kVerbs{"add", "remove", "replace", "move", "copy", "test"};

/// A pointer as it was written and taken apart.
struct Path {
  std::string text;
  std::vector<std::string> tokens;
};

struct Operation {
  Verb verb = Verb::test;
  Path path;
  Path from;                    ///< of move and copy
  const Json* value = nullptr;  ///< of add, replace and test
};

/// Why an operation can't be done, and the pointer that is to blame.
struct Refusal {
  Error error;
  const Path* path;
  const char* reason;
};

Failure malformed(std::size_t index, const std::string& what) {
  return {Error::bad_request, "operation " + std::to_string(index) + ": " + what};
}

const boost::json::string* string_member(const JsonObject& operation, std::string_view name) {
  const Json* member = operation.if_contains(name);
  return member == nullptr ? nullptr : member->if_string();
}

bool read_path(const JsonObject& operation, std::string_view name, Path& path) {
  const auto* text = string_member(operation, name);
  if (text == nullptr) return false;
  path.text.assign(text->data(), text->size());
  auto tokens = parse_pointer(path.text);
  if (!tokens) return false;
  path.tokens = std::move(*tokens);
  return true;
}

bool is_below(const Path& path, const Path& ancestor) {
  return path.tokens.size() > ancestor.tokens.size() &&
         std::equal(ancestor.tokens.begin(), ancestor.tokens.end(), path.tokens.begin());
}

Result<Operation> read_operation(const Json& json, std::size_t index) {
  const auto* object = json.if_object();
  if (object == nullptr) return malformed(index, "must be an object");
  const auto* op = string_member(*object, "op");
  const auto* verb = op == nullptr ? kVerbs.end() : std::find(kVerbs.begin(), kVerbs.end(), std::string_view{*op});
  if (verb == kVerbs.end()) return malformed(index, "\"op\" must be add, remove, replace, move, copy or test");

  Operation operation;
  operation.verb = static_cast<Verb>(verb - kVerbs.begin());
  if (!read_path(*object, "path", operation.path)) return malformed(index, "\"path\" must be a JSON Pointer");
  switch (operation.verb) {
    case Verb::remove:
      break;
    case Verb::move:
    case Verb::copy:
      if (!read_path(*object, "from", operation.from)) return malformed(index, "\"from\" must be a JSON Pointer");
      if (operation.verb == Verb::move && is_below(operation.path, operation.from)) {
        return malformed(index, "a value can't be moved into itself");
      }
      break;
    case Verb::add:
    case Verb::replace:
    case Verb::test:
      operation.value = object->if_contains("value");
      if (operation.value == nullptr) return malformed(index, "\"value\" is missing");
      break;
  }
  return operation;
}

Result<std::vector<Operation>> read_patch(const Json& patch) {
  const auto* array = patch.if_array();
  if (array == nullptr) return Failure{Error::bad_request, "a JSON Patch must be an array of operations"};
  if (array->size() > kMaxPatchOperations) {
    return Failure{Error::bad_request, "a JSON Patch must have at most " + std::to_string(kMaxPatchOperations) + " operations"};
  }
  std::vector<Operation> operations;
  operations.reserve(array->size());
  for (std::size_t i = 0; i < array->size(); ++i) {
    auto operation = read_operation((*array)[i], i);
    if (!operation) return operation.error();
    operations.push_back(std::move(*operation));
  }
  return operations;
}

/// What a value takes: about how many bytes of memory, and how many levels (a scalar: none).
struct Extent {
  std::size_t bytes = sizeof(Json);
  std::size_t depth = 0;
};

Extent measure(const Json& value) {
  Extent extent;
  const auto contain = [&extent](const Json& child, std::size_t name) {
    const Extent inner = measure(child);
    extent.bytes += inner.bytes + name;
    extent.depth = std::max(extent.depth, inner.depth + 1);
  };
  if (const auto* text = value.if_string()) {
    extent.bytes += text->size();
  } else if (const auto* array = value.if_array()) {
    extent.depth = 1;
    for (const Json& item : *array) contain(item, 0);
  } else if (const auto* object = value.if_object()) {
    extent.depth = 1;
    for (const auto& member : *object) contain(member.value(), sizeof(member) - sizeof(Json) + member.key().size());
  }
  return extent;
}

/// An object that hashes its names relocates each member that moves on its own.
std::size_t members_moved(const JsonObject& object, JsonObject::const_iterator from) {
  constexpr std::size_t kMostWithoutHash = 18;
  constexpr std::size_t kHashed = 8;
  return static_cast<std::size_t>(object.end() - from) * (object.capacity() > kMostWithoutHash ? kHashed : 1);
}

class Patcher {
 public:
  explicit Patcher(Json document) : document_(std::move(document)) {}

  Json take() { return std::move(document_); }

  std::optional<Refusal> apply(const Operation& operation) {
    const Path& path = operation.path;
    switch (operation.verb) {
      case Verb::add:
        return add(path, *operation.value, measure(*operation.value).depth);
      case Verb::remove:
        return remove(path);
      case Verb::replace:
        return replace(path, *operation.value);
      case Verb::move:
      case Verb::copy:
        return carry(operation);
      case Verb::test:
        break;
    }
    const Json* value = find(path, 0);
    if (value != nullptr && std::is_eq(compare_json(*value, *operation.value))) return std::nullopt;
    return Refusal{Error::conflict, &path, "is not what the test expects"};
  }

 private:
  static Refusal missing(const Path& path) { return {Error::unprocessable, &path, "does not exist"}; }

  /// The value that the path leads to, less its last `short_of` tokens.
  Json* find(const Path& path, std::size_t short_of) {
    Json* value = &document_;
    for (std::size_t i = 0; i + short_of < path.tokens.size() && value != nullptr; ++i) {
      const std::string& token = path.tokens[i];
      if (auto* object = value->if_object()) {
        value = object->if_contains(token);
      } else if (auto* array = value->if_array()) {
        const auto index = parse_array_index(token);
        value = index ? array->if_contains(*index) : nullptr;
      } else {
        value = nullptr;
      }
    }
    return value;
  }

  std::optional<Refusal> add(const Path& path, Json value, std::size_t depth) {
    if (path.tokens.size() + depth > kMaxJsonDepth) return Refusal{Error::unprocessable, &path, "would be nested too deep"};
    if (path.tokens.empty()) {
      document_ = std::move(value);
      return std::nullopt;
    }
    const std::string& token = path.tokens.back();
    Json* parent = find(path, 1);
    if (parent == nullptr) return Refusal{Error::unprocessable, &path, "has no parent to be added to"};
    if (auto* object = parent->if_object()) {
      object->insert_or_assign(token, std::move(value));
      return std::nullopt;
    }
    auto* array = parent->if_array();
    if (array == nullptr) return Refusal{Error::unprocessable, &path, "has a parent that is neither object nor array"};
    const auto index = token == "-" ? array->size() : parse_array_index(token);
    if (!index || *index > array->size()) return Refusal{Error::unprocessable, &path, "is no place in the array"};
    if (!may_move(array->size() - *index)) return Refusal{Error::unprocessable, &path, kMovesTooMuch};
    array->insert(array->begin() + *index, std::move(value));
    return std::nullopt;
  }

  std::optional<Refusal> remove(const Path& path) {
    Json* value = find(path, 0);
    if (value == nullptr) return missing(path);
    if (path.tokens.empty()) {
      document_ = nullptr;
      return std::nullopt;
    }
    Json* parent = find(path, 1);
    if (auto* object = parent->if_object()) {
      const auto member = object->find(path.tokens.back());
      if (!may_move(members_moved(*object, member))) return Refusal{Error::unprocessable, &path, kMovesTooMuch};
      object->stable_erase(member);
    } else {
      auto& array = parent->get_array();
      const auto index = value - array.data();
      if (!may_move(array.size() - static_cast<std::size_t>(index))) return Refusal{Error::unprocessable, &path, kMovesTooMuch};
      array.erase(array.begin() + index);
    }
    return std::nullopt;
  }

  std::optional<Refusal> replace(const Path& path, const Json& value) {
    Json* old = find(path, 0);
    if (old == nullptr) return missing(path);
    if (path.tokens.size() + measure(value).depth > kMaxJsonDepth) {
      return Refusal{Error::unprocessable, &path, "would be nested too deep"};
    }
    *old = value;
    return std::nullopt;
  }

  std::optional<Refusal> carry(const Operation& operation) {
    const bool move = operation.verb == Verb::move;
    Json* source = find(operation.from, 0);
    if (source == nullptr) return missing(operation.from);
    if (move && operation.from.tokens == operation.path.tokens) return std::nullopt;
    const Extent extent = measure(*source);
    carried_ += extent.bytes;
    if (carried_ > kMaxPatchCarried) return Refusal{Error::unprocessable, &operation.from, "is more than a patch may carry"};
    Json value = move ? std::move(*source) : *source;
    if (auto refusal = move ? remove(operation.from) : std::nullopt) return refusal;
    return add(operation.path, std::move(value), extent.depth);
  }

  bool may_move(std::size_t values) {
    moved_ += values;
    return moved_ <= kMaxPatchMoved;
  }

  static constexpr const char* kMovesTooMuch = "has more behind it than a patch may move";

  Json document_;
  std::size_t carried_ = 0;
  std::size_t moved_ = 0;
};

/// Removes the members that `patch` has as null, in one pass where they are many.
void remove_nulls(JsonObject& members, const JsonObject& patch) {
  constexpr std::size_t kFew = 8;
  std::vector<std::string_view> gone;
  for (const auto& change : patch) {
    if (change.value().is_null() && members.contains(change.key())) gone.push_back(change.key());
  }
  if (gone.size() <= kFew) {
    for (const std::string_view name : gone) members.stable_erase(name);
    return;
  }
  JsonObject kept(members.storage());
  kept.reserve(members.size() - gone.size());
  for (auto& member : members) {
    const Json* const change = patch.if_contains(member.key());
    if (change == nullptr || !change->is_null()) kept.emplace(member.key(), std::move(member.value()));
  }
  members = std::move(kept);
}

}  // namespace

Json merge_patch(Json target, const Json& patch) {
  const auto* changes = patch.if_object();
  if (changes == nullptr) return patch;
  if (!target.is_object()) target.emplace_object();
  auto& members = target.get_object();
  remove_nulls(members, *changes);
  for (const auto& change : *changes) {
    if (change.value().is_null()) continue;
    Json& member = members[change.key()];
    member = merge_patch(std::move(member), change.value());
  }
  return target;
}

Result<Json> apply_json_patch(Json document, const Json& patch) {
  auto operations = read_patch(patch);
  if (!operations) return operations.error();
  Patcher patcher{std::move(document)};
  for (std::size_t i = 0; i < operations->size(); ++i) {
    const Operation& operation = (*operations)[i];
    const auto refusal = patcher.apply(operation);
    if (!refusal) continue;
    const std::string verb{kVerbs[static_cast<std::size_t>(operation.verb)]};
    Failure failure{refusal->error,
                    "operation " + std::to_string(i) + " (" + verb + "): \"" + refusal->path->text + "\" " + refusal->reason};
    failure.errors.push_back({refusal->path->text, refusal->reason});
    return failure;
  }
  return patcher.take();
}

}  // namespace nacre
