#include "spikelens/pipeline/documents.h"

#include <cmath>

#include "spikelens/evaluate/summary.h"
#include "spikelens/train/outcome.h"

namespace spikelens {

using nlohmann::json;

namespace {

json number_or_null(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

json numbers_or_null(const std::vector<double>& values) {
    json list = json::array();
    for (double value : values) list.push_back(number_or_null(value));
    return list;
}

json support_document(const Network& network, const std::vector<FilterIndex>& filters, const LassoPoint& point) {
    json list = json::array();
    for (size_t i = 0; i < point.index.size(); ++i) {
        const FilterIndex filter = filters[point.index[i]];
        list.push_back({{"layer", network.layers[filter.layer].name},
                        {"filter", filter.filter},
                        {"index", point.index[i]},
                        {"weight", point.weight[i]}});
    }
    return list;
}

json point_document(const Network& network, const std::vector<FilterIndex>& filters, const LassoPoint& point) {
    return {{"mu", point.mu},
            {"l1", point.l1},
            {"objective", point.objective},
            {"kkt_residual", point.kkt_residual},
            {"duality_gap", point.duality_gap},
            {"filters", support_document(network, filters, point)}};
}

}  // namespace

json network_document(const Network& network) {
    return {{"text", network_text(network)},
            {"input", network.input_shape()},
            {"steps", network.steps},
            {"parameters", parameter_count(network)}};
}

json epochs_document(const TrainState& state, int64_t classes) {
    json list = json::array();
    for (const EpochResult& epoch : state.history)
        list.push_back({{"epoch", epoch.epoch},
                        {"loss", epoch.loss},
                        {"accuracy", epoch.accuracy},
                        {"seconds", epoch.seconds},
                        {"diverged", diverged(epoch, classes)}});
    return list;
}

json interval_document(const Estimate& estimate) {
    if (!std::isfinite(estimate.low)) return nullptr;
    return json::array({estimate.low, estimate.high});
}

json accuracy_document(const Accuracy& accuracy, const std::string& prefix, bool with_confusion) {
    const Estimate share = estimate_share(accuracy.correct, accuracy.samples);
    json document = {{prefix + "_accuracy", share.mean},
                     {prefix + "_accuracy_ci95", interval_document(share)},
                     {prefix + "_samples", accuracy.samples},
                     {prefix + "_undecided", accuracy.undecided},
                     {prefix + "_silent", accuracy.silent}};
    if (!with_confusion) return document;
    json rows = json::array();
    for (int64_t label = 0; label < accuracy.confusion.extent(0); ++label) {
        const auto row = accuracy.confusion.row(label);
        rows.push_back(std::vector<int64_t>(row.begin(), row.end()));
    }
    document["confusion"] = rows;
    document["confusion_undecided"] = accuracy.confusion_undecided;
    return document;
}

json filters_document(const Network& network, const Responses& responses) {
    json list = json::array();
    const std::vector<FilterIndex> filters = response_filters(network);
    const double samples = static_cast<double>(std::max<int64_t>(1, responses.samples));
    for (size_t i = 0; i < filters.size(); ++i)
        list.push_back({{"index", i},
                        {"layer", network.layers[filters[i].layer].name},
                        {"filter", filters[i].filter},
                        {"mean_response", responses.response_sum.data[i] / samples},
                        {"active_share", static_cast<double>(responses.active[i]) / samples},
                        {"dead", responses.active[i] == 0},
                        {"receptive_field", receptive_field(network, filters[i].layer).size}});
    return list;
}

json paths_document(const Network& network, const RelevantFilters& relevant, const Responses& responses) {
    json list = json::array();
    for (size_t c = 0; c < relevant.classes.size(); ++c) {
        json path = json::array(), breakpoints = json::array();
        for (const LassoPoint& point : relevant.classes[c].points)
            path.push_back(point_document(network, relevant.filters, point));
        for (const LassoPoint& point : relevant.classes[c].breakpoints)
            breakpoints.push_back(point_document(network, relevant.filters, point));
        list.push_back({{"class", c},
                        {"name", c < network.classes.size() ? network.classes[c] : std::to_string(c)},
                        {"predicted_samples", responses.predicted[c]},
                        {"path", path},
                        {"breakpoints", breakpoints}});
    }
    return list;
}

json distribution_document(const Network& network, const RelevantFilters& relevant) {
    const Array<int64_t> counts = layer_distribution(network, relevant);
    json list = json::array();
    for (size_t b = 0; b < relevant.budgets.size(); ++b) {
        json row = {{"mu", relevant.budgets[b]}};
        for (const FilterIndex& filter : relevant.filters)
            row[network.layers[filter.layer].name] = counts.row(static_cast<int64_t>(b))[filter.layer];
        list.push_back(row);
    }
    return list;
}

json ablation_document(const Ablation& ablation, int draws) {
    int64_t samples = 0;
    for (int64_t count : ablation.class_samples) samples += count;
    json curve = json::array();
    for (const AblationPoint& point : ablation.curve)
        curve.push_back({{"mu", point.mu},
                         {"mean_filters", point.mean_filters},
                         {"relevant_accuracy", number_or_null(point.relevant_accuracy)},
                         {"relevant_ci95", number_or_null(point.relevant_ci95)},
                         {"random_accuracy", number_or_null(point.random_accuracy)},
                         {"random_ci95", number_or_null(point.random_ci95)},
                         {"random_draws", numbers_or_null(point.random_draws)},
                         {"class_relevant", numbers_or_null(point.class_relevant)},
                         {"class_random", numbers_or_null(point.class_random)}});
    return {
        {"samples", samples}, {"draws", draws}, {"full_accuracy", number_or_null(ablation.full_accuracy)}, {"curve", curve}};
}

json metric_document(const MetricInfo& metric, const MetricResult& result) {
    const MetricSummary summary = summarise(result);
    json curve = json::array(), half_widths = json::array();
    for (const Estimate& point : summary.curve) {
        curve.push_back(point.mean);
        half_widths.push_back(number_or_null(point.high - point.mean));
    }
    return {{"metric", metric.name},
            {"better", metric.direction},
            {"mean", number_or_null(summary.value.mean)},
            {"ci95", interval_document(summary.value)},
            {"samples", summary.value.samples},
            {"curve", curve},
            {"curve_ci95", half_widths}};
}

json difference_document(const MetricInfo& metric, const std::string& a, const std::vector<double>& auc_a, const std::string& b,
                         const std::vector<double>& auc_b) {
    const Estimate difference = estimate_difference(auc_a, auc_b);
    return {{"metric", metric.name},
            {"a", a},
            {"b", b},
            {"difference", number_or_null(difference.mean)},
            {"ci95", interval_document(difference)},
            {"decided", std::isfinite(difference.low) && (difference.low > 0 || difference.high < 0)}};
}

json paper_document(const std::string& data, const std::string& network_text) {
    if (data != "mnist" || network_text != preset_text("shallow", 10)) return json::array();
    json list = json::array();
    const auto add = [&](const char* method, double insertion, double deletion) {
        const std::string source = "De Laet et al. 2025, Table 1 (9,920 images)";
        list.push_back({{"method", method}, {"metric", "insertion"}, {"value", insertion}, {"source", source}});
        list.push_back({{"method", method}, {"metric", "deletion"}, {"value", deletion}, {"source", source}});
    };
    add("grad2d", 0.8199, 0.3285);
    add("ig2d", 0.7814, 0.1678);
    add("svebi", 0.8459, 0.3516);
    return list;
}

}  // namespace spikelens
