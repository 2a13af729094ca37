#include "redis/cluster.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "redis/handshake.h"

namespace nacre::redis {

namespace {

constexpr Milliseconds kFirstPause{200};      ///< between two questions where the slots are
constexpr Milliseconds kLongestPause{1'000};  ///< after several in a row
constexpr Milliseconds kBetweenTries{10};
constexpr int kMostRedirections = 16;

}  // namespace

Cluster::Master::Master(Cluster& cluster, const net::Endpoint& at)
    : endpoint(at),
      node(cluster.reactor_, cluster.threads_, dial_server(cluster.target_, at),
           {cluster.options_.timeout, cluster.options_.log, "redis " + at.to_string(), [this, &cluster] {
              ++cluster.conversations_;
              if (std::exchange(opened, true)) ++cluster.replacements_;
            }}) {}

Cluster::Cluster(Reactor& reactor, net::Threads& threads, std::shared_ptr<const Target> target, Node::Options options)
    : reactor_(reactor),
      threads_(threads),
      target_(std::move(target)),
      options_(std::move(options)),
      finder_(threads, target_, Node::connection_options(options_.timeout).connect_timeout),
      began_(reactor.now()),
      timer_(reactor.background_timer([this] { refresh(); })),
      outage_(options_.log, "redis: cluster is away", "redis: cluster is back") {
  refresh();
}

Cluster::~Cluster() { settled_->set(); }

// ---- where the slots are

/// Asks where the slots are, at once or, if that was asked a moment ago, soon.
void Cluster::refresh() {
  if (finder_.asking()) return;
  const Monotonic now = reactor_.now();
  if (asked_ && now - *asked_ < pause_) return timer_->arm(*asked_ + pause_);
  const bool again = asked_ && now - *asked_ < 2 * kLongestPause;
  pause_ = again ? std::min(2 * pause_, kLongestPause) : kFirstPause;
  asked_ = now;
  finder_.ask([this](const Result<std::vector<SlotRange>>& ranges) { found(ranges); });
}

void Cluster::found(const Result<std::vector<SlotRange>>& ranges) {
  if (ranges) {
    outage_.back();
    slots_.fill(nullptr);
    for (const SlotRange& range : *ranges) {
      std::fill(slots_.begin() + range.first, slots_.begin() + range.last + 1, master_at(range.master));
    }
    known_ = true;
    // Those that serve nothing any more end with the last fiber that waits for them.
    std::erase_if(masters_, [](const MasterPtr& master) { return master.use_count() == 1; });
  } else {
    failure_ = Failure(Error::unavailable);
    failure_.internal = "redis: " + ranges.error().internal;
    outage_.lost(ranges.error().internal);
    if (!known_) refresh();
  }
  std::exchange(settled_, std::make_shared<fiber::Event>())->set();
}

Cluster::MasterPtr Cluster::master_at(const net::Endpoint& endpoint) {
  for (const MasterPtr& master : masters_) {
    if (master->endpoint == endpoint) return master;
  }
  if (known_) {
    ++conversations_;
    ++replacements_;
  }
  return masters_.emplace_back(std::make_shared<Master>(*this, endpoint));
}

Cluster::MasterPtr Cluster::any_master() const {
  const auto is_available = [](const MasterPtr& master) { return master->node.available(); };
  const auto found = std::find_if(masters_.begin(), masters_.end(), is_available);
  return found != masters_.end() ? *found : masters_.empty() ? nullptr : masters_.front();
}

/// The slots are being asked for, for the first time and not for long yet.
bool Cluster::hopeful() const noexcept {
  return !known_ && failure_.internal.empty() && reactor_.now() - began_ < options_.timeout;
}

Result<void> Cluster::settle() {
  while (hopeful()) {
    const auto settled = settled_;
    if (auto waited = settled->wait(); !waited) return waited;
  }
  if (!known_) return failure_;
  return {};
}

Result<Cluster::MasterPtr> Cluster::master_of(Words words) {
  if (auto settled = settle(); !settled) return settled.error();
  const auto key = key_of(words);
  if (MasterPtr master = key ? slots_[slot_of(*key)] : any_master()) return master;
  refresh();
  Failure failure(Error::unavailable);
  failure.internal = "redis: no server has the slot of the key";
  return failure;
}

// ---- commands

/// What comes of a reply: follows redirections, and tries again what the server can't do just now.
Result<Reply> Cluster::follow(Words words, MasterPtr master, Result<Reply> reply) {
  for (int redirections = 0; redirections < kMostRedirections; ++redirections) {
    if (!reply) {
      if (reply.error().error == Error::unavailable) refresh();
      return reply;
    }
    if (!reply->is_error()) return reply;
    const std::string error = std::move(*reply).take_text();
    if (const auto redirection = read_redirection(error, master->endpoint)) {
      master = master_at(redirection->to);
      if (redirection->for_good) {
        slots_[redirection->slot] = master;
        refresh();
      }
      reply = redirection->for_good ? master->node.command(words) : ask(words, master->node);
    } else if (error.starts_with("TRYAGAIN")) {
      if (auto slept = fiber::sleep(kBetweenTries); !slept) return slept.error();
      reply = master->node.command(words);
    } else {
      if (error.starts_with("CLUSTERDOWN") || is_demoted(error)) refresh();
      return failure_of(error);
    }
  }
  Failure failure(Error::unavailable);
  failure.internal = "redis: redirected without end";
  return failure;
}

/// To a server that takes over a slot: it has the key already, or will.
Result<Reply> Cluster::ask(Words words, Node& node) {
  if (auto settled = node.settle(); !settled) return settled.error();
  constexpr std::array<std::string_view, 1> kAsking{"ASKING"};
  Node::Call asking(node, kAsking);
  Node::Call call(node, words);
  if (auto asked = asking.wait(); !asked) return asked;
  return call.wait();
}

Result<Reply> Cluster::command(Words words) {
  auto master = master_of(words);
  if (!master) return master.error();
  auto reply = (*master)->node.command(words);
  if (reply && !reply->is_error()) return reply;
  return follow(words, std::move(*master), std::move(reply));
}

std::vector<Result<Reply>> Cluster::commands(std::span<const Words> commands) {
  std::vector<Result<MasterPtr>> masters;
  for (const Words words : commands) {
    auto master = master_of(words);
    if (master) {
      if (auto settled = (*master)->node.settle(); !settled) master = settled.error();
    }
    masters.push_back(std::move(master));
  }
  std::deque<std::optional<Node::Call>> calls;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    auto& call = calls.emplace_back();
    if (masters[i]) call.emplace((*masters[i])->node, commands[i]);
  }
  std::vector<Result<Reply>> replies;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    if (calls[i]) {
      auto reply = calls[i]->wait();
      replies.push_back(follow(commands[i], *masters[i], std::move(reply)));
    } else {
      if (masters[i].error().error == Error::unavailable) refresh();
      replies.emplace_back(masters[i].error());
    }
  }
  return replies;
}

Result<void> Cluster::send(Words words) {
  const auto key = key_of(words);
  const MasterPtr master = key ? slots_[slot_of(*key)] : any_master();
  if (master == nullptr) return failure_;
  return master->node.send(words);
}

bool Cluster::available() const noexcept {
  if (!known_) return hopeful();
  const MasterPtr master = any_master();
  return master != nullptr && master->node.available();
}

}  // namespace nacre::redis
