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

Command merge_command() {
    return command_of<OfRun<Nothing>>("merge", "Put together what shards of interpret and evaluate computed",
                                      [](const OfRun<Nothing>& options, const Call& call) {
                                          const WrittenRun written = call.open_to_write(options.run);
                                          return merge_shards(written.run, call.execution());
                                      });
}

}  // namespace spikelens::app
