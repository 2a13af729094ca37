#include "cache/redis_tier.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

namespace nacre::cache {

namespace {

constexpr std::size_t kLargest = Zone::kLargestEntry;
constexpr Milliseconds kBetweenTries{100};
constexpr std::size_t kMostAtOnce = 512;              ///< documents of one write, in one message
constexpr std::size_t kLongestMessage = 64UL << 10U;  ///< no host sends a longer one
constexpr int kMostEpochs = 3;                        ///< that a write may find begun while it tells of itself

constexpr std::int64_t kNeverModified = std::numeric_limits<std::int64_t>::min();

/// The end of a value: the body comes first, so that cutting off the rest leaves it in place, then the ETag, then this.
struct Trailer {
  std::uint64_t fingerprint;
  std::int64_t filled;  ///< wall clock, milliseconds
  std::int64_t last_modified;
  std::uint64_t etag_size;
  std::uint64_t number;  ///< of a list, the generation; of a document, random. A place that is kept holds this alone
};
static_assert(std::is_trivially_copyable_v<Trailer> && sizeof(Trailer) == 40);

/// Fills in a document's answer, in place of what its reader saw.
constexpr std::string_view kReplace =
    "if redis.call('GETRANGE', KEYS[1], -8, -1) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end";

/// Gives the epoch, after it has begun a new one where that is asked for, there is none, it is older than one that is known of,
/// or it was begun on another server or other data; why the server takes no writes, if it takes none; and who the server is,
/// empty where the user may not know (INFO): then it counts as the same. The old epoch is deleted first, for a full server
/// takes in the same script what comes after that.
const redis::Script look_script(R"(
  local server = ''
  for _, section in ipairs({'server', 'replication'}) do
    local info = redis.pcall('INFO', section)
    for _, name in ipairs({'run_id', 'master_replid'}) do
      server = server .. (type(info) == 'string' and string.match(info, name .. ':(%w+)') or '')
    end
  end
  local value = redis.pcall('GET', KEYS[1])
  local epoch, begun_on
  if type(value) == 'string' then epoch, begun_on = string.match(value, '^([1-9]%d*) (%w*)$') end
  local known = ARGV[5]
  if epoch and (#epoch < #known or #epoch == #known and epoch < known) then epoch = nil end
  local new = ARGV[1] .. ' ' .. server
  local write = redis.pcall('SET', KEYS[1], new, 'NX')
  if not epoch or ARGV[2] == 'begin' or server ~= '' and server ~= begun_on then
    redis.call('DEL', KEYS[1])
    redis.call('SET', KEYS[1], new)
    redis.pcall('PUBLISH', ARGV[3], ARGV[4])
    epoch = ARGV[1]
  end
  return {epoch, type(write) == 'table' and write.err or '', server})");

// What a message has in place of a resource.
constexpr std::string_view kNewEpoch = "=";
constexpr std::string_view kMark = "!";

/// Never 0.
std::uint64_t random_number() {
  std::uint64_t number = 0;
  while (number == 0) randombytes_buf(&number, sizeof number);
  return number;
}

std::string_view bytes_of(const std::uint64_t& number) { return {reinterpret_cast<const char*>(&number), sizeof number}; }

std::string serialize(const Entry& entry, Trailer trailer) {
  trailer.last_modified = entry.last_modified ? entry.last_modified->at.time_since_epoch().count() : kNeverModified;
  trailer.etag_size = entry.etag.size();
  std::string value;
  value.reserve(entry.body.size() + entry.etag.size() + sizeof trailer);
  value.append(entry.body).append(entry.etag).append(reinterpret_cast<const char*>(&trailer), sizeof trailer);
  return value;
}

/// A later one than all that were begun by then, as far as is known of them: what has been replaced by another one never counts
/// again, though its data come back (SWAPDB).
std::uint64_t new_epoch(Timestamp now, std::uint64_t known) {
  constexpr unsigned kRandom = 20;  // bits; milliseconds have the others
  const auto time = static_cast<std::uint64_t>(now.time_since_epoch().count());
  return (std::max(time, known >> kRandom) + 1) << kRandom | randombytes_uniform(1U << kRandom);
}

/// 0 for what begins with no number.
std::uint64_t number_of(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string text_of(Milliseconds time) { return std::to_string(std::max<Milliseconds::rep>(time.count(), 1)); }

/// A resource's generation outlives its lists.
const std::string generation_life = text_of(std::chrono::hours(24 * 7));

}  // namespace

RedisTier::RedisTier(redis::Client& client, Zone& zone, fiber::Scheduler& scheduler, Options options)
    : client_(client),
      zone_(zone),
      trust_(zone.trust()),
      scheduler_(scheduler),
      options_(std::move(options)),
      epoch_key_(options_.prefix + ":epoch"),
      channel_(options_.prefix + ":writes"),
      host_(std::to_string(zone.id())),
      looked_at_(client.conversations()),
      timer_(scheduler.reactor().background_timer([this] { tick(); })) {
  tick();
}

RedisTier::~RedisTier() {
  if (listening_) zone_.end_listening(options_.configuration);
}

RedisTier::Name RedisTier::name_of(std::uint64_t epoch, char kind, std::string_view name) const {
  if (epoch != begun_epoch_) {
    beginning_ = options_.prefix + ':' + std::to_string(epoch) + ':';
    begun_epoch_ = epoch;
  }
  Name key;
  key.resize(beginning_.size() + 1 + name.size(), boost::container::default_init);
  char* to = key.data();
  to += beginning_.copy(to, beginning_.size());
  *to++ = kind;
  name.copy(to, name.size());
  return key;
}

RedisTier::Name RedisTier::name_of(std::uint64_t epoch, const Key& key) const {
  return name_of(epoch, static_cast<char>(key.kind()), key.name());
}

// ---- reading

Result<RemoteTier::Look> RedisTier::find(const Key& key, Entry& entry) {
  const std::uint64_t epoch = trust_.epoch(now());
  const std::uint64_t conversation = client_.conversations();
  if (epoch == 0 || conversation != looked_at_) {
    start_look();
    return Failure(Error::unavailable, "the epoch is to be learned first");
  }
  auto look = key.kind() == Key::Kind::document ? find_document(epoch, key, entry) : find_list(epoch, key, entry);
  // What answered may be another server than the one that was looked at.
  if (look && client_.conversations() != conversation) return Failure(Error::unavailable, "the connection was made anew");
  return look;
}

Result<RemoteTier::Look> RedisTier::find_document(std::uint64_t epoch, const Key& key, Entry& entry) {
  auto reply = client_.command({"GET", name_of(epoch, key)});
  if (!reply) return reply.error();
  Look look{.fill = Look::Fill::absent, .epoch = epoch};
  if (!reply->is_nil()) read_value(std::move(*reply).take_text(), key, look, entry);
  return look;
}

Result<RemoteTier::Look> RedisTier::find_list(std::uint64_t epoch, const Key& key, Entry& entry) {
  const Name generation_key = name_of(epoch, 'g', key.subject());
  const Name list_key = name_of(epoch, key);
  const std::array<std::string_view, 2> get_generation{"GET", generation_key};
  const std::array<std::string_view, 2> get_list{"GET", list_key};
  const std::array<redis::Words, 2> both{get_generation, get_list};
  auto replies = client_.commands(both);
  for (const auto& reply : replies) {
    if (!reply) return reply.error();
  }
  Look look{.fill = Look::Fill::over, .epoch = epoch, .number = number_of(replies[0]->text())};
  if (look.number == 0) {
    const auto generation = new_generation(generation_key);
    if (!generation) return generation.error();
    look.number = *generation;
  } else if (!replies[1]->is_nil()) {
    read_value(std::move(*replies[1]).take_text(), key, look, entry);
  }
  return look;
}

/// Begins the count of a resource; whoever is first.
Result<std::uint64_t> RedisTier::new_generation(std::string_view key) {
  const std::string number = std::to_string(random_number());
  if (auto set = client_.command({"SET", key, number, "NX", "PX", generation_life}); !set) return set.error();
  auto reply = client_.command({"GET", key});
  if (!reply) return reply.error();
  return number_of(reply->text());
}

void RedisTier::read_value(std::string&& value, const Key& key, Look& look, Entry& entry) const {
  Trailer trailer{};
  if (value.size() < sizeof trailer) {
    // The place that is kept for another's fill; of a list there is none.
    if (key.kind() == Key::Kind::document) look.fill = Look::Fill::none;
    return;
  }
  std::memcpy(&trailer, value.data() + value.size() - sizeof trailer, sizeof trailer);
  if (key.kind() == Key::Kind::document) {
    look.fill = Look::Fill::over;
    look.number = trailer.number;
  }
  const std::size_t rest = value.size() - sizeof trailer;
  if (trailer.etag_size > rest || trailer.fingerprint != (key.fingerprint() ^ options_.identity)) return;
  if (trailer.number != look.number) return;
  entry.etag.assign(std::string_view(value).substr(rest - trailer.etag_size, trailer.etag_size));
  value.resize(rest - trailer.etag_size);
  entry.body = std::move(value);
  entry.last_modified.reset();
  if (trailer.last_modified != kNeverModified) entry.last_modified = Timestamp{Milliseconds{trailer.last_modified}};
  const Milliseconds wall = scheduler_.reactor().wall().time_since_epoch();
  look.age = std::max(wall - Milliseconds{trailer.filled}, Milliseconds{});
}

// ---- filling in

void RedisTier::reserve(const Key& key, Look& look) {
  if (look.fill != Look::Fill::absent) return;
  look.fill = Look::Fill::none;
  look.number = random_number();
  const auto kept =
      client_.command({"SET", name_of(look.epoch, key), bytes_of(look.number), "PX", text_of(options_.reserved), "NX"});
  if (kept && !kept->is_nil()) look.fill = Look::Fill::over;
}

void RedisTier::fill(const Key& key, const Look& look, const Entry& entry, const config::CachePolicy& policy) {
  if (look.fill != Look::Fill::over || look.epoch != trust_.epoch(now())) return;
  if (entry.body.size() + entry.etag.size() > kLargest) return;
  const bool is_list = key.kind() == Key::Kind::list;
  const std::string value = serialize(entry, {.fingerprint = key.fingerprint() ^ options_.identity,
                                              .filled = scheduler_.reactor().wall().time_since_epoch().count(),
                                              .last_modified = 0,
                                              .etag_size = 0,
                                              .number = is_list ? look.number : random_number()});
  const std::string life = text_of(policy.ttl + policy.stale);
  const Name name = name_of(look.epoch, key);
  if (is_list) {
    (void)client_.send({"SET", name, value, "PX", life});
  } else {
    (void)client_.send({"EVAL", kReplace, "1", name, bytes_of(look.number), value, life});
  }
}

// ---- writes

void RedisTier::invalidate(std::string_view resource, std::span<const std::string_view> ids) {
  do {
    const auto some = ids.first(std::min(ids.size(), kMostAtOnce));
    ids = ids.subspan(some.size());
    const bool told = end(resource, some);
    if (!told) trust_.mark();
    // Only now: since the write, somebody here may have filled in what Redis still had.
    zone_.invalidate(resource, some);
    // After all that, so that the other hosts do not find the old state once more. A Redis that takes no writes still passes
    // messages on.
    std::string message = host_;
    message.append(1, ' ').append(resource);
    for (const std::string_view id : some) message.append(1, ' ').append(id);
    (void)client_.send({"PUBLISH", channel_, message});
    if (!told) (void)client_.send({"PUBLISH", channel_, host_ + ' ' + std::string(kMark)});
  } while (!ids.empty());
}

/// True when Redis has it no more, under whichever epoch others look.
bool RedisTier::end(std::string_view resource, std::span<const std::string_view> ids) {
  std::uint64_t epoch = trust_.last_epoch();
  for (int tries = 0; tries < kMostEpochs; ++tries) {
    const auto current = end_under(epoch, resource, ids);
    if (!current) return false;
    // Whoever begins an epoch after this begins it after the write.
    if (*current == epoch) return true;
    if (*current < epoch) return false;  // where it went, it may come from again
    epoch = *current;
    trust_.doubt();
  }
  return false;
}

/// Gives the epoch that there is now; 0: none.
Result<std::uint64_t> RedisTier::end_under(std::uint64_t epoch, std::string_view resource,
                                           std::span<const std::string_view> ids) {
  std::vector<Name> keys;
  keys.reserve(ids.size() + 1);
  for (const std::string_view id : ids) {
    std::string subject;
    Key::append_subject(subject, resource, id);
    keys.push_back(name_of(epoch, 'd', subject));
  }
  keys.push_back(name_of(epoch, 'g', resource));
  std::vector<std::array<std::string_view, 2>> words;
  words.reserve(keys.size() + 1);
  if (epoch != 0) {
    for (const Name& key : keys) words.push_back({"DEL", key});
  }
  words.push_back({"GET", epoch_key_});
  auto replies = client_.commands(std::vector<redis::Words>(words.begin(), words.end()));
  for (const auto& reply : replies) {
    if (!reply) return reply.error();
  }
  return number_of(replies.back()->text());
}

/// What one worker hears is heard in the zone.
void RedisTier::listen() {
  if (listening_ || !zone_.try_listen(options_.configuration)) return;
  listening_ = true;
  client_.listen({.channels = {channel_},
                  .on_message = [this](std::string_view, std::string_view message) { hear(message); },
                  .on_refused = [this](std::string_view words) { trust_.set_deafened(words, now()); }});
}

/// `<host> <resource> <id>…`: another host wrote. Or `<host> !`: it could not tell Redis. Or `<host> =`: it began an epoch.
void RedisTier::hear(std::string_view message) {
  if (message.size() > kLongestMessage) return zone_.invalidate_all();
  const auto word = [&message] {
    const std::size_t end = std::min(message.find(' '), message.size());
    const std::string_view text = message.substr(0, end);
    message.remove_prefix(std::min(end + 1, message.size()));
    return text;
  };
  if (word() == host_) return;
  const std::string_view resource = word();
  if (resource == kMark) return trust_.mark();
  if (resource == kNewEpoch) {
    trust_.doubt();
    return start_look();
  }
  std::vector<std::string_view> ids;
  while (!message.empty()) ids.push_back(word());
  zone_.invalidate(resource, ids);
}

// ---- the epoch

/// Whether the epoch was learned from the server that answers now, and holds.
bool RedisTier::knows() const noexcept { return trust_.epoch(now()) != 0 && looked_at_ == client_.conversations(); }

void RedisTier::tick() {
  listen();
  const bool known = knows();
  if (!known || trust_.due(now())) start_look();
  timer_->arm(now() + (known ? Trust::kBetweenLooks / 2 : kBetweenTries));
}

/// Not more often than in each kBetweenTries where it is in vain.
void RedisTier::start_look() {
  if (looking_ || now() < next_look_ || !client_.available()) return;
  looking_ = true;
  const auto started = scheduler_.start(now() + 4 * options_.timeout, [this] {
    look();
    if (looked_at_ != client_.conversations()) look();  // the connection was made only now
    if (!knows()) next_look_ = now() + kBetweenTries;
    looking_ = false;
  });
  if (!started) looking_ = false;
}

void RedisTier::look() {
  if (client_.replacements() != replacements_) trust_.mark();
  replacements_ = client_.replacements();
  const auto turn = trust_.begin(now(), 4 * options_.timeout);
  if (!turn) return;
  const std::uint64_t conversation = client_.conversations();
  const std::uint64_t known = trust_.last_epoch();
  const auto reply = client_.run(look_script, {epoch_key_},
                                 {std::to_string(new_epoch(scheduler_.reactor().wall(), known)), turn->raises ? "begin" : "",
                                  channel_, std::string(host_).append(1, ' ').append(kNewEpoch), std::to_string(known)});
  if (!reply || reply->items().size() != 3) {
    trust_.give_up(*turn);
    if (!reply && redis::refused(reply.error())) note(reply.error().internal.substr(std::string_view("redis: ").size()));
    return;
  }
  const std::string& refusal = reply->items()[1].text();
  // Where there is no room for more, what was written is deleted all the same.
  const bool full = refusal.find("OOM ") != std::string::npos;
  note(refusal);
  if (!refusal.empty() && !full) return trust_.doubt();
  if (conversation != client_.conversations()) return trust_.give_up(*turn);
  const std::uint64_t epoch = number_of(reply->items()[0].text());
  // Behind a new connection there may be another server, if none says who it is.
  const bool replaced = reply->items()[2].text().empty() && looked_at_ != 0 && looked_at_ != conversation && !turn->raises;
  if (epoch == 0 || replaced) {
    trust_.mark();
    looked_at_ = conversation;
    return trust_.give_up(*turn);
  }
  const Trust::Learned learned = trust_.learn(*turn, epoch);
  if (learned == Trust::Learned::too_late) return;
  if (learned == Trust::Learned::other) zone_.invalidate_all();
  looked_at_ = conversation;
}

/// Tells operators, once for all workers of this host.
void RedisTier::note(const std::string& refusal) {
  if (!trust_.set_refuses(!refusal.empty())) return;
  if (refusal.empty()) return options_.log.notice("redis takes writes again");
  options_.log.error("redis takes no writes: " + refusal);
}

}  // namespace nacre::cache
