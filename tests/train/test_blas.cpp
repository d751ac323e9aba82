#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace {

double seconds_of_product(const at::Tensor& a, const at::Tensor& b) {
    const auto start = std::chrono::steady_clock::now();
    const at::Tensor product = at::mm(a, b);
    EXPECT_EQ(product.size(0), a.size(0));
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Training lives on matrix products. The reference BLAS needs more than a second for this one, OpenBLAS 0.02-0.06 s a
// core.
TEST(Blas, IsNotTheReferenceOne) {
    const at::Tensor a = at::ones({1024, 1024});
    const at::Tensor b = at::ones({1024, 1024});
    double best = seconds_of_product(a, b);
    for (int i = 0; i < 4; ++i) best = std::min(best, seconds_of_product(a, b));
    EXPECT_LT(best, 0.5) << "LibTorch multiplies matrices slowly: which libblas.so.3 does it load?";
}

TEST(Blas, ReferenceLibraryIsNotLoaded) {
    std::ifstream maps("/proc/self/maps");
    ASSERT_TRUE(maps) << "this test reads /proc/self/maps";
    for (std::string line; std::getline(maps, line);)
        EXPECT_EQ(line.find("/blas/libblas.so"), std::string::npos) << line << ": the reference BLAS, see ./run setup";
}

}  // namespace
