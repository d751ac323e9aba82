#include "spikelens/kernels/dispatch.h"

#include <algorithm>
#include <cstdlib>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"

#include "kernel_sets.h"

namespace spikelens::kernels {
namespace {

struct Candidate {
    const KernelSet* set;
    bool supported;
};

std::vector<Candidate> candidates() {
    std::vector<Candidate> all = {{&scalar_kernels, true}, {&portable_kernels, true}};
#if defined(__x86_64__)
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    all.push_back({&avx2_kernels, avx2});
    all.push_back({&avx512_kernels, avx512});
#endif
    return all;
}

}  // namespace

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
        if (!candidate.supported) throw InputError("this CPU cannot run the kernel '" + std::string(name) + "'");
        return *candidate.set;
    }
    if (!name.empty()) throw InputError("unknown kernel '" + std::string(name) + "'" + suggestion(name, names));
    return *best;
}

int64_t list_bytes(const LayerPlan& plan, int steps, int planes) {
    const int64_t channels = int64_t{64} * plan.in_words, step_bytes = 4 * channels * steps;
    const int64_t by_pixel = step_bytes * planes * plan.taps() + static_cast<int64_t>(kListBytes / kLeastListed);
    const int64_t by_row =
        plan.out_width == 1 || planes > 3 ? 0 : 2 * step_bytes * ((1 << planes) - 1) * plan.in_width * plan.kernel_height;
    return std::max(by_pixel, by_row);
}

Listing choose_listing(const LayerPlan& plan, int planes, double density) {
    if (planes == 1 && density > 0.5) return Listing::silence;
    // A spike listed under every output that it reaches costs a listing each time; listed once, an addition in memory in place
    // of one in registers: better while there are few spikes and few outputs to add them to.
    const double spikes = density * planes;
    const bool by_rows = plan.out_width > 1 && planes <= 3 && (plan.padded() <= 32 ? spikes < 0.3 : spikes * plan.padded() < 4);
    const bool often_silent = density * plan.in_channels < 0.1;  // so that the branch is foreseen
    const bool ask = plan.in_channels > 16 || often_silent;
    if (by_rows) return ask ? Listing::active_rows : Listing::rows;
    return ask ? Listing::active_words : Listing::every_word;
}

}  // namespace spikelens::kernels
