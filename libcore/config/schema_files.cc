#include "config/schema_files.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "config/json_text.h"
#include "config/read_file.h"
#include "config/reader.h"
#include "json/pointer.h"
#include "schema/bundle.h"
#include "schema/report.h"
#include "schema/resolve.h"

namespace nacre::config {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSchemas = "allowed: a JSON Schema (draft 7), or the path of a file with one";
constexpr std::string_view kFileScheme = "file://";

std::string file_uri(const fs::path& path) {
  std::string uri(kFileScheme);
  for (const char c : path.lexically_normal().string()) {
    if (c == '%' || c == '#' || c == '?') {
      uri.append(c == '%' ? "%25" : c == '#' ? "%23" : "%3F");
    } else {
      uri += c;
    }
  }
  return uri;
}

/// The value that the tokens of a JSON Pointer lead to, as far as they do, and the mark of its key where it has one.
Mark mark_of(const Value& root, const std::string& pointer, bool at_key) {
  const auto* value = &root;
  auto mark = root.mark;
  for (const auto& token : parse_pointer(pointer).value_or(std::vector<std::string>{})) {
    const auto index = parse_array_index(token);
    if (const auto* member = value->find(token)) {
      value = &member->value;
      mark = at_key ? member->mark : value->mark;
    } else if (index && *index < value->items.size()) {
      value = &value->items[*index];
      mark = value->mark;
    } else {
      break;
    }
  }
  return mark;
}

/// "schema: "minLength" must be …".
std::string subject_of(const std::string& pointer) {
  const auto tokens = parse_pointer(pointer).value_or(std::vector<std::string>{});
  return tokens.empty() ? "the schema " : "schema: " + quote(tokens.back()) + ' ';
}

bool is_yaml(const std::string& uri) {
  const auto ends = [&](std::string_view extension) {
    return uri.size() > extension.size() &&
           equals_ignoring_case(std::string_view(uri).substr(uri.size() - extension.size()), extension);
  };
  return ends(".yaml") || ends(".yml");
}

}  // namespace

SchemaFiles::SchemaFiles(const Source& source, const fs::path& file_name)
    : source_(source), uri_(file_uri(fs::absolute(file_name))) {}

SchemaFiles::Loaded SchemaFiles::read(const Value& value) {
  const auto* root = &value;
  auto uri = uri_;
  if (value.kind == Value::Kind::scalar && (!value.plain || to_json(source_, value).is_string())) {
    uri = schema::resolve_uri(uri_, file_uri(fs::path(value.text)).substr(kFileScheme.size()));
    const auto file = open(uri);
    if (!file) {
      const auto why = value.substituted() ? "a file that can't be read, or has mistakes" : file.error().detail;
      source_.fail(value.mark, "schema: this is " + why, kSchemas);
    }
    root = &(*file)->value;
  } else if (value.kind != Value::Kind::mapping) {
    source_.fail(value.mark, "schema: " + describe(value) + " is no schema", kSchemas);
  }
  const auto fetch = [this](const std::string& wanted) -> Result<Json> {
    const auto file = open(wanted);
    if (!file) return file.error();
    return schema_json(*(*file)->source, (*file)->value);
  };
  const auto& source = root == &value ? source_ : *files_.at(uri).source;
  schema::Documents documents(schema_json(source, *root), uri, fetch);
  schema::Report report;
  auto compiled = schema::Schema::compile(documents, report);
  tell(*root, documents, report);
  if (!compiled) throw LoadError(std::vector<std::string>{});
  return {schema::bundled(documents, report.references), std::move(*compiled)};
}

void SchemaFiles::tell(const Value& root, const schema::Documents& documents, const schema::Report& report) const {
  const auto each = [&](const std::vector<schema::Remark>& remarks, bool at_key, const auto& say) {
    for (const auto& [place, detail] : remarks) {
      const bool is_root = place.document == &documents.root();
      const auto file = files_.find(place.document->uri);
      // The schema of draft 7 itself has no file, and no mistake.
      if (!is_root && file == files_.end()) continue;
      const auto& source = file == files_.end() ? source_ : *file->second.source;
      const auto& value = is_root ? root : file->second.value;
      say(source, mark_of(value, place.pointer, at_key), subject_of(place.pointer) + detail);
    }
  };
  each(report.mistakes, false, [](const Source& source, Mark mark, const std::string& what) {
    source.report(mark, what, "allowed: a JSON Schema (draft 7)");
  });
  each(report.warnings, true, [](const Source& source, Mark mark, const std::string& what) { source.warn(mark, what); });
}

Result<const SchemaFiles::File*> SchemaFiles::open(const std::string& uri) {
  if (const auto known = files_.find(uri); known != files_.end()) return &known->second;
  if (const auto failed = failures_.find(uri); failed != failures_.end()) return failed->second;
  const auto fail = [&](std::string detail) -> Failure {
    return failures_.emplace(uri, Failure{Error::unprocessable, std::move(detail)}).first->second;
  };
  if (!uri.starts_with("file:///")) return fail(quote(uri) + ", and nothing is read from a network");
  const auto path = schema::percent_decoded(std::string_view(uri).substr(kFileScheme.size()));
  if (!path) return fail("a % without two hexadecimal digits");
  const auto name = fs::path(*path).lexically_proximate(fs::path(uri_.substr(kFileScheme.size())).parent_path()).string();
  File file;
  try {
    file.text = read_file(*path, Source::kMaximumSize + 4);
  } catch (const std::exception& error) {
    return fail("the file " + quote(name) + ", which can't be read (" + error.what() + ")");
  }
  const bool good = source_.findings().attempt([&] {
    const auto syntax = is_yaml(uri) ? Source::Syntax::yaml : Source::Syntax::json;
    file.source = std::make_unique<Source>(file.text, *path, source_.shared_findings(), syntax);
    file.value = syntax == Source::Syntax::yaml ? parse_yaml(*file.source) : parse_json_text(*file.source);
    schema_json(*file.source, file.value);
  });
  if (!good) return fail("the file " + quote(name) + ", which has mistakes");
  auto& kept = files_.emplace(uri, std::move(file)).first->second;
  // Its text may have moved.
  kept.source = std::make_unique<Source>(kept.text, *path, source_.shared_findings(),
                                         is_yaml(uri) ? Source::Syntax::yaml : Source::Syntax::json);
  return &kept;
}

Value SchemaFiles::files() const {
  Value all(Value::Kind::mapping);
  for (const auto& [uri, file] : files_) all.members.push_back({uri, {}, file.value});
  return all;
}

}  // namespace nacre::config
