#include "spikelens/pipeline/interpret.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <numeric>

#include <fmt/format.h>

#include "spikelens/attribute/probe.h"
#include "spikelens/core/counted.h"
#include "spikelens/core/error.h"
#include "spikelens/core/naming.h"
#include "spikelens/core/option_error.h"
#include "spikelens/core/printable.h"
#include "spikelens/interpret/ablation.h"
#include "spikelens/interpret/average_visualisation.h"
#include "spikelens/io/files.h"
#include "spikelens/pipeline/check_memory.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/shard.h"
#include "spikelens/pipeline/shard_folders.h"
#include "spikelens/pipeline/store.h"
#include "spikelens/snn/engine.h"

#include "forecast.h"
#include "interpret_result.h"
#include "make_run.h"

namespace spikelens {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr int64_t kLargeMemory = int64_t{1} << 28;  ///< bytes from which on a stage says what it takes
constexpr int kCrops = 9;                           ///< kept of each filter, the strongest

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::vector<double> budgets_of(const InterpretOptions& options) {
    if (options.mu_max < 1 || options.mu_max > 1000)
        throw OptionError("mu_max", fmt::format("the largest μ must be 1 to 1000, not {}", options.mu_max));
    if (!(options.mu > 0)) throw OptionError("mu", fmt::format("μ must be above 0, not {}", options.mu));
    std::vector<double> budgets;
    for (int mu = 1; mu <= options.mu_max; ++mu) budgets.push_back(mu);
    if (std::ranges::find(budgets, options.mu) == budgets.end())
        budgets.insert(std::ranges::lower_bound(budgets, options.mu), options.mu);
    return budgets;
}

/// What can be told of the options alone.
void check_options(const InterpretOptions& options) {
    if (options.draws < 1 || options.draws > 1000)
        throw OptionError("draws", fmt::format("the number of random draws must be 1 to 1000, not {}", options.draws));
    if (options.samples < 0)
        throw OptionError("train_samples", fmt::format("the number of training samples must be 0 (all) or more, not {}",
                                                       options.samples));
    if (options.probe_samples < 0)
        throw OptionError("probe_samples", fmt::format("the number of probe samples must be 0 (none) or more, not {}",
                                                       options.probe_samples));
}

/// The stage at work: the run, its data and how each of its five results is found.
class Interpretation {
  public:
    Interpretation(const Run& run, const InterpretOptions& options, const Execution& execution, const StageNotes& notes)
        : run_(run),
          options_(options),
          execution_(execution),
          notes_(notes),
          budgets_(budgets_of(options)),
          data_(checked_data(run, options, execution)),
          samples_(*data_.train, samples_meant(options.samples, data_.train->size(), notes)),
          probe_samples_(options.probe_samples > 0 ? samples_meant(options.probe_samples, data_.train->size(), notes)
                                                   : 0),
          engine_(make_engine(execution.engine, run.network, execution)) {
        if (probe_samples_ > 0) check_probe(*run.network, *data_.train, probe_samples_);
        check_memory(*engine_, samples_);
        sums_ = {{"response", response_text(options.response)}, {"samples", samples_.size()}};
        path_ = {{"mu", budgets_}, {"signed", options.is_signed}};
    }

    InterpretResult result();
    ShardResult shard(const Shard& shard) const;

  private:
    static RunData checked_data(const Run& run, const InterpretOptions& options, const Execution& execution) {
        check_options(options);
        if (response_filters(*run.network).empty())
            throw InputError("the network has no convolution layer that spikes, so there are no filters to interpret");
        return run.load_data(execution);
    }

    // What each result depends on, and nothing that it does not depend on.
    Identity of_responses() const { return run_.identity_of("responses", 3).with(sums_); }
    Identity of_relevant() const {
        return run_.identity_of("relevant filters", 3).with(sums_).with(path_).with({{"chosen_mu", options_.mu}});
    }
    Identity of_ablation() const {
        return run_.identity_of("ablation", 3)
            .with(sums_)
            .with(path_)
            .with({{"draws", options_.draws}, {"seed", options_.seed}});
    }
    Identity of_visualisations() const {
        return run_.identity_of("visualisations", 1).with(sums_).with({{"crops", kCrops}});
    }
    Identity of_probe() const { return run_.identity_of("probe", 1).with({{"samples", probe_samples_}}); }

    bool holds(const fs::path& path, const Identity& identity) const;
    template <class Result, class Make>
    Result load_or_make(const fs::path& path, const Identity& identity, Result (*load)(const json&, const fs::path&),
                        void (*save)(const Result&, const json&, const fs::path&), const Make& make) const;
    void say_memory(int64_t samples, int64_t block) const;
    ResponseSums sum_responses(const fs::path& path, const Identity& identity, ResponseOptions options) const;
    Responses find_responses() const;
    RelevantFilters find_relevant(const Responses& responses) const;
    Ablation find_ablation(const RelevantFilters& relevant) const;
    void find_visualisations(const RelevantFilters& relevant, const Responses& responses) const;
    void find_probe() const;

    const Run& run_;
    const InterpretOptions& options_;
    const Execution& execution_;
    const StageNotes& notes_;
    std::vector<double> budgets_;
    RunData data_;
    FirstSamples samples_;
    int64_t probe_samples_;
    std::unique_ptr<const Engine> engine_;
    json sums_, path_;  ///< parts of identities
};

/// Whether the file has the result of this identity. One of another identity stays until the new one takes its place.
bool Interpretation::holds(const fs::path& path, const Identity& identity) const {
    if (!fs::exists(path)) return false;
    const std::string difference = identity.difference(stored_identity(path));
    if (!difference.empty()) notes_.say(fmt::format("made anew: {} was made with {}", path.string(), difference));
    return difference.empty();
}

template <class Result, class Make>
Result Interpretation::load_or_make(const fs::path& path, const Identity& identity,
                                    Result (*load)(const json&, const fs::path&),
                                    void (*save)(const Result&, const json&, const fs::path&), const Make& make) const {
    if (holds(path, identity)) return load(identity.inputs(), path);
    Result result = make();
    save(result, identity.inputs(), path);
    return result;
}

/// Of what is large: the sums of all filters' products, and the rows of a block of samples.
void Interpretation::say_memory(int64_t samples, int64_t block) const {
    const auto filters = static_cast<int64_t>(response_filters(*run_.network).size());
    const int64_t bytes = 16 * filters * filters + 4 * filters * std::min(block, samples);
    if (bytes < kLargeMemory) return;
    notes_.tell(fmt::format("responses of {} samples, {} filters: about {:.1f} GB", grouped(samples), grouped(filters),
                            static_cast<double>(bytes) / (1 << 30)));
}

/// The sums over the samples from options.first to options.end: goes on with what the file holds, and keeps it up to
/// date.
ResponseSums Interpretation::sum_responses(const fs::path& path, const Identity& identity,
                                           ResponseOptions options) const {
    const int64_t count = *options.end - options.first;
    ResponseSums sums;
    const bool held = holds(path, identity);
    if (held) sums = load_responses(identity.inputs(), path);
    auto saved = Clock::now();
    const auto keep = [&] {
        if (sums.samples > 0)
            notes_.keeps(
                fmt::format("the responses of {} of {} samples are kept", grouped(sums.samples), grouped(count)));
    };
    Execution to_the_end;  // also where the work is cancelled
    to_the_end.threads = execution_.threads;
    to_the_end.kernel = execution_.kernel;
    const auto save = [&](const ResponseSums& at) {
        save_responses(at, identity.inputs(), path, to_the_end);
        saved = Clock::now();
        keep();
    };
    keep();
    if (held && sums.samples >= count) return sums;
    say_memory(count - sums.samples, options.block);
    options.kind = options_.response;
    const auto after_chunk = [&](const ResponseSums& at) {
        if (at.samples == count || since(saved) >= 2) save(at);
    };
    try {
        accumulate_responses(*engine_, samples_, options, sums, after_chunk);
    } catch (const Cancelled&) {
        if (sums.samples > 0) save(sums);
        throw;
    }
    if (count == 0) save(sums);
    return sums;
}

Responses Interpretation::find_responses() const {
    return finished(sum_responses(run_.files.responses(), of_responses(), {.end = samples_.size()}), execution_);
}

ShardResult Interpretation::shard(const Shard& shard) const {
    ResponseOptions options;
    const int64_t block = options.block, count = samples_.size();
    const auto [first, end] = range_of(shard, (count + block - 1) / block);
    options.first = first * block;
    options.end = std::min(end * block, count);
    if (shard.of_job && holds(run_.files.responses(), of_responses()) &&
        load_responses(of_responses().inputs(), run_.files.responses()).samples >= count)
        return {"interpret", run_.files.root.string(), shard_text(shard), 0, {}};
    const fs::path path = shard_directory(run_.files, "interpret", shard).responses();
    sum_responses(path, of_responses().with({{"shard", shard_text(shard)}}), options);
    if (first == end && !shard.of_job)
        notes_.say(fmt::format("shard {} has no samples: {} are summed in blocks of {}, and a shard takes whole blocks",
                               shard_text(shard), counted(count, "sample"), grouped(block)));
    return {"interpret", run_.files.root.string(), shard_text(shard), *options.end - options.first, {path.string()}};
}

RelevantFilters Interpretation::find_relevant(const Responses& responses) const {
    const LassoOptions lasso{!options_.is_signed, LassoOptions{}.tolerance};
    RelevantFilters relevant = load_or_make<RelevantFilters>(
        run_.files.relevant(), of_relevant(), load_relevant_filters, save_relevant_filters,
        [&] { return find_relevant_filters(*run_.network, responses, budgets_, options_.mu, lasso, execution_); });
    naming(run_.files.relevant(), [&] { check_relevant(*run_.network, relevant); });
    return relevant;
}

Ablation Interpretation::find_ablation(const RelevantFilters& relevant) const {
    return load_or_make<Ablation>(run_.files.ablation(), of_ablation(), load_ablation, save_ablation, [&] {
        return ablate(*engine_, *data_.test, relevant, {options_.draws, options_.seed});
    });
}

void Interpretation::find_visualisations(const RelevantFilters& relevant, const Responses& responses) const {
    if (holds(run_.files.visualisations(), of_visualisations())) return;
    std::vector<int> rows(relevant.filters.size());
    std::iota(rows.begin(), rows.end(), 0);
    VisualisationWriter file(of_visualisations().inputs(), run_.files.visualisations());
    average_visualisations(*run_.network, samples_, responses, rows, kCrops, execution_,
                           [&](const FilterVisualisation& picture) { file.add(picture); });
    file.finish();
}

void Interpretation::find_probe() const {
    if (probe_samples_ == 0 || holds(run_.files.probe(), of_probe())) return;
    save_probe(fit_probe(*engine_, *data_.train, probe_samples_), of_probe().inputs(), run_.files.probe());
}

InterpretResult Interpretation::result() {
    std::map<std::string, double> seconds;
    auto started = Clock::now();
    const auto lap = [&](const char* part) {
        seconds[part] = since(started);
        started = Clock::now();
    };
    const Responses responses = find_responses();
    lap("responses");
    notes_.keeps("the responses are kept");
    const RelevantFilters relevant = find_relevant(responses);
    lap("lasso");
    const Ablation ablation = find_ablation(relevant);
    lap("ablation");
    notes_.keeps("all but the visualisations is kept");
    find_visualisations(relevant, responses);
    lap("visualisations");
    notes_.keeps("all but the probes and the summary is kept");
    find_probe();

    InterpretResult result = summary_of(*run_.network, responses, relevant, ablation);
    result.run = run_.files.root.string();
    result.data = data_.name;
    result.fingerprint = run_.fingerprint;
    result.identity = of_ablation().with({{"stage", "interpret"}, {"chosen_mu", options_.mu}}).inputs();
    result.relevant = of_relevant().digest();
    result.response = response_text(options_.response);
    result.non_negative = !options_.is_signed;
    result.chosen_mu = options_.mu;
    result.mu = budgets_;
    result.ablation.draws = options_.draws;
    result.seed = options_.seed;
    result.seconds = seconds;
    return result;
}

}  // namespace

InterpretResult interpret_run(const Run& run, const InterpretOptions& options, const Execution& execution,
                              const StageNotes& notes) {
    InterpretResult result = Interpretation(run, options, with_forecast(execution, notes), notes).result();
    write_json(run.files.result("interpret"), document_of(result));
    record_stage(run.files, "interpret", {options.again, options.seed});
    remove_superseded_shards(run, "interpret");
    return result;
}

ShardResult interpret_shard(const Run& run, const InterpretOptions& options, const Shard& shard,
                            const Execution& execution, const StageNotes& notes) {
    return Interpretation(run, options, with_forecast(execution, notes), notes).shard(shard);
}

}  // namespace spikelens
