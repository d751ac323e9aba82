#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "spikelens/core/array.h"

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

/// One explained image: all methods' maps of it.
struct ReportImage {
    int64_t sample = 0;  ///< index in the test set
    int label = 0;
    int predicted = 0;
    std::vector<float> probabilities;  ///< softmax of the scores
    FloatArray image;                  ///< [C, H, W]
    std::vector<FloatArray> maps;      ///< [H, W] each, in the order of ReportData::methods, signed raw values
};

struct ReportMethod {
    std::string name;  ///< "ig2d"
    std::string title;
    std::string meaning;  ///< what a value and its sign mean
    bool signed_values = false;
    bool baseline = false;
};

/// Everything a report shows. The JSON documents are those the commands print (docs/formats); null when the stage has not been
/// run: the report then shows the command that makes it.
struct ReportData {
    std::string run;  ///< the run directory's name
    nlohmann::json manifest, train, interpret, evaluate;
    std::vector<ReportFilter> filters;
    std::vector<ReportMethod> methods;
    std::vector<ReportImage> images;
    std::string image_choice;  ///< how they were chosen: "6 right and 6 wrong predictions, drawn at random with seed 7"
};

/// The whole report as one HTML document that loads nothing from anywhere.
std::string report_html(const ReportData& data);

}  // namespace spikelens
