#include <fmt/format.h>
#include <fmt/ranges.h>

#include "spikelens/core/printable.h"
#include "spikelens/pipeline/fields.h"

#include "shards.h"
#include "text.h"

namespace spikelens::app {
namespace {

namespace fs = std::filesystem;

std::string text_of(const MergeResult& result) {
    std::string text;
    for (const MergeResult::Merged& merged : result.merged)
        text += paragraph(fmt::format("{}: {} shards, {} samples", (fs::path(result.run) / merged.file).string(), merged.shards,
                                      grouped(merged.samples)));
    return text + paragraph("interpret and evaluate, called as for the shards but without --shard, go on from here.");
}

}  // namespace

CLI::Option* add_shard(CLI::App& app, std::string& shard) {
    return app.add_option("--shard", shard,
                          "Compute part i of n of the samples alone, such as 2/7, beside other processes; spikelens merge puts "
                          "the parts together");
}

Outcome compute_shard(const fs::path& root, const std::string& stage, const std::string& shard, const Globals& globals,
                      Console& console, const std::function<ShardResult(const OpenRun& run, const Shard& shard)>& compute) {
    const Shard part = parse_shard(shard);
    const OpenRun run = open_run(root);
    const auto lock = lock_run(shard_directory(run.files, stage, part).root, globals, console);
    const ShardResult result = compute(run, part);
    say_warnings(run, console);
    return {document_of(result), paragraph(fmt::format("shard {}: {} samples, kept in {}", result.shard,
                                                       grouped(result.samples), fmt::join(result.files, ", ")))};
}

void add_merge(CLI::App& program, Run& run) {
    auto root = std::make_shared<fs::path>();
    CLI::App* app = program.add_subcommand("merge", "Put together what shards of interpret and evaluate computed");
    app->add_option("run", *root, "The run directory")->required();
    app->callback([root, &run] {
        run = [root](const Globals& globals, Console& console) -> Outcome {
            const WrittenRun written = open_to_write(*root, globals, console);
            const MergeResult result = merge_shards(written.run, globals.execution(console));
            return {document_of(result), text_of(result)};
        };
    });
}

}  // namespace spikelens::app
