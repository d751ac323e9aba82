#include <filesystem>

#include "spikelens/core/error.h"
#include "spikelens/pipeline/ranks.h"
#include "spikelens/pipeline/shard_folders.h"

#include "commands.h"

namespace spikelens::app {
namespace fs = std::filesystem;
namespace {

struct Nothing {};
void declare(OptionTable&, Nothing&) {}

/// The shard of this process, under its own lock; what of it is to be merged, as files of the run.
Strings compute_share(const Run& run, const std::string& stage, const Call& call, const Execution& execution,
                      const ComputeShard& compute) {
    const Shard shard{.number = call.ranks->number() + 1, .count = call.ranks->count(), .of_job = true};
    const RunDirectory directory = shard_directory(run.files, stage, shard);
    const auto lock = call.lock(directory.root);
    const EmptyShard empty(directory.root);
    Strings files;
    for (const std::string& file : compute(shard, run, execution).files)
        files.push_back(fs::path(file).lexically_relative(directory.root).generic_string());
    return files;
}

}  // namespace

void declare_shard(OptionTable& table, std::string& shard) {
    table.add("--shard", shard,
              "Compute part i of n of the samples alone, such as 2/7, beside other processes; spikelens merge puts the "
              "parts together");
}

Outcome compute_shard(const std::string& stage, const fs::path& root, const std::string& shard, const Call& call,
                      const Execution& execution, const ComputeShard& compute) {
    if (call.ranks) throw InputError("the processes of a job share the samples by themselves: leave out --shard");
    const Shard part = parse_shard(shard);
    const Run run = call.open(root);
    const fs::path directory = shard_directory(run.files, stage, part).root;
    const auto lock = call.lock(directory);
    const EmptyShard empty(directory);
    return outcome_of(compute(part, run, execution));
}

WrittenRun open_shared(const std::string& stage, const fs::path& root, const Call& call, const Execution& execution,
                       const ComputeShard& compute) {
    if (!call.ranks) return call.open_to_write(root);
    const Execution shared = call.ranks->sharing(execution);
    if (!call.ranks->first()) {
        const Run run = call.open(root);
        call.ranks->wait_for_first();  // it may refuse the run, which then stays as it is
        compute_share(run, stage, call, shared, compute);
        call.ranks->wait_for_all(shared);
        return {};
    }
    WrittenRun written = call.open_to_write(root);
    check_division(written.run, stage, call.ranks->count());
    call.ranks->wait_for_first();
    const Strings files = compute_share(written.run, stage, call, shared, compute);
    call.ranks->wait_for_all(shared);
    if (!files.empty()) merge_shards(written.run, execution, {stage, files, true});
    return written;
}

Command merge_command() {
    return command_of<OfRun<Nothing>>("merge", "Put together what shards of interpret and evaluate computed",
                                      [](const OfRun<Nothing>& options, const Call& call) {
                                          const WrittenRun written = call.open_to_write(options.run);
                                          return merge_shards(written.run, call.execution());
                                      });
}

}  // namespace spikelens::app
