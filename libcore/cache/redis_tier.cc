#include "cache/redis_tier.h"

#include <sodium.h>

#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

namespace nacre::cache {

namespace {

constexpr std::size_t kLargest = Zone::kLargestEntry;
constexpr std::size_t kBatch = 100;

constexpr std::int64_t kNeverModified = std::numeric_limits<std::int64_t>::min();
constexpr std::uint64_t kFormat = 1;

/// The end of a value: the body comes first, so that cutting off the rest leaves it in place, then the ETag, then this.
struct Trailer {
  std::uint64_t fingerprint;
  std::uint64_t generation;
  std::int64_t filled;  ///< wall clock, milliseconds
  std::int64_t last_modified;
  std::uint32_t etag_size;
  std::uint32_t format;
};
static_assert(std::is_trivially_copyable_v<Trailer> && sizeof(Trailer) == 40);

/// Puts a value in place of an older one, but not where a write was.
constexpr std::string_view kReplace =
    "if redis.call('GET', KEYS[1]) == '' then return 0 end "
    "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1";

std::uint64_t random_number() {
  std::uint64_t number = 0;
  randombytes_buf(&number, sizeof number);
  return number;
}

std::string serialize(const Entry& entry, Trailer trailer) {
  trailer.last_modified = entry.last_modified ? entry.last_modified->at.time_since_epoch().count() : kNeverModified;
  trailer.etag_size = static_cast<std::uint32_t>(entry.etag.size());
  trailer.format = kFormat;
  std::string value;
  value.reserve(entry.body.size() + entry.etag.size() + sizeof trailer);
  value.append(entry.body).append(entry.etag).append(reinterpret_cast<const char*>(&trailer), sizeof trailer);
  return value;
}

std::uint64_t generation_of(const std::string& text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string text_of(Milliseconds time) { return std::to_string(std::max<Milliseconds::rep>(time.count(), 1)); }

}  // namespace

RedisTier::RedisTier(redis::Client& client, Zone& zone, fiber::Scheduler& scheduler, Options options)
    : client_(client),
      zone_(zone),
      scheduler_(scheduler),
      options_(std::move(options)),
      channel_(options_.prefix + ":writes"),
      quiet_(text_of(options_.quiet)),
      host_(std::to_string(zone.id())) {
  client_.listen({{channel_}, [this](std::string_view, std::string_view message) { hear(message); }, {}});
}

RedisTier::~RedisTier() {
  if (owes_) zone_.settle_remote();
}

std::string RedisTier::key_of(char kind, std::string_view name) const {
  std::string key;
  key.reserve(options_.prefix.size() + 2 + name.size());
  return key.append(options_.prefix).append(1, ':').append(1, kind).append(name);
}

std::string RedisTier::key_of(const Key& key) const { return key_of(static_cast<char>(key.kind()), key.name()); }

Result<RemoteTier::Look> RedisTier::find(const Key& key) {
  if (zone_.owes_remote() || scheduler_.reactor().now() < distrusted_until_) {
    settle();
    return Failure(Error::unavailable, "a write is to be told first");
  }
  return key.kind() == Key::Kind::document ? find_document(key) : find_list(key);
}

Result<RemoteTier::Look> RedisTier::find_document(const Key& key) {
  auto reply = client_.command({"GET", key_of(key)});
  if (!reply) return reply.error();
  if (reply->is_nil()) return Look{.fill = Look::Fill::absent};
  return look_at(std::move(*reply).take_text(), key, 0);
}

Result<RemoteTier::Look> RedisTier::find_list(const Key& key) {
  const std::string generation_key = key_of('g', key.subject());
  const std::string list_key = key_of(key);
  const std::array<std::string_view, 2> get_generation{"GET", generation_key};
  const std::array<std::string_view, 2> get_list{"GET", list_key};
  const std::array<redis::Words, 2> both{get_generation, get_list};
  auto replies = client_.commands(both);
  for (const auto& reply : replies) {
    if (!reply) return reply.error();
  }
  if (replies[0]->is_nil()) {
    const auto generation = new_generation(generation_key);
    if (!generation) return generation.error();
    return Look{.fill = Look::Fill::other, .generation = *generation};
  }
  const std::uint64_t generation = generation_of(replies[0]->text());
  if (replies[1]->is_nil()) return Look{.fill = Look::Fill::other, .generation = generation};
  return look_at(std::move(*replies[1]).take_text(), key, generation);
}

/// Begins the count of a resource; whoever is first.
Result<std::uint64_t> RedisTier::new_generation(const std::string& key) {
  const std::string number = std::to_string(random_number());
  if (auto set = client_.command({"SET", key, number, "NX"}); !set) return set.error();
  auto reply = client_.command({"GET", key});
  if (!reply) return reply.error();
  return generation_of(reply->text());
}

RemoteTier::Look RedisTier::look_at(std::string value, const Key& key, std::uint64_t generation) const {
  Look look{.fill = Look::Fill::other, .generation = generation};
  if (value.empty()) {
    look.fill = Look::Fill::none;
    return look;
  }
  Trailer trailer{};
  if (value.size() < sizeof trailer) return look;
  std::memcpy(&trailer, value.data() + value.size() - sizeof trailer, sizeof trailer);
  const std::size_t rest = value.size() - sizeof trailer;
  if (trailer.format != kFormat || trailer.etag_size > rest || trailer.fingerprint != (key.fingerprint() ^ options_.identity))
    return look;
  if (trailer.generation != generation) return look;
  Found found;
  found.entry.etag = value.substr(rest - trailer.etag_size, trailer.etag_size);
  value.resize(rest - trailer.etag_size);
  found.entry.body = std::move(value);
  if (trailer.last_modified != kNeverModified) found.entry.last_modified = Timestamp{Milliseconds{trailer.last_modified}};
  const Milliseconds wall = scheduler_.reactor().wall().time_since_epoch();
  found.age = std::max(wall - Milliseconds{trailer.filled}, Milliseconds{});
  look.found = std::move(found);
  return look;
}

void RedisTier::fill(const Key& key, const Look& look, const Entry& entry, const config::CachePolicy& policy) {
  if (look.fill == Look::Fill::none || zone_.owes_remote()) return;
  if (entry.body.size() + entry.etag.size() > kLargest) return;
  const std::string value = serialize(entry, {.fingerprint = key.fingerprint() ^ options_.identity,
                                              .generation = look.generation,
                                              .filled = scheduler_.reactor().wall().time_since_epoch().count(),
                                              .last_modified = 0,
                                              .etag_size = 0,
                                              .format = 0});
  const std::string life = text_of(policy.ttl + policy.stale);
  const std::string name = key_of(key);
  if (key.kind() == Key::Kind::list) {
    (void)client_.send({"SET", name, value, "PX", life});
  } else if (look.fill == Look::Fill::absent) {
    (void)client_.send({"SET", name, value, "PX", life, "NX"});
  } else {
    (void)client_.send({"EVAL", kReplace, "1", name, value, life});
  }
}

void RedisTier::invalidate(std::string_view resource, std::span<const std::string_view> ids) {
  if (!tell(resource, ids)) owe(resource, ids);
  // Since the write, somebody here may have filled in what Redis still had.
  end_in_zone(resource, ids);
}

void RedisTier::end_in_zone(std::string_view resource, std::span<const std::string_view> ids) {
  std::string subject;
  for (const std::string_view id : ids) {
    subject.clear();
    Key::append_subject(subject, resource, id);
    zone_.invalidate(subject);
  }
  zone_.invalidate(resource);
}

/// True when Redis has all of it. The other hosts are told then, so that they do not find the old state once more.
bool RedisTier::tell(std::string_view resource, std::span<const std::string_view> ids) {
  std::vector<std::string> keys;
  keys.reserve(ids.size());
  std::string message = host_;
  message.append(1, ' ').append(resource);
  for (const std::string_view id : ids) {
    std::string& key = keys.emplace_back();
    Key::append_subject(key, resource, id);
    message.append(1, ' ').append(id);
    key = key_of('d', key);
  }
  const std::string generation_key = key_of('g', resource);
  const std::string generation = std::to_string(random_number());
  using Set = std::array<std::string_view, 5>;
  std::vector<Set> sets;
  sets.reserve(keys.size());
  for (const std::string& key : keys) sets.push_back({"SET", key, "", "PX", quiet_});
  const std::array<std::string_view, 3> count{"SET", generation_key, generation};
  std::vector<redis::Words> commands(sets.begin(), sets.end());
  commands.emplace_back(count);
  bool told = true;
  for (const auto& reply : client_.commands(commands)) told = told && reply;
  if (told) (void)client_.send({"PUBLISH", channel_, message});
  return told;
}

void RedisTier::owe(std::string_view resource, std::span<const std::string_view> ids) {
  if (!owes_) zone_.owe_remote();
  owes_ = true;
  owed_.emplace(resource);
  for (const std::string_view id : ids) {
    std::string subject;
    Key::append_subject(subject, resource, id);
    owed_.insert(std::move(subject));
  }
  if (owed_.size() <= kMostOwed) return;
  // Too much to remember: what Redis holds now is not looked at any more.
  std::erase_if(owed_, [](const std::string& subject) { return subject.find('/') != std::string::npos; });
  distrusted_until_ = scheduler_.reactor().now() + options_.longest;
}

/// Starts to tell what is owed, where Redis is there again.
void RedisTier::settle() {
  if (!owes_ || paying_ || !client_.available()) return;
  paying_ = true;
  const auto started = scheduler_.start(scheduler_.reactor().now() + options_.quiet, [this] { pay(); });
  if (!started) paying_ = false;
}

void RedisTier::pay() {
  while (!owed_.empty()) {
    const std::string first = *owed_.begin();
    const std::string resource = first.substr(0, first.find('/'));
    std::vector<std::string> subjects;
    for (auto at = owed_.begin(); at != owed_.end() && subjects.size() < kBatch; ++at) {
      if (*at == resource || at->starts_with(resource + '/')) subjects.push_back(*at);
    }
    std::vector<std::string_view> ids;
    for (const std::string& subject : subjects) {
      if (subject.size() > resource.size()) ids.push_back(std::string_view(subject).substr(resource.size() + 1));
    }
    if (!tell(resource, ids)) break;
    for (const std::string& subject : subjects) owed_.erase(subject);
  }
  paying_ = false;
  if (!owed_.empty()) return;
  owes_ = false;
  zone_.settle_remote();
}

/// `<host> <resource> <id>…`: another host wrote.
void RedisTier::hear(std::string_view message) {
  const auto word = [&message] {
    const std::size_t end = std::min(message.find(' '), message.size());
    const std::string_view text = message.substr(0, end);
    message.remove_prefix(std::min(end + 1, message.size()));
    return text;
  };
  if (word() == host_) return;
  const std::string_view resource = word();
  std::vector<std::string_view> ids;
  while (!message.empty()) ids.push_back(word());
  end_in_zone(resource, ids);
}

}  // namespace nacre::cache
