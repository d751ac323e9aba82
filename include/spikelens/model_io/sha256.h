#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace spikelens {

/// SHA-256 (FIPS 180-4) of bytes given in pieces, by OpenSSL.
class Sha256 {
  public:
    Sha256();
    ~Sha256();

    void add(const void* bytes, size_t count);
    /// 64 lower-case hex digits. Call it once, last.
    std::string hex();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace spikelens
