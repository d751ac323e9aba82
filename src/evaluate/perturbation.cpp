#include "spikelens/evaluate/perturbation.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"

namespace spikelens {
namespace {

void check_request(const FloatArray& images, const FloatArray& maps, size_t targets, size_t samples,
                   const PerturbationOptions& options) {
    if (images.shape.size() != 4 || images.row_size() == 0)
        throw InputError("perturbation needs images [N, C, H, W], not of shape " + shape_text(images.shape));
    const Shape expected{images.extent(0), images.extent(2), images.extent(3)};
    if (maps.shape != expected)
        throw InputError("the maps have shape " + shape_text(maps.shape) + ", but the images need " + shape_text(expected));
    if (static_cast<int64_t>(targets) != images.extent(0) || static_cast<int64_t>(samples) != images.extent(0))
        throw InputError(std::to_string(images.extent(0)) + " images came with " + std::to_string(targets) + " targets and " +
                         std::to_string(samples) + " sample numbers");
    if (options.pixels_per_step < 0) throw InputError("the pixels per step must not be negative");
    if (options.max_batch < 1) throw InputError("the batch of perturbed images must be positive");
}

void check_scores(const FloatArray& scores, int64_t images, std::span<const int> targets) {
    if (scores.shape.size() != 2 || scores.extent(0) != images)
        throw InputError("the score function gave shape " + shape_text(scores.shape) + " for " + std::to_string(images) +
                         " images, expected one row of class scores for each");
    for (const int target : targets)
        if (target < 0 || target >= scores.extent(1))
            throw InputError("the target class " + std::to_string(target) + " is not one of the " +
                             std::to_string(scores.extent(1)) + " scored classes");
}

double softmax(std::span<const float> scores, int target) {
    const double highest = *std::max_element(scores.begin(), scores.end());
    double sum = 0;
    for (const float score : scores) sum += std::exp(score - highest);
    const double probability = std::exp(scores[target] - highest) / sum;
    if (!std::isfinite(probability)) throw InputError("a class score of a perturbed image is not finite");
    return probability;
}

// One sample on its way from the first image of its series to the last.
class Series {
  public:
    Series(std::span<const float> from, std::span<const float> to, std::vector<int64_t> order)
        : current_(from.begin(), from.end()), goal_(to), order_(std::move(order)) {}

    std::span<const float> image() const { return current_; }

    // Takes the next `pixels` pixels, all channels of each, from the goal.
    void advance(int64_t pixels) {
        const auto area = static_cast<int64_t>(order_.size());
        const int64_t end = std::min(done_ + pixels, area);
        for (; done_ < end; ++done_)
            for (size_t i = order_[done_]; i < current_.size(); i += area) current_[i] = goal_[i];
    }

  private:
    std::vector<float> current_;
    std::span<const float> goal_;
    std::vector<int64_t> order_;
    int64_t done_ = 0;
};

// Collects perturbed images until a batch is full, scores it, and writes down the targets' probabilities in order.
class BatchScorer {
  public:
    BatchScorer(const ScoreFunction& score, std::span<const int> targets, const FloatArray& images, int64_t max_batch)
        : score_(score), targets_(targets), image_shape_(images.shape.begin() + 1, images.shape.end()), max_batch_(max_batch) {}

    void add(std::span<const float> image, int target) {
        pixels_.insert(pixels_.end(), image.begin(), image.end());
        waiting_.push_back(target);
        if (static_cast<int64_t>(waiting_.size()) == max_batch_) flush();
    }

    std::vector<double> finish() {
        if (!waiting_.empty()) flush();
        return std::move(probabilities_);
    }

  private:
    void flush() {
        const auto count = static_cast<int64_t>(waiting_.size());
        Shape shape{count};
        shape.insert(shape.end(), image_shape_.begin(), image_shape_.end());
        FloatArray batch(std::move(shape), std::move(pixels_));
        const FloatArray scores = score_(batch);
        check_scores(scores, count, targets_);
        for (int64_t i = 0; i < count; ++i) probabilities_.push_back(softmax(scores.row(i), waiting_[i]));
        pixels_ = std::move(batch.data);
        pixels_.clear();
        waiting_.clear();
    }

    const ScoreFunction& score_;
    std::span<const int> targets_;
    Shape image_shape_;
    int64_t max_batch_;
    std::vector<float> pixels_;
    std::vector<int> waiting_;
    std::vector<double> probabilities_;
};

double area_under(std::span<const double> curve) {
    double sum = 0;
    for (const double value : curve) sum += value;
    return (sum - curve.front() / 2 - curve.back() / 2) / static_cast<double>(curve.size() - 1);
}

PerturbationResult collect(const std::vector<double>& probabilities, int64_t samples, int64_t points) {
    PerturbationResult result;
    result.curves = FloatArray({samples, points}, std::vector<float>(probabilities.begin(), probabilities.end()));
    for (int64_t n = 0; n < samples; ++n)
        result.auc.push_back(area_under(std::span(probabilities).subspan(n * points, points)));
    return result;
}

}  // namespace

std::vector<int64_t> ranking(std::span<const float> map, uint64_t seed, int64_t sample) {
    struct Pixel {
        float value;
        uint64_t tie;
        int64_t index;
    };
    std::vector<Pixel> pixels;
    for (size_t i = 0; i < map.size(); ++i) {
        if (std::isnan(map[i]))
            throw InputError("the map of sample " + std::to_string(sample) + " has no number (NaN) at pixel " +
                             std::to_string(i));
        const uint64_t tie = random_bits(seed, Stream::tie_breaking, {static_cast<uint64_t>(sample), i});
        pixels.push_back({map[i], tie, static_cast<int64_t>(i)});
    }
    std::sort(pixels.begin(), pixels.end(), [](const Pixel& a, const Pixel& b) {
        return std::tie(b.value, a.tie, a.index) < std::tie(a.value, b.tie, b.index);
    });
    std::vector<int64_t> order;
    for (const Pixel& pixel : pixels) order.push_back(pixel.index);
    return order;
}

const MetricInfo& metric_info(Perturbation kind) {
    static const std::string source = "Petsiuk, Das, Saenko: RISE, BMVC 2018, Sec. 4.1";
    static const MetricInfo insertion{"insertion", "Insertion: area under the probability as the best pixels appear", "higher",
                                      source};
    static const MetricInfo deletion{"deletion", "Deletion: area under the probability as the best pixels disappear", "lower",
                                     source};
    return kind == Perturbation::insertion ? insertion : deletion;
}

PerturbationResult perturb(Perturbation kind, const FloatArray& images, const FloatArray& maps, std::span<const int> targets,
                           std::span<const int64_t> samples, const ScoreFunction& score, const PerturbationOptions& options) {
    check_request(images, maps, targets.size(), samples.size(), options);
    const int64_t pixels = images.extent(2) * images.extent(3);
    const int64_t step = options.pixels_per_step == 0 ? images.extent(3) : options.pixels_per_step;
    const int64_t steps = (pixels + step - 1) / step;
    const FloatArray removed = baseline_images(images, options.baseline);
    const bool insertion = kind == Perturbation::insertion;
    const FloatArray& from = insertion ? removed : images;
    const FloatArray& to = insertion ? images : removed;

    BatchScorer scorer(score, targets, images, options.max_batch);
    for (int64_t n = 0; n < images.extent(0); ++n) {
        Series series(from.row(n), to.row(n), ranking(maps.row(n), options.seed, samples[n]));
        scorer.add(series.image(), targets[n]);
        for (int64_t k = 0; k < steps; ++k) {
            series.advance(step);
            scorer.add(series.image(), targets[n]);
        }
    }
    return collect(scorer.finish(), images.extent(0), steps + 1);
}

}  // namespace spikelens
