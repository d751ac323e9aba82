#include <gtest/gtest.h>

#include "spikelens/core/counted.h"

namespace spikelens {
namespace {

TEST(Counted, OneIsSingular) {
    EXPECT_EQ(counted(0, "neuron"), "0 neurons");
    EXPECT_EQ(counted(1, "neuron"), "1 neuron");
    EXPECT_EQ(counted(2, "test image"), "2 test images");
    EXPECT_EQ(counted(1, "class"), "1 class");
    EXPECT_EQ(counted(10, "class"), "10 classes");
    EXPECT_EQ(counted(3, "epoch"), "3 epochs");
}

}  // namespace
}  // namespace spikelens
