#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "leaders.h"
#include "numbers.h"
#include "page.h"

namespace spikelens::report {
namespace {

/// "ten"; digits above twelve.
std::string counted(int64_t number) {
    static constexpr const char* words[] = {"no",    "one",   "two",  "three", "four",   "five",  "six",
                                            "seven", "eight", "nine", "ten",   "eleven", "twelve"};
    return number >= 0 && number < static_cast<int64_t>(std::size(words)) ? words[number] : count(number);
}

/// "T-shirt/top, Trouser and Pullover"; beyond four the rest is counted.
std::string some_of(const std::vector<std::string>& names) {
    const size_t shown = names.size() <= 4 ? names.size() : 3;
    std::string text;
    for (size_t i = 0; i < shown; ++i) text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
    if (shown < names.size())
        text += fmt::format(" and {} others", counted(static_cast<int64_t>(names.size() - shown)));
    return text;
}

std::string data_name(const Results& results) {
    for (const auto& name :
         {results.train ? results.train->made.data : "", results.interpret ? results.interpret->data : "",
          results.evaluate ? results.evaluate->data : ""})
        if (!name.empty()) return name;
    return {};
}

/// What the network is for. The data sets that Spikelens knows by name are told in words, others by their classes.
std::string purpose(const Page& page) {
    const std::string data = data_name(page.results),
                      number = counted(static_cast<int64_t>(page.results.classes.size()));
    if (data == "fashion-mnist") return fmt::format("recognises {} kinds of clothes", number);
    if (data == "mnist") return fmt::format("reads the {} handwritten digits", number);
    if (data == "nmnist") return fmt::format("reads the {} handwritten digits as an event camera saw them", number);
    if (page.results.classes.empty()) return fmt::format("sorts {}s into classes", page.noun());
    if (page.results.classes.size() == 1)
        return fmt::format("knows one kind of {}s: {}", page.noun(), page.results.classes[0]);
    return fmt::format("tells {} kinds of {}s apart: {}", number, page.noun(), some_of(page.results.classes));
}

/// "84 of 100"; as many hundreds, thousands as it takes to tell 99.6 % from all and 0.2 % from none.
std::string cases(double share, int64_t samples) {
    if (samples > 0 && samples < 100)
        return fmt::format("{} of {}", std::lround(share * static_cast<double>(samples)), samples);
    for (const int64_t of : {100, 1000, 10000}) {
        const int64_t right = std::lround(share * static_cast<double>(of));
        if ((right < of || share >= 1) && (right > 0 || share <= 0)) return count(right) + " of " + count(of);
    }
    return percent(share, 4);
}

/// The classes with test samples that none is read as.
std::vector<std::string> never_answered(const Training& train) {
    std::vector<std::string> names;
    const auto& confusion = train.made.confusion;
    for (size_t c = 0; c < confusion.size() && c < train.made.classes.size(); ++c)
        if (train.samples_of(c) > 0 &&
            std::ranges::all_of(confusion, [&](const auto& row) { return c >= row.size() || row[c] == 0; }))
            names.push_back(train.made.classes[c]);
    return names;
}

std::string accuracy_words(const Training& train, const std::string& noun) {
    const AccuracySummary& test = train.made.test;
    std::string text = fmt::format("; it is right in {} test {}s", cases(test.accuracy, test.samples), noun);
    if (test.undecided > 0)
        text += fmt::format(", and names no class for {} of {}", count(test.undecided), count(test.samples));
    if (const std::vector<std::string> never = never_answered(train); !never.empty())
        text += " and never answers " + some_of(never);
    return text;
}

/// Whether more of the test samples are right than are of the commonest class, by the accuracy's interval.
bool tells_classes(const Training& train) {
    const size_t classes = train.made.confusion.size();
    double commonest = 0;
    for (size_t c = 0; c < classes; ++c) commonest = std::max(commonest, train.samples_of(c));
    return classes < 2 || train.made.test.samples == 0 ||
           train.made.test.ci95.low > commonest / static_cast<double>(train.made.test.samples);
}

std::string ablation_words(const InterpretResult& interpretation) {
    const AblationSummary::Point* step = point_at(interpretation.ablation, interpretation.chosen_mu);
    const double full = interpretation.ablation.full_accuracy;
    if (!step || !std::isfinite(full) || !std::isfinite(step->relevant_accuracy) ||
        !std::isfinite(step->random_accuracy))
        return {};
    const double half = std::hypot(step->relevant_ci95, step->random_ci95);
    const bool told_apart = std::isfinite(half) && std::abs(step->random_accuracy - step->relevant_accuracy) > half;
    const auto effect = [](double loss) {
        return fmt::format("{} {}", loss < 0 ? "gains" : "costs", points(std::abs(loss)));
    };
    return fmt::format(" Silencing these {} of accuracy, silencing as many at random {}{}.",
                       effect(full - step->relevant_accuracy), effect(full - step->random_accuracy),
                       told_apart ? "" : ": the two are not told apart");
}

}  // namespace

std::string headline(const Page& page) {
    const Results& results = page.results;
    if (!results.train && !results.interpret) return "What this network has learned has not been measured yet.";
    if (results.train && results.train->diverged)
        return "Training of this network diverged: it has learned nothing that can be shown.";
    if (results.train && results.train->silent())
        return fmt::format("This network decides nothing: it names no class for any of {}.",
                           plural(results.train->made.test.samples, "test " + page.noun()));
    if (results.train && !tells_classes(*results.train))
        return "This network is not told apart from one that always answers the same class" +
               accuracy_words(*results.train, page.noun()) + ".";
    return "This network " + purpose(page) +
           (results.train ? accuracy_words(*results.train, page.noun())
                          : "; how often it is right has not been measured") +
           ".";
}

std::string finding(const Page& page) {
    if (!page.results.interpret) return {};
    const InterpretResult& interpretation = *page.results.interpret;
    const double selected = mean_selected(interpretation);
    if (!std::isfinite(selected))
        return fmt::format("No filter drives any class at μ = {}.", compact(interpretation.chosen_mu));
    return fmt::format("Of its {} filters, {} drive a class on average (at the run's budget μ = {}).{}",
                       interpretation.filters.size(), decimal(selected, 1), compact(interpretation.chosen_mu),
                       ablation_words(interpretation));
}

std::string trust(const Page& page) {
    if (!page.results.evaluate || page.results.evaluate->methods.empty()) return {};
    const EvaluateResult& evaluation = *page.results.evaluate;
    const std::string metric = leading_metric(evaluation);
    const EvaluatedMethod* leader = best(evaluation, metric, false);
    if (!leader) return "Only sanity baselines were measured: how far an explanation can be trusted is not known.";
    const auto methods =
        std::count_if(evaluation.methods.begin(), evaluation.methods.end(),
                      [&](const EvaluatedMethod& m) { return !m.sanity_baseline && m.metric(metric) != nullptr; });
    if (const auto equals = equal_leaders(evaluation, metric); equals.size() > 1)
        return fmt::format("Of {} explanations, {} are equally good by {}, and none is better: {}.", counted(methods),
                           std::ssize(equals) < methods ? counted(std::ssize(equals))
                           : methods == 2               ? "both"
                                                        : "all",
                           metric, text_of(*leader->metric(metric)));
    const std::string who = methods > 1
                                ? fmt::format("The best of {} explanations, {},", counted(methods), leader->method)
                                : "The explanation by " + leader->method;
    return fmt::format("{} is {}.", who, standing_words(evaluation, leader->method, page.noun()));
}

std::string small_print(const Page& page) {
    if (!page.results.train) return {};
    const Training& train = *page.results.train;
    return fmt::format("Network {}; {}{} parameters; data {}", train.network.text,
                       page.data.steps > 0 ? plural(page.data.steps, "time step") + "; " : "",
                       count(train.network.parameters), train.made.data);
}

}  // namespace spikelens::report
