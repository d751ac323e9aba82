#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "spikelens/core/execution.h"
#include "spikelens/pipeline/stage.h"
#include "spikelens/pipeline/train.h"
#include "spikelens/train/team.h"

struct SpikelensMpi;

namespace spikelens {

/// The processes of one job that mpirun or srun started. Each computes its own shard of a stage; the first alone tells,
/// puts the shards together and writes into the run. Progress and errors travel by MPI; samples and results are read
/// and written in the run directory, which all must see.
class Ranks {
  public:
    /// Null in a process that was started by itself. Loads the library libspikelens_mpi, which alone is linked with
    /// MPI. Throws RunError where it is missing, as in a build without MPI; InputError where the processes do not know
    /// of each other.
    static std::unique_ptr<Ranks> join();

    int number() const { return number_; }  ///< from 0
    int count() const { return count_; }
    bool first() const { return number_ == 0; }

    /// The same work as one process of the job: the first shows the progress of all, the others tell it theirs. On the
    /// first it throws the error of a process that failed.
    Execution sharing(Execution execution);
    /// The shard of this process is computed. The first waits for all others, with their progress and as sharing()
    /// says.
    void wait_for_all(const Execution& sharing);
    /// The processes as a team to train in, which must not outlive this. The first throws the error of a process that
    /// failed.
    TrainTeam team();
    /// Waits until the first has come here.
    void wait_for_first();
    /// This process cannot go on. The others tell the first, which ends the job, and come back when nobody has ended
    /// them for some seconds; so an error of all is said once.
    void report_failure(const std::string& sentence, int status);
    /// Ends all processes.
    void abort(int status) const;
    /// To be called once, by all, at their end.
    void finish() const;

  private:
    struct Share {
        int64_t done = 0, total = 0;
    };

    Ranks(const SpikelensMpi& mpi, int number, int count) : mpi_(mpi), number_(number), count_(count) {}
    void tell(const ProgressEvent& event);
    void send(const std::string& message, bool needed) const;
    void hear();
    template <class Begin>
    void pass(std::span<std::byte> bytes, const Begin& begin);
    ProgressEvent of_all(const ProgressEvent& own);

    const SpikelensMpi& mpi_;
    int number_, count_;
    int through_ = 0;  ///< others whose shards are computed
    std::mutex mutex_;
    std::map<std::string, std::vector<Share>> shares_;  ///< by task, of each process
    ProgressEvent last_;
};

/// train_run() by all processes of a job: its run, to the byte, but for the seconds. The first makes it; to the others
/// the result is empty. All must be on machines of one kind (train/team.h).
TrainResult train_run(const TrainRunOptions& options, const Execution& execution, const StageNotes& notes,
                      Ranks& ranks);

}  // namespace spikelens
