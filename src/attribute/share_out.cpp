#include "share_out.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"

#include "share_plan.h"
#include "snn/sample_memory.h"

namespace spikelens {
namespace {

/// How much of each score is shared out for a class.
std::vector<float> start_of_sweep(int target, int64_t classes, bool contrast) {
    const float other = contrast && classes > 1 ? -1.0F / static_cast<float>(classes - 1) : 0.0F;
    std::vector<float> start(classes, other);
    start[target] = 1;
    return start;
}

/// How all samples are worked: by `plan`, `at_once` side by side.
struct Plans {
    SharePlan plan;
    int64_t at_once = 1;
    int threads_each = 1;
};

/// As many samples side by side as memory holds with all layers recorded. Where it does not hold two, one at a time by
/// all threads, its layers recorded in parts.
Plans plan_all(const Engine& engine, const Input& input) {
    const Network& network = engine.network();
    const int64_t steps = input.spiking() ? input.steps() : network.steps, memory = engine.execution().memory;
    const int threads = engine.execution().threads > 0 ? engine.execution().threads : available_threads();
    SharePlan whole = plan_shares(network, steps, !input.spiking(), 1, std::numeric_limits<int64_t>::max());
    const int64_t at_once = std::min({memory / whole.bytes, int64_t{threads}, input.samples()});
    if (at_once > 1) return {std::move(whole), at_once, 1};
    SharePlan parts = plan_shares(network, steps, !input.spiking(), threads, memory);
    if (parts.bytes > memory)
        throw InputError("the shares of one sample take " + size_text(parts.bytes) + ", more than the " +
                         size_text(memory) + " of memory that they may take");
    return {std::move(parts), 1, threads};
}

}  // namespace

ShareOptions share_options(MethodOptions& options) {
    ShareOptions chosen;
    chosen.contrast = options.choice<bool>("start", {{"contrast", true}, {"class", false}},
                                           "what is shared out: the class score less the mean of the others, or alone");
    chosen.soft =
        options.choice<bool>("soft", {{"no", false}, {"yes", true}},
                             "whether silent neurons near their threshold share in what they would have brought");
    return chosen;
}

void share_out(const Engine& engine, const Input& input, std::span<const int> targets, const ShareOptions& options,
               const std::function<void(int64_t, const Shares&)>& take, const VisitShares& visit) {
    const ShareSweep sweep(engine.network(), options.soft);
    const int64_t classes = engine.network().class_count();
    const auto [plan, at_once, threads_each] = plan_all(engine, input);
    Execution each = engine.execution();
    each.threads = threads_each;
    for (int64_t first = 0; first < input.samples(); first += at_once) {
        std::vector<int64_t> samples(std::min(at_once, input.samples() - first));
        std::iota(samples.begin(), samples.end(), first);
        const Input some = input.select(samples);
        std::vector<ShareSweep::Walk> walks;
        std::vector<std::vector<float>> starts;
        FloatArray scores;
        for (const int64_t n : samples) {
            ShareSweep::Visit see;
            if (visit) see = [&visit, n](const ShareSweep::LayerShares& layer) { visit(n, layer); };
            starts.push_back(start_of_sweep(targets[n], classes, options.contrast));
            walks.emplace_back(sweep, some, n - first, starts.back(), each, std::move(see));
        }
        for (const SharePart& part : plan.parts) {
            const Recording recording = engine.run(some, part.request);
            parallel_for(some.samples(), engine.execution(), [&](int64_t n, int) { walks[n].down(part, recording); });
            scores = recording.scores;
        }
        for (int64_t n = 0; n < some.samples(); ++n) {
            Shares shares{0, walks[n].result()};
            for (int64_t c = 0; c < classes; ++c) shares.whole += double{starts[n][c]} * scores.row(n)[c];
            take(first + n, shares);
        }
    }
}

}  // namespace spikelens
