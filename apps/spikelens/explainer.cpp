#include "explainer.h"

#include <algorithm>
#include <cmath>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/results/store.h"

namespace spikelens::app {
namespace {

std::vector<MethodSpec> parse_methods(const std::vector<std::string>& texts) {
    std::vector<MethodSpec> methods;
    for (const std::string& text : texts) {
        methods.push_back(parse_method(text));
        if (std::ranges::count(methods, methods.back().text, &MethodSpec::text) > 1)
            throw InputError("the method '" + text + "' is asked for twice");
    }
    if (methods.empty()) throw InputError("no method is named; spikelens methods lists them");
    return methods;
}

}  // namespace

Explainer::Explainer(const OpenRun& run, const std::vector<std::string>& methods, const Globals& globals)
    : methods_(parse_methods(methods)), simulator_(run.network, {globals.threads, ""}) {
    const auto any = [&](bool MethodInfo::*need) {
        return std::ranges::any_of(methods_, [&](const MethodSpec& m) { return m.method->info().*need; });
    };
    if (any(&MethodInfo::needs_gradient)) {
        GradientOptions options;
        if (run.manifest.contains("options") && run.manifest["options"].contains("surrogate"))
            options.surrogate = parse_surrogate(run.manifest["options"]["surrogate"].get<std::string>());
        options.threads = globals.threads;
        gradient_.emplace(run.network, options);
    }
    if (any(&MethodInfo::needs_relevant)) {
        if (!std::filesystem::exists(run.files.relevant()))
            throw InputError("the relevant filters of " + run.files.root.string() +
                             " are not known yet; run spikelens interpret " + run.files.root.string() + " first");
        relevant_ = load_relevant_filters(run.fingerprint, run.files.relevant());
    }
    context_ = {&simulator_, gradient_ ? &*gradient_ : nullptr, relevant_ ? &*relevant_ : nullptr, globals.seed};
}

FloatArray Explainer::maps(const MethodSpec& method, const FloatArray& images, std::span<const int> targets,
                           std::span<const int64_t> samples) const {
    return pixel_maps(explain(method, context_, {images, targets, samples}), method.view);
}

std::vector<float> softmax(std::span<const float> scores) {
    const float largest = *std::ranges::max_element(scores);
    std::vector<double> exponentials;
    double sum = 0;
    for (float score : scores) sum += exponentials.emplace_back(std::exp(double{score} - largest));
    std::vector<float> shares;
    for (double e : exponentials) shares.push_back(static_cast<float>(e / sum));
    return shares;
}

std::vector<int64_t> draw_samples(int64_t size, int64_t count, uint64_t seed) {
    std::vector<int64_t> order = random_permutation(size, seed, Stream::sampling, {});
    if (count > 0 && count < size) order.resize(count);
    std::ranges::sort(order);
    return order;
}

}  // namespace spikelens::app
