#include "config/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <unordered_set>
#include <utility>

#include "config/surrogates.h"

namespace nacre::config {
namespace {

constexpr std::size_t kDeepest = 64;
constexpr std::size_t kLargest = 16U << 20U;  ///< bytes that all values may take, those copied by aliases included
constexpr std::string_view kMerge = "<<";
constexpr std::string_view kKeys = "allowed: `key: value`, where the key is text";

Mark to_mark(const YAML::Mark& mark) { return {mark.line, mark.column}; }

struct Size {
  std::size_t bytes = sizeof(Value);
  std::size_t height = 1;
};

Size measure(const Value& value) {
  Size size;
  size.bytes += value.text.size();
  const auto add = [&](const Value& child) {
    const auto inner = measure(child);
    size.bytes += inner.bytes;
    size.height = std::max(size.height, inner.height + 1);
  };
  for (const auto& item : value.items) add(item);
  for (const auto& member : value.members) {
    size.bytes += member.key.size();
    add(member.value);
  }
  return size;
}

/// Builds the tree from yaml-cpp's events. Its own tree (YAML::Node) forgets duplicate keys, tags and where an alias stood.
class Builder final : public YAML::EventHandler {
 public:
  Builder(const Source& source, const Surrogates& surrogates) : source_(source), surrogates_(surrogates) {}

  Value take() { return std::move(root_); }
  std::optional<Mark> innermost() const { return open_.empty() ? std::nullopt : std::optional(open_.back().value.mark); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) source_.fail(to_mark(mark), "a second document", "allowed: one YAML document in a file");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add({Value::Kind::null, to_mark(mark)}, anchor); }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& text) override {
    const bool quoted = tag == "!";
    if (!quoted) check_tag(mark, tag);
    if (quoted) check_quotes(mark);
    Value value(Value::Kind::scalar, to_mark(mark));
    value.plain = !quoted;
    value.text = text;
    if (!surrogates_.restore(value.text))
      source_.fail(value.mark, "a surrogate escape without its other half", "allowed: both halves, as in \\ud83d\\ude00");
    add(std::move(value), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      source_.fail(to_mark(mark), "an alias inside what it stands for", "allowed: *NAME after the value of &NAME");
    const auto size = measure(found->second);
    charge(to_mark(mark), size.bytes);
    if (open_.size() + size.height > kDeepest) fail_depth(to_mark(mark));
    append(found->second);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Value::Kind::sequence, mark, tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(Value::Kind::mapping, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override {
    check_duplicates(open_.back().value);
    merge(open_.back());
    close();
  }

 private:
  struct Open {
    Value value;
    YAML::anchor_t anchor = 0;
    std::optional<Value> key = std::nullopt;  ///< waits for its value
    bool merges = false;                      ///< has a key `<<` without quotes
  };

  void open(Value::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    check_tag(mark, tag);
    if (open_.size() >= kDeepest) fail_depth(to_mark(mark));
    open_.push_back({.value = {kind, to_mark(mark)}, .anchor = anchor});
  }

  void close() {
    auto done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.value), done.anchor);
  }

  void add(Value value, YAML::anchor_t anchor) {
    charge(value.mark, sizeof(Value) + value.text.size());
    if (anchor != 0) {
      charge(value.mark, measure(value).bytes);
      anchors_.insert_or_assign(anchor, value);
    }
    append(std::move(value));
  }

  void append(Value value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    auto& [parent, anchor, key, merges] = open_.back();
    if (parent.kind == Value::Kind::sequence) {
      parent.items.push_back(std::move(value));
    } else if (!key) {
      if (value.kind != Value::Kind::scalar) source_.fail(value.mark, "a key that is not text", kKeys);
      merges = merges || (value.plain && value.text == kMerge);
      key = std::move(value);
    } else {
      if (value.kind == Value::Kind::null) value.mark = key->mark;  // yaml-cpp says where the next token stands
      parent.members.push_back({std::move(key->text), key->mark, std::move(value)});
      key.reset();
    }
  }

  void check_duplicates(const Value& mapping) const {
    std::unordered_set<std::string_view> seen;
    for (const auto& member : mapping.members) {
      if (!seen.insert(member.key).second) {
        source_.fail(member.mark, "the key " + quote(member.key) + " stands here twice", "allowed: each key once");
      }
    }
  }

  /// What `<<` names gives the keys that are not there (https://yaml.org/type/merge.html); of several mappings the first.
  void merge(Open& open) const {
    if (!open.merges) return;
    auto& members = open.value.members;
    const auto found = std::find_if(members.begin(), members.end(), [](const Member& member) { return member.key == kMerge; });
    const auto given = std::move(found->value);
    members.erase(found);
    std::set<std::string> known;
    for (const auto& member : members) known.insert(member.key);
    const auto take_from = [&](const Value& mapping) {
      if (mapping.kind != Value::Kind::mapping)
        source_.fail(mapping.mark, "<< needs a mapping", "allowed: *NAME of a mapping, or a list of them");
      for (const auto& member : mapping.members) {
        if (known.insert(member.key).second) members.push_back(member);
      }
    };
    if (given.kind == Value::Kind::sequence) {
      for (const auto& item : given.items) take_from(item);
    } else {
      take_from(given);
    }
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (tag != "?") source_.fail(to_mark(mark), "a tag", "allowed: values without tags; quotes make a string");
  }

  /// yaml-cpp takes the end of the file for the closing quote when an end of line comes before it.
  void check_quotes(const YAML::Mark& mark) const {
    const auto text = source_.text();
    auto at = static_cast<std::size_t>(mark.pos);
    while (at < text.size() && (text[at] == '&' || text[at] == '!'))
      at = text.find_first_not_of(" \r\n", text.find_first_of(" \r\n", at));
    if (at >= text.size() || (text[at] != '"' && text[at] != '\'')) return;
    const char end = text[at++];
    const auto is_escaped = [&] { return end == '"' ? text[at] == '\\' : text.substr(at, 2) == "''"; };
    while (at < text.size() && (text[at] != end || is_escaped())) at += is_escaped() ? 2 : 1;
    if (at >= text.size()) source_.fail(to_mark(mark), "a string that does not end", "allowed: text between two quotes");
  }

  void charge(Mark mark, std::size_t bytes) {
    used_ += bytes;
    if (used_ > kLargest) source_.fail(mark, "too many values", "allowed: at most 16 MiB of them, aliases counted as copies");
  }

  [[noreturn]] void fail_depth(Mark mark) const { source_.fail(mark, "nested too deeply", "allowed: at most 64 levels"); }

  const Source& source_;
  const Surrogates& surrogates_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Value> anchors_;
  std::size_t used_ = 0;
  int documents_ = 0;
  Value root_;
};

struct Advice {
  std::string_view message;  ///< of yaml-cpp
  std::string_view what;
  std::string_view allowed;
};

constexpr auto kFlowAllowed = "allowed: entries with commas between them; text that holds any of { } [ ] , needs quotes";
const Advice common_mistakes[] = {
    {YAML::ErrorMsg::END_OF_MAP, "this does not continue the mapping", "allowed: `key: value` lines, indented alike"},
    {YAML::ErrorMsg::END_OF_SEQ, "this does not continue the list", "allowed: `- value` lines, indented alike"},
    {YAML::ErrorMsg::END_OF_MAP_FLOW, "a { is not closed", kFlowAllowed},
    {YAML::ErrorMsg::END_OF_SEQ_FLOW, "a [ is not closed", kFlowAllowed},
    {YAML::ErrorMsg::MAP_VALUE, "no value can stand here",
     "allowed: one `key: value` in a line; text that holds `: ` needs quotes"},
    {YAML::ErrorMsg::FLOW_END, "this ] or } closes nothing", kFlowAllowed},
    {YAML::ErrorMsg::UNKNOWN_ANCHOR, "an alias without an anchor", "allowed: *NAME after &NAME"},
    {YAML::ErrorMsg::UNKNOWN_TOKEN, "no value begins so", "allowed: text that begins with @ ` or % needs quotes"},
};

[[noreturn]] void fail_syntax(const Source& source, const Builder& builder, const YAML::Exception& error) {
  const auto known = std::find_if(std::begin(common_mistakes), std::end(common_mistakes),
                                  [&](auto& a) { return error.msg.starts_with(a.message); });
  const Mark mark = error.mark.is_null() ? Mark{} : to_mark(error.mark);
  if (known == std::end(common_mistakes)) source.fail(mark, "not YAML (" + error.msg + ")", "allowed: YAML 1.2");
  std::string what(known->what);
  if (const auto opened = builder.innermost(); opened && known->allowed == kFlowAllowed) {
    what += " (line " + std::to_string(opened->line + 1) + ")";
  }
  source.fail(mark, what, known->allowed);
}

}  // namespace

Value::Value(Kind k, Mark m) : kind(k), mark(m) {}

const Member* Value::find(std::string_view key) const noexcept {
  const auto found = std::find_if(members.begin(), members.end(), [&](const Member& member) { return member.key == key; });
  return found == members.end() ? nullptr : &*found;
}

Value parse_yaml(const Source& source) {
  const Surrogates surrogates(source.text());
  if (surrogates.ambiguous()) {
    source.fail({}, "escapes of surrogates and characters U+E800 to U+EFFF",
                "allowed: one of both in a file; \\U0001F600 is one");
  }
  Builder builder(source, surrogates);
  try {
    std::istringstream stream{surrogates.text()};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder))
      source.fail({}, "the file is empty", "allowed: a mapping that begins with `version: 1`");
    parser.HandleNextDocument(builder);
  } catch (const YAML::Exception& error) {
    fail_syntax(source, builder, error);
  }
  return builder.take();
}

}  // namespace nacre::config
