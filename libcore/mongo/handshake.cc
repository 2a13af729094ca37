#include "mongo/handshake.h"

#include "mongo/driver.h"
#include "mongo/reply.h"

namespace nacre::mongo {

Result<Opened> handshake(const Target& target, Role role, const net::Patience& patience) {
  const auto driver = Driver::connect(target, role, patience);
  if (!driver) return driver.error();
  Opened opened{(*driver)->take(), (*driver)->server()};
  if (!opened.socket.is_open()) return away("no connection to the server that was selected");
  return opened;
}

}  // namespace nacre::mongo
