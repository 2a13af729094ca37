#include <sodium/crypto_hash_sha256.h>
#include <sodium/utils.h>

#include <algorithm>
#include <array>

#include "describe/describe.h"
#include "describe/example.h"
#include "describe/html.h"
#include "describe/operation.h"
#include "describe/style.h"
#include "json/write.h"

namespace nacre::describe {
namespace {

std::string upper(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return result;
}

/// Text for a shell, between single quotes.
std::string shell_quote(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) c == '\'' ? quoted.append("'\\''") : quoted.append(1, c);
  return quoted + "'";
}

const Json* member(const Json& value, std::string_view name) {
  return value.is_object() ? value.get_object().if_contains(name) : nullptr;
}

std::string type_of(const Json& schema) {
  const auto* type = member(schema, "type");
  if (type == nullptr) return "any";
  if (type->is_string()) {
    const auto* items = *type == "array" ? member(schema, "items") : nullptr;
    return items != nullptr ? "array of " + type_of(*items) : std::string(type->get_string());
  }
  std::string names;
  for (const auto& name : type->is_array() ? type->get_array() : JsonArray{}) {
    if (name.is_string()) names.append(names.empty() ? "" : " or ").append(std::string_view(name.get_string()));
  }
  return names;
}

/// The rest of what the schema says of a field: "minLength 1, maxLength 200".
std::string rules_of(const Json& schema) {
  std::string rules;
  if (!schema.is_object()) return rules;
  for (const auto& [name, value] : schema.get_object()) {
    if (name == "type" || name == "items" || name == "title" || name == "description") continue;
    if (value.is_object()) continue;
    rules.append(rules.empty() ? "" : ", ").append(std::string_view(name)).append(" ").append(json_text(value));
  }
  return rules;
}

bool is_required(const Json& schema, std::string_view field) {
  const auto* names = member(schema, "required");
  if (names == nullptr || !names->is_array()) return false;
  return std::any_of(names->get_array().begin(), names->get_array().end(),
                     [&](const Json& name) { return name == Json(field); });
}

void write_fields(Html& page, const Json& schema) {
  page.raw("<h3>Fields</h3>\n<div class=\"scroll\"><table>\n").row("th", {"field", "type", "", "rules", ""});
  if (const auto* properties = member(schema, "properties"); properties != nullptr && properties->is_object()) {
    for (const auto& [name, field] : properties->get_object()) {
      const auto* description = member(field, "description");
      page.row("td", {name, type_of(field), is_required(schema, name) ? "required" : "", rules_of(field),
                      description != nullptr && description->is_string() ? std::string_view(description->get_string()) : ""});
    }
  }
  page.row("td", {"_id", "string", "by the server", "24 hex digits, or 1 to 64 of A-Za-z0-9_.~- given on POST", ""})
      .row("td", {"_rev", "integer", "by the server", "counts the changes; the ETag", ""})
      .row("td", {"_created, _updated", "string", "by the server", "RFC 3339, UTC, milliseconds", ""})
      .row("td", {"_owner", "string or null", "by the server", "the user who created it", ""})
      .raw("</table></div>\n");
}

std::string curl(const config::Resource& resource, const Operation& operation, const About& about) {
  const auto path = std::string(about.origin).append(about.mount).append("/").append(resource.name);
  const auto url = path + (operation.item ? "/ID" : "");
  const auto& method = operation.method;
  if (method == "get" && !operation.item) return "curl " + shell_quote(url + "?limit=10&count=true");
  if (method == "get") return "curl -i " + shell_quote(url);
  if (method == "delete") return "curl -X DELETE " + shell_quote(url);
  const auto* type = method == "patch" ? "application/merge-patch+json" : "application/json";
  return "curl -X " + upper(method) + " " + shell_quote(url) + " -H 'Content-Type: " + type + "' \\\n  -d " +
         shell_quote(json_text(example(resource.schema_json)));
}

void write_indexes(Html& page, const config::Resource& resource) {
  if (resource.indexes.empty()) return;
  page.raw("<p class=\"soft\">Indexed: ");
  for (const auto& index : resource.indexes) {
    if (&index != resource.indexes.data()) page.raw("; ");
    std::string keys;
    for (const auto& key : index.keys) keys.append(keys.empty() ? "" : ",").append(key.descending ? "-" : "").append(key.path);
    page.element("code", keys);
    if (index.unique) page.raw(" (unique)");
  }
  page.raw("</p>\n");
}

void write_resource(Html& page, const config::Resource& resource, const About& about) {
  page.raw("<section>\n<h2 id=\"").text(resource.name).raw("\">").text(resource.name).raw("</h2>\n");
  if (const auto* description = member(resource.schema_json, "description");
      description != nullptr && description->is_string()) {
    page.element("p", description->get_string());
  }
  write_fields(page, resource.schema_json);
  write_indexes(page, resource);
  for (const auto& operation : operations()) {
    if (!is_offered(resource, operation) || operation.method == "head" || operation.access == nullptr) continue;
    const auto path = std::string(about.mount).append("/").append(resource.name).append(operation.item ? "/{id}" : "");
    page.raw("<h3>").element("b", upper(operation.method)).element("code", path).raw("</h3>\n<p>").prose(operation.summary);
    page.raw(". <span class=\"soft\">For ").text(who(resource.access.*operation.access)).raw(".</span></p>\n");
    page.raw("<pre><code>").text(curl(resource, operation, about)).raw("</code></pre>\n");
  }
  page.raw("<p class=\"soft\">A page holds ").text(std::to_string(resource.page.default_limit)).raw(" documents, at most ");
  page.text(std::to_string(resource.page.max_limit)).raw(".</p>\n</section>\n");
}

void write_routes(Html& page, std::span<const Route> routes, const About& about) {
  if (routes.empty()) return;
  page.raw("<section>\n<h2 id=\"application\">The application's own</h2>\n");
  for (const auto& route : routes) {
    const auto path = std::string(about.mount).append(route.path);
    page.raw("<h3>").element("b", upper(method_name(route.method))).element("code", path).raw("</h3>\n<pre><code>");
    page.text("curl " + (route.method == http::Method::get ? "" : "-X " + upper(method_name(route.method)) + " ") +
              shell_quote(std::string(about.origin) + path));
    page.raw("</code></pre>\n");
  }
  page.raw("</section>\n");
}

void write_lists(Html& page) {
  page.raw(
          "<section>\n<h2 id=\"lists\">Lists</h2>\n<div "
          "class=\"scroll\"><table>\n")
      .row("th", {"parameter", "what it does"})
      .row(
          "td",
          {"where",
           R"(a filter: where={"stars":{"$gte":3}}. Operators: $eq $ne $gt $gte $lt $lte $in $nin $exists $and $or $nor $not $all $size $elemMatch $regex (^ and a literal))"})
      .row("td", {"sort",
                  "fields with commas between them, - before one for "
                  "descending: sort=-stars,title"})
      .row("td", {"fields", "only these fields, and _id: fields=title,tags"})
      .row("td", {"limit", "documents in a page"})
      .row("td", {"after", "the cursor next of the page before"})
      .row("td", {"count", "count=true adds total"})
      .raw("</table></div>\n</section>\n");
}

void write_problems(Html& page) {
  page.raw(
          "<section>\n<h2 id=\"problems\">Problems</h2>\n<p>Every error is "
          "<code>application/problem+json</code> (RFC 9457).</p>\n")
      .raw("<div class=\"scroll\"><table>\n")
      .row("th", {"status", "", "reasons"});
  for (const auto& problem : problems()) page.row("td", {problem.status, problem.title, problem.reasons});
  page.raw("</table></div>\n</section>\n");
}

void write_contents(Html& page, const config::Config& config, bool has_routes) {
  page.raw("<nav><ul>\n");
  const auto entry = [&](std::string_view id, std::string_view title) {
    page.raw("<li><a href=\"#").text(id).raw("\">").text(title).raw("</a></li>\n");
  };
  for (const auto& resource : config.resources) entry(resource.name, resource.name);
  if (has_routes) entry("application", "The application's own");
  entry("lists", "Lists");
  entry("problems", "Problems");
  page.raw("</ul></nav>\n");
}

}  // namespace

std::string docs_page(const config::Config& config, std::span<const Route> routes, const About& about) {
  Html page;
  page.raw(
          "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta "
          "charset=\"utf-8\">\n")
      .raw(
          "<meta name=\"viewport\" content=\"width=device-width, "
          "initial-scale=1\">\n<title>API</title>\n<style>")
      .raw(kStyle)
      .raw(
          "</style>\n</head>\n<body>\n<header>\n<h1>API</h1>\n<p "
          "class=\"soft\">Served at ")
      .element("code", about.mount.empty() ? std::string_view("/") : about.mount)
      .raw("</p>\n");
  write_contents(page, config, !routes.empty());
  page.raw("</header>\n<main>\n");
  for (const auto& resource : config.resources) write_resource(page, resource, about);
  write_routes(page, routes, about);
  write_lists(page);
  write_problems(page);
  page.raw("</main>\n<footer>Nacre ").text(about.version).raw("</footer>\n</body>\n</html>\n");
  return page.take();
}

std::string docs_policy() {
  constexpr auto kVariant = sodium_base64_VARIANT_ORIGINAL;
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(kStyle.data()), kStyle.size());
  std::array<char, sodium_base64_ENCODED_LEN(crypto_hash_sha256_BYTES, kVariant)> base64{};
  sodium_bin2base64(base64.data(), base64.size(), digest.data(), digest.size(), kVariant);
  return "default-src 'none'; style-src 'sha256-" + std::string(base64.data()) +
         "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

}  // namespace nacre::describe
