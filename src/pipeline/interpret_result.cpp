#include "interpret_result.h"

#include <algorithm>

#include "spikelens/pipeline/explainer.h"

namespace spikelens {

using nlohmann::json;

namespace {

PathPoint point_of(const Network& network, const std::vector<FilterIndex>& filters, const LassoPoint& point) {
    PathPoint summary{point.mu, point.l1, point.objective, point.kkt_residual, point.duality_gap, {}};
    for (size_t i = 0; i < point.index.size(); ++i) {
        const FilterIndex filter = filters[point.index[i]];
        summary.filters.push_back({network.layers[filter.layer].name, filter.filter, point.index[i], point.weight[i]});
    }
    return summary;
}

std::vector<FilterSummary> filters_of(const Network& network, const Responses& responses) {
    std::vector<FilterSummary> list;
    const std::vector<FilterIndex> filters = response_filters(network);
    const double samples = static_cast<double>(std::max<int64_t>(1, responses.samples));
    for (size_t i = 0; i < filters.size(); ++i)
        list.push_back({static_cast<int64_t>(i), network.layers[filters[i].layer].name, filters[i].filter,
                        responses.response_sum.data[i] / samples, static_cast<double>(responses.active[i]) / samples,
                        responses.active[i] == 0, receptive_field(network, filters[i].layer).size});
    return list;
}

std::vector<ClassPath> paths_of(const Network& network, const RelevantFilters& relevant, const Responses& responses) {
    std::vector<ClassPath> list;
    for (size_t c = 0; c < relevant.classes.size(); ++c) {
        ClassPath& of_class = list.emplace_back();
        of_class.index = static_cast<int64_t>(c);
        of_class.name = class_name(network, static_cast<int>(c));
        of_class.predicted_samples = responses.predicted[c];
        for (const LassoPoint& point : relevant.classes[c].points)
            of_class.path.push_back(point_of(network, relevant.filters, point));
        for (const LassoPoint& point : relevant.classes[c].breakpoints)
            of_class.breakpoints.push_back(point_of(network, relevant.filters, point));
    }
    return list;
}

std::vector<LayerCounts> distribution_of(const Network& network, const RelevantFilters& relevant) {
    const Array<int64_t> counts = layer_distribution(network, relevant);
    std::vector<LayerCounts> list;
    for (size_t b = 0; b < relevant.budgets.size(); ++b) {
        LayerCounts& row = list.emplace_back();
        row.mu = relevant.budgets[b];
        for (const FilterIndex& filter : relevant.filters)
            row.filters[network.layers[filter.layer].name] = counts.row(static_cast<int64_t>(b))[filter.layer];
    }
    return list;
}

AblationSummary ablation_of(const Ablation& ablation) {
    AblationSummary summary;
    for (int64_t count : ablation.class_samples) summary.samples += count;
    summary.full_accuracy = ablation.full_accuracy;
    summary.curve = ablation.curve;
    return summary;
}

}  // namespace

json LayerCounts::document() const {
    json row = filters;
    row["mu"] = mu;
    return row;
}

LayerCounts LayerCounts::read(const JsonField& field) {
    LayerCounts row;
    row.mu = field["mu"].number();
    for (const std::string& name : field.keys())
        if (name != "mu") row.filters[name] = field[name].integer(0, int64_t{1} << 53);
    return row;
}

std::string response_text(ResponseKind kind) { return kind == ResponseKind::energy ? "energy" : "l2"; }

InterpretResult summary_of(const Network& network, const Responses& responses, const RelevantFilters& relevant,
                           const Ablation& ablation) {
    InterpretResult result;
    result.classes = network.classes;
    result.samples = responses.samples;
    result.undecided = responses.undecided();
    result.kkt_residual = relevant.worst_kkt_residual();
    result.duality_gap = relevant.worst_duality_gap();
    for (const FilterIndex& filter : relevant.filters)
        if (const std::string& name = network.layers[filter.layer].name;
            result.layers.empty() || result.layers.back() != name)
            result.layers.push_back(name);
    result.filters = filters_of(network, responses);
    result.per_class = paths_of(network, relevant, responses);
    result.layer_distribution = distribution_of(network, relevant);
    result.ablation = ablation_of(ablation);
    return result;
}

}  // namespace spikelens
