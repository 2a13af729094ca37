#include "schema/bundle.h"

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/ascii.h"

namespace nacre::schema {
namespace {

Json* mutable_at(Json& json, std::string_view pointer) {
  return const_cast<Json*>(value_at(json, pointer));  // NOLINT(cppcoreguidelines-pro-type-const-cast): json is not const
}

/// A pointer as the fragment of a URI (RFC 6901 §6).
std::string fragment_of(const std::string& pointer) {
  constexpr std::string_view kHexDigits = "0123456789ABCDEF";
  constexpr std::string_view kAllowedInFragment = "-._~!$&'()*+,;=:@/?";
  std::string fragment = "#";
  for (const char c : pointer) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_alnum(c) || kAllowedInFragment.find(c) != std::string_view::npos) {
      fragment += c;
    } else {
      fragment.append({'%', kHexDigits[byte >> 4U], kHexDigits[byte & 0xFU]});
    }
  }
  return fragment;
}

bool is_below(const Location& place, const Location& outer) {
  return place.document == outer.document && place.pointer.starts_with(outer.pointer) &&
         (place.pointer.size() == outer.pointer.size() || place.pointer[outer.pointer.size()] == '/');
}

class Bundle {
 public:
  Bundle(const Documents& documents, const std::vector<Reference>& references)
      : root_(documents.root()), references_(references), result_(root_.json) {}

  Json take() {
    rewrite(result_, {&root_, ""});
    for (; !waiting_.empty(); waiting_.pop_front()) {
      const auto place = waiting_.front();
      auto copy = *value_at(place.document->json, place.pointer);
      rewrite(copy, place);
      auto& definitions = result_.as_object()["definitions"];
      if (!definitions.is_object()) definitions.emplace_object();
      definitions.get_object()[names_.at(place)] = std::move(copy);
    }
    return std::move(result_);
  }

 private:
  /// `copy` is what stands at `place`.
  void rewrite(Json& copy, const Location& place) {
    // Within one document these would lead references astray.
    for (const auto& [pointer, base] : place.document->bases) {
      const Location at{place.document, pointer};
      if (!is_below(at, place) || (at.document == &root_ && pointer.empty())) continue;
      auto* schema = mutable_at(copy, std::string_view(pointer).substr(place.pointer.size()));
      if (schema != nullptr && schema->is_object()) schema->get_object().erase("$id");
    }
    for (const auto& [from, to] : references_) {
      if (!is_below(from, place)) continue;
      auto* schema = mutable_at(copy, std::string_view(from.pointer).substr(place.pointer.size()));
      const auto fragment = fragment_of(to.document == &root_ ? to.pointer : "/definitions/" + name_of(to));
      schema->get_object()["$ref"] = fragment;
    }
  }

  /// The name among the definitions; its place waits to be copied.
  std::string name_of(const Location& place) {
    if (const auto known = names_.find(place); known != names_.end()) return known->second;
    auto name = place.pointer.substr(place.pointer.rfind('/') + 1);
    const auto& uri = place.document->uri;
    if (name.empty()) name = uri.substr(uri.rfind('/') + 1);
    for (auto& c : name) c = is_alnum(c) || c == '-' || c == '_' || c == '.' ? c : '_';
    const auto stem = name;
    for (int i = 2; is_taken(name); ++i) name = stem + '_' + std::to_string(i);
    names_.emplace(place, name);
    waiting_.push_back(place);
    return name;
  }

  bool is_taken(const std::string& name) const {
    for (const auto& [place, taken] : names_) {
      if (taken == name) return true;
    }
    return value_at(root_.json, "/definitions/" + name) != nullptr;
  }

  const Document& root_;
  const std::vector<Reference>& references_;
  Json result_;
  std::map<Location, std::string> names_;
  std::deque<Location> waiting_;
};

}  // namespace

Json bundled(const Documents& documents, const std::vector<Reference>& references) {
  return references.empty() ? documents.root().json : Bundle{documents, references}.take();
}

}  // namespace nacre::schema
