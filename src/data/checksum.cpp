#include <array>
#include <memory>

#include <fmt/ranges.h>
#include <openssl/evp.h>

#include "spikelens/core/error.h"
#include "spikelens/core/files.h"
#include "spikelens/data/download.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

class Sha256 {
  public:
    Sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
        if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1)
            throw RunError("OpenSSL gives no SHA-256");
    }

    void add(std::string_view bytes) {
        if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1)
            throw RunError("OpenSSL failed within a SHA-256");
    }

    std::string hex() {
        std::array<uint8_t, 32> digest{};
        if (EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) != 1) throw RunError("OpenSSL failed to end a SHA-256");
        return fmt::format("{:02x}", fmt::join(digest, ""));
    }

  private:
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

std::string sha256_of_bytes(std::string_view bytes) {
    Sha256 sum;
    sum.add(bytes);
    return sum.hex();
}

std::string sha256_of_file(const fs::path& path) {
    FileReader file(path);
    std::array<char, 1 << 16> buffer{};
    Sha256 sum;
    while (const size_t count = file.read(buffer.data(), buffer.size())) sum.add({buffer.data(), count});
    file.close();
    return sum.hex();
}

}  // namespace spikelens
