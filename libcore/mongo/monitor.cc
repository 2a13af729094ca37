#include "mongo/monitor.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "mongo/bson_reader.h"
#include "mongo/driver.h"
#include "mongo/election.h"
#include "mongo/handles.h"
#include "mongo/stream.h"

namespace nacre::mongo {
namespace {

bool has(const std::vector<std::string>& addresses, const std::string& address) {
  return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
}

Member::Kind kind_of(std::string_view type) {
  if (type == "RSPrimary") return Member::Kind::primary;
  if (type == "RSSecondary") return Member::Kind::secondary;
  if (type == "Mongos" || type == "Standalone") return Member::Kind::router;
  return type == "Unknown" || type == "PossiblePrimary" ? Member::Kind::silent : Member::Kind::other;
}

Member member_of(const mongoc_server_description_t& description, const Members& known) {
  Member member{.address = mongoc_server_description_host(&description)->host_and_port,
                .kind = kind_of(mongoc_server_description_type(&description))};
  const auto election = election_of(description);
  if (election && known.is_stale(*election)) member.kind = Member::Kind::silent;
  member.round_trip = Milliseconds{mongoc_server_description_round_trip_time(&description)};
  member.asked = Milliseconds{mongoc_server_description_last_update_time(&description) / 1'000};
  const std::string_view hello = hello_of(description);
  const auto written = find(hello, "lastWrite.lastWriteDate");
  if (written && written->type == BsonType::date) member.written = written->date().time_since_epoch();
  const auto tags = find(hello, "tags");
  if (!tags || tags->type != BsonType::document) return member;
  BsonReader reader(tags->document());
  BsonElement tag;
  while (reader.next(tag)) {
    if (tag.is_text()) member.tags.emplace_back(tag.name, tag.text());
  }
  return member;
}

}  // namespace

bool Choice::leaves(const std::string& address) const {
  return !has(good, address) && (!wanted.empty() || !has(silent, address));
}

Choice choose(const std::vector<Member>& members, const Uri& uri) {
  Choice choice;
  choice.wanted = select(members, uri.read_preference, uri.local_threshold, uri.heartbeat);
  // Connections don't follow each change of the measured times.
  choice.good = select(members, uri.read_preference, 2 * uri.local_threshold, uri.heartbeat);
  for (const Member& member : members) {
    if (member.kind == Member::Kind::silent) choice.silent.push_back(member.address);
  }
  return choice;
}

/// libmongoc's client, of which nothing but its monitoring is used.
class Monitor::Survey {
 public:
  explicit Survey(const Target& target) : target_(target) {}

  /// Blocks. Empty when there is no server to be asked.
  std::vector<Member> ask(const net::Patience& patience) {
    if (!client_ && !make()) return {};
    streams_->go_on(patience);
    bson_error_t error{};
    // A server of any kind: what counts is that all are asked.
    const ServerHandle any(mongoc_client_select_server(client_.get(), false, nearest_.get(), &error));
    std::size_t count = 0;
    mongoc_server_description_t** const descriptions = mongoc_client_get_server_descriptions(client_.get(), &count);
    std::vector<Member> members;
    for (std::size_t i = 0; i < count; ++i) members.push_back(member_of(*descriptions[i], *target_.members));
    mongoc_server_descriptions_destroy_all(descriptions, count);
    return members;
  }

 private:
  bool make() {
    initialize();
    const auto uri = driver_uri(target_, target_.uri->connect_timeout);
    if (!uri) return false;
    constexpr std::int32_t kOldest = 500;  // the least that is allowed: an answer older than that is asked for again
    mongoc_uri_set_option_as_int32(uri->get(), MONGOC_URI_HEARTBEATFREQUENCYMS, kOldest);
    mongoc_uri_set_option_as_int32(uri->get(), MONGOC_URI_SOCKETCHECKINTERVALMS, std::numeric_limits<std::int32_t>::max());
    bson_error_t error{};
    client_.reset(mongoc_client_new_from_uri_with_error(uri->get(), &error));
    if (client_) streams_->serve(client_.get());
    return client_ != nullptr;
  }

  const Target target_;
  const PreferenceHandle nearest_{mongoc_read_prefs_new(MONGOC_READ_NEAREST)};
  const std::unique_ptr<Streams> streams_ = std::make_unique<Streams>(target_);
  ClientHandle client_;  // ends before its streams
};

Monitor::Monitor(Reactor& reactor, const Target& target, std::function<void(const Choice&)> on_choice)
    : reactor_(reactor),
      target_(target),
      on_choice_(std::move(on_choice)),
      survey_(std::make_shared<Survey>(target)),
      beat_(reactor.background_timer([this] { ask(); })),
      thread_(reactor, 1) {}

void Monitor::start() { beat_->arm(reactor_.now() + target_.uri->heartbeat); }

void Monitor::ask() {
  const auto members = std::make_shared<std::vector<Member>>();
  const Milliseconds most = 2 * target_.uri->connect_timeout + Milliseconds{1'000};
  thread_.run([survey = survey_, members, most](
                  std::stop_token stop) { *members = survey->ask({.until = monotonic_now() + most, .stop = std::move(stop)}); },
              [this, members] {
                beat_->arm(reactor_.now() + target_.uri->heartbeat);
                const auto answered = [](const Member& member) { return member.kind != Member::Kind::silent; };
                if (std::none_of(members->begin(), members->end(), answered)) return;
                const Choice choice = choose(*members, *target_.uri);
                target_.members->note_readers(choice.wanted);
                on_choice_(choice);
              });
}

}  // namespace nacre::mongo
