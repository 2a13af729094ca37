#include "config/keys.h"

#include <algorithm>
#include <stdexcept>

namespace nacre::config {

std::span<const Section> sections() {
  static constexpr Section kAll[] = {
      {"",
       "{}",
       "At the top. A key that begins with `x-` may hold anchors (`&name`) for what stands elsewhere, and is otherwise not "
       "looked at.",
       {{"version", "`1`", "", "Of this form of file. Must be there."},
        {"debug", "boolean", "false", "Whether `detail` of an error says more than a client should know."},
        {"store", "section", "", "Where documents are kept."},
        {"cache", "section", "", "Where answers are kept, and for how long."},
        {"cors", "section", "", "Which pages of other origins may call this from a browser. Without it none."},
        {"auth", "section", "", "Users and sessions."},
        {"timeouts", "section", "", "How long to wait for what."},
        {"tracing", "section", "", "Where traces go."},
        {"resources", "mapping by name", "",
         "The collections. Names are `[a-z][a-z0-9_-]*`, at most 64 characters, and not `auth`."}}},
      {"store",
       "version: 1\nstore: {}\n",
       "Relative paths are below nginx's prefix.",
       {{"uri",
         "`sqlite:PATH`, `sqlite:PATH?synchronous=normal`, "
         "`mongodb://[USER:PASSWORD@]HOST[:PORT],…/DATABASE[?OPTION=VALUE&…]`, "
         "`mongodb+srv://…`",
         "sqlite:data/nacre.db", "Which database."}}},
      {"cache",
       "version: 1\ncache: {}\n",
       "",
       {{"uri",
         "`memory:`, `redis://[USER:PASSWORD@]HOST[:PORT][/DB][?tls=true]`, `rediss://…`, `redis+unix://PATH[?db=N]`, "
         "`redis+sentinel://HOST,…/NAME[/DB]`, `redis+cluster://HOST,…`",
         "memory:", "The tier that all hosts share; `memory:` is none but the shared-memory zone."},
        {"ttl", "duration, 1ms to 365d", "60s", "How long an entry is fresh, unless its resource says otherwise."},
        {"local", "boolean", "true", "Whether there is the shared-memory tier before Redis."},
        {"prefix", "1 to 64 of `A-Z a-z 0-9 _ . -`", "nacre", "Of all keys in Redis."}}},
      {"cors",
       "version: 1\ncors: {}\n",
       "Preflights are answered after nginx's `limit_req` and before whatever asks for a credential; every answer carries the "
       "headers, nginx's own errors included. Lines that `add_header` sets beside give way, but what they expose is exposed, "
       "too. Origins are compared as browsers write them.",
       {{"origins",
         "list of 1 to 1000 of `http://HOST`, `https://HOST`, with `:PORT` where it is not the scheme's own; or `\"*\"`: all, "
         "without credentials",
         "", "Whose pages may read the answers. Must be there."},
        {"credentials", "boolean", "false", "Whether they may send cookies along and read what is answered to them."},
        {"max_age", "duration, 0s to 365d", "10m",
         "How long a browser may keep the answer to a preflight; each has a maximum."},
        {"headers", "list of at most 100 names", "[]", "Request headers that pages may set, beside those that the API reads."},
        {"expose", "list of at most 100 names", "[]",
         "Response headers that pages may read, beside those that the API sends."}}},
      {"auth",
       "version: 1\nauth: {}\n",
       "Read and checked; nothing of it is in force yet, which `nginx -t` warns of.",
       {{"registration", "`open`, `closed`", "closed", "Whether anybody may register."},
        {"password", "section", "", "What a password must be."},
        {"session", "section", "", "What a login gives."},
        {"jwt", "list of sections", "", "Issuers whose tokens are trusted."},
        {"mail", "section", "", "How mails are sent that confirm an address, or reset a password."}}},
      {"auth.password",
       "version: 1\nauth: { password: {} }\n",
       "",
       {{"min", "8 to 1024", "15", "Characters that it has at least (NIST SP 800-63B-4 §3.1.1.2)."}}},
      {"auth.session",
       "version: 1\nauth: { session: {} }\n",
       "",
       {{"ttl", "duration, 1ms to 365d", "14d", "How long a session lives at most."},
        {"idle", "duration, 1ms to 365d", "2d", "How long it lives without a request."},
        {"cookie", "1 to 64 letters, digits and ``!#$%&'*+-.^_`|~``", "nacre_session", "The cookie's name."}}},
      {"auth.jwt",
       "version: 1\nauth: { jwt: [ {} ] }\n",
       "All but `roles` must be there.",
       {{"name", "`[a-z][a-z0-9_-]*`, at most 64 characters", "", "What its users' ids begin with: `id:4711`."},
        {"issuer", "the tokens' `iss`", "", "Who makes the tokens."},
        {"audience", "the tokens' `aud`", "", "Whom they are for."},
        {"jwks", "`https://HOST/PATH`; `http://` for this machine only", "", "Where the issuer's keys are."},
        {"roles", "a claim's name, dotted where it is inside another", "", "Which claim lists the user's roles."}}},
      {"auth.mail",
       "version: 1\nauth: { mail: {} }\n",
       "All of them must be there.",
       {{"uri", "`smtps://USER:PASSWORD@HOST`, `smtp://HOST`", "", "Which server sends."},
        {"from", "an e-mail address", "", "Who sends."},
        {"link", "`http://` or `https://`, a host, and a path", "",
         "Where links lead: `{link}/confirm/{code}`, `{link}/reset/{code}`."}}},
      {"timeouts",
       "version: 1\ntimeouts: {}\n",
       "",
       {{"request", "duration, 1ms to 10m", "5s", "Until the answer, whatever happens."},
        {"redis", "duration, 1ms to 10m", "250ms", "For one command of Redis."},
        {"store", "duration, 1ms to 10m", "2s", "For one operation of the store."}}},
      {"tracing",
       "version: 1\ntracing: {}\n",
       "Read and checked; nothing is sent yet, which `nginx -t` warns of.",
       {{"otlp", "`http://HOST:PORT` or `https://HOST:PORT`", "", "The collector. Must be there."},
        {"sample", "0 to 1", "0.01", "The share of traces that are kept."}}},
      {"resources.NAME",
       "version: 1\nresources: { a: {} }\n",
       "",
       {{"schema", "a JSON Schema of draft 7, or the path of a JSON or YAML file with one, relative to nacre.yaml's folder", "",
         "What a document is. Must be there. `$ref` may name files beside it (`common.json#/definitions/x`), never a network "
         "address. A keyword that draft 7 does not have is ignored with a warning, unless it looks like a misspelt one; a "
         "required property that `additionalProperties: false` forbids gets a warning too. `pattern` is ECMA-262."},
        {"access", "section", "", "Who may do what."},
        {"indexes", "list of sections, at most 32", "[]", "What the store keeps sorted."},
        {"cache", "section, or `off`", "", "How long answers are kept."},
        {"limit", "section, or a list of them, of which the first that fits counts", "", "How often one may ask."},
        {"page", "section", "", "How long lists are."}}},
      {"resources.NAME.access",
       "version: 1\nresources: { a: { schema: {}, access: {} } }\n",
       "`public`: anybody; `user`: whoever is logged in; `owner`: whoever created the document; `role:NAME`: users with that "
       "role.",
       {{"read", "`public`, `user`, `owner`, `role:NAME`, `nobody`", "nobody", "GET and HEAD."},
        {"create", "the same", "nobody", "POST, and PUT that creates. `owner` means `user`."},
        {"update", "the same", "nobody", "PUT and PATCH."},
        {"delete", "the same", "nobody", "DELETE."}}},
      {"resources.NAME.indexes",
       "version: 1\nresources: { a: { schema: {}, indexes: [ {} ] } }\n",
       "",
       {{"keys", "list of 1 to 8 fields by dotted path, `-` before one for descending", "",
         "Must be there. Fields that the schema allows. Text must have a bound (`maxLength`, `enum` or a date's `format`), so "
         "that "
         "the cursor of a sort fits into a URL: in all keys together 4,000 bytes, of which a character takes up to 4, or 1 "
         "where `format` says that it is ASCII."},
        {"unique", "boolean", "false",
         "Whether no two documents may have the same. Documents without any of the keys are left out; null is a value. Each "
         "key "
         "must have one type, and null perhaps: no arrays, no objects. Documents that have the same when it is added stay, and "
         "keep the index from being made until they differ, as `error_log` tells. The embedded store takes no further ones "
         "meanwhile; "
         "on MongoDB creating and replacing is 503 until then."}}},
      {"resources.NAME.cache",
       "version: 1\nresources: { a: { schema: {}, cache: {} } }\n",
       "",
       {{"ttl", "duration, 1ms to 365d", "", "How long an entry is fresh; `cache.ttl` when absent."},
        {"stale", "duration, 0s to 365d", "0s",
         "How long after that it may be served while it is renewed, or while the store is away."},
        {"client", "duration, 0s to 365d", "0s",
         "How long browsers and proxies may reuse an answer without asking. At 0s a page reads what it has just written."}}},
      {"resources.NAME.limit",
       "version: 1\nresources: { a: { schema: {}, limit: {} } }\n",
       "Read and checked; nothing of it is in force yet, which `nginx -t` warns of.",
       {{"rate", "1 to 1000000 for `s`, `m`, `h` or `d`: `50/s`, `1000/h`", "", "Must be there."},
        {"burst", "1 to 1000000", "", "How many may come at once; as many as `rate` has when absent."},
        {"per", "`user`, `ip`, `resource`", "ip", "Whose requests are counted together."},
        {"for", "`role:NAME`", "", "Whom it is for; everybody when absent, as only the last of a list may be."},
        {"cost", "section", "", "What an action counts for."}}},
      {"resources.NAME.limit.cost",
       "version: 1\nresources: { a: { schema: {}, limit: { rate: 1/s, cost: {} } } }\n",
       "",
       {{"list", "1 to `burst`", "1", "Lists."},
        {"read", "the same", "1", "Single documents."},
        {"create", "the same", "1", "POST."},
        {"replace", "the same", "1", "PUT."},
        {"update", "the same", "1", "PATCH."},
        {"delete", "the same", "1", "DELETE."}}},
      {"resources.NAME.page",
       "version: 1\nresources: { a: { schema: {}, page: {} } }\n",
       "",
       {{"default", "1 to 1000", "25", "Documents of a list that says no `limit`."},
        {"max", "1 to 1000", "100", "The largest `limit`."}}},
  };
  return kAll;
}

std::vector<std::string_view> keys_of(std::string_view section) {
  const auto all = sections();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Section& s) { return s.name == section; });
  if (found == all.end()) throw std::logic_error("no such section of nacre.yaml: " + std::string(section));
  std::vector<std::string_view> names;
  for (const auto& key : found->keys) names.push_back(key.name);
  return names;
}

std::string reference_page() {
  std::string page = R"(# nacre.yaml, key by key

Made from the table that the loader reads by (`libcore/config/keys.cc`); a test compares them. `nginx -t` judges the file, and says
all that is wrong with it, one line each: `nacre.yaml:LINE:COLUMN: what is wrong; what is allowed`.

- The file is YAML 1.2 (so JSON, too), at most 1 MiB of UTF-8, with anchors and `<<`.
- In any string `${NAME}` is taken from the environment, `${NAME:-default}` too where it may be unset or empty, `${file:/run/secrets/x}` from a
  file; `$${` is `${` itself. Inside a URI it is one part of it, whatever characters it has. In a schema `${` is text.
- Durations are like `250ms`, `5s`, `5m`, `24h`, `14d`. Booleans are `true`, `false`, `on`, `off`.
)";
  const auto cell = [](std::string_view text) {
    std::string escaped;
    for (const char c : text) escaped.append(c == '|' ? "\\|" : std::string(1, c));
    return escaped;
  };
  for (const auto& section : sections()) {
    page.append(section.name.empty() ? "\n## The file\n" : "\n## " + std::string(section.name) + "\n");
    if (!section.text.empty()) page.append("\n").append(section.text).append("\n");
    page.append("\n| key | value | when absent | |\n|---|---|---|---|\n");
    for (const auto& key : section.keys) {
      const auto otherwise = key.otherwise.empty() ? std::string("–") : "`" + cell(key.otherwise) + "`";
      page.append("| `").append(key.name).append("` | ").append(cell(key.values)).append(" | ");
      page.append(otherwise).append(" | ").append(cell(key.text)).append(" |\n");
    }
  }
  return page;
}

}  // namespace nacre::config
