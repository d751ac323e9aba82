#include "spikelens/core/error.h"
#include "spikelens/pipeline/shard_folders.h"

#include "commands.h"

namespace spikelens::app {
namespace {

struct Nothing {};
void declare(OptionTable&, Nothing&) {}

}  // namespace

void declare_shard(OptionTable& table, std::string& shard) {
    table.add("--shard", shard,
              "Compute part i of n of the samples alone, such as 2/7, beside other processes; spikelens merge puts the parts "
              "together");
}

Outcome compute_shard(const std::string& stage, const std::filesystem::path& root, const std::string& shard, const Call& call,
                      const Execution& execution, const ComputeShard& compute) {
    if (call.ranks) throw InputError("the processes of a job share the samples by themselves: leave out --shard");
    const Shard part = parse_shard(shard);
    const Run run = call.open(root);
    const std::filesystem::path directory = shard_directory(run.files, stage, part).root;
    const auto lock = call.lock(directory);
    const EmptyShard empty(directory);
    return outcome_of(compute(part, run, execution));
}

Command merge_command() {
    return command_of<OfRun<Nothing>>("merge", "Put together what shards of interpret and evaluate computed",
                                      [](const OfRun<Nothing>& options, const Call& call) {
                                          const WrittenRun written = call.open_to_write(options.run);
                                          return merge_shards(written.run, call.execution());
                                      });
}

}  // namespace spikelens::app
