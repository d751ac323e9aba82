#include "shown.h"

#include <algorithm>
#include <cmath>

namespace spikelens::app {

std::vector<std::string> shown_methods(const OpenRun& run, bool spiking, Console& console) {
    std::vector<std::string> methods = spiking ? std::vector<std::string>{"svebi", "grad3d", "ig3d", "gate3d"}
                                               : std::vector<std::string>{"svebi", "grad2d", "ig2d", "gate"};
    if (!has_result(run, run.files.relevant(), console)) methods.erase(methods.begin());
    return methods;
}

std::vector<float> softmax(std::span<const float> scores) {
    const float largest = *std::ranges::max_element(scores);
    std::vector<double> exponentials;
    double sum = 0;
    for (float score : scores) sum += exponentials.emplace_back(std::exp(double{score} - largest));
    std::vector<float> shares;
    for (double e : exponentials) shares.push_back(static_cast<float>(e / sum));
    return shares;
}

}  // namespace spikelens::app
