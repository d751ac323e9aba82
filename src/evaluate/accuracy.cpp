#include "spikelens/evaluate/accuracy.h"

#include <algorithm>
#include <numeric>

namespace spikelens {

Accuracy measure_accuracy(const Simulator& simulator, const SampleSource& samples, const std::string& task,
                          const Progress& progress) {
    constexpr int64_t kBatch = 256;
    const int64_t classes = simulator.network().class_count();
    Accuracy result;
    result.confusion = Array<int64_t>({classes, classes});
    for (int64_t first = 0; first < samples.size(); first += kBatch) {
        report_progress(progress, task, first, samples.size());
        std::vector<int64_t> indices(std::min(kBatch, samples.size() - first));
        std::iota(indices.begin(), indices.end(), first);
        const std::vector<int> predicted = predictions(simulator.run(samples.input(indices)).scores);
        for (size_t i = 0; i < indices.size(); ++i) {
            const int label = samples.label(indices[i]);
            if (label < classes) ++result.confusion.data[label * classes + predicted[i]];
            result.correct += label == predicted[i];
        }
        result.predicted.insert(result.predicted.end(), predicted.begin(), predicted.end());
    }
    result.samples = samples.size();
    report_progress(progress, task, samples.size(), samples.size());
    return result;
}

}  // namespace spikelens
