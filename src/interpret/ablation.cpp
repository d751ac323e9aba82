#include "spikelens/interpret/ablation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/core/spread.h"
#include "spikelens/snn/decision.h"

#include "rows.h"

namespace spikelens {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kNormal975 = 1.959963984540054;

using FilterSet = std::vector<FilterIndex>;  // ascending

// For each filter set: which samples of the class are still classified correctly.
using Outcomes = std::map<FilterSet, std::vector<uint8_t>>;

struct ClassTask {
    std::vector<int64_t> samples;
    std::vector<FilterSet> relevant;             // per budget
    std::vector<std::vector<FilterSet>> random;  // per budget, per draw
    Outcomes outcomes;
};

FilterSet relevant_set(const RelevantFilters& relevant, const LassoPoint& point) {
    FilterSet set;
    for (const int index : point.index) set.push_back(relevant.filters[index]);
    std::sort(set.begin(), set.end());
    return set;
}

// The address does not contain μ: budgets with as many relevant filters are compared with the same random ones.
FilterSet random_set(const RelevantFilters& relevant, size_t count, uint64_t seed, size_t label, int draw) {
    const auto order = random_permutation(static_cast<int64_t>(relevant.filters.size()), seed, Stream::random_filters,
                                          {label, count, static_cast<uint64_t>(draw)});
    FilterSet set;
    for (size_t i = 0; i < count; ++i) set.push_back(relevant.filters[order[i]]);
    std::sort(set.begin(), set.end());
    return set;
}

void choose_sets(ClassTask& task, const RelevantFilters& relevant, size_t label, const AblationOptions& options) {
    for (const LassoPoint& point : relevant.classes[label].points) {
        task.relevant.push_back(relevant_set(relevant, point));
        std::vector<FilterSet>& draws = task.random.emplace_back();
        for (int draw = 0; draw < options.random_draws; ++draw)
            draws.push_back(random_set(relevant, task.relevant.back().size(), options.seed, label, draw));
    }
    const std::vector<uint8_t> unknown(task.samples.size());
    task.outcomes.emplace(FilterSet{}, unknown);
    for (const FilterSet& set : task.relevant) task.outcomes.emplace(set, unknown);
    for (const auto& draws : task.random)
        for (const FilterSet& set : draws) task.outcomes.emplace(set, unknown);
}

/// A task for each class, with its samples.
std::vector<ClassTask> tasks_of(const Network& network, const SampleSource& samples) {
    std::vector<ClassTask> tasks(network.class_count());
    for (int64_t n = 0; n < samples.size(); ++n) {
        const int label = samples.label(n);
        if (label < 0 || label >= network.class_count())
            throw InputError("sample " + std::to_string(n) + " has label " + std::to_string(label) +
                             ", but the network has " + std::to_string(network.class_count()) + " classes");
        tasks[label].samples.push_back(n);
    }
    return tasks;
}

int64_t simulations(const std::vector<ClassTask>& tasks) {
    int64_t count = 0;
    for (const ClassTask& task : tasks) count += static_cast<int64_t>(task.samples.size() * task.outcomes.size());
    return count;
}

struct Tally {
    const Execution& execution;
    int64_t total = 0;
    int64_t done = 0;
    void add(int64_t count) { execution.report("ablation", done += count, total); }
};

// A network that falls silent names no class: it is wrong, not the first class.
bool names(int label, std::span<const float> scores) {
    return !undecided(scores) && std::ranges::max_element(scores) - scores.begin() == label;
}

void simulate(const Engine& engine, const SampleSource& samples, ClassTask& task, int label, Tally& tally) {
    const int64_t batch = images_per_batch(engine, {});
    const auto count = static_cast<int64_t>(task.samples.size());
    const auto classes = static_cast<size_t>(engine.network().class_count());
    std::vector<FilterSet> sets;
    for (const auto& [set, right] : task.outcomes) sets.push_back(set);
    for (int64_t first = 0; first < count; first += batch) {
        int64_t at = 0;
        const auto indices = std::span(task.samples).subspan(first, std::min(batch, count - first));
        const Input images = samples.input(indices);
        const FloatArray scores = engine.run_ablations(images, sets);
        for (auto& [set, right] : task.outcomes) {
            const auto of_set = scores.row(at++);
            for (size_t i = 0; i < indices.size(); ++i)
                right[first + i] = names(label, of_set.subspan(i * classes, classes));
        }
        tally.add(static_cast<int64_t>(indices.size() * sets.size()));
    }
}

// Accuracy on one class, averaged over filter sets, and the variance of that mean over samples; one sample has none.
struct ClassAccuracy {
    double mean = kNan;
    double variance = kNan;
};

ClassAccuracy accuracy(const ClassTask& task, std::span<const FilterSet> sets) {
    const auto samples = static_cast<double>(task.samples.size());
    const auto count = static_cast<double>(sets.size());
    if (task.samples.empty()) return {};
    std::vector<int> right(task.samples.size());
    for (const FilterSet& set : sets) {
        const std::vector<uint8_t>& outcome = task.outcomes.at(set);
        for (size_t i = 0; i < right.size(); ++i) right[i] += outcome[i];
    }
    int64_t sum = 0;
    for (const int r : right) sum += r;
    ClassAccuracy result{static_cast<double>(sum) / (samples * count), right.size() > 1 ? 0 : kNan};
    for (const int r : right) result.variance += std::pow(r / count - result.mean, 2);
    result.variance /= samples * samples;
    return result;
}

// The mean over the classes that have samples.
struct ClassMean {
    double sum = 0, variance = 0;
    int classes = 0;
    int64_t most_samples = 0;  // of a class
    void add(const ClassAccuracy& part, size_t of_samples) {
        if (std::isnan(part.mean)) return;
        sum += part.mean;
        variance += part.variance;
        ++classes;
        most_samples = std::max(most_samples, static_cast<int64_t>(of_samples));
    }
    double mean() const { return sum / classes; }
    double ci95() const {
        return variance == 0 && most_samples < kFewestEqual ? kNan : kNormal975 * std::sqrt(variance) / classes;
    }
};

void measure_relevant(AblationPoint& point, const std::vector<ClassTask>& tasks, size_t budget) {
    ClassMean mean;
    double filters = 0;
    for (const ClassTask& task : tasks) {
        const ClassAccuracy part = accuracy(task, {&task.relevant[budget], 1});
        point.class_relevant.push_back(part.mean);
        mean.add(part, task.samples.size());
        if (!task.samples.empty()) filters += static_cast<double>(task.relevant[budget].size());
    }
    point.relevant_accuracy = mean.mean();
    point.relevant_ci95 = mean.ci95();
    point.mean_filters = filters / mean.classes;
}

void measure_random(AblationPoint& point, const std::vector<ClassTask>& tasks, size_t budget, int draws) {
    ClassMean mean;
    std::vector<ClassMean> by_draw(draws);
    for (const ClassTask& task : tasks) {
        const std::vector<FilterSet>& sets = task.random[budget];
        const ClassAccuracy part = accuracy(task, sets);
        point.class_random.push_back(part.mean);
        mean.add(part, task.samples.size());
        for (int draw = 0; draw < draws; ++draw)
            by_draw[draw].add(accuracy(task, {&sets[draw], 1}), task.samples.size());
    }
    point.random_accuracy = mean.mean();
    point.random_ci95 = mean.ci95();
    for (const ClassMean& draw : by_draw) point.random_draws.push_back(draw.mean());
}

double full_accuracy(const std::vector<ClassTask>& tasks) {
    const FilterSet nothing;
    ClassMean mean;
    for (const ClassTask& task : tasks) mean.add(accuracy(task, {&nothing, 1}), task.samples.size());
    return mean.mean();
}

void simulate_all(const Engine& engine, const SampleSource& samples, std::vector<ClassTask>& tasks) {
    Tally tally{engine.execution(), simulations(tasks)};
    for (size_t label = 0; label < tasks.size(); ++label)
        simulate(engine, samples, tasks[label], static_cast<int>(label), tally);
}

}  // namespace

void check_relevant(const Network& network, const RelevantFilters& relevant) {
    const bool paths_match = std::all_of(relevant.classes.begin(), relevant.classes.end(), [&](const LassoPath& path) {
        return path.points.size() == relevant.budgets.size();
    });
    if (relevant.filters != response_filters(network) || !paths_match ||
        static_cast<int64_t>(relevant.classes.size()) != network.class_count())
        throw InputError("the relevant filters do not belong to this network: expected " +
                         std::to_string(response_filters(network).size()) + " filters and a path for each of " +
                         std::to_string(network.class_count()) + " classes");
}

Ablation ablate(const Engine& engine, const SampleSource& samples, const RelevantFilters& relevant,
                const AblationOptions& options) {
    const Network& network = engine.network();
    check_samples(network, samples);
    check_relevant(network, relevant);
    if (options.random_draws < 1) throw InputError("the ablation needs at least one random draw");
    if (samples.size() == 0) throw InputError("the ablation needs at least one sample");

    std::vector<ClassTask> tasks = tasks_of(network, samples);
    for (size_t label = 0; label < tasks.size(); ++label) choose_sets(tasks[label], relevant, label, options);
    simulate_all(engine, samples, tasks);

    Ablation result;
    result.full_accuracy = full_accuracy(tasks);
    for (const ClassTask& task : tasks) result.class_samples.push_back(static_cast<int64_t>(task.samples.size()));
    for (size_t budget = 0; budget < relevant.budgets.size(); ++budget) {
        AblationPoint& point = result.curve.emplace_back();
        point.mu = relevant.budgets[budget];
        measure_relevant(point, tasks, budget);
        measure_random(point, tasks, budget, options.random_draws);
    }
    return result;
}

SilencedOutcomes silence(const Engine& engine, const SampleSource& samples,
                         std::span<const std::vector<std::vector<FilterIndex>>> sets) {
    check_samples(engine.network(), samples);
    std::vector<ClassTask> tasks = tasks_of(engine.network(), samples);
    SilencedOutcomes outcomes;
    for (const ClassTask& task : tasks) outcomes.samples.push_back(task.samples);
    const auto sorted = [](FilterSet set) {
        std::ranges::sort(set);
        return set;
    };
    for (const auto& set : sets) {
        if (set.size() != tasks.size())
            throw InputError("filters to silence are given for " + std::to_string(set.size()) +
                             " classes, the network has " + std::to_string(tasks.size()));
        for (size_t c = 0; c < tasks.size(); ++c)
            tasks[c].outcomes.emplace(sorted(set[c]), std::vector<uint8_t>(tasks[c].samples.size()));
    }
    simulate_all(engine, samples, tasks);
    for (const auto& set : sets) {
        auto& right = outcomes.right.emplace_back();
        for (size_t c = 0; c < tasks.size(); ++c) right.push_back(tasks[c].outcomes.at(sorted(set[c])));
    }
    return outcomes;
}

ClassMeanEstimate mean_over_classes(const std::vector<std::vector<double>>& values) {
    ClassMean mean;
    for (const std::vector<double>& of_class : values) {
        if (of_class.empty()) continue;
        const auto count = static_cast<double>(of_class.size());
        ClassAccuracy part{std::accumulate(of_class.begin(), of_class.end(), 0.0) / count,
                           of_class.size() > 1 ? 0 : kNan};
        for (const double value : of_class) part.variance += std::pow(value - part.mean, 2) / (count * count);
        mean.add(part, of_class.size());
    }
    return {mean.mean(), mean.ci95()};
}

Array<int64_t> layer_distribution(const Network& network, const RelevantFilters& relevant) {
    check_relevant(network, relevant);
    Array<int64_t> counts({static_cast<int64_t>(relevant.budgets.size()), static_cast<int64_t>(network.layers.size())});
    for (const LassoPath& path : relevant.classes)
        for (size_t budget = 0; budget < path.points.size(); ++budget)
            for (const int index : path.points[budget].index)
                ++counts.row(static_cast<int64_t>(budget))[relevant.filters[index].layer];
    return counts;
}

}  // namespace spikelens
