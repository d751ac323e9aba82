#include "spikelens/core/parallel.h"

#include "methods.h"
#include "relevance_sweep.h"

namespace spikelens {
namespace {

constexpr const char* kSource = "EventRPG: Sun et al., ICLR 2024; αβ-rule: Bach et al., PLoS ONE 10:e0130140, 2015";

AlphaBeta::Rule rule_of(MethodOptions& options) {
    const int64_t alpha =
        options.integer("alpha", 1, 1, 10, "weight of the terms that speak for; α − 1 is that of the others");
    const bool bias = options.choice<bool>("bias", {{"none", false}, {"share", true}},
                                           "whether biases take their share of the relevance");
    return {static_cast<int>(alpha), bias};
}

class Relevance final : public AttributionMethod {
  public:
    Relevance(std::string name, bool timed, AlphaBeta::Rule rule) : timed_(timed), rule_(rule) {
        info_ = {.name = std::move(name),
                 .title = timed ? "Relevance propagated down through layers and back in time"
                                : "Relevance propagated down through spikes averaged over time",
                 .meaning = rule.alpha == 1 ? "signed as the score is: the part of the class score that came this way"
                                            : "signed: the part of the class score that came this way",
                 .cost = timed ? "1 forward and 1 backward sweep" : "1 forward and 1 backward sweep without time",
                 .source = kSource,
                 .unit = Unit::score,
                 .signed_values = true,
                 .on_spikes = true,
                 .timed = timed};
    }

    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const Network& network = context.engine->network();
        Shape shape = request.input.shape();
        if (timed_ && !request.input.spiking()) shape.insert(shape.begin() + 1, network.steps);
        if (!timed_ && request.input.spiking()) shape.erase(shape.begin() + 1);
        FloatArray maps(shape);
        for_each_sweep(context, request, [&](int64_t n, const RelevanceSweep::Result& result) {
            std::ranges::copy(result.relevance, maps.row(n).begin());
        });
        return maps;
    }

    bool accounts(const Input&) const override { return true; }

    std::vector<Remainder> remainder(const AttributionContext& context,
                                     const AttributionRequest& request) const override {
        std::vector<Remainder> all(request.targets.size());
        for_each_sweep(context, request, [&](int64_t n, const RelevanceSweep::Result& result) {
            all[n] = {result.whole, result.bias, result.lost};
        });
        return all;
    }

  private:
    template <class Use>
    void for_each_sweep(const AttributionContext& context, const AttributionRequest& request, const Use& use) const {
        const Engine& engine = *context.engine;
        const RelevanceSweep sweep(engine.network(), rule_);
        const Recording recording = engine.run(request.input, sweep.request());
        const int64_t steps = request.input.spiking() ? request.input.steps() : engine.network().steps;
        parallel_for(request.input.samples(), engine.execution(), [&](int64_t n, int) {
            use(n, timed_ ? sweep.timed(recording, request.input, n, steps, request.targets[n])
                          : sweep.averaged(recording, request.input, n, steps, request.targets[n]));
        });
    }

    bool timed_;
    AlphaBeta::Rule rule_;
};

}  // namespace

MethodPointer make_slrp(MethodOptions& options) { return std::make_unique<Relevance>("slrp", false, rule_of(options)); }

MethodPointer make_sltrp(MethodOptions& options) {
    return std::make_unique<Relevance>("sltrp", true, rule_of(options));
}

}  // namespace spikelens
