#pragma once

#include "spikelens/reproduce/reproduce.h"

namespace spikelens {

/// Throws InputError for negative numbers of samples, and fewer seeds than one.
void check_samples(const ReproduceOptions& options);

/// Of the options' seed.
StageWords words_of(const ReproduceOptions& options);

/// The stages of one experiment, on its run.
class Experiment {
  public:
    Experiment(const ReproduceOptions& options, const Execution& execution, const StageNotes& notes);

    TrainResult train(TrainRunOptions stage);
    ImportResult import(ImportOptions stage);
    /// Writes a model file, and no run.
    ImportResult import_model(ImportOptions stage, const std::filesystem::path& path) const;
    InterpretResult interpret(InterpretOptions stage) const;
    EvaluateResult evaluate(EvaluateOptions stage) const;
    /// Keeps the claims in the run and makes its report. Gives the report's file.
    std::string conclude(const std::string& experiment, const std::vector<PaperClaim>& claims,
                         const std::vector<SeedClaims>& seeds, ReportOptions stage = {}) const;

  private:
    void hold();

    const ReproduceOptions& options_;
    const StageWords words_;
    const Execution& execution_;
    const StageNotes& notes_;
    std::shared_ptr<const RunLock>
        lock_;  ///< for the stages after the one that made the run: no other writer comes between
};

}  // namespace spikelens
