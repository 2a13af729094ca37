#include "mongo/selection.h"

#include <algorithm>

namespace nacre::mongo {
namespace {

using Candidates = std::vector<const Member*>;

Candidates of_kind(const std::vector<Member>& members, Member::Kind kind) {
  Candidates found;
  for (const Member& member : members) {
    if (member.kind == kind) found.push_back(&member);
  }
  return found;
}

/// How far a secondary is behind the primary, or without one behind the secondary that has the most.
Milliseconds staleness(const Member& secondary, const Candidates& primaries, const Candidates& secondaries) {
  if (!primaries.empty()) {
    const Member& primary = *primaries.front();
    return (secondary.asked - secondary.written) - (primary.asked - primary.written);
  }
  Milliseconds latest = secondary.written;
  for (const Member* other : secondaries) latest = std::max(latest, other->written);
  return latest - secondary.written;
}

bool has_tags(const Member& member, const std::vector<std::pair<std::string, std::string>>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& tag) {
    return std::find(member.tags.begin(), member.tags.end(), tag) != member.tags.end();
  });
}

/// Those with all tags of the first set that any of them has.
Candidates tagged(const Candidates& candidates, const ReadPreference& preference) {
  if (preference.tags.empty()) return candidates;
  for (const auto& set : preference.tags) {
    Candidates found;
    for (const Member* member : candidates) {
      if (has_tags(*member, set)) found.push_back(member);
    }
    if (!found.empty()) return found;
  }
  return {};
}

Candidates preferred(const std::vector<Member>& members, const ReadPreference& preference, Milliseconds heartbeat) {
  const Candidates routers = of_kind(members, Member::Kind::router);
  if (!routers.empty()) return routers;  // which are told the preference
  Candidates primaries = of_kind(members, Member::Kind::primary);
  if (preference.is_primary() || (preference.mode == "primaryPreferred" && !primaries.empty())) return primaries;
  const Candidates all = of_kind(members, Member::Kind::secondary);
  Candidates fresh = all;
  if (preference.max_staleness) {
    std::erase_if(fresh, [&](const Member* member) {
      return staleness(*member, primaries, all) + heartbeat > *preference.max_staleness;
    });
  }
  if (preference.mode == "nearest") {
    fresh.insert(fresh.end(), primaries.begin(), primaries.end());
    return tagged(fresh, preference);
  }
  Candidates secondaries = tagged(fresh, preference);
  return secondaries.empty() && preference.mode == "secondaryPreferred" ? primaries : secondaries;
}

}  // namespace

std::vector<std::string> select(const std::vector<Member>& members, const ReadPreference& preference, Milliseconds threshold,
                                Milliseconds heartbeat) {
  const Candidates candidates = preferred(members, preference, heartbeat);
  std::vector<std::string> addresses;
  if (candidates.empty()) return addresses;
  const auto nearer = [](const Member* a, const Member* b) { return a->round_trip < b->round_trip; };
  const Milliseconds most = (*std::min_element(candidates.begin(), candidates.end(), nearer))->round_trip + threshold;
  for (const Member* member : candidates) {
    if (member->round_trip <= most) addresses.push_back(member->address);
  }
  return addresses;
}

}  // namespace nacre::mongo
