#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "spikelens/core/array.h"
#include "spikelens/pipeline/results.h"

namespace spikelens {

/// A filter as the report shows it: its average visualisation beside the crops it averages.
struct ReportFilter {
    std::string name;         ///< "conv2.17"
    FloatArray average;       ///< [C, H, W] in [0, 1]; empty: never spiked
    FloatArray crops;         ///< [K, C, r, r]
    int64_t averaged = 0;     ///< crops in the average
    double spread = 0;        ///< mean standard deviation of a pixel over them
    int receptive_field = 0;  ///< pixels
};

/// One explained image or recording: all methods' maps of it.
struct ReportImage {
    int64_t sample = 0;  ///< index in the test set
    int label = 0;
    int predicted = 0;
    std::string undecided{};           ///< why no class is predicted: "no output spike"; empty: one is
    std::vector<float> probabilities;  ///< softmax of the scores
    FloatArray image;                  ///< [C, H, W]
    std::vector<FloatArray> maps;      ///< [H, W] each, in the order of ReportData::methods, signed raw values
    std::vector<double> rounding{};  ///< of each map, the largest magnitude that means nothing; 0 where there are fewer

    FloatArray cloud{};                 ///< picture [3, h, w] of a recording over x, y and t; empty for images
    std::vector<FloatArray> clouds{};   ///< the same, coloured by each method; empty where it does not tell time apart
    std::vector<FloatArray> windows{};  ///< maps [N, H, W] of each method per window of time; empty likewise
    std::vector<int64_t> spikes_per_window{};  ///< [N]; window i holds the steps i·T/N (rounded down) to (i + 1)·T/N

    /// An undecided sample counts as wrong.
    bool is_right() const { return undecided.empty() && label == predicted; }
};

struct ReportMethod {
    std::string name;  ///< "ig2d"
    std::string title;
    std::string meaning;  ///< what a value and its sign mean
    bool signed_values = false;
    bool sanity_baseline = false;
};

/// When the test samples were decided (evaluate/decision_time.h), those for which a class is predicted.
struct ReportDecisions {
    std::vector<int64_t> right,
        wrong;  ///< [T] how many right and wrong predictions no longer change after step 1, 2, …
};

/// Everything a report shows. Where a stage has not been run it shows the command that makes it.
struct ReportData {
    std::string run;  ///< the run directory's name
    std::vector<std::string>
        command;              ///< what made the report, word by word, as `stages` of the manifest hold it of the rest
    nlohmann::json manifest;  ///< null: there is none
    RunResults results;
    std::vector<ReportFilter> filters;
    std::vector<ReportMethod> methods;
    std::vector<ReportImage> images;
    std::string image_choice;  ///< how they were chosen: "6 right and 6 wrong predictions, drawn at random with seed 7"
    std::string coding = "direct";      ///< in which the images are shown; "direct" for recordings too
    std::string input_kind = "images";  ///< or "recordings": what the data are called
    bool counts_spikes = false;         ///< class scores are numbers of output spikes / T, not potentials
    int steps = 0;                      ///< T, the network's
    ReportDecisions decisions;          ///< empty: not known of this network
    int64_t window_steps = 0;           ///< steps of the longest window of time; 0 where there are none
};

/// The whole report as one HTML document that loads nothing from anywhere. Throws InputError for another input_kind.
std::string report_html(const ReportData& data);

}  // namespace spikelens
