#include "spikelens/io/sha256.h"

#include <array>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "spikelens/core/error.h"
#include "spikelens/io/files.h"

namespace spikelens {
namespace {

void require(int succeeded) {
    if (succeeded != 1) throw RunError("OpenSSL cannot compute SHA-256");
}

}  // namespace

struct Sha256::State {
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
    require(state_->context != nullptr);
    require(EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr));
}

Sha256::~Sha256() = default;

void Sha256::add(const void* bytes, size_t count) { require(EVP_DigestUpdate(state_->context.get(), bytes, count)); }

std::string Sha256::hex() {
    std::array<unsigned char, 32> digest{};
    require(EVP_DigestFinal_ex(state_->context.get(), digest.data(), nullptr));
    std::string text;
    for (unsigned char byte : digest) text += fmt::format("{:02x}", byte);
    return text;
}

std::string sha256_of_bytes(std::string_view bytes) {
    Sha256 sum;
    sum.add(bytes.data(), bytes.size());
    return sum.hex();
}

std::string sha256_of_file(const std::filesystem::path& path) {
    FileReader file(path);
    std::array<char, 1 << 16> buffer{};
    Sha256 sum;
    while (const size_t count = file.read(buffer.data(), buffer.size())) sum.add(buffer.data(), count);
    file.close();
    return sum.hex();
}

}  // namespace spikelens
