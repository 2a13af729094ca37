#include "mongo/message.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "mongo/bson_reader.h"

namespace nacre::mongo {
namespace {

struct Conversation {
  std::shared_ptr<Sequence> sequence = std::make_shared<Sequence>();
  Codec codec{sequence};
  std::vector<std::string> heard{};

  bool take(std::string_view bytes) {
    return codec.take(std::span(bytes.data(), bytes.size()),
                      [this](Reply&& reply) { heard.emplace_back(find(reply.document(), "is")->text()); });
  }
  /// What a server would answer to the `id`-th command.
  static std::string reply(std::uint32_t id, std::string_view text, std::uint32_t flags = 0, std::uint32_t opcode = 2013) {
    std::string out;
    Sequence other;
    append_command(out, other, [&](BsonWriter& bson) { bson.string("is", text); });
    out.replace(8, 4, reinterpret_cast<const char*>(&id), 4);
    out.replace(12, 4, reinterpret_cast<const char*>(&opcode), 4);
    out.replace(16, 4, reinterpret_cast<const char*>(&flags), 4);
    if ((flags & 1U) != 0) {
      out += "CRC!";
      const auto length = static_cast<std::uint32_t>(out.size());
      out.replace(0, 4, reinterpret_cast<const char*>(&length), 4);
    }
    return out;
  }
};

}  // namespace

TEST_CASE("replies are cut out of whatever pieces come") {
  const std::string bytes = Conversation::reply(1, "one") + Conversation::reply(2, std::string(300, 'x'), 1) +
                            Conversation::reply(3, "three", 0x10000);
  for (std::size_t size = 1; size <= bytes.size(); ++size) {
    Conversation conversation;
    conversation.sequence->sent = 3;
    for (std::size_t at = 0; at < bytes.size(); at += size)
      REQUIRE(conversation.take(std::string_view(bytes).substr(at, size)));
    REQUIRE(conversation.heard.size() == 3);
    CHECK(conversation.heard[0] == "one");
    CHECK(conversation.heard[1].size() == 300);
    CHECK(conversation.heard[2] == "three");
  }
}

TEST_CASE("what answers no command, or not the next one, breaks the conversation") {
  Conversation conversation;
  CHECK_FALSE(conversation.take(Conversation::reply(1, "unasked")));
  conversation = {};
  conversation.sequence->sent = 2;
  CHECK_FALSE(conversation.take(Conversation::reply(2, "too early")));
  conversation.codec.reset();
  conversation.sequence->sent = 3;
  CHECK(conversation.take(Conversation::reply(3, "a new conversation")));
}

TEST_CASE("a message that is none is refused") {
  const auto refused = [](std::string bytes) {
    Conversation conversation;
    conversation.sequence->sent = 1;
    return !conversation.take(bytes);
  };
  const std::string good = Conversation::reply(1, "good");
  REQUIRE_FALSE(refused(good));
  CHECK(refused(Conversation::reply(1, "compressed", 0, 2012)));
  CHECK(refused(Conversation::reply(1, "more to come", 2)));
  CHECK(refused(Conversation::reply(1, "unknown required flag", 4)));
  for (const std::uint32_t length : {0U, 15U, 16U, 25U, 48'000'001U, 0xFFFFFFFFU}) {
    std::string bad = good;
    bad.replace(0, 4, reinterpret_cast<const char*>(&length), 4);
    CHECK(refused(bad));
  }
  std::string document_sequence = good;
  document_sequence[20] = '\1';
  CHECK(refused(document_sequence));
  std::string short_document = good;
  --short_document[21];
  CHECK(refused(short_document));
}

}  // namespace nacre::mongo
