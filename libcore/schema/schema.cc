#include "schema/schema.h"

#include <utility>

#include "base/time.h"
#include "schema/compile.h"
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

Result<Schema> Schema::compile(const Json& schema) {
  auto graph = compile_graph(schema);
  if (!graph) return graph.error();
  if ((describe(*graph->root).types & kObject) == 0) {
    const bool has_type = schema.is_object() && schema.get_object().contains("type");
    const std::string pointer = has_type ? "/type" : "";
    Failure failure{Error::unprocessable, "schema: \"" + pointer + "\" must allow objects: a document is one"};
    failure.errors.push_back({pointer, "must allow objects: a document is one"});
    return failure;
  }
  return Schema{std::make_unique<const Compiled>(Compiled{std::move(*graph)})};
}

std::vector<FieldError> Schema::validate(const Json& document) const {
  Validator validator;
  validator.run(*compiled_->graph.root, document);
  return validator.take_errors();
}

void Schema::normalize(Json& document) const {
  if (!compiled_->graph.has_dates) return;
  Validator validator;
  if (!validator.run(*compiled_->graph.root, document)) return;
  for (const Json* date : validator.date_times()) {
    // The validator only reads; what it found lies in `document`, which is ours to change.
    auto& text = const_cast<Json*>(date)->get_string();  // NOLINT(cppcoreguidelines-pro-type-const-cast)
    if (const auto moment = parse_rfc3339(text)) text = format_rfc3339(*moment);
  }
}

std::optional<Field> Schema::field(std::string_view dotted_path) const {
  return find_field(*compiled_->graph.root, dotted_path);
}

std::vector<std::string> Schema::date_time_paths() const { return find_date_times(*compiled_->graph.root); }

}  // namespace nacre::schema
