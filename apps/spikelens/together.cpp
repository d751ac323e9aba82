#include <filesystem>

#include "spikelens/core/error.h"
#include "spikelens/pipeline/ranks.h"
#include "spikelens/pipeline/shard_folders.h"

#include "commands.h"

namespace spikelens::app {
namespace fs = std::filesystem;
namespace {

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
    check_division(written.run.files, stage, call.ranks->count());
    call.ranks->wait_for_first();
    const Strings files = compute_share(written.run, stage, call, shared, compute);
    call.ranks->wait_for_all(shared);
    if (!files.empty()) merge_shards(written.run, execution, {stage, files, true});
    return written;
}

}  // namespace spikelens::app
