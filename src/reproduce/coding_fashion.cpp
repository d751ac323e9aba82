#include <algorithm>
#include <cassert>

#include <fmt/format.h>

#include "spikelens/reproduce/reproduce.h"

#include "experiment.h"
#include "seeds.h"

namespace spikelens {
namespace {

constexpr const char* kGradients[] = {"grad2d", "ig2d:steps=8"};

const Interval& overlap_of(const CodingsResult& study, const std::string& method, const std::string& a,
                           const std::string& b) {
    const auto found = std::ranges::find_if(
        study.overlaps, [&](const CodingOverlap& pair) { return pair.method == method && pair.a == a && pair.b == b; });
    assert(found != study.overlaps.end());
    return found->ci95;
}

std::string range_text(const Interval& interval) {
    return interval.known() ? fmt::format("{:.2f} to {:.2f}", interval.low, interval.high) : "unknown";
}

/// For each gradient method: whether a coding changes the pixels that matter more than training anew does. Undecided
/// where the intervals meet, and where too few images have any.
void add_overlap_claims(const CodingsResult& study, std::vector<PaperClaim>& claims) {
    const std::string first = study.codings[0].coding;
    for (const char* method : kGradients) {
        const Interval& control = overlap_of(study, method, first, control_name(first));
        for (size_t i = 1; i < study.codings.size(); ++i) {
            const std::string& coding = study.codings[i].coding;
            const Interval& overlap = overlap_of(study, method, first, coding);
            const bool below = overlap.high < control.low;
            const bool above = control.high < overlap.low;
            claims.push_back({fmt::format("{}: {} ranks other pixels first than {}", method, coding, first), "yes",
                              fmt::format("overlap {}, control {}", range_text(overlap), range_text(control)),
                              below || above ? std::optional(below) : std::nullopt, std::nullopt});
        }
    }
}

/// Within every coding the gradients' pixels matter more than random ones.
void add_deletion_claims(const CodingsResult& study, std::vector<PaperClaim>& claims) {
    for (const CodedRun& one : study.codings)
        for (const char* method : kGradients) {
            const MetricDifference difference = one.evaluate.difference("deletion", method, "random").value();
            claims.push_back({fmt::format("{}, {}: deletion below random", one.coding, method), "yes",
                              fmt::format("{:+.3f}", difference.difference),
                              difference.decided ? std::optional(difference.difference < 0) : std::nullopt,
                              std::nullopt});
        }
}

CodingFashionResult one_seed(const ReproduceOptions& options, const Execution& execution, const StageNotes& notes) {
    CodingsOptions codings;
    codings.out = options.out;
    codings.samples = options.samples.value_or(codings.samples);
    codings.train_samples = options.train_samples.value_or(codings.train_samples);
    codings.seed = options.seed;
    codings.train_again = words_of(options).train;
    codings.evaluate_again = words_of(options).evaluate;
    codings.arguments = options.arguments;
    codings.lock = options.lock;
    CodingFashionResult result{.study = compare_codings(codings, execution, notes), .claims = {}, .seeds = {}};
    result.study.command = "reproduce";
    add_deletion_claims(result.study, result.claims);
    add_overlap_claims(result.study, result.claims);
    return result;
}

}  // namespace

CodingFashionResult reproduce_coding_fashion(const ReproduceOptions& options, const Execution& execution,
                                             const StageNotes& notes) {
    check_samples(options);
    CodingFashionResult first = one_seed(options, execution, notes);
    if (options.seeds == 1) return first;
    first.seeds.push_back({options.seed, options.out.string(), first.claims});
    for (int i = 1; i < options.seeds; ++i) {
        const ReproduceOptions other = of_seed(options, 2 * i);  // the control took the seed between
        const CodingFashionResult result = one_seed(other, execution, notes);
        first.seeds.push_back({other.seed, other.out.string(), result.claims});
        first.study.warnings.insert(first.study.warnings.end(), result.study.warnings.begin(),
                                    result.study.warnings.end());
    }
    first.claims = over_seeds(first.seeds);
    return first;
}

}  // namespace spikelens
