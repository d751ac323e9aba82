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

}  // namespace

MethodsResult list_methods() {
    MethodsResult result;
    for (const MethodInfo& info : all_methods()) result.methods.push_back(entry_of(info, info.name));
    result.metrics.emplace();
    for (const MetricPointer& metric : all_metrics()) {
        const MetricInfo& info = metric->info();
        result.metrics->push_back({info, info.input != MetricInput::spikes, info.input != MetricInput::pixels});
    }
    return result;
}

MethodsResult describe_method(const std::string& text) {
    return {"methods", {entry_of(parse_method(text).method->info(), text)}, std::nullopt};
}

}  // namespace spikelens
