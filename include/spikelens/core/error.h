#pragma once

#include <stdexcept>
#include <string>

namespace spikelens {

/// The caller's fault: a file, an option, a shape or a value that cannot be used. The message is one clear sentence
/// that says what is wrong, where, and what was expected. The program exits with 2.
class InputError : public std::runtime_error {
  public:
    explicit InputError(const std::string& sentence) : std::runtime_error(sentence) {}
};

/// The world's fault: a disk that is full, a server that does not answer. The program exits with 1.
class RunError : public std::runtime_error {
  public:
    explicit RunError(const std::string& sentence) : std::runtime_error(sentence) {}
};

}  // namespace spikelens
