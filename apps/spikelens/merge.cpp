#include <fmt/format.h>
#include <fmt/ranges.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/error.h"
#include "spikelens/core/text.h"
#include "spikelens/pipeline/fields.h"

#include "commands.h"

namespace spikelens::app {
namespace {

namespace fs = std::filesystem;

struct MergeCommand {
    fs::path run;
};

std::string text_of(const MergeResult& result) {
    std::string text;
    for (const MergeResult::Merged& merged : result.merged)
        text += paragraph(fmt::format("{}: {}, {}", (fs::path(result.run) / merged.file).string(),
                                      counted(merged.shards, "shard"), counted(merged.samples, "sample")));
    return text + paragraph("interpret and evaluate, called as for the shards but without --shard, go on from here.");
}

void declare(OptionTable& table, MergeCommand& command) { table.add("run", command.run, "The run directory").required(); }

Outcome run_merge(const MergeCommand& command, const Call& call) {
    const WrittenRun written = open_to_write(command.run, call.globals, call.console);
    const MergeResult result = merge_shards(written.run, call.execution());
    return {document_of(result), text_of(result)};
}

}  // namespace

void add_shard(OptionTable& table, std::string& shard) {
    table.add("--shard", shard,
              "Compute part i of n of the samples alone, such as 2/7, beside other processes; spikelens merge puts the parts "
              "together");
}

Outcome compute_shard(const fs::path& root, const std::string& stage, const std::string& shard, const Call& call,
                      const ComputeShard& compute) {
    if (call.ranks) throw InputError("the processes of a job share the samples by themselves: leave out --shard");
    const Shard part = parse_shard(shard);
    const Run run = open_run(root);
    const auto lock = lock_run(shard_directory(run.files, stage, part).root, call.globals, call.console);
    const ShardResult result = compute(run, part, call.execution());
    say_warnings(run.warnings, call.console);
    return {document_of(result), paragraph(fmt::format("shard {}: {}, kept in {}", result.shard,
                                                       counted(result.samples, "sample"), fmt::join(result.files, ", ")))};
}

Command merge_command() {
    return command_of<MergeCommand>("merge", "Put together what shards of interpret and evaluate computed", run_merge);
}

}  // namespace spikelens::app
