// Tiles of products: every kernel gives the bits of the plain sum in sample order.
#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/core/random.h"

#include "kernels/dispatch.h"

namespace spikelens {
namespace {

using kernels::kProductTile;

TEST(Products, AreThePlainSumsForEveryKernelAndSize) {
    for (const int64_t samples : {0, 1, 127, 128, 129, 300}) {
        for (const int64_t columns : {1, 95, 96, 97, 200}) {
            std::vector<float> x(static_cast<size_t>(samples * columns));
            for (size_t i = 0; i < x.size(); ++i)
                x[i] = static_cast<float>(std::exp(5 * random_normal(1, Stream::test, {i})));
            for (const std::string& name : kernels::supported_kernels()) {
                for (int64_t row = 0; row < columns; row += kProductTile) {
                    const int64_t column = (columns - 1) / kProductTile * kProductTile;
                    std::vector<double> sums(size_t{kProductTile} * kProductTile, -1);
                    kernels::choose_kernels(name).products({x.data(), samples, columns, row, column, sums.data()});
                    for (int64_t i = 0; i < kProductTile; ++i) {
                        for (int64_t j = 0; j < kProductTile; ++j) {
                            double sum = 0;
                            for (int64_t n = 0; n < samples && row + i < columns && column + j < columns; ++n)
                                sum += double{x[n * columns + row + i]} * x[n * columns + column + j];
                            ASSERT_EQ(sums[i * kProductTile + j], sum) << name << " " << samples << " " << columns;
                        }
                    }
                }
            }
        }
    }
}

}  // namespace
}  // namespace spikelens
