#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

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

/// SHA-256, 64 lower-case hex digits. The file's throws InputError when it cannot be read.
std::string sha256_of_bytes(std::string_view bytes);
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace spikelens
