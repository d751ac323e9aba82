#include "spikelens/evaluate/accuracy.h"

#include <algorithm>
#include <numeric>

#include "spikelens/snn/decision.h"

namespace spikelens {
namespace {

template <class T>
bool all_zero(std::span<const T> values) {
    return std::ranges::all_of(values, [](T value) { return value == 0; });
}

/// Of the inputs of a batch, how many hold nothing.
int64_t count_silent(const Input& input) {
    int64_t count = 0;
    for (int64_t n = 0; n < input.samples(); ++n) {
        count += input.spiking() ? all_zero(input.spikes.row(n)) : all_zero(input.images.row(n));
    }
    return count;
}

void count(int label, int predicted, int64_t classes, Accuracy& result) {
    const bool known = label >= 0 && label < classes;
    if (predicted == kUndecided) {
        ++result.undecided;
        if (known) ++result.confusion_undecided[label];
        return;
    }
    if (known) ++result.confusion.data[label * classes + predicted];
    result.correct += label == predicted;
}

}  // namespace

Accuracy measure_accuracy(const Engine& engine, const SampleSource& samples, const std::string& task) {
    constexpr int64_t kBatch = 256;
    const int64_t classes = engine.network().class_count();
    Accuracy result;
    result.confusion = Array<int64_t>({classes, classes});
    result.confusion_undecided.resize(classes);
    for (int64_t first = 0; first < samples.size(); first += kBatch) {
        engine.execution().report(task, first, samples.size());
        std::vector<int64_t> indices(std::min(kBatch, samples.size() - first));
        std::iota(indices.begin(), indices.end(), first);
        const Input input = samples.input(indices);
        const std::vector<int> predicted = decisions(engine.run(input).scores);
        for (size_t i = 0; i < indices.size(); ++i) count(samples.label(indices[i]), predicted[i], classes, result);
        result.silent += count_silent(input);
        result.predicted.insert(result.predicted.end(), predicted.begin(), predicted.end());
    }
    result.samples = samples.size();
    engine.execution().report(task, samples.size(), samples.size());
    return result;
}

}  // namespace spikelens
