#include "store/mongo/to_bson.h"

namespace nacre::store::on_mongo {
namespace {

constexpr std::size_t kDateLength = 24;
constexpr std::size_t kMostKnown = 1'000;  // names that a schema does not list may come from clients

/// Whether a string is worth a look: "2026-01-02T03:04:05.678Z".
bool looks_like_date(std::string_view text) {
  return text.size() == kDateLength && text[4] == '-' && text[10] == 'T' && text[23] == 'Z';
}

class FieldsWriter {
 public:
  FieldsWriter(BsonWriter& bson, const DateFields& dates) : bson_(bson), dates_(dates) {}

  void members(const JsonObject& object) {
    const std::size_t length = path_.size();
    for (const auto& member : object) {
      if (length != 0) path_ += '.';
      path_.append(member.key());
      value(member.key(), member.value(), 0);
      path_.resize(length);
    }
  }

 private:
  /// `arrays`: how many arrays lie directly around the value.
  void value(std::string_view name, const Json& json, int arrays) {
    if (json.is_object()) {
      bson_.document(name, [&] { members(json.get_object()); });
    } else if (json.is_array()) {
      bson_.array(name, [&] {
        std::size_t index = 0;
        for (const Json& element : json.get_array()) value(IndexName(index++).view(), element, arrays + 1);
      });
    } else {
      const bool date =
          json.is_string() && arrays <= 1 && looks_like_date(json.get_string()) && dates_.is_date(path_, arrays == 1);
      write_scalar(bson_, name, json, date);
    }
  }

  BsonWriter& bson_;
  const DateFields& dates_;
  std::string path_;
};

}  // namespace

FieldKind DateFields::kind_of(const std::string& path, bool element) const {
  const auto is_integer = [](std::uint8_t types) { return (types & (schema::kInteger | schema::kNumber)) == schema::kInteger; };
  auto known = known_.find(path);
  if (known == known_.end()) {
    if (known_.size() >= kMostKnown) known_.clear();
    Known kinds;
    if (const auto field = schema_->field(path)) {
      kinds = {{field->date_time, is_integer(field->types)}, {field->item_date_time, is_integer(field->item_types)}};
    }
    known = known_.emplace(path, kinds).first;
  }
  return element ? known->second.element : known->second.value;
}

std::optional<Timestamp> exact_date(std::string_view text) {
  if (!looks_like_date(text)) return std::nullopt;
  const auto moment = parse_rfc3339(text);
  if (!moment || format_rfc3339(*moment) != text) return std::nullopt;
  return moment;
}

void write_scalar(BsonWriter& bson, std::string_view name, const Json& value, bool date) {
  switch (value.kind()) {
    case boost::json::kind::bool_:
      return bson.boolean(name, value.get_bool());
    case boost::json::kind::int64:
      return bson.int64(name, value.get_int64());
    case boost::json::kind::uint64:
      return bson.real(name, static_cast<double>(value.get_uint64()));
    case boost::json::kind::double_:
      return bson.real(name, value.get_double());
    case boost::json::kind::string: {
      const std::string_view text = value.get_string();
      const auto moment = date ? exact_date(text) : std::nullopt;
      return moment ? bson.date(name, *moment) : bson.string(name, text);
    }
    default:
      return bson.null(name);
  }
}

void write_fields(BsonWriter& bson, const JsonObject& fields, const DateFields& dates) {
  FieldsWriter(bson, dates).members(fields);
}

}  // namespace nacre::store::on_mongo
