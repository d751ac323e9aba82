#include <filesystem>

#include "spikelens/core/error.h"
#include "spikelens/pipeline/ranks.h"

#include "commands.h"

namespace spikelens::app {
namespace fs = std::filesystem;
namespace {

/// The shard of this process, under its own lock; what of it is to be merged, as files of the run.
std::vector<std::string> compute_share(const Run& run, const std::string& stage, const Call& call, const Execution& execution,
                                       const ComputeShard& compute) {
    const Shard shard{.number = call.ranks->number() + 1, .count = call.ranks->count(), .of_job = true};
    const RunDirectory directory = shard_directory(run.files, stage, shard);
    const auto lock = lock_run(directory.root, call.globals, call.console);
    std::vector<std::string> files;
    for (const std::string& file : compute(run, shard, execution).files)
        files.push_back(fs::path(file).lexically_relative(directory.root).generic_string());
    return files;
}

}  // namespace

WrittenRun open_shared(const std::string& stage, const fs::path& root, const Call& call, const ComputeShard& compute) {
    if (!call.ranks) return open_to_write(root, call.globals, call.console);
    const Execution execution = call.ranks->sharing(call.execution());
    if (!call.ranks->first()) {
        compute_share(open_run(root), stage, call, execution, compute);
        call.ranks->wait_for_all(execution);
        return {};
    }
    WrittenRun written = open_to_write(root, call.globals, call.console);
    check_division(written.run.files, stage, call.ranks->count());
    const std::vector<std::string> files = compute_share(written.run, stage, call, execution, compute);
    call.ranks->wait_for_all(execution);
    if (!files.empty()) merge_shards(written.run, call.execution(), {stage, files, true});
    return written;
}

}  // namespace spikelens::app
