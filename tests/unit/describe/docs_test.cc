#include <doctest/doctest.h>

#include <string>

#include "config/load.h"
#include "describe/describe.h"
#include "describe/html.h"

using namespace nacre;

namespace {

std::string page_of(const std::string& resources, std::span<const describe::Route> routes = {}) {
  const auto config = config::load_text("version: 1\nresources:\n" + resources, "nacre.yaml", "/srv");
  return describe::docs_page(*config, routes, {.version = "1.2.3", .mount = "/v1"});
}

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

constexpr auto kNotes = R"(  notes:
    schema:
      type: object
      description: What one wants to remember.
      required: [title]
      properties:
        title: { type: string, maxLength: 200, description: "a <b>bold</b> \"title\" & more" }
        tags: { type: array, items: { type: string } }
        due: { type: string, format: date-time }
        owner's: { type: [string, "null"], const: "it's" }
    access: { read: public, create: user, update: owner }
    indexes: [ { keys: [-due, title], unique: true } ]
)";

}  // namespace

TEST_SUITE("describe::docs_page") {
  TEST_CASE("a resource has its fields, its indexes and its requests") {
    const auto page = page_of(kNotes);
    for (const auto* part :
         {"What one wants to remember.", "<td>array of string</td>", "maxLength 200", "<code>-due,title</code> (unique)",
          "<b>GET</b><code>/v1/notes</code>", "<b>PATCH</b><code>/v1/notes/{id}</code>", "For signed-in users",
          "<td>string or null</td>", "Nacre 1.2.3"}) {
      CAPTURE(part);
      CHECK(page.find(part) != std::string::npos);
    }
    CHECK(page.find("<b>DELETE</b>") == std::string::npos);
  }

  TEST_CASE("what the configuration says is text, never markup") {
    const auto page = page_of(kNotes);
    CHECK(page.find("<b>bold") == std::string::npos);
    CHECK(page.find("a &lt;b&gt;bold&lt;/b&gt; &quot;title&quot; &amp; more") != std::string::npos);
  }

  TEST_CASE("curl lines hold an example document, safe in single quotes") {
    const auto page = page_of(kNotes);
    CHECK(page.find("curl -X POST &#39;http://localhost:8080/v1/notes&#39; -H &#39;Content-Type: application/json&#39;") !=
          std::string::npos);
    CHECK(page.find("{&quot;title&quot;:&quot;text&quot;,&quot;tags&quot;:[&quot;text&quot;],"
                    "&quot;due&quot;:&quot;2026-01-02T03:04:05Z&quot;}") != std::string::npos);
    CHECK(page_of("  a:\n    schema: { properties: { b: { const: \"it's\" } } }\n    access: { create: public }\n")
              .find("it&#39;\\&#39;&#39;s") != std::string::npos);
  }

  TEST_CASE("the page needs no script, no other file and one style") {
    const auto page = page_of(kNotes);
    CHECK(count(page, "<style>") == 1);
    for (const auto* part : {"<script", "<link", "<img", "<iframe", "style=", "url(", "@import", "onclick", "src="}) {
      CAPTURE(part);
      CHECK(page.find(part) == std::string::npos);
    }
  }

  TEST_CASE("elements that open close") {
    const describe::Route routes[] = {{http::Method::post, "/hello/{name}"}};
    const auto page = page_of(kNotes, routes);
    for (const auto* tag :
         {"section", "table", "tr", "td", "th", "pre", "code", "p", "h2", "h3", "ul", "li", "nav", "b", "span"}) {
      CAPTURE(tag);
      CHECK(count(page, std::string("<") + tag + ">") + count(page, std::string("<") + tag + " ") ==
            count(page, std::string("</") + tag + ">"));
    }
    CHECK(page.find("<b>POST</b><code>/v1/hello/{name}</code>") != std::string::npos);
  }

  TEST_CASE("the policy allows the page's style alone") {
    const auto policy = describe::docs_policy();
    CHECK(policy.starts_with("default-src 'none'; style-src 'sha256-"));
    CHECK(policy == describe::docs_policy());
  }
}

TEST_SUITE("describe::Html") {
  TEST_CASE("text is escaped for elements and attributes") {
    CHECK(describe::Html().text("<a href=\"x\" & 'y'>").take() == "&lt;a href=&quot;x&quot; &amp; &#39;y&#39;&gt;");
  }

  TEST_CASE("backquotes mark code, and what opens closes") {
    CHECK(describe::Html().prose("a `<b>` c").take() == "a <code>&lt;b&gt;</code> c");
    CHECK(describe::Html().prose("a `b").take() == "a <code>b</code>");
  }
}
