#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/core/samples.h"
#include "spikelens/interpret/relevant_filters.h"
#include "spikelens/snn/engine.h"

namespace spikelens {

struct Probe;

/// What explanation methods may use. Pointers may be null where the method's info() does not ask for them.
struct AttributionContext {
    const Engine* engine = nullptr;
    const RelevantFilters* relevant = nullptr;
    uint64_t seed = 1;
    const Probe* probe = nullptr;
};

/// A batch to explain. Method results depend on nothing but each sample: never on the batch it came in.
struct AttributionRequest {
    const Input& input;                ///< images [N, C, H, W] or spikes [N, T, C, H, W]
    std::span<const int> targets;      ///< [N], the class explained
    std::span<const int64_t> samples;  ///< [N], the address of seeded methods: any number, one for each content
    FloatArray* scores = nullptr;      ///< gets the scores [N, classes] of a method that computes them on its way
};

/// How a map is read when it is ranked or drawn.
enum class View { natural, absolute, positive, negative };

/// What the values of a map are measured in.
enum class Unit {
    score,        ///< the class score: shares, drops and (per unit of input) derivatives of it
    probability,  ///< the softmax probability of the class
    own,          ///< anything else, such as numbers of spikes
};

struct MethodInfo {
    std::string name;     ///< "ig2d"
    std::string title;    ///< "Integrated gradients, summed over time"
    std::string meaning;  ///< what a value and its sign mean
    std::string cost;     ///< forward and backward passes per explanation
    std::string source;   ///< paper, section
    Unit unit = Unit::own;
    bool signed_values = false;
    bool class_specific = true;
    bool on_images = true;   ///< explains images
    bool on_spikes = false;  ///< explains spiking input
    bool timed = false;      ///< tells time steps apart: attributions are [N, T, C, H, W]
    bool needs_engine = true;
    bool needs_gradient = false;
    bool needs_relevant = false;
    bool needs_probe = false;
    bool sanity_baseline = false;  ///< no explanation, but what one must beat: every table carries it
};

/// What a method measures attributions from.
struct OwnBaseline {
    std::string name;  ///< "black", "blur", "mean"; "silence" of spikes
    Input input;       ///< of the same shape as what is explained
};

/// What a sample's score is made of beside its attributions, where a method says so: Σ A + bias + lost = whole.
struct Remainder {
    double whole = 0;  ///< what was shared out: the score of the class, or that less the mean of the others
    double bias = 0;   ///< the part of biases, and of resets to a value other than 0
    double lost = 0;   ///< what went where no positive term had brought it
};

class AttributionMethod {
  public:
    virtual ~AttributionMethod() = default;
    const MethodInfo& info() const { return info_; }
    /// [N, C, H, W], or [N, 1, H, W] for methods that do not tell channels apart; of a timed method [N, T, C, H, W] or
    /// [N, T, 1, H, W]. Values stay signed.
    virtual FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const = 0;
    /// Of methods that aim at completeness, Σ A = y_c(input) − y_c(baseline) when nothing is lost or invented: the
    /// baseline of this input, each sample for itself. None of the others, and they are not measured by it.
    virtual std::optional<OwnBaseline> own_baseline(const Input&) const { return std::nullopt; }
    /// Whether remainder() accounts for the whole score of such input, which may hold no samples.
    virtual bool accounts(const Input&) const { return false; }
    /// One for each sample of a method that accounts(); costs as much as attribute().
    virtual std::vector<Remainder> remainder(const AttributionContext&, const AttributionRequest&) const { return {}; }

  protected:
    MethodInfo info_;  ///< the constructor fills it
};

/// A method with its options, as written on the command line: "ig2d:steps=64:view=absolute", "svebi:layer=conv2".
struct MethodSpec {
    std::string text;  ///< as given: the method's name in every result
    std::shared_ptr<const AttributionMethod> method;
    View view = View::natural;
    std::string
        canonical{};  ///< equal for two texts of one method: options in a fixed order, and none with its default
};

/// Throws InputError for an unknown method or option, naming the nearest.
MethodSpec parse_method(std::string_view text);

/// Every method, for `spikelens methods` and the conformance tests.
std::vector<MethodInfo> all_methods();

/// The map that is ranked and drawn: time and channels summed, then the view, [N, H, W].
FloatArray pixel_maps(const FloatArray& attribution, View view);

/// The same per time window: `windows` parts of T as equal as can be, [N, T, C, H, W] → [N, windows, H, W].
/// Throws InputError unless 1 ≤ windows ≤ T.
FloatArray window_maps(const FloatArray& attribution, View view, int64_t windows);

/// A score for every place a spike can be, [N, T, C, H, W], for input of this shape: a map without time or channels is
/// repeated.
FloatArray spike_scores(const FloatArray& attribution, View view, const Shape& spikes);

/// attribute() in batches of bounded memory with its context checked: throws InputError when the method needs something
/// that is not there ("svebi needs relevant filters: run spikelens interpret first").
FloatArray explain(const MethodSpec& spec, const AttributionContext& context, const AttributionRequest& request);

}  // namespace spikelens
