#include "dispatch.h"

#include <algorithm>
#include <cstdlib>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"

#include "kernel_sets.h"
#include "slice_patch.h"
#include "step_patterns.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace spikelens::kernels {
namespace {

struct Candidate {
    const KernelSet* set;
    bool supported;
};

#if defined(__x86_64__)
/// AMX with registers and products of bytes (Intel's manual, CPUID leaf 7). Compilers do not agree on its name.
bool cpu_has_amx() {
    constexpr unsigned kTiles = 1U << 24, kBytes = 1U << 25;
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (edx & kTiles) != 0 && (edx & kBytes) != 0;
}
#endif

std::vector<Candidate> candidates() {
    std::vector<Candidate> all = {{&scalar_kernels, true}, {&portable_kernels, true}};
#if defined(__x86_64__)
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    all.push_back({&avx2_kernels, avx2});
    all.push_back({&avx512_kernels, avx512});
    all.push_back({&amx_kernels, avx512 && cpu_has_amx() && may_use_tiles()});
#endif
    return all;
}

/// Weights are copied for a tile of pixels, and inputs listed for a few steps at a time: worth it where many outputs
/// use the lists, and pixels, steps and samples the copy. Where nearly all inputs spike, those that do not are fewer.
bool pays_patterns(const LayerPlan& plan, int steps, double density, int samples) {
    constexpr int kLeastOutputs = 64;
    constexpr int64_t kLeastItems = 8;
    constexpr double kLeastDensity = 0.08, kLeastOfOutputs = 10, kMostDensity = 0.75;
    const int64_t items = int64_t{plan.out_height} * plan.out_width * Patterns::chunks(steps) * samples;
    return steps > 1 && plan.padded() >= kLeastOutputs && items >= kLeastItems && density <= kMostDensity &&
           density >= kLeastDensity + kLeastOfOutputs / plan.padded();
}

}  // namespace

#if defined(__x86_64__)
bool may_use_tiles() {
#if defined(__linux__)
    constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
    return false;
#endif
}
#endif

std::vector<std::string> supported_kernels() {
    std::vector<std::string> names;
    for (const Candidate& candidate : candidates())
        if (candidate.supported) names.emplace_back(candidate.set->name);
    return names;
}

const KernelSet& choose_kernels(std::string_view name) {
    const char* environment = std::getenv("SPIKELENS_KERNEL");
    if (name.empty() && environment != nullptr) name = environment;
    const KernelSet* best = nullptr;
    std::vector<std::string> names;
    for (const Candidate& candidate : candidates()) {
        names.emplace_back(candidate.set->name);
        if (candidate.supported) best = candidate.set;
        if (name != candidate.set->name) continue;
        if (!candidate.supported) throw InputError("this machine cannot run the kernel '" + std::string(name) + "'");
        return *candidate.set;
    }
    if (!name.empty()) throw InputError("unknown kernel '" + std::string(name) + "'" + suggestion(name, names));
    return *best;
}

double least_slice_density(const KernelSet& set, const LayerPlan& plan, int steps, int planes) {
    if (set.slices.least_density > 1 || !plan.fits_slices(planes)) return 2;
    const SlicePatch patch = SlicePatch::largest(plan, steps, plan.out_height, plan.out_width);
    const double rows = double(patch.rows) * patch.columns * steps;
    const double multiplied = static_cast<double>(patch.rows * patch.matrix_rows(steps)) + set.slices.slicing;
    const double used = rows / multiplied * plan.in_channels / (64.0 * plan.in_words);  // of what is multiplied
    return set.slices.least_density / (used * planes);
}

int64_t sum_bytes(const KernelSet& set, const LayerPlan& plan, int steps, int planes) {
    const int64_t channels = int64_t{64} * plan.in_words, step_bytes = 4 * channels * steps;
    const int64_t by_pixel = step_bytes * planes * plan.taps() + static_cast<int64_t>(kListBytes / kLeastListed);
    const int64_t by_row =
        int64_t{8} * steps * planes * plan.in_width * (plan.kernel_height * plan.in_channels / 64 + 1);
    const int64_t listed = std::max({by_pixel, by_row, StepPatterns::most_bytes(plan, steps, planes)});
    if (set.slices.least_density > 1 || !plan.fits_slices(planes)) return listed;
    const SlicePatch patch = SlicePatch::largest(plan, steps, plan.out_height, plan.out_width);
    return std::max({listed, patch.input_bytes(plan, steps) + 4 * patch.sum_count(steps)});
}

Listing listing_by_pixel(const LayerPlan& plan, double density) {
    const bool often_silent = density * plan.in_channels < 0.1;  // so that the branch is foreseen
    return plan.in_channels > 16 || often_silent ? Listing::active_words : Listing::every_word;
}

Listing choose_listing(const KernelSet& set, const LayerPlan& plan, int steps, int planes, double density,
                       int samples) {
    const double listed = planes == 1 ? std::min(density, 1 - density) : density;
    if (listed >= least_slice_density(set, plan, steps, planes)) return Listing::slices;
    if (pays_patterns(plan, steps, density, samples)) return Listing::patterns;
    if (planes == 1 && density > 0.5) return Listing::silence;
    // A spike listed under every output that it reaches costs a listing each time. A sweep over a row finds it once for
    // all columns that it reaches, but holds few sums: better while there are few spikes and few outputs.
    const double spikes = density * planes;
    const bool by_rows = plan.out_width > 1 && planes <= 3 && plan.reached_columns() <= kMostReached &&
                         (plan.padded() <= 32 ? spikes < 0.3 : spikes * plan.padded() < 4);
    return by_rows ? Listing::rows : listing_by_pixel(plan, density);
}

}  // namespace spikelens::kernels
