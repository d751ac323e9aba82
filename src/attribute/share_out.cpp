#include "share_out.h"

#include <algorithm>
#include <numeric>

#include "spikelens/core/parallel.h"

namespace spikelens {
namespace {

/// How much of each score is shared out for a class.
std::vector<float> start_of_sweep(int target, int64_t classes, bool contrast) {
    const float other = contrast && classes > 1 ? -1.0F / static_cast<float>(classes - 1) : 0.0F;
    std::vector<float> start(classes, other);
    start[target] = 1;
    return start;
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
    const int threads = engine.execution().threads;
    const int64_t at_once = threads > 0 ? threads : available_threads(), classes = engine.network().class_count();
    for (int64_t first = 0; first < input.samples(); first += at_once) {
        std::vector<int64_t> samples(std::min(at_once, input.samples() - first));
        std::iota(samples.begin(), samples.end(), first);
        const Input part = input.select(samples);
        const Recording recording = engine.run(part, sweep.request());
        parallel_for(part.samples(), engine.execution(), [&](int64_t n, int) {
            const std::vector<float> start = start_of_sweep(targets[first + n], classes, options.contrast);
            ShareSweep::Visit each;
            if (visit) each = [&](const ShareSweep::LayerShares& shares) { visit(first + n, shares); };
            Shares shares{0, sweep.sweep(recording, part, n, start, each)};
            for (int64_t c = 0; c < classes; ++c) shares.whole += double{start[c]} * recording.scores.row(n)[c];
            take(first + n, shares);
        });
    }
}

}  // namespace spikelens
