#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../cache/shared_memory.h"
#include "config/load.h"
#include "fiber/manual_reactor.h"
#include "http/request.h"
#include "http/response.h"
#include "json/parse.h"
#include "metrics/registry.h"
#include "worker.h"

namespace nacre::test {

/// A whole worker over a reactor that is driven by hand, with its own zone and an SQLite file that is gone afterwards: what an
/// application's handlers are tested with.
class WorkerUnderTest {
 public:
  /// `resources` is what stands below `resources:` in nacre.yaml, indented by two spaces. `beside`: a worker with another zone
  /// whose file this one shares, and which ends later.
  explicit WorkerUnderTest(const std::string& resources, const WorkerUnderTest* beside = nullptr)
      : shares_folder_(beside != nullptr),
        folder_(shares_folder_ ? beside->folder_ : make_folder()),
        application_(
            Application::make(config::load_text("version: 1\ndebug: true\nresources:\n" + resources, "nacre.yaml", folder_))),
        zone_(cache::Zone::format(memory_.bytes())) {
    std::filesystem::create_directories(folder_ / "data");
    metrics::Registry::format(zone_.metrics());
    worker = std::make_unique<Worker>(application_, Worker::Surroundings{.reactor = reactor,
                                                                         .zone = zone_,
                                                                         .log = [](LogLevel, std::string_view) {},
                                                                         .nginx = "test",
                                                                         .connections = [] { return Worker::Connections{}; }});
    reactor.run();
  }
  ~WorkerUnderTest() {
    worker.reset();
    std::error_code ignored;
    if (!shares_folder_) std::filesystem::remove_all(folder_, ignored);
  }
  WorkerUnderTest(const WorkerUnderTest&) = delete;
  WorkerUnderTest& operator=(const WorkerUnderTest&) = delete;

  struct Headers : std::vector<http::Header> {
    using vector::vector;
  };

  /// Asks and waits for the answer. `target` is a path with an optional query; a body is JSON unless `headers` say otherwise.
  http::Response ask(http::Method method, std::string_view target, std::string_view body = {}, Headers headers = {}) {
    std::optional<http::Response> response;
    start(method, target, body, std::move(headers), response);
    reactor.run();
    REQUIRE(response.has_value());
    return std::move(*response);
  }

  /// Asks and returns as soon as the request waits; `response` gets the answer. `reactor.run()` goes on.
  void start(http::Method method, std::string_view target, std::string_view body, Headers headers,
             std::optional<http::Response>& response) {
    auto request = std::make_shared<http::Request>();
    if (!body.empty() && std::none_of(headers.begin(), headers.end(), [](const auto& h) { return h.name == "Content-Type"; })) {
      headers.push_back({"Content-Type", "application/json"});
    }
    auto kept = std::make_shared<http::HeaderList>(std::move(headers));
    const std::size_t end = std::min(target.find('?'), target.size());
    request->method = method;
    request->path = target.substr(0, end);
    request->query = end < target.size() ? target.substr(end + 1) : std::string_view{};
    request->body = body;
    request->id = "0123456789abcdef0123456789abcdef";
    request->client = "127.0.0.1";
    request->headers = kept.get();
    const auto match = worker->match(Mode::api, request->method, request->path);
    trace.route = match.name;
    response = worker->answer(Mode::api, *request, match, trace);
    if (response) return;
    const auto started = worker->scheduler().start(
        reactor.now() + worker->config().timeouts.request,
        [this, request, kept, match, &response] { response = worker->answer(Mode::api, *request, match, trace); });
    REQUIRE(started.has_value());
  }

  static Json json(const http::Response& response) {
    auto value = parse_json(response.body);
    REQUIRE(value.has_value());
    return std::move(*value);
  }

  ManualReactor reactor;
  Trace trace;  ///< of the last request
  std::unique_ptr<Worker> worker;

 private:
  static std::filesystem::path make_folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "nacre-worker-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    return pattern;
  }

  const bool shares_folder_;
  const std::filesystem::path folder_;
  Application application_;
  SharedMemory memory_{2 * cache::Zone::kMinimumSize};
  cache::Zone& zone_;
};

}  // namespace nacre::test
