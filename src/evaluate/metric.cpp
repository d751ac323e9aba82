#include "spikelens/evaluate/metric.h"

#include <algorithm>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"

#include "metrics.h"

namespace spikelens {
namespace {

std::string names_for(MetricInput input) {
    std::string names;
    for (const MetricPointer& metric : all_metrics())
        if (metric->info().input == input) names += (names.empty() ? "" : ", ") + metric->info().name;
    return names;
}

void check_input(const MetricInfo& metric, bool spiking, bool pixels) {
    if (metric.input == MetricInput::spikes && !spiking)
        throw InputError("the metric " + metric.name +
                         " changes single spikes, and this run's input is images; expected " +
                         names_for(MetricInput::pixels));
    if (metric.input == MetricInput::pixels && !pixels)
        throw InputError("the metric " + metric.name +
                         " changes pixels, and this run's input is recordings; expected " +
                         names_for(MetricInput::spikes));
}

}  // namespace

void append(MetricResult& all, const MetricResult& more) {
    all.values.insert(all.values.end(), more.values.begin(), more.values.end());
    if (!more.curves.empty()) all.curves.append(more.curves);
}

bool Metric::applies_to(const MethodSpec&, const Input&) const { return true; }

const std::vector<MetricPointer>& all_metrics() {
#define SPIKELENS_MAKE_METRIC(name) make_##name##_metric(),
    static const std::vector<MetricPointer> metrics = {SPIKELENS_METRICS(SPIKELENS_MAKE_METRIC)};
#undef SPIKELENS_MAKE_METRIC
    return metrics;
}

MetricPointer find_metric(std::string_view name) {
    std::vector<std::string> names;
    for (const MetricPointer& metric : all_metrics()) {
        if (metric->info().name == name) return metric;
        names.push_back(metric->info().name);
    }
    throw InputError("unknown metric '" + std::string(name) + "'" + suggestion(std::string(name), names));
}

std::vector<MetricPointer> find_metrics(std::span<const std::string> names, bool spiking, bool pixels) {
    std::vector<MetricPointer> metrics;
    for (const std::string& name : names) {
        metrics.push_back(find_metric(name));
        if (std::ranges::count(names, name) > 1) throw InputError("the metric '" + name + "' is asked for twice");
        check_input(metrics.back()->info(), spiking, pixels);
    }
    return metrics;
}

}  // namespace spikelens
