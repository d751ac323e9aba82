#include "spikelens/pipeline/filters.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "spikelens/attribute/evidence.h"
#include "spikelens/core/option_error.h"
#include "spikelens/core/random.h"
#include "spikelens/core/sample_sets.h"
#include "spikelens/interpret/ablation.h"
#include "spikelens/interpret/selection.h"
#include "spikelens/pipeline/explainer.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/store.h"
#include "spikelens/snn/decision.h"

#include "forecast.h"
#include "make_run.h"

namespace spikelens {
namespace {

using Orders = std::vector<FilterOrder>;                ///< for each class
using Sets = std::vector<std::vector<FilterIndex>>;     ///< for each class
using SampleValues = std::vector<std::vector<double>>;  ///< [class][sample of the class]
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kSamplesAtOnce = 64;

void check_options(const FiltersOptions& options) {
    const auto in_range = [](const char* field, const char* what, int64_t value, int64_t low, int64_t high) {
        if (value < low || value > high)
            throw OptionError(field, fmt::format("the number of {} must be {} to {}, not {}", what, low, high, value));
    };
    in_range("train_samples", "training samples", options.train_samples, 0, int64_t{1} << 34);
    in_range("samples", "test samples", options.samples, 0, int64_t{1} << 34);
    in_range("draws", "random draws", options.draws, 1, 1000);
    in_range("bootstraps", "bootstraps", options.bootstraps, 0, 10000);
    if (!(options.least_active >= 0 && options.least_active < 1))
        throw OptionError("least_active",
                          fmt::format("the share of samples in which a live filter spikes must be 0 or more and "
                                      "below 1, not {}",
                                      options.least_active));
}

/// Orders of the filters that are told by the training samples, each counted so many times.
struct Choice {
    std::string name;
    std::function<Orders(std::span<const double> weights)> orders;
};

/// |A ∩ B| / |A ∪ B|; nothing where both are empty.
std::optional<double> overlap(std::span<const int> a, std::span<const int> b) {
    int64_t both = 0;
    for (const int filter : a) both += std::ranges::count(b, filter);
    const auto all = static_cast<int64_t>(a.size() + b.size()) - both;
    if (all == 0) return {};
    return static_cast<double>(both) / static_cast<double>(all);
}

class Comparison {
  public:
    Comparison(const Run& run, const FiltersOptions& options, const Execution& execution, const StageNotes& notes)
        : run_(run),
          options_(options),
          data_(run.load_data(execution)),
          explainer_(run, {"svebi"}, data_.test->steps() > 0, options.seed, execution),
          engine_(*explainer_.context().engine),
          relevant_(*explainer_.context().relevant),
          train_(*data_.train, samples_meant(options.train_samples, data_.train->size(), notes)),
          test_(*data_.test, samples_meant(options.samples, data_.test->size(), notes, "test")),
          rows_(response_rows(engine_, train_, ResponseKind::energy)),
          live_(live_filters(rows_, options.least_active)) {}

    FiltersResult result();

  private:
    int64_t classes() const { return engine_.network().class_count(); }
    size_t wanted(int64_t c, size_t budget) const { return relevant_.classes[c].points[budget].index.size(); }
    size_t chosen_budget() const {
        return std::ranges::find(relevant_.budgets, relevant_.chosen_mu) - relevant_.budgets.begin();
    }

    void find_evidence();
    std::vector<Choice> choices() const;
    Sets lasso_sets(size_t budget) const;
    Sets first_of(const Orders& orders, size_t budget) const;
    Sets random_sets(size_t budget, int draw, bool live) const;
    void add_selection(const std::string& name, std::vector<std::vector<Sets>> sets_of_budgets);
    void measure(FiltersResult& result) const;
    std::vector<Orders> bootstrapped(const Choice& choice) const;
    double stability(const Choice& choice, const Orders& own, const std::vector<Orders>& bootstrapped) const;
    void count_chosen(const std::vector<Orders>& bootstrapped);
    std::vector<ClassFilters> per_class() const;

    const Run& run_;
    const FiltersOptions& options_;
    RunData data_;
    Explainer explainer_;
    const Engine& engine_;
    const RelevantFilters& relevant_;
    FirstSamples train_, test_;
    ResponseRows rows_;
    std::vector<bool> live_;
    std::map<std::string, DoubleArray> evidence_;  ///< by each rule [N, m]
    std::vector<std::string> names_;
    std::vector<std::vector<std::vector<Sets>>> sets_;  ///< [selection][budget][draw]
    std::vector<double> stability_;
    Array<int> chosen_;  ///< [classes, m] in how many bootstraps the μ-lasso chose a filter
};

/// Of every sample for the class it is predicted as; zeros where it is none. Gates follow neither recurrence nor
/// normalisations of each step.
void Comparison::find_evidence() {
    const Network& network = engine_.network();
    const bool ungated = std::ranges::any_of(network.layers, [](const Layer& layer) {
        return layer.recurrence.kind != RecurrenceKind::none || layer.kind == LayerKind::norm;
    });
    for (const EvidenceRule rule : evidence_rules()) {
        if (rule == EvidenceRule::gate && ungated) continue;
        DoubleArray& all = evidence_[evidence_name(rule)];
        for (int64_t first = 0; first < train_.size(); first += kSamplesAtOnce) {
            std::vector<int64_t> samples(std::min(kSamplesAtOnce, train_.size() - first));
            std::iota(samples.begin(), samples.end(), first);
            std::vector<int> targets;
            for (const int64_t n : samples) targets.push_back(std::max(0, rows_.predicted[n]));
            all.append(filter_evidence(engine_, train_.input(samples), targets, rule));
            engine_.execution().report("evidence of filters, " + evidence_name(rule), first + std::ssize(samples),
                                       train_.size());
        }
    }
}

std::vector<Choice> Comparison::choices() const {
    const auto by_path = [this](std::span<const double> weights) {
        return path_orders(rows_, weights, classes(), {true, options_.least_active, relevant_.budgets.back()});
    };
    const auto by_mean = [this](const DoubleArray& values) {
        return [this, &values](std::span<const double> weights) {
            return mean_orders(values, rows_.predicted, weights, classes());
        };
    };
    const auto by_support = [this](std::span<const double> weights) {
        return path_supports(rows_, weights, classes(), {false, 0, relevant_.chosen_mu});
    };
    std::vector<Choice> all = {{"lasso", by_support}, {"standardised", by_path}};
    for (const auto& [rule, values] : evidence_) all.push_back({rule, by_mean(values)});
    all.push_back({"hybrid", [=, this](std::span<const double> weights) {
                       return hybrid_orders(by_path(weights), by_mean(evidence_.at("share"))(weights));
                   }});
    const DoubleArray responses(rows_.responses.shape, {rows_.responses.data.begin(), rows_.responses.data.end()});
    all.push_back({"response", [this, responses](std::span<const double> weights) {
                       return mean_orders(responses, rows_.predicted, weights, classes());
                   }});
    return all;
}

Sets Comparison::lasso_sets(size_t budget) const {
    Sets sets(classes());
    for (int64_t c = 0; c < classes(); ++c)
        for (const int index : relevant_.classes[c].points[budget].index) sets[c].push_back(relevant_.filters[index]);
    return sets;
}

Sets Comparison::first_of(const Orders& orders, size_t budget) const {
    Sets sets(classes());
    for (int64_t c = 0; c < classes(); ++c)
        for (size_t i = 0; i < std::min(wanted(c, budget), orders[c].size()); ++i)
            sets[c].push_back(relevant_.filters[orders[c][i]]);
    return sets;
}

Sets Comparison::random_sets(size_t budget, int draw, bool live) const {
    FilterOrder all;
    for (size_t i = 0; i < live_.size(); ++i)
        if (!live || live_[i]) all.push_back(static_cast<int>(i));
    Orders orders;
    for (int64_t c = 0; c < classes(); ++c) {
        const auto order = random_permutation(std::ssize(all), options_.seed, Stream::random_filters,
                                              {static_cast<uint64_t>(c), wanted(c, budget), static_cast<uint64_t>(draw),
                                               live ? uint64_t{1} : uint64_t{0}});
        FilterOrder& drawn = orders.emplace_back();
        for (const int64_t i : order) drawn.push_back(all[i]);
    }
    return first_of(orders, budget);
}

void Comparison::add_selection(const std::string& name, std::vector<std::vector<Sets>> sets_of_budgets) {
    names_.push_back(name);
    sets_.push_back(std::move(sets_of_budgets));
}

/// Of each sample [class][sample] in which share of so many sets from `first` on it is right.
SampleValues share_right(const SilencedOutcomes& outcomes, size_t first, size_t sets) {
    SampleValues share;
    for (const auto& samples : outcomes.samples) share.emplace_back(samples.size());
    for (size_t set = first; set < first + sets; ++set)
        for (size_t c = 0; c < share.size(); ++c)
            for (size_t n = 0; n < share[c].size(); ++n)
                share[c][n] += outcomes.right[set][c][n] / static_cast<double>(sets);
    return share;
}

void add_scaled(const SampleValues& values, double scale, SampleValues& sum) {
    for (size_t c = 0; c < sum.size(); ++c)
        for (size_t n = 0; n < sum[c].size(); ++n) sum[c][n] += scale * values[c][n];
}

double mean_filters(const std::vector<Sets>& draws) {
    double filters = 0, sets = 0;
    for (const Sets& draw : draws)
        for (const auto& of_class : draw) filters += static_cast<double>(of_class.size()), ++sets;
    return filters / sets;
}

/// Silences all sets together, so that equal ones are simulated once, and compares each selection with the last, live
/// ones.
void Comparison::measure(FiltersResult& result) const {
    const size_t budgets = relevant_.budgets.size();
    std::vector<Sets> every = {Sets(classes())};
    for (const auto& selection : sets_)
        for (const auto& draws : selection) every.insert(every.end(), draws.begin(), draws.end());
    const SilencedOutcomes outcomes = silence(engine_, test_, every);
    result.full_accuracy = mean_over_classes(share_right(outcomes, 0, 1)).mean;
    std::vector<SampleValues> areas;  // of each selection the mean over the budgets
    size_t at = 1;
    for (size_t s = 0; s < sets_.size(); ++s) {
        FilterSelection& selection = result.selections.emplace_back();
        selection.name = names_[s];
        selection.stability = stability_[s];
        SampleValues& area = areas.emplace_back(share_right(outcomes, 0, 0));
        for (size_t budget = 0; budget < budgets; ++budget) {
            const std::vector<Sets>& draws = sets_[s][budget];
            const SampleValues right = share_right(outcomes, at, draws.size());
            at += draws.size();
            add_scaled(right, 1 / static_cast<double>(budgets), area);
            const ClassMeanEstimate mean = mean_over_classes(right);
            selection.curve.push_back({relevant_.budgets[budget], mean_filters(draws), mean.mean, mean.ci95});
        }
    }
    for (size_t s = 0; s < areas.size(); ++s) {
        SampleValues difference = areas.back();
        add_scaled(areas[s], -1, difference);
        const ClassMeanEstimate mean = mean_over_classes(difference);
        result.selections[s].area = mean.mean;
        result.selections[s].area_ci95 = mean.ci95;
    }
}

/// What it chooses of each bootstrap; none where stability is not measured. One sample has but itself as its bootstrap.
std::vector<Orders> Comparison::bootstrapped(const Choice& choice) const {
    std::vector<Orders> orders;
    if (train_.size() == 1 || options_.bootstraps == 0) return orders;
    for (int b = 0; b < options_.bootstraps; ++b) {
        engine_.execution().report("stability of " + choice.name, b, options_.bootstraps);
        orders.push_back(choice.orders(bootstrap_weights(train_.size(), options_.seed, static_cast<uint64_t>(b))));
    }
    engine_.execution().report("stability of " + choice.name, options_.bootstraps, options_.bootstraps);
    return orders;
}

/// Classes for which nothing is chosen are left out.
double Comparison::stability(const Choice& choice, const Orders& own, const std::vector<Orders>& bootstrapped) const {
    const bool lasso = choice.name == "lasso";
    const auto chosen = [&](const Orders& orders, int64_t c) {
        const size_t most = lasso ? orders[c].size() : wanted(c, chosen_budget());
        return std::span(orders[c]).first(std::min(most, orders[c].size()));
    };
    double sum = 0;
    int64_t count = 0;
    for (const Orders& orders : bootstrapped)
        for (int64_t c = 0; c < classes(); ++c)
            if (const auto same = overlap(chosen(orders, c), chosen(own, c))) sum += *same, ++count;
    return count > 0 ? sum / static_cast<double>(count) : kUnknown;
}

void Comparison::count_chosen(const std::vector<Orders>& bootstrapped) {
    chosen_ = Array<int>({classes(), static_cast<int64_t>(live_.size())});
    for (const Orders& orders : bootstrapped)
        for (int64_t c = 0; c < classes(); ++c)
            for (const int filter : orders[c]) ++chosen_.row(c)[filter];
}

std::vector<ClassFilters> Comparison::per_class() const {
    const Network& network = engine_.network();
    const std::vector<double> once(train_.size(), 1);
    const Orders ranked = mean_orders(evidence_.at("share"), rows_.predicted, once, classes());
    std::vector<ClassFilters> list;
    for (int64_t c = 0; c < classes(); ++c) {
        ClassFilters& of_class = list.emplace_back();
        of_class.index = c;
        of_class.name = class_name(network, static_cast<int>(c));
        const std::vector<int>& support = relevant_.classes[c].points[chosen_budget()].index;
        for (const int row : ranked[c]) {
            const FilterIndex filter = relevant_.filters[row];
            FilterOfClass& one = of_class.filters.emplace_back();
            one = {network.layers[filter.layer].name, filter.filter, row, live_[row], false, kUnknown, {}};
            one.relevant = std::ranges::find(support, row) != support.end();
            if (options_.bootstraps > 0 && train_.size() > 1)
                one.chosen = static_cast<double>(chosen_.row(c)[row]) / options_.bootstraps;
        }
        for (const auto& [rule, values] : evidence_) {
            const DoubleArray means = class_means(values, rows_.predicted, once, classes());
            for (FilterOfClass& one : of_class.filters) one.evidence[rule] = means.row(c)[one.index];
        }
    }
    return list;
}

FiltersResult Comparison::result() {
    find_evidence();
    const size_t budgets = relevant_.budgets.size();
    const std::vector<double> once(train_.size(), 1);
    for (const Choice& choice : choices()) {
        const Orders own = choice.orders(once);
        const std::vector<Orders> again = bootstrapped(choice);
        stability_.push_back(stability(choice, own, again));
        if (choice.name == "lasso") count_chosen(again);
        std::vector<std::vector<Sets>> sets;
        for (size_t budget = 0; budget < budgets; ++budget)
            sets.push_back({choice.name == "lasso" ? lasso_sets(budget) : first_of(own, budget)});
        add_selection(choice.name, std::move(sets));
    }
    for (const bool live : {false, true}) {
        std::vector<std::vector<Sets>> sets(budgets);
        for (size_t budget = 0; budget < budgets; ++budget)
            for (int draw = 0; draw < options_.draws; ++draw) sets[budget].push_back(random_sets(budget, draw, live));
        stability_.push_back(kUnknown);
        add_selection(live ? "random, live" : "random", std::move(sets));
    }
    FiltersResult result;
    measure(result);
    result.per_class = per_class();
    result.run = run_.files.root.string();
    result.data = data_.name;
    result.fingerprint = run_.fingerprint;
    result.relevant = digest_in(run_.files.relevant());
    result.train_samples = train_.size();
    result.samples = test_.size();
    result.live = std::ranges::count(live_, true);
    result.draws = options_.draws;
    result.bootstraps = options_.bootstraps;
    result.least_active = options_.least_active;
    result.chosen_mu = relevant_.chosen_mu;
    result.seed = options_.seed;
    result.identity = run_.identity_of("filters", 1)
                          .with({{"relevant", result.relevant},
                                 {"train_samples", result.train_samples},
                                 {"samples", result.samples},
                                 {"draws", options_.draws},
                                 {"bootstraps", options_.bootstraps},
                                 {"least_active", options_.least_active},
                                 {"seed", options_.seed}})
                          .inputs();
    return result;
}

}  // namespace

FiltersResult compare_filters(const Run& run, const FiltersOptions& options, const Execution& execution,
                              const StageNotes& notes) {
    check_options(options);
    FiltersResult result = Comparison(run, options, with_forecast(execution, notes), notes).result();
    write_json(run.files.result("filters"), document_of(result));
    record_stage(run.files, "filters", {options.again, options.seed});
    return result;
}

}  // namespace spikelens
