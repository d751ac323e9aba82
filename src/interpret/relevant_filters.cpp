#include "spikelens/interpret/relevant_filters.h"

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"

namespace spikelens {
namespace {

void check_sums(const Network& network, const Responses& responses, int64_t filters) {
    const int64_t classes = network.class_count();
    if (responses.gram.shape != Shape{filters, filters}) {
        throw InputError("The responses hold a Gram matrix of shape " + shape_text(responses.gram.shape) +
                         "; the network has " + std::to_string(filters) + " response filters.");
    }
    if (responses.correlation.shape != Shape{filters, classes}) {
        throw InputError("The responses hold correlations of shape " + shape_text(responses.correlation.shape) +
                         "; the network needs " + shape_text(Shape{filters, classes}) + ".");
    }
    if (static_cast<int64_t>(responses.predicted.size()) != classes) {
        throw InputError("The responses count predictions of " + std::to_string(responses.predicted.size()) +
                         " classes; the network has " + std::to_string(classes) + ".");
    }
}

void check_chosen(const std::vector<double>& budgets, double mu) {
    if (std::find(budgets.begin(), budgets.end(), mu) != budgets.end()) return;
    throw InputError("The chosen μ = " + std::to_string(mu) + " is not one of the budgets that are solved.");
}

std::vector<double> class_column(const DoubleArray& correlation, int64_t class_index) {
    std::vector<double> column;
    for (int64_t i = 0; i < correlation.extent(0); ++i) column.push_back(correlation.row(i)[class_index]);
    return column;
}

template <class Value>
double worst(const std::vector<LassoPath>& classes, Value value) {
    double most = 0;
    for (const LassoPath& path : classes) {
        for (const LassoPoint& point : path.points) most = std::max(most, value(point));
    }
    return most;
}

}  // namespace

std::vector<RelevantFilters::Weighted> RelevantFilters::of(int class_index, double mu) const {
    if (class_index < 0 || class_index >= static_cast<int>(classes.size())) {
        throw InputError("There is no class " + std::to_string(class_index) +
                         "; the relevant filters cover classes 0 to " +
                         std::to_string(static_cast<int64_t>(classes.size()) - 1) + ".");
    }
    const auto budget = std::find(budgets.begin(), budgets.end(), mu);
    if (budget == budgets.end()) {
        throw InputError("The relevant filters were not found for μ = " + std::to_string(mu) +
                         "; it is not one of the budgets.");
    }
    const LassoPoint& point = classes[class_index].points.at(budget - budgets.begin());
    std::vector<Weighted> result;
    for (size_t a = 0; a < point.index.size(); ++a) result.push_back({filters.at(point.index[a]), point.weight[a]});
    std::stable_sort(result.begin(), result.end(),
                     [](const Weighted& a, const Weighted& b) { return a.weight > b.weight; });
    return result;
}

double RelevantFilters::worst_kkt_residual() const {
    return worst(classes, [](const LassoPoint& point) { return point.kkt_residual; });
}

double RelevantFilters::worst_duality_gap() const {
    return worst(classes, [](const LassoPoint& point) { return point.duality_gap; });
}

RelevantFilters find_relevant_filters(const Network& network, const Responses& responses, std::vector<double> budgets,
                                      double chosen_mu, const LassoOptions& options, const Execution& execution) {
    RelevantFilters relevant;
    relevant.filters = response_filters(network);
    relevant.budgets = std::move(budgets);
    relevant.chosen_mu = chosen_mu;
    check_sums(network, responses, static_cast<int64_t>(relevant.filters.size()));
    check_chosen(relevant.budgets, chosen_mu);
    const int64_t classes = network.class_count();
    relevant.classes.resize(classes);
    const LassoGram gram(responses.gram);
    std::mutex reporting;
    int64_t done = 0;
    parallel_for(classes, execution, [&](int64_t j, int) {
        const double label_energy = static_cast<double>(responses.predicted[j]);  // ‖l‖² of a one-hot row
        relevant.classes[j] =
            mu_lasso(gram, class_column(responses.correlation, j), label_energy, relevant.budgets, options);
        const std::lock_guard lock(reporting);
        execution.report("finding relevant filters", ++done, classes);
    });
    return relevant;
}

}  // namespace spikelens
