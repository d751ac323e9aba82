#pragma once

#include "spikelens/report/report.h"

namespace spikelens::report_test {

struct FixtureOptions {
    int classes = 10;
    int filters_per_layer[2] = {16, 32};
    int channels = 1;
    int side = 28;
    int images = 12;
    bool broken = true;  ///< dead filters, an all-zero map, a NaN map, one of rounding, an undecided image, a class
                         ///< never predicted
    bool recordings = false;  ///< of 60 steps and two polarities, instead of images; `channels` is then 2
};

/// A complete report's data, synthetic throughout: shapes and curves are drawn from formulas, nothing was trained.
ReportData synthetic_report(const FixtureOptions& options = {});

/// Of a run that records every stage's command line.
nlohmann::json manifest();

}  // namespace spikelens::report_test
