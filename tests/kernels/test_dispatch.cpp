// Which kernel runs: by name, by what the CPU and the operating system grant, and by density.
#include <algorithm>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/snn/network.h"

#include "kernels/dispatch.h"
#include "kernels/kernel_sets.h"
#include "snn/lower.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cerrno>
#include <cstddef>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

namespace spikelens {
namespace {

kernels::LayerPlan plan_of(const char* text, const Shape& input, int steps) {
    Network network = parse_network(text, input, steps);
    initialise_weights(network, 1);
    return lower_for_spikes(network.layers[0], 1.0);
}

TEST(Dispatch, TheFastestSupportedIsTheDefault) {
    const auto names = kernels::supported_kernels();
    EXPECT_EQ(names.front(), "scalar");
    unsetenv("SPIKELENS_KERNEL");
    EXPECT_EQ(kernels::choose_kernels().name, names.back());
    for (const std::string& name : names) EXPECT_EQ(kernels::choose_kernels(name).name, name);
    EXPECT_THROW(kernels::choose_kernels("avx3"), InputError);
}

#if defined(__x86_64__)
TEST(Dispatch, SlicesAreForManySpikesAndFullWords) {
    using kernels::Listing;
    const kernels::LayerPlan large = plan_of("256C3-LIF-1F", {256, 14, 14}, 25),
                             thin = plan_of("32C3-LIF-1F", {2, 30, 30}, 10);
    const auto chosen = [](const kernels::KernelSet& set, const kernels::LayerPlan& plan, int planes, double density) {
        return kernels::choose_listing(set, plan, 25, planes, density);
    };
    EXPECT_EQ(chosen(kernels::amx_kernels, large, 1, 0.3), Listing::slices);
    EXPECT_EQ(chosen(kernels::amx_kernels, large, 1, 0.5), Listing::slices);
    EXPECT_EQ(chosen(kernels::amx_kernels, large, 3, 0.3), Listing::slices);
    EXPECT_NE(chosen(kernels::amx_kernels, large, 1, 0.01), Listing::slices);
    EXPECT_EQ(chosen(kernels::amx_kernels, large, 1, 0.99), Listing::silence);
    EXPECT_NE(chosen(kernels::amx_kernels, large, 9, 0.3), Listing::slices)
        << "no input of nine binary digits is a byte";
    EXPECT_NE(chosen(kernels::amx_kernels, thin, 1, 0.3), Listing::slices) << "62 of 64 lanes would multiply zeros";
    EXPECT_NE(chosen(kernels::avx512_kernels, large, 1, 0.3), Listing::slices);
}

TEST(Dispatch, PatternsAreForManySpikesOutputsAndPixels) {
    using kernels::Listing;
    const auto chosen = [](const kernels::LayerPlan& plan, int steps, double density, int samples) {
        return kernels::choose_listing(kernels::avx512_kernels, plan, steps, 1, density, samples);
    };
    const kernels::LayerPlan large = plan_of("256C3-LIF-1F", {256, 14, 14}, 4),
                             thin = plan_of("32C3-LIF-1F", {64, 14, 14}, 4);
    const kernels::LayerPlan full = plan_of("256F-LIF-1F", {512, 1, 1}, 4);
    EXPECT_EQ(chosen(large, 4, 0.2, 1), Listing::patterns);
    EXPECT_NE(chosen(large, 4, 0.02, 1), Listing::patterns);
    EXPECT_EQ(chosen(large, 4, 0.9, 1), Listing::silence);
    EXPECT_NE(chosen(large, 1, 0.2, 1), Listing::patterns) << "one step has one pattern";
    EXPECT_NE(chosen(thin, 4, 0.4, 1), Listing::patterns);
    EXPECT_NE(chosen(full, 4, 0.2, 1), Listing::patterns) << "the weights are used once";
    EXPECT_EQ(chosen(full, 4, 0.2, 8), Listing::patterns);
}

TEST(Dispatch, SlicesWhoseSumsMayNotFitAreNotUsed) {
    EXPECT_TRUE(plan_of("2F-LIF-1F", {65280, 1, 1}, 1).fits_slices(1));
    EXPECT_FALSE(plan_of("2F-LIF-1F", {65281, 1, 1}, 1).fits_slices(1));
    EXPECT_TRUE(plan_of("2F-LIF-1F", {256, 1, 1}, 1).fits_slices(8));
    EXPECT_FALSE(plan_of("2F-LIF-1F", {257, 1, 1}, 1).fits_slices(8));
}
#endif

#if defined(__x86_64__) && defined(__linux__)
/// Lets the operating system answer every request for AMX's registers like this; for the rest of the process.
void answer_permission_requests(unsigned error) {
    constexpr unsigned kRequestPermission = 0x1023;
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_arch_prctl, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kRequestPermission, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        std::exit(3);
}

/// 0: granted, or 1: refused, and then another kernel takes the place of AMX.
int outcome(unsigned error) {
    answer_permission_requests(error);
    if (kernels::may_use_tiles()) return 0;
    const auto names = kernels::supported_kernels();
    if (std::ranges::find(names, "amx") != names.end() || kernels::choose_kernels("").name == std::string("amx"))
        return 2;
    return 1;
}

TEST(DispatchDeathTest, RefusedAmxFallsBack) {
    unsetenv("SPIKELENS_KERNEL");
    EXPECT_EXIT(std::exit(outcome(EPERM)), testing::ExitedWithCode(1), "");
    EXPECT_EXIT(std::exit(outcome(0)), testing::ExitedWithCode(0), "");
}
#endif

}  // namespace
}  // namespace spikelens
