#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "redis/resp.h"

// However the bytes of a Redis come, they are the same replies, or refused.
namespace {

struct Read {
  explicit Read(std::string_view bytes, std::size_t piece) {
    nacre::redis::Resp resp;
    const auto sink = [this](nacre::redis::Reply&& reply) { replies.push_back(std::move(reply)); };
    for (; good && !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
      good = resp.take(bytes.substr(0, piece), sink);
    }
  }

  std::vector<nacre::redis::Reply> replies;
  bool good = true;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Read whole(bytes, size);
  for (const std::size_t piece : {1, 7}) {
    const Read pieces(bytes, piece);
    if (pieces.good != whole.good || pieces.replies != whole.replies) std::abort();
  }
  return 0;
}
