#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "spikelens/attribute/baseline.h"
#include "spikelens/attribute/method.h"
#include "spikelens/core/samples.h"
#include "spikelens/evaluate/metric_result.h"

namespace spikelens {

/// Which input a metric measures on.
enum class MetricInput {
    any,
    pixels,  ///< images, coded as spikes or not: it changes pixels
    spikes,  ///< spiking input, coded images or recordings: it changes single spikes
};

struct MetricInfo {
    std::string name;  ///< "insertion"
    std::string title;
    std::string direction;  ///< "higher" or "lower" is better; "none"
    std::string range;      ///< of a value: "0 to 1"
    std::string cost;       ///< of a sample, beside its explanation: simulations, explanations
    std::string source;     ///< paper
    MetricInput input = MetricInput::any;
    bool needs_shuffled = false;  ///< MetricContext::shuffled
    bool needs_masks = false;     ///< MetricContext::masks
};

/// What may be chosen; a metric reads what concerns it.
struct MetricOptions {
    Baseline baseline = Baseline::black;  ///< what pixels are taken away to
    int64_t pixels_per_step = 0;          ///< 0: one image row
    int64_t spike_steps = 20;             ///< in which a sample's spikes are changed
    uint64_t seed = 1;
    std::optional<Baseline> insertion_baseline{};  ///< what pixels are inserted into; none: `baseline`
};

/// Scores of the class explained in versions of a sample, by what drew the versions (a metric's name), sample and
/// class. Where the versions are the same whatever the map, one method's maps are measured by what the one before left
/// here. 4 bytes a score.
using VersionScores = std::map<std::tuple<std::string, int64_t, int>, std::vector<float>>;

/// What metrics may use beside the explanations.
struct MetricContext {
    AttributionContext model;  ///< the network that is explained; its engine is always there
    AttributionContext
        shuffled;  ///< the network with shuffled weights (randomise_full); empty where no metric needs it
    /// Samples as the network is shown them where it sees pixels, normalised or not, else as people see them
    /// (SampleSource::images): [N, C, H, W].
    std::function<FloatArray(std::span<const int64_t> samples)> images;
    /// Another network's engine, like the model's in all else: metrics draw weights anew.
    std::function<std::shared_ptr<const Engine>(Network)> engine_of;
    /// What of samples lies inside [N, H, W]: values above 0; empty where nobody knows.
    std::function<Array<uint8_t>(std::span<const int64_t> samples)> masks;
    /// What the samples are of, as the network is shown them; null where nobody knows their classes.
    const SampleSource* data = nullptr;
    /// Scores of versions of samples that no map decides, for the maps of the next method; nothing: none are kept.
    std::shared_ptr<VersionScores> versions;
    /// How the network is shown images [N, C, H, W], all of them versions of one sample; empty: as they are.
    std::function<Input(const FloatArray& images, int64_t sample)> shown;
};

/// Explained samples. A class is predicted for each of them.
struct ExplainedSamples {
    const MethodSpec& method;
    std::span<const int64_t> samples;  ///< [N], what addresses every seeded draw
    const Input& input;                ///< as the network is shown them
    std::span<const int> targets;      ///< [N], the class explained
    const FloatArray& scores;          ///< [N, classes]
    const FloatArray& attribution;     ///< by the method, as AttributionMethod::attribute() gives it
};

/// One way to measure explanations. Values depend on nothing but each sample: never on the batch it came in.
class Metric {
  public:
    virtual ~Metric() = default;
    virtual const MetricInfo& info() const = 0;
    /// Whether explanations of this method can be measured; `input` tells images from spikes and may hold no samples.
    virtual bool applies_to(const MethodSpec& method, const Input& input) const;
    /// One value for each sample. Throws InputError for maps that hold no numbers, and for options out of range.
    virtual MetricResult measure(const MetricContext& context, const ExplainedSamples& explained,
                                 const MetricOptions& options) const = 0;
};
using MetricPointer = std::shared_ptr<const Metric>;

/// Every metric, in the order of tables. src/evaluate/metrics.h has the list.
const std::vector<MetricPointer>& all_metrics();

/// Throws InputError that names the nearest.
MetricPointer find_metric(std::string_view name);

/// These metrics, which fit the input. Throws InputError for an unknown one, one named twice, and one that measures on
/// other input: `spiking` is what the network is shown, `pixels` whether the samples are images.
std::vector<MetricPointer> find_metrics(std::span<const std::string> names, bool spiking, bool pixels);

}  // namespace spikelens
