#include "schema/schema.h"

#include <cstdint>
#include <utility>

#include "base/time.h"
#include "schema/compile.h"
#include "schema/integer_range.h"
#include "schema/lookup.h"
#include "schema/validator.h"

namespace nacre::schema {

struct Schema::Compiled {
  Graph graph;
};

Schema::Schema(std::unique_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
Schema::Schema(Schema&&) noexcept = default;
Schema& Schema::operator=(Schema&&) noexcept = default;
Schema::~Schema() = default;

std::optional<Schema> Schema::compile(Documents& documents, Report& report) {
  auto graph = compile_graph(documents, report);
  if (!report.mistakes.empty()) return std::nullopt;
  if ((describe(*graph.root).types & kObject) == 0) {
    const auto& schema = documents.root().json;
    const bool has_type = schema.is_object() && schema.get_object().contains("type");
    report.mistakes.push_back({{&documents.root(), has_type ? "/type" : ""}, "must allow objects: a document is one"});
    return std::nullopt;
  }
  return Schema{std::make_unique<const Compiled>(Compiled{std::move(graph)})};
}

Result<Schema> Schema::compile(const Json& schema) {
  Documents documents{schema, "", nullptr};
  Report report;
  auto compiled = compile(documents, report);
  if (!compiled) return failure_of(report.mistakes);
  return std::move(*compiled);
}

std::vector<FieldError> Schema::validate(const Json& document) const {
  Effort effort;
  return validate(document, effort);
}

std::vector<FieldError> Schema::validate(const Json& document, Effort& effort) const {
  Validator validator(effort);
  validator.run(*compiled_->graph.root, document);
  return validator.take_errors();
}

std::vector<FieldError> Schema::normalize(Json& document, Effort& effort) const {
  Validator validator(effort);
  if (!validator.run(*compiled_->graph.root, document)) return validator.take_errors();
  if (auto errors = out_of_range(document, validator.loose()); !errors.empty()) return errors;
  for (const Json* loose : validator.loose()) {
    // The validator only reads; what it found lies in `document`, which is ours to change.
    auto& value = const_cast<Json&>(*loose);  // NOLINT(cppcoreguidelines-pro-type-const-cast)
    if (value.is_double()) {
      value = static_cast<std::int64_t>(value.get_double());
    } else if (auto* text = value.if_string()) {
      if (const auto moment = parse_rfc3339(*text)) *text = format_rfc3339(*moment);
    }
  }
  return {};
}

std::optional<Field> Schema::field(std::string_view dotted_path) const {
  return find_field(*compiled_->graph.root, dotted_path);
}

bool Schema::allows(std::string_view dotted_path) const { return may_have(*compiled_->graph.root, dotted_path); }

std::vector<std::string> Schema::date_time_paths() const { return find_date_times(*compiled_->graph.root); }

}  // namespace nacre::schema
