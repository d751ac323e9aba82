#pragma once

#include <vector>

#include "spikelens/core/execution.h"
#include "spikelens/interpret/mu_lasso.h"
#include "spikelens/interpret/responses.h"

namespace spikelens {

/// The sparse set of filters that drives each class, for every μ.
struct RelevantFilters {
    std::vector<FilterIndex> filters;  ///< row i of the responses
    std::vector<double> budgets;       ///< the μ swept
    double chosen_mu = 2;              ///< the one shown and used for heatmaps; one of budgets
    std::vector<LassoPath> classes;    ///< one per class; a class never predicted has points with empty support

    /// Of this class at this budget (must be one of budgets): filters with their weights, by weight descending.
    struct Weighted {
        FilterIndex filter;
        double weight = 0;
    };
    std::vector<Weighted> of(int class_index, double mu) const;
    std::vector<Weighted> of(int class_index) const { return of(class_index, chosen_mu); }

    double worst_kkt_residual() const;
    double worst_duality_gap() const;
};

RelevantFilters find_relevant_filters(const Network& network, const Responses& responses, std::vector<double> budgets,
                                      double chosen_mu, const LassoOptions& options = {},
                                      const Execution& execution = {});

}  // namespace spikelens
