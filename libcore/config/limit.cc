#include "config/limit.h"

#include "config/bounds.h"
#include "config/reader.h"
#include "config/scalar.h"

namespace nacre::config {
namespace {

void read_costs(const Source& source, const Member& member, Limit& limit) {
  const Reader reader(source, member.value, member.mark, {"list", "read", "create", "replace", "update", "delete"});
  for (const Member& cost : member.value.members) {
    std::uint32_t count = 1;
    reader.integer(cost.key, count, 1, limit.burst);  // what costs more than the burst would never pass
    limit.costs.emplace_back(cost.key, count);
  }
}

Limit read_limit(const Source& source, const Value& value, Mark mark) {
  constexpr std::string_view kRates = "allowed: 1 to 1000000 for s, m, h or d, as in 50/s, 1000/h";
  const Reader reader(source, value, mark, {"rate", "burst", "per", "for", "cost"});
  const auto& rate_member = reader.require("rate", kRates);
  const auto rate = parse_rate(rate_member.value.text);
  if (!rate) reader.fail(rate_member, "no rate", kRates);
  Limit limit{
      .count = rate->count, .period = rate->period, .burst = rate->count, .per = Limit::Per::ip, .role = {}, .costs = {}};
  reader.integer("burst", limit.burst, 1, kLargestBurst);
  reader.choice("per", limit.per, {{"user", Limit::Per::user}, {"ip", Limit::Per::ip}, {"resource", Limit::Per::resource}});
  if (const auto* whom = reader.find("for")) {
    const auto rule = parse_access_rule(whom->value.text);
    if (!rule || rule->kind != AccessRule::Kind::role) reader.fail(*whom, "no role", "allowed: role:NAME");
    limit.role = rule->role;
  }
  if (const auto* cost = reader.find("cost")) read_costs(source, *cost, limit);
  return limit;
}

}  // namespace

std::vector<Limit> read_limits(const Source& source, const Member& member) {
  source.warn(member.mark, "limit is checked, but not enforced yet", "nginx's limit_req limits by address");
  if (member.value.kind != Value::Kind::sequence) return {read_limit(source, member.value, member.mark)};
  std::vector<Limit> limits;
  for (const Value& item : member.value.items) {
    if (!limits.empty() && limits.back().role.empty()) {
      source.report(item.mark, "limit: the one before fits everybody, so that none after it does",
                    "allowed: for: role:NAME in all but the last");
    }
    limits.push_back(read_limit(source, item, item.mark));
  }
  if (limits.empty())
    source.report(member.value.mark, "limit: an empty list",
                  "allowed: a mapping of rate, burst, per, for, cost, or a list of them");
  return limits;
}

}  // namespace nacre::config
