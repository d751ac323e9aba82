#include <algorithm>
#include <numeric>

#include "methods.h"
#include "shapley_values.h"
#include "spike_copies.h"
#include "superpixels.h"

namespace spikelens {
namespace {

enum class Estimator { permutation, kernel, exact };

struct ShapleyOptions {
    Estimator estimator = Estimator::permutation;
    int64_t segments = 0, orders = 0, coalitions = 0;
};

ShapleyOptions shapley_options(MethodOptions& options) {
    ShapleyOptions chosen;
    chosen.estimator = options.choice<Estimator>(
        "estimator",
        {{"permutation", Estimator::permutation}, {"kernel", Estimator::kernel}, {"exact", Estimator::exact}},
        "random orders, weighted least squares, or all coalitions");
    const bool exact = chosen.estimator == Estimator::exact;
    chosen.segments = options.integer("segments", exact ? kMostPlayersExactly : 50, 1,
                                      exact ? kMostPlayersExactly : 4096, "so many at most");
    if (chosen.estimator == Estimator::permutation)
        chosen.orders =
            options.integer("orders", 20, 1, 1000000, "random orders; every second one is the one before, reversed");
    if (chosen.estimator == Estimator::kernel)
        chosen.coalitions = options.integer("samples", 1000, 2, 1000000, "coalitions of segments that are shown");
    options.brings("estimator=permutation", "orders");
    options.brings("estimator=kernel", "samples");
    return chosen;
}

std::string cost_text(const ShapleyOptions& options) {
    if (options.estimator == Estimator::permutation) return std::to_string(options.orders) + " forward per segment";
    if (options.estimator == Estimator::kernel) return std::to_string(options.coalitions) + " forward";
    return "2 to the power of the segments forward";
}

std::vector<double> shapley(const Game& game, const ShapleyOptions& options, const AttributionContext& context,
                            int64_t sample) {
    switch (options.estimator) {
        case Estimator::permutation:
            return permutation_shapley(game, options.orders, context.seed, sample);
        case Estimator::kernel:
            return kernel_shapley(game, options.coalitions, context.seed, sample, context.engine->execution());
        case Estimator::exact:
            return exact_shapley(game);
    }
    return {};
}

/// A sample cut into players.
struct Cut {
    std::vector<int> player;  ///< of each pixel, of a recording of each step and pixel
    int count = 0;
};

std::vector<double> class_scores(const FloatArray& scores, int target) {
    std::vector<double> values;
    for (int64_t k = 0; k < scores.extent(0); ++k) values.push_back(scores.row(k)[target]);
    return values;
}

/// Versions of an image in which the pixels of players that are out show the baseline.
Game game_of_image(const Engine& engine, std::span<const float> image, std::span<const float> baseline, const Cut& cut,
                   int target) {
    return {cut.count, [&engine, image, baseline, &cut, target](const Array<uint8_t>& coalitions) {
                FloatArray scores({coalitions.extent(0), engine.network().class_count()});
                const int64_t at_once = copies_at_once(static_cast<int64_t>(image.size_bytes()));
                for (int64_t first = 0; first < scores.extent(0); first += at_once) {
                    Shape shape = engine.network().input_shape();
                    shape.insert(shape.begin(), std::min(at_once, scores.extent(0) - first));
                    FloatArray copies(shape);
                    for (int64_t i = 0; i < copies.size(); ++i) {
                        const int64_t k = first + i / copies.row_size(), place = i % copies.row_size();
                        const bool shown = coalitions.row(k)[cut.player[place % cut.player.size()]] != 0;
                        copies.data[i] = shown ? image[place] : baseline[place];
                    }
                    std::ranges::copy(engine.run(copies).scores.data, scores.row(first).begin());
                }
                return class_scores(scores, target);
            }};
}

/// A recording without the spikes of players that are out; cut.player is of every step and pixel.
Game game_of_recording(const Engine& engine, const ArrayView<uint8_t>& recording, const Cut& cut, int target) {
    return {cut.count, [&engine, recording, &cut, target,
                        places = spike_places(recording.data)](const Array<uint8_t>& coalitions) {
                const int64_t pixels = recording.extent(2) * recording.extent(3),
                              per_step = pixels * recording.extent(1);
                const auto hidden = [&](int64_t k) {
                    std::vector<int64_t> out;
                    for (const int64_t place : places)
                        if (coalitions.row(k)[cut.player[place / per_step * pixels + place % pixels]] == 0)
                            out.push_back(place);
                    return out;
                };
                return class_scores(scores_without(engine, recording, coalitions.extent(0), hidden), target);
            }};
}

/// Cells of space and of `windows` parts of the time: of every step and pixel [T·H·W] its cell.
Cut cells_of(const ArrayView<uint8_t>& recording, int64_t segments, int64_t windows) {
    const int64_t steps = recording.extent(0);
    const Superpixels grid = grid_superpixels(recording.extent(2), recording.extent(3), segments);
    Cut cut{{}, static_cast<int>(windows) * grid.count};
    for (int64_t t = 0; t < steps; ++t)
        for (const int segment : grid.segment)
            cut.player.push_back(static_cast<int>(t * windows / steps) * grid.count + segment);
    return cut;
}

/// Each player's value, shared equally among its places, which a map without time sums up.
void spread(const std::vector<double>& values, const Cut& cut, std::span<float> map) {
    std::vector<double> size(cut.count), sums(map.size());
    for (const int player : cut.player) size[player] += 1;
    for (size_t i = 0; i < cut.player.size(); ++i) sums[i % map.size()] += values[cut.player[i]] / size[cut.player[i]];
    for (size_t i = 0; i < map.size(); ++i) map[i] = static_cast<float>(sums[i]);
}

void explain_recording(const AttributionContext& context, const AttributionRequest& request, int64_t n,
                       const ShapleyOptions& options, int64_t windows, std::span<float> map) {
    const ArrayView<uint8_t> recording = request.input.spikes.sub(n);
    const Cut cut = cells_of(recording, options.segments, std::min(windows, recording.extent(0)));
    const Game game = game_of_recording(*context.engine, recording, cut, request.targets[n]);
    spread(shapley(game, options, context, request.samples[n]), cut, map);
}

class Shapley final : public AttributionMethod {
  public:
    explicit Shapley(MethodOptions& options)
        : options_(shapley_options(options)),
          baseline_(options.baseline("what a segment switched off shows; of spikes black, silence")) {
        info_ = {.name = "shapley",
                 .title = "Shapley values of segments",
                 .meaning =
                     "signed: what the segment adds to the class score, averaged over all orders in which segments can "
                     "be added, shared equally among its pixels; segments are superpixels (SLIC) of images, cells of a "
                     "grid of spikes",
                 .cost = cost_text(options_),
                 .source = "Štrumbelj, Kononenko, JMLR 11, 2010; KernelSHAP: Lundberg, Lee, NeurIPS 2017",
                 .unit = Unit::score,
                 .signed_values = true,
                 .on_spikes = true};
    }

    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const Input& input = request.input;
        const Network& network = context.engine->network();
        FloatArray maps({input.samples(), 1, network.height, network.width});
        if (input.spiking()) {
            require_silence(info_.name, baseline_);
            for (int64_t n = 0; n < input.samples(); ++n)
                explain_recording(context, request, n, options_, 1, maps.row(n));
            return maps;
        }
        const FloatArray baseline = baseline_images(input.images, baseline_);
        for (int64_t n = 0; n < input.samples(); ++n) {
            Superpixels segments = slic_superpixels(input.images.row(n), network.input_shape(), options_.segments);
            const Cut cut{std::move(segments.segment), segments.count};
            const Game game =
                game_of_image(*context.engine, input.images.row(n), baseline.row(n), cut, request.targets[n]);
            const std::vector<double> values = shapley(game, options_, context, request.samples[n]);
            spread(values, cut, maps.row(n));
        }
        return maps;
    }

    std::optional<OwnBaseline> own_baseline(const Input& input) const override { return start_of(input, baseline_); }

  private:
    ShapleyOptions options_;
    Baseline baseline_;
};

class Shapley3D final : public AttributionMethod {
  public:
    explicit Shapley3D(MethodOptions& options)
        : options_(shapley_options(options)),
          windows_(options.integer("windows", 4, 1,
                                   options_.estimator == Estimator::exact ? kMostPlayersExactly : 65535,
                                   "parts of the time, each with its share of the segments")) {
        info_ = {.name = "shapley3d",
                 .title = "Shapley values of cells of space and time",
                 .meaning =
                     "signed: what the cell's spikes add to the class score, averaged over all orders in which cells "
                     "can be added, shared equally among its pixels and steps",
                 .cost = cost_text(options_),
                 .source = "Štrumbelj, Kononenko, JMLR 11, 2010; KernelSHAP: Lundberg, Lee, NeurIPS 2017",
                 .unit = Unit::score,
                 .signed_values = true,
                 .on_images = false,
                 .on_spikes = true,
                 .timed = true};
    }

    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const Shape& shape = request.input.spikes.shape;
        FloatArray maps({shape[0], shape[1], 1, shape[3], shape[4]});
        ShapleyOptions cells = options_;
        cells.segments = std::max<int64_t>(1, options_.segments / windows_);
        for (int64_t n = 0; n < maps.extent(0); ++n)
            explain_recording(context, request, n, cells, windows_, maps.row(n));
        return maps;
    }

    std::optional<OwnBaseline> own_baseline(const Input& input) const override {
        return start_of(input, Baseline::black);
    }

  private:
    ShapleyOptions options_;
    int64_t windows_;
};

}  // namespace

MethodPointer make_shapley(MethodOptions& options) { return std::make_unique<Shapley>(options); }

MethodPointer make_shapley3d(MethodOptions& options) { return std::make_unique<Shapley3D>(options); }

}  // namespace spikelens
