#include "spikelens/pipeline/content.h"

#include <bit>
#include <utility>

#include <fmt/format.h>

#include "spikelens/io/sha256.h"

namespace spikelens {

static_assert(std::endian::native == std::endian::little);

int64_t content_address(const Input& sample) {
    Sha256 sha;
    sha.add(sample.spiking() ? "spikes" : "images", 6);
    Shape shape = sample.shape();
    if (sample.spiking()) std::swap(shape[0], shape[1]);  // [T, 1, C, H, W]
    sha.add(shape.data(), shape.size() * sizeof(int64_t));
    if (sample.spiking())
        sha.add(sample.spikes.data.data(), sample.spikes.data.size());
    else
        sha.add(sample.images.data.data(), sample.images.data.size() * sizeof(float));
    constexpr uint64_t marked = uint64_t{1} << 62;
    return static_cast<int64_t>(std::stoull(sha.hex().substr(0, 16), nullptr, 16) >> 2 | marked);
}

std::string address_text(int64_t address) { return fmt::format("{:016x}", static_cast<uint64_t>(address)).substr(6); }

}  // namespace spikelens
