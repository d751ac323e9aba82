#pragma once

#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "spikelens/core/random.h"
#include "spikelens/model_io/import.h"

#include "support/errors.h"
#include "support/temporary_folder.h"
#include "torch_files.h"

namespace spikelens {

/// A file of weights made in a test, and its import into a network of this text.
class WeightFile : public testing::Test {
  protected:
    /// Values from their addresses, in [−1, 1).
    static FloatArray values(const Shape& shape, uint64_t which) {
        FloatArray values(shape);
        for (size_t i = 0; i < values.data.size(); ++i)
            values.data[i] = static_cast<float>(2 * random_uniform(11, Stream::test, {which, i}) - 1);
        return values;
    }
    /// The same, but above 0.
    static FloatArray positive(const Shape& shape, uint64_t which) {
        FloatArray all = values(shape, which);
        for (float& value : all.data) value = 1.25F + value;
        return all;
    }
    static void add_norm(TestFile& file, const std::string& stem, int64_t channels, uint64_t which) {
        file.add(stem + ".weight", values({channels}, which));
        file.add(stem + ".bias", values({channels}, which + 1));
        file.add(stem + ".running_mean", values({channels}, which + 2));
        file.add(stem + ".running_var", positive({channels}, which + 3));
        file.add_integers(stem + ".num_batches_tracked", {}, {5});
    }

    ImportedNetwork import(const TestFile& file, const std::string& text, const WeightOptions& options = {}) {
        std::ofstream(path, std::ios::binary) << file.bytes();
        return import_weights(path, parse_network(text, input, 4), options);
    }
    std::string refusal(const TestFile& file, const std::string& text, const WeightOptions& options = {}) {
        return input_error([&] { import(file, text, options); });
    }

    Shape input = {2, 6, 6};
    TemporaryFolder folder;
    std::filesystem::path path = folder / "weights.pth";
};

}  // namespace spikelens
