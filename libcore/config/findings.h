#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/load.h"

namespace nacre::config {

/// What is found while a configuration loads. One mistake shall not hide the others: each part is read by `attempt`, and what
/// all of them found is told at the end.
class Findings {
 public:
  void mistake(std::string message) { mistakes_.push_back(std::move(message)); }
  void warning(std::string message) { warnings_.push_back(std::move(message)); }

  /// Runs `read`; a LoadError that it throws is kept as mistakes. False: it threw.
  template <class Read>
  bool attempt(const Read& read) {
    try {
      read();
      return true;
    } catch (const LoadError& error) {
      for (const auto& message : error.messages()) mistake(message);
      return false;
    }
  }

  /// Throws LoadError with all mistakes, if there are any.
  void refuse_mistakes();
  std::vector<std::string> take_warnings();

 private:
  std::vector<std::string> mistakes_;
  std::vector<std::string> warnings_;
};

}  // namespace nacre::config
