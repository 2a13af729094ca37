#include "schema/schema.h"

#include <algorithm>
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

namespace {

constexpr std::size_t kAllErrors = 10'000;

/// Gives the values that may be stored in another form theirs. The validator only read them; they lie in a document that is
/// ours to change.
void give_form(const std::vector<const Json*>& loose) {
  for (const Json* read : loose) {
    auto& value = const_cast<Json&>(*read);  // NOLINT(cppcoreguidelines-pro-type-const-cast)
    if (value.is_double()) {
      if (!is_out_of_range(&value)) value = static_cast<std::int64_t>(value.get_double());
    } else if (auto* text = value.if_string()) {
      if (const auto moment = parse_rfc3339(*text)) *text = format_rfc3339(*moment);
    }
  }
}

std::vector<FieldError> errors_of(Validator& validator, const Node& root, const Json& document) {
  const bool valid = validator.run(root, document);
  std::vector<FieldError> errors = validator.take_errors();
  if (valid) errors = out_of_range(document, validator.loose());
  return errors;
}

}  // namespace

std::vector<FieldError> Schema::normalize(Json& document, Effort& effort) const {
  Validator validator(effort);
  auto errors = errors_of(validator, *compiled_->graph.root, document);
  if (errors.empty()) give_form(validator.loose());
  return errors;
}

std::vector<FieldError> Schema::normalize(Json& document, Effort& effort, FunctionRef<bool(const FieldError&)> is_known) const {
  Validator validator(effort, kAllErrors);
  auto errors = errors_of(validator, *compiled_->graph.root, document);
  const bool all = errors.size() < kAllErrors;
  if (all) errors.erase(std::remove_if(errors.begin(), errors.end(), is_known), errors.end());
  if (errors.size() > kMaxErrors) errors.resize(kMaxErrors);
  if (errors.empty()) give_form(validator.loose());
  return errors;
}

std::vector<FieldError> Schema::all_errors(const Json& document, Effort& effort) const {
  Validator validator(effort, kAllErrors);
  return errors_of(validator, *compiled_->graph.root, document);
}

std::optional<Field> Schema::field(std::string_view dotted_path) const {
  return find_field(*compiled_->graph.root, dotted_path);
}

bool Schema::allows(std::string_view dotted_path) const { return may_have(*compiled_->graph.root, dotted_path); }

std::vector<std::string> Schema::date_time_paths() const { return find_date_times(*compiled_->graph.root); }

}  // namespace nacre::schema
