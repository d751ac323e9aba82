#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "spikelens/core/execution.h"
#include "spikelens/pipeline/evaluate.h"
#include "spikelens/pipeline/interpret.h"
#include "spikelens/pipeline/run.h"
#include "spikelens/pipeline/stage.h"

namespace spikelens {

/// One of `count` parts of a stage's samples. Each may be computed by a process of its own, at once or one after the
/// other; merge_shards puts the parts together, and the stage then goes on from them to the bytes of one process.
struct Shard {
    int64_t number = 1;  ///< 1 … count
    int64_t count = 1;
    /// One of a job that computes all shards and merges them: what the run has whole is not computed again, and no file
    /// is kept of it.
    bool of_job = false;
};

/// "2/7". Throws InputError for anything else than i/n with 1 ≤ i ≤ n ≤ 100000.
Shard parse_shard(std::string_view text);
std::string shard_text(const Shard& shard);

/// From `first` up to `end`, and without it.
struct ShardRange {
    int64_t first = 0, end = 0;
};
/// Items ⌊(i − 1)·N/n⌋ to ⌊i·N/n⌋ of N: empty where there are more shards than items.
ShardRange range_of(const Shard& shard, int64_t items);

/// The folder of all shards: RUN/shards.
std::filesystem::path shards_of(const RunDirectory& run);
/// Where a stage ("interpret", "evaluate") keeps what its shard computes: RUN/shards/interpret-2-of-7.
RunDirectory shard_directory(const RunDirectory& run, const std::string& stage, const Shard& shard);

/// What a shard computed. docs/formats.md describes the fields.
struct ShardResult {
    std::string command, run, shard;
    int64_t samples = 0;             ///< in this shard
    std::vector<std::string> files;  ///< what it keeps

    static void fields(auto& self, auto& field) {
        field("command", self.command), field("run", self.run), field("shard", self.shard);
        field("samples", self.samples), field("files", self.files);
    }
};

/// Sums the responses of the shard's samples, whole blocks of them (interpret/responses.h), into its own responses.h5.
/// Of the options it takes the response and the number of samples. What was cancelled or killed goes on where it was; a
/// file of other options, another model or other data is made anew, which a line says. The caller holds the lock of
/// shard_directory(), not the run's. Throws InputError as interpret_run does.
ShardResult interpret_shard(const Run& run, const InterpretOptions& options, const Shard& shard,
                            const Execution& execution, const StageNotes& notes);

/// Measures explanations of the shard's test samples, each method's scores in a file of its own. The rest as above, and
/// as evaluate() says.
ShardResult evaluate_shard(const Run& run, const EvaluateOptions& options, const Shard& shard,
                           const Execution& execution, const StageNotes& notes);

/// merge's document. docs/formats.md describes the fields.
struct MergeResult {
    struct Merged {
        std::string file;  ///< in the run: "responses.h5", "evaluate/svebi.h5"
        int64_t shards = 0, samples = 0;

        static void fields(auto& self, auto& field) {
            field("file", self.file), field("shards", self.shards), field("samples", self.samples);
        }
    };
    std::string command = "merge", run;
    std::vector<Merged> merged;
    std::vector<std::string> left;  ///< files of shards that are of another division than those merged

    static void fields(auto& self, auto& field) {
        field("command", self.command), field("run", self.run), field("merged", self.merged);
        field("left", self.left);
    }
};

/// What merge_shards puts together: all, unless said.
struct MergeOptions {
    std::string stage;               ///< of this stage alone; empty: of all
    std::vector<std::string> files;  ///< these files of the run alone; empty: all
    bool replace = false;            ///< whatever the run has of them
};

/// Puts together what the run's shards computed: responses.h5, and the scores of each method. The stage, called with
/// the same options, finds them and does the rest. Shards that were merged are removed once all is written. The caller
/// holds the run's lock.
///
/// Of shards that divide the samples differently it takes those of the one complete division and leaves the others,
/// which the stage removes as it removes all that the run has whole.
///
/// Throws InputError, and merges nothing, when there are no shards; when one is missing, there twice, not through with
/// its samples, or made with another model, other data or other options than the run or the other shards; when several
/// divisions are complete, or none of several is. Throws RunError while another process computes a shard.
MergeResult merge_shards(const Run& run, const Execution& execution, const MergeOptions& options = {});

/// Throws InputError when the run holds computed shards of a stage that are not of a division into `count`, and would
/// be of no use: not those of what the run has whole, which it removes. The caller holds the run's lock.
void check_division(const Run& run, const std::string& stage, int64_t count);

}  // namespace spikelens
