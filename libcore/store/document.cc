#include "store/document.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <utility>

#include "json/parse.h"
#include "json/pointer.h"

namespace nacre::store {
namespace {

void append_integer(std::string& out, std::int64_t value) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

void append_owner(std::string& out, const Row& row) {
  if (row.owned) return append_json_string(out, row.owner);
  out += "null";
}

}  // namespace

void append_document(std::string& out, const Row& row) {
  out.reserve(out.size() + row.doc.size() + row.id.size() + 160);
  out += "{\"_id\":";
  append_json_string(out, row.id);
  out += ",\"_rev\":";
  append_integer(out, row.rev);
  out += ",\"_created\":";
  append_json_date(out, row.created);
  out += ",\"_updated\":";
  append_json_date(out, row.updated);
  out += ",\"_owner\":";
  append_owner(out, row);
  if (row.doc.size() > 2) out.append(",").append(row.doc.substr(1));
  if (row.doc.size() <= 2) out += "}";
}

namespace {

std::string text_of(const JsonObject& fields) {
  std::string text;
  append_json(text, fields);
  return text;
}

}  // namespace

std::string text_of(NewDocument&& document) {
  return document.text.empty() ? text_of(document.fields) : std::move(document.text);
}
std::string text_of(Fields&& fields) { return fields.text.empty() ? text_of(fields.values) : std::move(fields.text); }

void append_new_document(std::string& out, const NewDocument& document) {
  const std::string written = document.text.empty() ? text_of(document.fields) : std::string();
  append_document(out, {.id = document.id,
                        .created = document.created,
                        .updated = document.created,
                        .owner = document.owner ? std::string_view(*document.owner) : std::string_view{},
                        .owned = document.owner.has_value(),
                        .doc = document.text.empty() ? written : document.text});
}

Document render(const NewDocument& document) {
  Document rendered{{}, 1, document.created};
  append_new_document(rendered.json, document);
  return rendered;
}

void name_taken(Failure& failure, std::string_view keys, std::optional<std::size_t> place) {
  failure.detail = "another document has the same " + std::string(keys);
  std::string pointer;
  if (place) {
    failure.detail.insert(0, "document " + std::to_string(*place) + ": ");
    append_pointer_token(pointer, *place);
  }
  std::string_view path = keys.substr(0, keys.find(", "));
  for (std::size_t dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.')) {
    append_pointer_token(pointer, path.substr(0, dot));
    path.remove_prefix(dot + 1);
  }
  append_pointer_token(pointer, path);
  failure.errors.push_back({std::move(pointer), "is taken"});
}

Projection::Projection(const std::vector<std::string>& fields) {
  for (const auto& field : fields) add(nodes_, field);
}

void Projection::add(std::vector<Node>& nodes, std::string_view path) {
  std::vector<Node>* level = &nodes;
  for (;;) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    const std::string_view name = path.substr(0, dot);
    auto node = std::find_if(level->begin(), level->end(), [&](const Node& n) { return n.name == name; });
    if (node == level->end()) {
      level->push_back({std::string(name), {}});
      node = std::prev(level->end());
    }
    if (dot == path.size()) return;
    path.remove_prefix(dot + 1);
    level = &node->below;
  }
}

const Projection::Node* Projection::find(const std::vector<Node>& nodes, std::string_view name) {
  const auto node = std::find_if(nodes.begin(), nodes.end(), [&](const Node& n) { return n.name == name; });
  return node == nodes.end() ? nullptr : &*node;
}

/// Walks compact JSON text. It is our own, so it is not checked, but its end is respected.
class Projection::Scanner {
 public:
  Scanner(std::string_view text, std::string& out) : text_(text), out_(out) {}

  /// Appends the members of the object here that `nodes` name, each after a comma when `comma`, without the braces.
  void members(const std::vector<Node>& nodes, bool comma) {
    take('{');
    while (more() && text_[at_] != '}') {
      const std::string_view name = value();
      take(':');
      const Node* node = name.size() < 2 ? nullptr : find(nodes, name.substr(1, name.size() - 2));
      if (node == nullptr || (!node->below.empty() && !structured())) {
        value();
      } else {
        if (comma) out_ += ',';
        comma = true;
        out_.append(name).append(":");
        project(node->below);
      }
      if (more() && text_[at_] == ',') ++at_;
    }
    take('}');
  }

 private:
  bool more() const { return at_ < text_.size(); }
  bool structured() const { return more() && (text_[at_] == '{' || text_[at_] == '['); }
  void take(char c) {
    if (more() && text_[at_] == c) ++at_;
  }

  void project(const std::vector<Node>& nodes) {
    if (nodes.empty()) {
      out_ += value();
    } else if (text_[at_] == '{') {
      out_ += '{';
      members(nodes, false);
      out_ += '}';
    } else {
      elements(nodes);
    }
  }

  void elements(const std::vector<Node>& nodes) {
    out_ += '[';
    take('[');
    for (bool comma = false; more() && text_[at_] != ']';) {
      if (structured()) {
        if (comma) out_ += ',';
        comma = true;
        project(nodes);
      } else {
        value();
      }
      if (more() && text_[at_] == ',') ++at_;
    }
    take(']');
    out_ += ']';
  }

  /// Passes over the value here and gives its text.
  std::string_view value() {
    const std::size_t start = at_;
    int depth = 0;
    do {
      const char c = more() ? text_[at_] : '\0';
      if (c == '"') {
        string();
      } else if (c == '{' || c == '[') {
        ++depth;
        ++at_;
      } else if (c == '}' || c == ']') {
        --depth;
        ++at_;
      } else if (depth == 0) {
        at_ = std::min(text_.find_first_of(",]}", at_), text_.size());
      } else {
        ++at_;
      }
    } while (depth > 0 && more());
    return text_.substr(start, at_ - start);
  }

  void string() {
    for (++at_; more() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    at_ = std::min(at_ + 1, text_.size());
  }

  std::string_view text_;
  std::string& out_;
  std::size_t at_ = 0;
};

std::string Projection::of(std::string_view document) const {
  std::string out = "{";
  Scanner(document, out).members(nodes_, false);
  return out += '}';
}

void Projection::append(std::string& out, const Row& row) const {
  out += "{\"_id\":";
  append_json_string(out, row.id);
  if (has("_rev")) {
    out += ",\"_rev\":";
    append_integer(out, row.rev);
  }
  if (has("_created")) {
    out += ",\"_created\":";
    append_json_date(out, row.created);
  }
  if (has("_updated")) {
    out += ",\"_updated\":";
    append_json_date(out, row.updated);
  }
  if (has("_owner")) {
    out += ",\"_owner\":";
    append_owner(out, row);
  }
  Scanner(row.doc, out).members(nodes_, true);
  out += '}';
}

}  // namespace nacre::store
