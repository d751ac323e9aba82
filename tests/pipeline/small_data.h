#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "spikelens/io/files.h"

namespace spikelens {

/// An IDX file: the extents, then the bytes.
inline std::string idx_file(const std::vector<uint32_t>& extents, const std::string& content) {
    std::string bytes = {0, 0, 8, static_cast<char>(extents.size())};
    for (const uint32_t extent : extents)
        for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(extent >> shift);
    return bytes + content;
}

/// A data set of 4×4 images in two classes: of the first the left half is bright, of the second the right half; every
/// pixel differs a little.
inline void write_small_data(const std::filesystem::path& folder, uint32_t train, uint32_t test) {
    for (const auto& [name, count] : {std::pair{"train", train}, {"t10k", test}}) {
        std::string pixels, labels;
        for (uint32_t n = 0; n < count; ++n) {
            labels += static_cast<char>(n % 2);
            for (uint32_t i = 0; i < 16; ++i)
                pixels += static_cast<char>((i % 4 < 2) == (n % 2 == 0) ? 160 + (37 * n + 11 * i) % 90
                                                                        : (13 * n + 7 * i) % 60);
        }
        write_file(folder / (std::string(name) + "-images-idx3-ubyte"), idx_file({count, 4, 4}, pixels));
        write_file(folder / (std::string(name) + "-labels-idx1-ubyte"), idx_file({count}, labels));
    }
    write_file(folder / "classes.txt", "left\nright\n");
}

}  // namespace spikelens
