#include "spikelens/pipeline/catalogue.h"

#include "spikelens/attribute/method_options.h"

namespace spikelens {
namespace {

MethodEntry entry_of(const MethodInfo& info, const std::string& text) {
    MethodEntry entry{info, options_text(text), {}};
    for (const MethodOption& option : method_options(text))
        entry.options.push_back({option.name, option.standard.empty() ? std::nullopt : std::optional(option.standard),
                                 option.expected, option.meaning});
    return entry;
}

MetricEntry entry_of(const MetricInfo& info) {
    return {info, info.input != MetricInput::spikes, info.input != MetricInput::pixels};
}

}  // namespace

MethodsResult list_methods() {
    MethodsResult result;
    for (const MethodInfo& info : all_methods()) result.methods.push_back(entry_of(info, info.name));
    result.metrics.emplace();
    for (const MetricPointer& metric : all_metrics()) result.metrics->push_back(entry_of(metric->info()));
    result.engines = engine_names();
    return result;
}

MethodsResult describe_method(const std::string& text) {
    for (const MetricPointer& metric : all_metrics())
        if (metric->info().name == text) return {"methods", {}, std::vector{entry_of(metric->info())}, std::nullopt};
    return {"methods", {entry_of(parse_method(text).method->info(), text)}, std::nullopt, std::nullopt};
}

}  // namespace spikelens
